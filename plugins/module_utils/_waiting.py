# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Rules: waiting for instances to be managed: what counts, whether waiting helps, pauses and lines. Pure.

The module, which looks, and the action plugin, which waits and says so, share them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.fleet.aws_ssm.plugins.module_utils._core.text import printable
from ansible_collections.fleet.aws_ssm.plugins.module_utils._errors import REGION_REFUSED, InputError
from ansible_collections.fleet.aws_ssm.plugins.module_utils._readiness import MANAGED, OUT_OF_SCOPE, PENDING
from ansible_collections.fleet.aws_ssm.plugins.module_utils._readiness_reasons import BLOCKING, REASONS
from ansible_collections.fleet.aws_ssm.plugins.module_utils._readiness_report import coverage_of

Row = Mapping[str, Any]

# What a look finds: the target is met; it may be yet; it can't be by waiting; so it seems, by what IAM says.
REACHED, OPEN, HOPELESS, DOUBTFUL = "reached", "open", "hopeless", "doubtful"
# The target is met because there is no instance to wait for.
NOTHING = "nothing"

# An agent may still start, or be installed, or be let in after all.
_COMES = frozenset(code for code, kind in REASONS.items() if kind.passes)
# An association that is not finished hides for some seconds or minutes whether the profile lets the instance in.
_UNFINISHED = "association_stuck"
# One look is not enough to give up.
_IAM = frozenset(code for code, kind in REASONS.items() if kind.iam_delay)
# Answers that are the same at the next look: credentials that are wrong or out of date, or permissions that lack.
_REFUSED = REGION_REFUSED | {
    "AccessDenied",
    "AccessDeniedException",
    "ExpiredToken",
    "ExpiredTokenException",
    "IncompleteSignature",
    "InvalidSignatureException",
    "RequestExpired",
    "SignatureDoesNotMatch",
    "UnauthorizedOperation",
}

_NUMBERS = {
    "wait_timeout": "a number of seconds; 0 stands for one look",
    "interval": "a number of seconds above 0",
    "max_interval": "a number of seconds above 0",
    "coverage": "a percentage from 0 to 100",
    "min_managed": "a number of instances",
}

_GROWTH = 1.5
# A look that is cut short reads nothing, so one at the very end gets some time all the same.
_SHORTEST_LOOK = 30


def check_numbers(params: Mapping[str, Any]) -> None:
    """Raise InputError for a number that can't be meant."""
    for name, allowed in _NUMBERS.items():
        most = 100 if name == "coverage" else float("inf")
        value = params[name]
        # Neither infinity nor "nan", which floats may be, is less than infinity.
        fits = 0 <= value <= most and value < float("inf")
        if not fits or (value == 0 and "above 0" in allowed):
            raise InputError(f"{name}: {value:g} is not {allowed}.")


def in_scope(row: Row) -> bool:
    """Whether an instance is waited for: also one that is about to run, which the report leaves out."""
    return row["verdict"] != OUT_OF_SCOPE or _starting(row)


def _starting(row: Row) -> bool:
    return row["state"] == "pending" and not any(one["reason"] == "service_managed" for one in row["reasons"])


def missing_of(rows: Iterable[Row]) -> list[dict[str, Any]]:
    """One entry of C(missing) for each instance in scope that is not managed."""
    return [_missing(row) for row in rows if in_scope(row) and row["verdict"] != MANAGED]


def _missing(row: Row) -> dict[str, Any]:
    codes = {one["reason"] for one in row["reasons"]}
    blocked = {one["reason"] for one in row["reasons"] if one["severity"] == BLOCKING} - _COMES
    starting = row["verdict"] == OUT_OF_SCOPE
    # The gravest comes first; where none blocks, one that does not matter may be before that it was just changed.
    reasons = [*row["reasons"], {"reason": "", "fix": "", "command": ""}]
    first = reasons[0] if blocked else next((one for one in reasons if one["reason"] in _COMES), reasons[0])
    return {
        "region": row["region"],
        "instance_id": row["instance_id"],
        # Shown wherever the result is, unlike the report's, which is data.
        "name": printable(row["name"]),
        "verdict": PENDING if starting else row["verdict"],
        "reason": first["reason"],
        "fix": "Wait until it runs." if starting else first["fix"],
        "command": "" if starting else first["command"],
        "may_come": not blocked or _UNFINISHED in codes,
        "certain": not codes & _IAM,
    }


def region_counts(
    regions: Iterable[str], rows: Iterable[Row], errors: Mapping[str, Row], forbidden: Container[str] = ()
) -> list[dict[str, Any]]:
    """One entry of `regions` for each region. Those that the organization closes (`forbidden`) are not waited for."""
    scope: Counter[str] = Counter()
    managed: Counter[str] = Counter()
    for row in rows:
        scope[row["region"]] += in_scope(row)
        managed[row["region"]] += row["verdict"] == MANAGED
    return [
        {
            "region": region,
            "in_scope": scope[region],
            "managed": managed[region],
            "forbidden": region in forbidden,
            "failed": region in errors,
            **({"error": dict(errors[region])} if region in errors else {}),
        }
        for region in regions
    ]


def totals_of(regions: Iterable[Row]) -> dict[str, Any]:
    """The whole."""
    counted = list(regions)
    scope = sum(row["in_scope"] for row in counted)
    managed = sum(row["managed"] for row in counted)
    return {"in_scope": scope, "managed": managed, "missing": scope - managed, "coverage": coverage_of(managed, scope)}


def refused(regions: Sequence[Row]) -> bool:
    """Whether no region could be read, for want of credentials or permissions."""
    return bool(regions) and all(row["failed"] and row["error"]["code"] in _REFUSED for row in regions)


def outlook(
    regions: Sequence[Row], missing: Sequence[Row], *, coverage: float, min_managed: int, all_known: bool = True
) -> str:
    """Whether the target is met, and if not, whether it may be. C(all_known): IAM could be read."""
    totals = totals_of(regions)
    failed = [row for row in regions if row["failed"]]
    met = totals["managed"] * 100 >= coverage * totals["in_scope"] and totals["managed"] >= min_managed
    if met and not failed:
        return REACHED
    # What can't be read now may be at the next look, and what is too few may be launched.
    lost = not any(row["may_come"] for row in missing) and all(row["error"]["code"] in _REFUSED for row in failed)
    if not lost or not all_known or (not failed and totals["in_scope"] < min_managed):
        return OPEN
    return HOPELESS if all(row["certain"] for row in missing) else DOUBTFUL


def unless_none(found: str, regions: Iterable[Row]) -> str:
    """Return the outlook, `NOTHING` where no instance is in scope: a filter with a slip in it finds none."""
    return NOTHING if found == REACHED and not totals_of(regions)["in_scope"] else found


def merged(before: Row | None, look: Row) -> dict[str, Any]:
    """C(look), with what was last known of the regions that it could not read."""
    regions = [dict(row) for row in look["regions"]]
    missing = [{key: value for key, value in row.items() if key != "certain"} for row in look["missing"]]
    known = {row["region"]: row for row in before["regions"]} if before else {}
    for row in regions:
        if before and row["failed"] and row["region"] in known:
            last = known[row["region"]]
            row.update(in_scope=last["in_scope"], managed=last["managed"])
            missing = [one for one in missing if one["region"] != row["region"]]
            missing += [one for one in before["missing"] if one["region"] == row["region"]]
    return {"regions": regions, "missing": missing, "totals": totals_of(regions)}


def next_pause(looks: int, interval: float, longest: float, left: float, roll: float) -> float:
    """Seconds until the next look, after so many: they grow, differ by C(roll) (0 to 1), and end at the deadline."""
    # The exponent is capped, as a float is not without end.
    pause = min(max(longest, interval), interval * _GROWTH ** min(looks - 1, 100))
    return max(0.0, min(left, pause * (0.75 + roll / 2)))


def look_timeout(timeout: int, left: float) -> int:
    """Seconds for a look: one that does not end must not hold the wait much longer than its deadline."""
    return min(timeout, max(_SHORTEST_LOOK, int(left) + 1))


def duration(seconds: float) -> str:
    """3m20s; tenths only where they tell something."""
    if seconds < 9.95:
        return f"{round(seconds, 1):g}s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    parts = ((hours, "h"), (minutes, "m"), (rest, "s"))
    return "".join(f"{value}{unit}" for value, unit in parts if value)


def progress(state: Row, elapsed: float) -> str:
    """How many of how many, also for each region that has any, and since when."""
    regions = [_of_region(row) for row in state["regions"] if row["in_scope"] or row["failed"]]
    totals = state["totals"]
    listed = f" ({', '.join(regions)})" if regions else ""
    return f"{totals['managed']} of {totals['in_scope']} managed after {duration(elapsed)}{listed}"


def _of_region(row: Row) -> str:
    counts = f" {row['managed']}/{row['in_scope']}" if row["in_scope"] else ""
    return f"{row['region']}{counts}" + (f" not read: {row['error']['code']}" if row["failed"] else "")


def why(state: Row) -> str:
    """Why not all are managed: the reasons with their counts, and the regions that could not be read."""
    reasons = Counter(row["reason"] for row in state["missing"])
    parts = [f"{count} {code}" for code, count in reasons.most_common()]
    parts += [f"{row['region']}: {row['error']['code']}" for row in state["regions"] if row["failed"]]
    return ", ".join(parts)
