# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Rules: the result of ssm_managed_instance_info: rows, totals and the comparison with an earlier one. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from ansible_collections.fleet.aws_ssm.plugins.module_utils._errors import InputError
from ansible_collections.fleet.aws_ssm.plugins.module_utils._readiness import (
    MANAGED,
    OUT_OF_SCOPE,
    VERDICTS,
    Assessment,
    Node,
    Subject,
)
from ansible_collections.fleet.aws_ssm.plugins.module_utils._readiness_reasons import (
    SEVERITIES,
    TITLES,
    WARNING,
    general_fix,
    reason,
)

# From here on a region is said to be near its quota of managed nodes.
_NEAR = 0.9

Row = Mapping[str, Any]


def instance_row(account: str | None, subject: Subject, found: Assessment) -> dict[str, Any]:
    """One entry of C(instances)."""
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
        "reasons": [asdict(one) for one in found.reasons],
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


def region_row(region: str, rows: Sequence[Row], *, dhmc: str | None, nodes: int, quota: int) -> dict[str, Any]:
    """One entry of C(regions)."""
    reasons = []
    if quota and nodes >= quota * _NEAR:
        message = f"{region} has {nodes} managed nodes of {quota}; beyond that nodes may lose their connection."
        reasons.append(asdict(reason("node_quota_near", WARNING, message, region=region)))
    return {
        "region": region,
        "enabled": True,
        "dhmc": dhmc,
        **_counts(rows),
        "nodes": nodes,
        "reasons": reasons,
        "failed": False,
    }


def region_off_row(region: str) -> dict[str, Any]:
    """The entry of a region that the account has not enabled."""
    message = f"{region} is not enabled, so that there are no instances in it."
    off = asdict(reason("region_off", "info", message, region=region))
    return {**region_row(region, [], dhmc="", nodes=0, quota=0), "enabled": False, "reasons": [off]}


def totals_of(rows: Sequence[Row], regions: Sequence[Row]) -> dict[str, Any]:
    """The whole, with how often each reason occurs, the most frequent first."""
    reasons = Counter(one["reason"] for row in (*rows, *regions) for one in row["reasons"])
    return {**_counts(rows), "reasons": dict(reasons.most_common())}


def reasons_of(rows: Sequence[Row], regions: Sequence[Row]) -> list[dict[str, Any]]:
    """Each reason that occurs with its gravest severity, the blocking ones first, and then the most frequent."""
    counts: Counter[str] = Counter()
    severity: dict[str, str] = {}
    for row in (*rows, *regions):
        for one in row["reasons"]:
            code = one["reason"]
            counts[code] += 1
            known = severity.get(code, SEVERITIES[-1])
            severity[code] = min(known, one["severity"], key=SEVERITIES.index)
    found = [
        {
            "reason": code,
            "severity": severity[code],
            "count": count,
            "title": TITLES[code],
            "fix": general_fix(code),
        }
        for code, count in counts.most_common()
    ]
    return sorted(found, key=lambda entry: (SEVERITIES.index(entry["severity"]), -entry["count"]))


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
