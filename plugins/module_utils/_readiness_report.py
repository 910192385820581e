# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Rules: the result of ssm_managed_instance_info: rows, totals and the comparison with an earlier one. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.fleet.aws_ssm.plugins.module_utils._errors import InputError
from ansible_collections.fleet.aws_ssm.plugins.module_utils._readiness import (
    MANAGED,
    OUT_OF_SCOPE,
    VERDICTS,
    Assessment,
)
from ansible_collections.fleet.aws_ssm.plugins.module_utils._readiness_fix import BACKUP
from ansible_collections.fleet.aws_ssm.plugins.module_utils._readiness_reasons import (
    REASONS,
    SEVERITIES,
    Reason,
    fix_of,
    reason,
)
from ansible_collections.fleet.aws_ssm.plugins.module_utils._readiness_types import Dhmc, Node, Subject

# From here on a region is said to be near its quota of managed nodes.
_NEAR = 0.9

Row = Mapping[str, Any]


def instance_row(account: str | None, subject: Subject, found: Assessment, backup: str = BACKUP) -> dict[str, Any]:
    """One entry of `instances`. The commands in its fixes name the file `backup`."""
    machine, node = subject.machine, subject.node or Node()
    return {
        "account": account,
        "region": machine.region,
        "instance_id": machine.id,
        "name": machine.name,
        "state": machine.state,
        "verdict": found.verdict,
        "way": found.way,
        "instance_profile": machine.profile_name,
        "role": subject.profile.role if subject.profile else "",
        "vpc_id": machine.vpc,
        "subnet_id": machine.subnet,
        "platform": node.platform,
        "agent_version": node.agent,
        "ping_status": node.ping,
        "last_ping": node.last_ping,
        "launched": machine.launched.isoformat() if machine.launched else "",
        "reasons": [one.row(backup) for one in found.reasons],
    }


def sorted_rows(rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """By region, and those that need something first."""
    return sorted(rows, key=lambda row: (row["region"], VERDICTS.index(row["verdict"]), row["instance_id"]))


def coverage_of(managed: int, in_scope: int) -> float | None:
    """Per cent, None where nothing is in scope."""
    return round(100 * managed / in_scope, 1) if in_scope else None


def _counts(rows: Sequence[Row]) -> dict[str, Any]:
    verdicts = Counter(row["verdict"] for row in rows)
    in_scope = len(rows) - verdicts[OUT_OF_SCOPE]
    return {
        "instances": len(rows),
        "in_scope": in_scope,
        "managed": verdicts[MANAGED],
        "coverage": coverage_of(verdicts[MANAGED], in_scope),
        "verdicts": {verdict: verdicts[verdict] for verdict in VERDICTS},
    }


def region_row(region: str, rows: Sequence[Row], *, dhmc: Dhmc, nodes: int, quota: int) -> dict[str, Any]:
    """One entry of `regions`."""
    reasons = []
    if quota and nodes >= quota * _NEAR:
        message = f"{region} has {nodes} managed nodes of {quota}; beyond that nodes may lose their connection."
        reasons.append(reason("node_quota_near", message, region=region).row())
    return {
        "region": region,
        "enabled": True,
        "forbidden": False,
        "dhmc": dhmc.value if dhmc.known else None,
        "dhmc_usable": dhmc.usable,
        "dhmc_problem": dhmc.problem,
        **_counts(rows),
        "nodes": nodes,
        "reasons": reasons,
        "failed": False,
    }


def region_off_row(region: str) -> dict[str, Any]:
    """The entry of a region that the account has not enabled."""
    message = f"{region} is not enabled, so that there are no instances in it."
    off = reason("region_off", message, region=region).row()
    return {**region_row(region, [], dhmc=Dhmc(), nodes=0, quota=0), "enabled": False, "reasons": [off]}


def region_forbidden_row(region: str, error: Row) -> dict[str, Any]:
    """The entry of a region that a service control policy closes: AWS's `code` and `message` say so."""
    message = f"Nothing can be read in {region}: {error['code']}: {error['message']}"
    closed = reason("region_forbidden", message, region=region).row()
    row = region_row(region, [], dhmc=Dhmc(known=False), nodes=0, quota=0)
    return {**row, "forbidden": True, "reasons": [closed]}


def totals_of(rows: Sequence[Row], regions: Sequence[Row]) -> dict[str, Any]:
    """The whole, with how often each reason occurs, the most frequent first."""
    reasons = Counter(one["reason"] for row in (*rows, *regions) for one in row["reasons"])
    return {**_counts(rows), "reasons": dict(reasons.most_common())}


def reasons_of(found: Iterable[Reason], regions: Sequence[Row], backup: str = BACKUP) -> list[dict[str, Any]]:
    """Each reason that occurs with its gravest severity, the blocking ones first, and then the most frequent.

    `found` are those of the instances; the regions' rows have theirs. A fix is for all that have the reason.
    """
    occurrences: dict[str, list[Reason]] = {}
    for one in (*found, *_of_regions(regions)):
        occurrences.setdefault(one.reason, []).append(one)
    rows = []
    # Those of one severity and number are in the order of the table.
    for code in (code for code in REASONS if code in occurrences):
        every = occurrences[code]
        fix = fix_of(every, backup)
        rows.append(
            {
                "reason": code,
                "severity": min((one.severity for one in every), key=SEVERITIES.index),
                "count": len(every),
                "title": REASONS[code].title,
                "fix": fix.line,
                "command": fix.command,
            }
        )
    return sorted(rows, key=lambda row: (SEVERITIES.index(row["severity"]), -row["count"]))


def _of_regions(regions: Sequence[Row]) -> Iterator[Reason]:
    for row in regions:
        for one in row["reasons"]:
            yield reason(one["reason"], one["message"], one["severity"], region=row["region"])


def check_baseline(baseline: Any) -> Mapping[str, Any] | None:
    """An earlier result, or InputError for what is none."""
    if not baseline:
        return None
    if not isinstance(baseline, Mapping) or not isinstance(baseline.get("instances"), list):
        raise InputError("baseline: is not an earlier result of this module: it has no list of instances.")
    if not all(isinstance(row, Mapping) and {"instance_id", "verdict"} <= set(row) for row in baseline["instances"]):
        raise InputError("baseline: is not an earlier result of this module: an instance has no id or no verdict.")
    return baseline


def comparison(baseline: Mapping[str, Any], rows: Sequence[Row], coverage: float | None) -> dict[str, Any]:
    """What has become of the instances since an earlier result."""
    before = {row["instance_id"]: row["verdict"] for row in baseline["instances"]}
    now = {row["instance_id"]: row["verdict"] for row in rows}
    both = [name for name in now if name in before]
    return {
        "generated": baseline.get("generated"),
        "coverage_before": (baseline.get("totals") or {}).get("coverage"),
        "coverage": coverage,
        "now_managed": [name for name in both if now[name] == MANAGED != before[name]],
        "no_longer_managed": [name for name in both if before[name] == MANAGED != now[name]],
        "new": [name for name in now if name not in before],
        "gone": [name for name in before if name not in now],
    }
