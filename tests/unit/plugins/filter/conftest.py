# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A small report, as ssm_managed_instance_info returns it."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

VERDICTS = ("managed", "pending", "connection_lost", "not_managed", "out_of_scope")
FIX = "ansible-playbook fleet.aws_ssm.enable_ssm -e ssm_regions=eu-west-1"
TITLE = "Default Host Management Configuration is off"


def make_instance(number: int, verdict: str = "managed", region: str = "eu-west-1", **changes: Any) -> dict[str, Any]:
    blocked = verdict == "not_managed"
    reason = {"reason": "dhmc_off", "severity": "blocking", "message": "No role is set.", "fix": FIX, "command": FIX}
    return {
        "account": "123456789012",
        "region": region,
        "instance_id": f"i-{number:017x}",
        "name": f"web-{number}",
        "state": "running",
        "verdict": verdict,
        "way": "dhmc" if verdict == "managed" else "",
        "instance_profile": "",
        "role": "",
        "vpc_id": "vpc-1",
        "subnet_id": "subnet-1",
        "platform": "Linux",
        "agent_version": "3.3.40.0",
        "ping_status": "Online",
        "last_ping": "2026-11-25T03:14:00+00:00",
        "launched": "2026-11-25T01:00:00+00:00",
        "reasons": [reason] if blocked else [],
        **changes,
    }


def make_counts(rows: list[dict[str, Any]]) -> dict[str, Any]:
    verdicts = Counter(row["verdict"] for row in rows)
    scope = len(rows) - verdicts["out_of_scope"]
    return {
        "instances": len(rows),
        "in_scope": scope,
        "managed": verdicts["managed"],
        "coverage": round(100 * verdicts["managed"] / scope, 1) if scope else None,
        "verdicts": {verdict: verdicts[verdict] for verdict in VERDICTS},
    }


def make_report(*rows: dict[str, Any], more: tuple[str, ...] = (), **changes: Any) -> dict[str, Any]:
    names = [*dict.fromkeys(row["region"] for row in rows), *more]
    of_region = {name: [row for row in rows if row["region"] == name] for name in names}
    count = sum(1 for row in rows for one in row["reasons"] if one["reason"] == "dhmc_off")
    reason = {"reason": "dhmc_off", "severity": "blocking", "count": count, "title": TITLE, "fix": FIX, "command": FIX}
    return {
        "changed": False,
        "generated": "2026-11-25T03:15:00+00:00",
        "account": "123456789012",
        "partition": "aws",
        "instances": list(rows),
        "regions": [
            {
                "region": name,
                "enabled": True,
                "forbidden": False,
                "dhmc": "",
                "dhmc_usable": None,
                "dhmc_problem": "",
                **make_counts(of_region[name]),
                "nodes": 0,
                "reasons": [],
                "failed": False,
            }
            for name in names
        ],
        "totals": {**make_counts(list(rows)), "reasons": {}},
        "reasons": [reason] if count else [],
        "failed_regions": [],
        **changes,
    }


def make_comparison(**changes: Any) -> dict[str, Any]:
    return {
        "generated": "2026-11-18T03:15:00+00:00",
        "coverage_before": 60.0,
        "coverage": 50.0,
        "now_managed": [],
        "no_longer_managed": [],
        "new": [],
        "gone": [],
        **changes,
    }


@pytest.fixture
def instance():
    """instance(number, verdict, region, name=...)"""
    return make_instance


@pytest.fixture
def report():
    """report(instance(1), instance(2, "not_managed"), failed_regions=[...])"""
    return make_report


@pytest.fixture
def compared():
    """compared(gone=[...])"""
    return make_comparison
