# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Rules: the sections of the readiness page. Pure.

A bar is an SVG, because the page's policy forbids style attributes; what it says stands beside it as text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from ansible_collections.fleet.aws_ssm.plugins.module_utils._core.text import count
from ansible_collections.fleet.aws_ssm.plugins.module_utils._report_words import (
    SEVERITIES,
    VERDICTS,
    WAYS,
    Row,
    dhmc_words,
    escaped,
    fix_parts,
    moment,
    percent,
    tenths,
)

# How many instances the page shows where its script may not run, and how many ids a list of the comparison has.
FALLBACK = 200
_LISTED = 200
# A line break after the dash of an option would make two words of it.
_OPTION = re.compile(r"(?<= )-\w(?= )")
_KEPT = r'<span class="whole">\g<0></span>'
_DASH = "\N{EN DASH}"
_IN_SCOPE = ("managed", "pending", "connection_lost", "not_managed")


def _icon(name: str) -> str:
    return f'<svg class="icon" aria-hidden="true"><use href="#i-{escaped(name)}"/></svg>'


def _bar(parts: Iterable[tuple[float, str]], whole: float) -> str:
    """Shares of the whole side by side, each as wide as it is large."""
    drawn, start = [], 0.0
    for part, kind in parts:
        if part:
            width, gap = 100 * part / whole, 0.4 if start else 0
            drawn.append(
                f'<rect class="{kind}" x="{start + gap:.3f}%" width="{max(width - gap, 0.2):.3f}%" height="100%"/>'
            )
            start += width
    return f'<svg class="bar" aria-hidden="true">{"".join(drawn)}</svg>'


def _pick(field: str, value: str, text: str, many: int) -> str:
    """The text, which the script makes a button that shows only the instances with this value, if there are any."""
    return f'<span data-pick="{field}" data-value="{escaped(value)}">{escaped(text)}</span>' if many else escaped(text)


def _share(part: float, whole: float) -> str:
    """The share, its sign small."""
    text = percent(part, whole)
    return text.replace("%", "<small>%</small>")


def header(result: Row, title: str) -> str:
    """What this is, of which account, and when it was seen."""
    about = [f"Account {escaped(result['account'])}"] if result.get("account") else []
    about.append(f'<time datetime="{escaped(result["generated"])}">{escaped(moment(result["generated"]))}</time>')
    about.append(count(len(result["regions"]), "region"))
    return (
        f'<header class="top"><div><h1>{escaped(title)}</h1><p>{" &middot; ".join(about)}</p></div>'
        '<button type="button" id="theme" data-script hidden>Dark mode</button></header>'
    )


def unread(result: Row) -> str:
    """What may be missing from all the numbers."""
    failed = result.get("failed_regions") or []
    if failed:
        items = "".join(
            f"<li><b>{escaped(row['region'])}</b>: {escaped(error['code'])}: {escaped(error['message'])}</li>"
            for row in failed
            for error in [row["error"]]
        )
        more = f"<p>Instances of {count(len(failed), 'region')} may be missing from this report.</p><ul>{items}</ul>"
    elif result.get("msg"):
        more = f"<p>{escaped(result['msg'])}</p>"
    else:
        return ""
    return (
        '<section class="card alert" aria-labelledby="h-unread">'
        f'<h2 id="h-unread">{_icon("warning")} Not all could be read</h2>{more}</section>'
    )


def overview(result: Row) -> str:
    """The coverage, and how it changed."""
    totals = result["totals"]
    managed, scope, verdicts = totals["managed"], totals["in_scope"], totals["verdicts"]
    if scope:
        said = f"{managed:,} of {count(scope, 'instance')} in scope {'is' if managed == 1 else 'are'} managed"
    else:
        said = "No instance is in scope"
    legend = "".join(
        f'<li class="{verdict}">{_icon(verdict)}{_pick("verdict", verdict, VERDICTS[verdict], many)} '
        f"<b>{many:,}</b></li>"
        for verdict in (*_IN_SCOPE, "out_of_scope")
        for many in [verdicts.get(verdict, 0)]
    )
    parts = [(verdicts.get(verdict, 0), verdict) for verdict in _IN_SCOPE]
    compared = _trend(result) if result.get("comparison") else ""
    return (
        f'<div class="grid{" two" if compared else ""}"><section class="card hero" aria-labelledby="h-coverage">'
        f'<h2 id="h-coverage">Coverage</h2><p class="big">{_share(managed, scope)}</p><p>{said}</p>'
        f'{_bar(parts, scope)}<ul class="legend">{legend}</ul></section>{compared}</div>'
    )


def _trend(result: Row) -> str:
    compared = result["comparison"]
    before = compared["coverage_before"]
    now = 100 * result["totals"]["managed"] / result["totals"]["in_scope"] if result["totals"]["in_scope"] else None
    if before is None or now is None:
        delta, kind = "No coverage to compare", "out_of_scope"
    else:
        points = (tenths(now) - tenths(before)) / 10
        sign = "+" if points > 0 else "\N{MINUS SIGN}" if points < 0 else "\N{PLUS-MINUS SIGN}"
        delta, kind = f"{sign}{abs(points):g} <span>points</span>", "managed" if points >= 0 else "not_managed"
    names = {row["instance_id"]: row["name"] for row in result["instances"]}
    moves = "".join(
        _move(label, compared[key], names, kind_of)
        for label, key, kind_of in (
            ("Newly managed", "now_managed", "managed"),
            ("No longer managed", "no_longer_managed", "not_managed"),
            ("New instances", "new", ""),
            ("Gone", "gone", ""),
        )
    )
    lines = "".join(
        f"<span>{label}</span>{_bar([(share or 0, style)], 100)}"
        f'<b class="num">{_DASH if share is None else percent(share)}</b>'
        for label, share, style in (("Before", before, "before"), ("Now", now, "managed"))
    )
    return (
        '<section class="card" aria-labelledby="h-trend"><h2 id="h-trend">Trend</h2>'
        f'<p class="delta {kind}">{delta} <span>since {escaped(moment(compared["generated"], day=True))}</span></p>'
        f'<div class="trend">{lines}</div><div class="moves">{moves}</div></section>'
    )


def _move(label: str, ids: Sequence[str], names: dict[str, str], kind: str) -> str:
    if not ids:
        return f"<div>{label} <b>0</b></div>"
    items = [
        f'<li><bdi>{escaped(names.get(one) or "")}</bdi> <code class="id">{escaped(one)}</code></li>' for one in ids
    ][:_LISTED]
    if len(ids) > _LISTED:
        items.append(f"<li>and {len(ids) - _LISTED:,} more: see the JSON report</li>")
    return f'<details class="{kind}"><summary>{label} <b>{len(ids):,}</b></summary><ul>{"".join(items)}</ul></details>'


def regions(result: Row, known: dict[str, str]) -> str:
    """Coverage by region, the lowest first; those without instances, or closed to the account, are only named."""
    closed = sorted(row["region"] for row in result["regions"] if row.get("forbidden"))
    rows = [row for row in result["regions"] if row["instances"] or not (row["failed"] or row.get("forbidden"))]
    worth = [row for row in rows if row["in_scope"] or any(one["severity"] != "info" for one in row["reasons"])]
    worth.sort(key=lambda row: (-1 if not row["in_scope"] else row["managed"] / row["in_scope"], row["region"]))
    rest = [row for row in rows if row not in worth]
    body = "".join(_region(row, known) for row in worth)
    table = (
        '<table class="regions" role="table"><caption>Coverage by region, the lowest first</caption>'
        '<thead role="rowgroup"><tr role="row"><th scope="col" role="columnheader">Region</th>'
        '<th scope="col" role="columnheader"><span class="hidden">Chart</span></th>'
        '<th scope="col" role="columnheader" class="right">Coverage</th>'
        '<th scope="col" role="columnheader" class="right">Managed</th>'
        '<th scope="col" role="columnheader" class="right">DHMC</th></tr></thead>'
        f'<tbody role="rowgroup">{body}</tbody></table>'
    )
    more = ""
    if closed:
        more = (
            f'<details class="rest"><summary>{count(len(closed), "region")} closed by a service control policy'
            f'</summary><p class="muted">{", ".join(map(escaped, closed))}</p></details>'
        )
    if rest:
        listed = ", ".join(
            escaped(row["region"]) + (" (off)" if not row["enabled"] else "")
            for row in sorted(rest, key=lambda row: (not row["enabled"], row["region"]))
        )
        more += (
            f'<details class="rest"><summary>{count(len(rest), "region")} without an instance in scope</summary>'
            f'<p class="muted">{listed}</p></details>'
        )
    return (
        '<section class="card" aria-labelledby="h-regions"><div class="head"><h2 id="h-regions">Regions</h2></div>'
        f"{table if worth else ''}{more}</section>"
    )


def _region(row: Row, known: dict[str, str]) -> str:
    scope, managed = row["in_scope"], row["managed"]
    unsure = f'<li class="warning">{_icon("warning")} Not all could be read</li>' if row["failed"] else ""
    remarks = unsure + "".join(
        f'<li class="{escaped(one["severity"])}">{_icon(one["severity"])} {escaped(known[one["reason"]])}</li>'
        for one in row["reasons"]
    )
    words = escaped(dhmc_words(row))
    dhmc = f'<span title="{escaped(row["dhmc"])}">{words}</span>' if row["dhmc"] else words
    remarked = f'<ul class="notes">{remarks}</ul>' if remarks else ""
    parts = [(row["verdicts"].get(verdict, 0), verdict) for verdict in _IN_SCOPE]
    return (
        f'<tr role="row"><th scope="row" role="rowheader">'
        f"{_pick('region', row['region'], row['region'], row['instances'])}{remarked}</th>"
        f'<td role="cell" class="chart">{_bar(parts, scope)}</td>'
        f'<td role="cell" class="right num share">{percent(managed, scope)}</td>'
        f'<td role="cell" class="right num of">{managed:,} of {scope:,}</td>'
        f'<td role="cell" class="right way">{dhmc}</td></tr>'
    )


def reasons(result: Row) -> str:
    """Why instances are not managed, or won't be for long, each with its fix."""
    rows = result["reasons"]
    if not rows:
        body = "<p>Nothing keeps an instance from being managed.</p>"
    else:
        most = max(row["count"] for row in rows)
        held = {one["reason"] for row in result["instances"] for one in row["reasons"]}
        body = "".join(
            _group(
                severity,
                [_reason(row, most, listed=row["reason"] in held) for row in rows if row["severity"] == severity],
            )
            for severity in dict.fromkeys(row["severity"] for row in rows)
        )
    return (
        '<section class="card" aria-labelledby="h-reasons"><div class="head"><h2 id="h-reasons">Reasons and fixes</h2>'
        f'<p class="muted">blocking ones first, then by frequency</p></div>{body}</section>'
    )


def _group(severity: str, items: Sequence[str]) -> str:
    """The reasons of one severity; those that need nothing done are folded."""
    label = f"{escaped(severity).capitalize()} <span>{count(len(items), 'reason')}</span>"
    body = f'<ol class="reasons">{"".join(items)}</ol>'
    if severity == "info":
        return f'<details class="group"><summary><h3>{label}</h3></summary>{body}</details>'
    return f'<div class="group"><h3>{label}</h3>{body}</div>'


def _reason(row: Row, most: int, *, listed: bool) -> str:
    before, command, after = fix_parts(row)
    fix = f'<p class="say">{escaped(before)}</p>' if before else ""
    if command:
        fix += (
            f'<div class="fix"><code>{_OPTION.sub(_KEPT, escaped(command))}</code>'
            '<button type="button" data-copy data-script hidden>Copy</button></div>'
        )
    if after:
        fix += f'<p class="say">{escaped(after)}</p>'
    show = ""
    if listed:
        show = (
            f'<button type="button" data-reason="{escaped(row["reason"])}" data-script hidden>Show instances'
            f'<span class="hidden"> with: {escaped(row["title"])}</span></button>'
        )
    severity = escaped(row["severity"])
    return (
        f'<li class="{severity}"><div class="count">{row["count"]:,}{_bar([(row["count"], severity)], most)}</div>'
        f'<div><div class="title"><h4>{escaped(row["title"])}</h4>'
        f'<span class="chip {severity}">{_icon(row["severity"])}{severity.capitalize()}</span></div>{fix}</div>'
        f"{show}</li>"
    )


def fallback_rows(found: Sequence[Row], known: dict[str, str]) -> str:
    """The rows that are there before, or without, the script."""
    return "".join(_instance(row, known) for row in found[:FALLBACK])


def _instance(row: Row, known: dict[str, str]) -> str:
    name = f'<bdi class="name">{escaped(row["name"])}</bdi>' if row["name"] else ""
    why = "".join(
        f'<li class="{escaped(one["severity"])}">{_icon(one["severity"])} '
        f'<span class="hidden">{escaped(one["severity"])}: </span>'
        f"{escaped(known[one['reason']])}</li>"
        for one in row["reasons"]
    )
    verdict = escaped(row["verdict"])
    return (
        f'<tr role="row"><th scope="row" role="rowheader">{name}'
        f'<code class="id">{escaped(row["instance_id"])}</code></th>'
        f'<td role="cell" data-label="Region"><span class="whole">{escaped(row["region"])}</span></td>'
        f'<td role="cell" data-label="Verdict"><span class="chip {verdict}">{_icon(row["verdict"])}'
        f"{escaped(VERDICTS.get(row['verdict'], row['verdict']))}</span></td>"
        f'<td role="cell" data-label="Managed by"><span class="whole">{WAYS.get(row["way"], _DASH)}</span></td>'
        f'<td role="cell" data-label="Agent"><span class="num">{escaped(row["agent_version"] or _DASH)}</span></td>'
        f'<td role="cell" data-label="Reasons"><ul class="why">{why}</ul></td></tr>'
    )


def _choice(field: str, label: str, options: Iterable[tuple[str, str]], css: str = "") -> str:
    items = "".join(f'<option value="{escaped(value)}">{escaped(text)}</option>' for value, text in options)
    return f'<label class="{css}">{label}<select id="f-{field}">{items}</select></label>'


_COLUMNS = {
    "name": "Instance",
    "region": "Region",
    "verdict": "Verdict",
    "way": "Managed by",
    "agent": "Agent",
    "reasons": "Reasons",
}


def instances(result: Row, known: dict[str, str], rows: str) -> str:
    """The table of the instances, with what filters it."""
    many = len(result["instances"])
    if not many:
        return (
            '<section class="card instances" id="instances" aria-labelledby="h-instances">'
            '<h2 id="h-instances">Instances</h2><p>There is no instance in these regions.</p></section>'
        )
    found = {row["region"] for row in result["instances"]}
    codes = {one["reason"] for row in result["instances"] for one in row["reasons"]}
    choices = (
        '<label class="text">Search<input type="search" id="f-text" placeholder="Name, id, VPC, role, agent &hellip;" '
        'autocomplete="off" spellcheck="false"></label>'
        + _choice("verdict", "Verdict", [("", "All"), *VERDICTS.items()])
        + _choice("region", "Region", [("", "All"), *((one, one) for one in sorted(found))])
        + _choice("reason", "Reason", [("", "All"), *((code, title) for code, title in known.items() if code in codes)])
        + _choice("severity", "Severity", [("", "All"), *((one, one.capitalize()) for one in reversed(SEVERITIES)),
                                           ("none", "No remark")])
        + _choice("sort", "Sort by", _COLUMNS.items(), "sort")
        + '<button type="reset">Clear</button>'
    )  # fmt: skip
    heads = "".join(
        f'<th scope="col" role="columnheader" data-key="{key}"><button type="button">{label}</button></th>'
        for key, label in _COLUMNS.items()
    )
    without = f", {FALLBACK} of them without the page's script" if many > FALLBACK else ""
    return (
        '<section class="card instances" id="instances" aria-labelledby="h-instances"><div class="head">'
        f'<h2 id="h-instances">Instances</h2><p class="muted num" role="status" id="found">'
        f"{count(many, 'instance')}{without}</p></div>"
        f'<form class="filters" id="filters" aria-label="Filter the instances" data-script hidden>{choices}</form>'
        '<div class="scroll" id="table" role="region" aria-label="Table of instances" tabindex="0">'
        '<table role="table"><caption>Instances, those that want attention first</caption>'
        f'<thead role="rowgroup"><tr role="row">{heads}</tr></thead>'
        f'<tbody role="rowgroup" id="rows">{rows}</tbody></table></div>'
        '<p id="nothing" hidden>No instances match. <button type="button" id="clear">Clear the filters</button></p>'
        '<div class="pages" id="pages" hidden><button type="button" id="back">Previous</button>'
        '<span class="num muted" id="page"></span><button type="button" id="on">Next</button></div></section>'
    )


def notes() -> str:
    """What the words mean."""
    words = (
        ("Coverage", "managed instances of those in scope; pending ones don't count as managed"),
        ("Managed", "Systems Manager hears of the instance"),
        ("Pending", "all that it needs is there, and its agent has yet to notice"),
        ("Connection lost", "it was managed, and its agent no longer reports"),
        ("Not managed", "Systems Manager has never heard of it"),
        ("Out of scope", "it does not run, or an AWS service operates it"),
    )
    items = "".join(f"<dt>{word}</dt><dd>{meaning}</dd>" for word, meaning in words)
    return f"<footer><details><summary>What the words mean</summary><dl>{items}</dl></details></footer>"
