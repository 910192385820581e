# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A report as ssm_managed_instance_info returns it, of a fleet that does not exist."""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import Any

ROLE = "service-role/AWSSystemsManagerDefaultEC2InstanceManagementRole"
PLAYBOOK = "ansible-playbook fleet.aws_ssm.enable_ssm -e ssm_regions={region}"
FIX = PLAYBOOK + " -e ssm_backup_file=before.json -e preflight_fix="
SEVERITIES = ("blocking", "warning", "info")
# Severity, title, message, fix.
REASONS = {
    "dhmc_off": (
        "blocking",
        "Default Host Management Configuration is off",
        "No role is set for Default Host Management Configuration in {region}, and the instance has no profile.",
        PLAYBOOK,
    ),
    "missing_vpc_endpoints": (
        "blocking",
        "VPC endpoints of Systems Manager are missing",
        "The subnet has no default route, and the VPC has no endpoint for ssm and ssmmessages.",
        "Create interface endpoints for ssm and ssmmessages of {region} in the VPC, with private DNS names, or give "
        "the subnet a default route.",
    ),
    "imds_off": (
        "blocking",
        "The instance metadata service is off",
        "The agent gets no credentials (HttpEndpoint=disabled).",
        FIX + "imds",
    ),
    "profile_blocks_dhmc": (
        "blocking",
        "The instance profile keeps the instance from Default Host Management Configuration",
        "WebServer allows ssm:UpdateInstanceInformation, and not ssmmessages.",
        FIX + "permissions -e preflight_instance_profiles=WebServer",
    ),
    "agent_too_old": (
        "blocking",
        "The SSM Agent is too old for Default Host Management Configuration",
        "The agent has version 3.1.1732.0, and 3.2.582.0 is needed.",
        "Update the SSM Agent to 3.2.582.0 or later: a newer image, user data, or AWS-UpdateSSMAgent.",
    ),
    "agent_silent": (
        "warning",
        "Nothing that an API shows keeps the instance from being managed",
        "The agent does not ping.",
        "See on the instance whether the SSM Agent is installed and running: ssm-cli get-diagnostics.",
    ),
    "imdsv1_allowed": (
        "info",
        "The instance metadata service takes IMDSv1",
        "The metadata service takes IMDSv1 (HttpTokens=optional), which DHMC does not support.",
        FIX + "imdsv2",
    ),
    "not_running": ("info", "The instance is not running", "The instance is stopped.", "Start the instance."),
    "region_off": (
        "info",
        "The region is not enabled in the account",
        "{region} is not enabled, so that there are no instances in it.",
        "Enable the region in the account's settings, or leave it out.",
    ),
}
# How many of each verdict and reasons.
FLEET = {
    "us-east-1": {("managed", "dhmc"): 14, ("managed", "profile"): 4, ("connection_lost", "agent_silent"): 1,
                  ("managed", "imdsv1_allowed"): 2},
    "us-west-2": {("managed", "dhmc"): 8, ("not_managed", "profile_blocks_dhmc"): 1,
                  ("out_of_scope", "not_running"): 2},
    "eu-west-1": {("managed", "dhmc"): 9, ("managed", "imdsv1_allowed"): 1, ("pending", "dhmc"): 1},
    "eu-central-1": {("managed", "profile"): 5, ("not_managed", "imds_off"): 1,
                     ("not_managed", "missing_vpc_endpoints"): 2},
    "ap-southeast-2": {("managed", "dhmc"): 4, ("not_managed", "agent_too_old"): 1},
    "sa-east-1": {("not_managed", "dhmc_off"): 3, ("managed", "profile"): 1, ("out_of_scope", "not_running"): 1},
}  # fmt: skip
EMPTY = ("eu-north-1", "ca-central-1", "ap-northeast-1")
OFF = ("me-south-1", "af-south-1")


def reason(code: str, region: str) -> dict[str, str]:
    severity, _title, message, fix = REASONS[code]
    words = {"region": region}
    return {"reason": code, "severity": severity, "message": message.format(**words), **fixed(fix.format(**words))}


def fixed(fix: str) -> dict[str, str]:
    """A fix of this report is a command or words."""
    return {"fix": fix, "command": fix if fix.startswith("ansible") else ""}


def instance(number: int, region: str, verdict: str, what: str, **changes: Any) -> dict[str, Any]:
    """One instance; what is the way in which it is managed, or the reason why not."""
    chance = Random(number)
    instance_id = f"i-{chance.getrandbits(68):017x}"
    way = "profile" if what == "profile" else "dhmc" if verdict == "managed" or what == "dhmc" else ""
    profiled = way == "profile" or what == "profile_blocks_dhmc"
    seen = verdict in ("managed", "connection_lost")
    kind = chance.choice(("web", "api", "worker", "db", "cache", "batch", "build", "bastion"))
    return {
        "account": "123456789012",
        "region": region,
        "instance_id": instance_id,
        "name": f"{kind}-{chance.randint(1, 40):02}",
        "state": "stopped" if what == "not_running" else "running",
        "verdict": verdict,
        "way": way,
        "instance_profile": "WebServer" if profiled else "",
        "role": "WebServerRole" if profiled else "",
        "vpc_id": f"vpc-0{chance.getrandbits(12):03x}",
        "subnet_id": f"subnet-0{chance.getrandbits(16):04x}",
        "platform": chance.choice(("Amazon Linux", "Ubuntu", "Windows Server 2022")) if seen else "",
        "agent_version": chance.choice(("3.3.40.0", "3.3.987.0", "3.2.2303.0")) if seen else "",
        "ping_status": "Online" if verdict == "managed" else "ConnectionLost" if seen else "",
        "last_ping": "2026-11-25T03:14:00+00:00" if seen else "",
        "launched": f"2026-{chance.randint(1, 10):02}-{chance.randint(1, 28):02}T08:00:00+00:00",
        "reasons": [reason(what, region)] if what in REASONS else [],
        **changes,
    }


def coverage(managed: int, scope: int) -> float | None:
    return round(100 * managed / scope, 1) if scope else None


def region_row(region: str, found: list[dict[str, Any]], *, enabled: bool = True) -> dict[str, Any]:
    verdicts = dict.fromkeys(("managed", "pending", "connection_lost", "not_managed", "out_of_scope"), 0)
    verdicts.update(Counter(row["verdict"] for row in found))
    scope = len(found) - verdicts["out_of_scope"]
    return {
        "region": region,
        "enabled": enabled,
        "dhmc": None if not enabled else "" if region in ("sa-east-1", "eu-central-1") else ROLE,
        "forbidden": False,
        "dhmc_usable": True if enabled and region not in ("sa-east-1", "eu-central-1") else None,
        "dhmc_problem": "",
        "instances": len(found),
        "in_scope": scope,
        "managed": verdicts["managed"],
        "coverage": coverage(verdicts["managed"], scope),
        "nodes": verdicts["managed"],
        "verdicts": verdicts,
        "reasons": [] if enabled else [reason("region_off", region)],
        "failed": False,
    }


def _having(code: str, instances: list[dict[str, Any]]) -> set[str]:
    return {row["region"] for row in instances if code in [one["reason"] for one in row["reasons"]]}


def report(instances: list[dict[str, Any]], more: tuple[str, ...] = (), off: tuple[str, ...] = ()) -> dict[str, Any]:
    """The report of these instances."""
    names = list(dict.fromkeys(row["region"] for row in instances))
    rows = [region_row(name, [row for row in instances if row["region"] == name]) for name in names]
    rows += [region_row(name, []) for name in more] + [region_row(name, [], enabled=False) for name in off]
    counts = Counter(one["reason"] for row in [*instances, *rows] for one in row["reasons"])
    total = region_row("", instances)
    return {
        "changed": False,
        "generated": "2026-11-25T03:15:00+00:00",
        "account": "123456789012",
        "partition": "aws",
        "instances": instances,
        "regions": rows,
        "totals": {
            **{key: total[key] for key in ("instances", "in_scope", "managed", "coverage", "verdicts")},
            "reasons": dict(counts.most_common()),
        },
        "reasons": [
            {
                "reason": code,
                "severity": REASONS[code][0],
                "count": counts[code],
                "title": REASONS[code][1],
                **fixed(reason(code, ",".join(sorted(_having(code, instances))))["fix"]),
            }
            for code in sorted(counts, key=lambda code: (SEVERITIES.index(REASONS[code][0]), -counts[code]))
        ],
        "failed_regions": [],
    }


def sample() -> dict[str, Any]:
    """Some sixty instances of six regions, and what they were a week before."""
    found = [
        instance(1000 * place + number, region, verdict, what)
        for place, (region, kinds) in enumerate(FLEET.items())
        for number, (verdict, what) in enumerate(kind for kind, many in kinds.items() for _number in range(many))
    ]
    made = report(found, EMPTY, OFF)
    managed = [row["instance_id"] for row in found if row["verdict"] == "managed"]
    lost = [row["instance_id"] for row in found if row["verdict"] == "connection_lost"]
    made["comparison"] = {
        "generated": "2026-11-18T03:15:00+00:00",
        "coverage_before": 61.4,
        "coverage": made["totals"]["coverage"],
        "now_managed": managed[:13],
        "no_longer_managed": lost,
        "new": managed[13:17],
        "gone": ["i-0fedcba9876543210", "i-0fedcba9876543211"],
    }
    return made
