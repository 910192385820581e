# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Rules: the words and numbers of the readiness report, the same in all of its forms. Pure."""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

Row = Mapping[str, Any]

# What marks a file as a report: a member of the JSON, the generator of the page.
FORMAT = "fleet.aws_ssm report"
VERSION = 1

# In the order of how much they want attention.
VERDICTS = {
    "not_managed": "Not managed",
    "connection_lost": "Connection lost",
    "pending": "Pending",
    "managed": "Managed",
    "out_of_scope": "Out of scope",
}
WAYS = {"dhmc": "DHMC", "profile": "Instance profile"}
SEVERITIES = ("info", "warning", "blocking")

# What markup and terminals can't show is made visible; a Name tag may hold all of it.
_CONTROLS = {code: 0x2400 + code for code in range(32)} | {127: 0x2421} | dict.fromkeys(range(128, 160), 0xFFFD)


def visible(value: Any) -> str:
    """The text, with a picture in place of each control character."""
    return str(value).translate(_CONTROLS)


def escaped(value: Any) -> str:
    """The text for HTML, between tags or in a quoted attribute."""
    return html.escape(visible(value))


def tenths(part: float, whole: float = 100) -> int:
    """A share in tenths of a per cent; all of them only if it is all."""
    return min(round(1000 * part / whole), 1000 if part >= whole else 999)


def percent(part: float, whole: float = 100) -> str:
    """A share as text; a dash of nothing."""
    return f"{tenths(part, whole) / 10:.1f}".removesuffix(".0") + "%" if whole else "\N{EN DASH}"


def moment(stamp: Any, *, day: bool = False) -> str:
    """25 November 2026, 03:15 UTC, or the day alone; as it is, if it is none."""
    try:
        found = datetime.fromisoformat(str(stamp).replace("Z", "+00:00"))
    except ValueError:
        return str(stamp or "an unknown time")
    return f"{found.day} {found:%B %Y}" if day else f"{found.day} {found:%B %Y, %H:%M} UTC"


def fix_parts(row: Row) -> tuple[str, str, str]:
    """The words before the command of a reason's fix, the command, and the words after it. Words alone come first."""
    fix, command = row.get("fix") or "", row.get("command") or ""
    before, command, after = fix.partition(command) if command else (fix, "", "")
    return before.strip(), command, after.strip().removeprefix("# ")


def by_attention(instances: Iterable[Row]) -> list[Row]:
    """Those that want attention first."""
    order = {verdict: place for place, verdict in enumerate(VERDICTS)}
    return sorted(instances, key=lambda row: (order.get(row["verdict"], 0), row["region"], row["instance_id"]))


def titles(result: Row) -> dict[str, str]:
    """What each reason is called."""
    found = {row["reason"]: row["title"] for row in result["reasons"]}
    held = [*result["instances"], *result["regions"]]
    codes = dict.fromkeys(reason["reason"] for row in held for reason in row.get("reasons") or ())
    return {code: found.get(code) or code.replace("_", " ").capitalize() for code in [*found, *codes]}


def dhmc_words(row: Row) -> str:
    """What a region's row says of DHMC: on only where Systems Manager can use the role, by what was read."""
    role, usable = row["dhmc"], row.get("dhmc_usable")
    if role is None:
        return "unknown"
    if not role or usable:
        return "on" if role else "off"
    doubt = "can't be used" if usable is False else "may not be usable"
    why = row.get("dhmc_problem") or "it was not read"
    return f"on, role {doubt}: {why}"
