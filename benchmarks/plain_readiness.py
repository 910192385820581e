# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The least that a program has to do to learn what ssm_managed_instance_info learns: one session, the fewest calls.

All calls are sent side by side; only the pages of one listing, and IAM's policies, wait for one another. Each is the
largest page that the API gives. It prints how many running instances ping, and how many calls it made.

Left out on purpose: judging, reasons, a result for each instance, whatever goes wrong.

Usage: plain_readiness.py REGION...
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import boto3
from botocore.config import Config

SETTING = "/ssm/managed-instance/default-ec2-instance-management-role"
STATES = [{"Name": "instance-state-name", "Values": ["pending", "running", "stopping", "stopped"]}]
UNFINISHED = [{"Name": "state", "Values": ["associating", "disassociating"]}]


def pages(client: Any, operation: str, size: int = 1000, **parameters: Any) -> list[Any]:
    return list(client.get_paginator(operation).paginate(PaginationConfig={"PageSize": size}, **parameters))


def properties(ssm: Any) -> list[Any]:
    found: list[Any] = []
    more: dict[str, str] = {}
    while not found or more:
        found.append(ssm.describe_instance_properties(MaxResults=1000, **more))
        more = {"NextToken": found[-1]["NextToken"]} if found[-1].get("NextToken") else {}
    return found


def setting(ssm: Any) -> list[Any]:
    return [ssm.get_service_setting(SettingId=SETTING)]


def roles(iam: Any) -> list[Any]:
    """Roles with their profiles and inline policies, and the account's own policies."""
    return pages(iam, "get_account_authorization_details", Filter=["Role", "LocalManagedPolicy"])


def policies(iam: Any) -> list[Any]:
    """The documents of AWS's policies: one call for the versions that are in force, one for each document."""
    found = pages(iam, "list_policies", Scope="AWS", OnlyAttached=True)
    return found + [
        iam.get_policy_version(PolicyArn=policy["Arn"], VersionId=policy["DefaultVersionId"])
        for page in list(found)
        for policy in page["Policies"]
    ]


def main() -> None:
    regions = sys.argv[1:]
    session = boto3.Session()
    config = Config(max_pool_connections=10)
    ec2 = {region: session.client("ec2", region_name=region, config=config) for region in regions}
    ssm = {region: session.client("ssm", region_name=region, config=config) for region in regions}
    iam = session.client("iam", config=config)
    work: list[Callable[[], Any]] = []
    for region in regions:
        a, b = ec2[region], ssm[region]
        work += [
            partial(pages, a, "describe_instances", Filters=STATES),
            partial(properties, b),
            partial(setting, b),
            partial(pages, a, "describe_iam_instance_profile_associations", Filters=UNFINISHED),
            partial(pages, a, "describe_vpc_endpoints"),
            partial(pages, a, "describe_route_tables", 100),
            partial(pages, a, "describe_security_groups"),
        ]
    work += [partial(roles, iam), partial(policies, iam)]
    with ThreadPoolExecutor(len(work)) as pool:
        found = list(pool.map(lambda one: one(), work))
    running = {
        instance["InstanceId"]
        for pages_ in found[:-2:7]
        for page in pages_
        for reservation in page["Reservations"]
        for instance in reservation["Instances"]
        if instance["State"]["Name"] == "running"
    }
    nodes = (node for pages_ in found[1:-2:7] for page in pages_ for node in page["InstanceProperties"])
    managed = sum(node["PingStatus"] == "Online" and node["InstanceId"] in running for node in nodes)
    print(json.dumps({"managed": managed, "calls": sum(len(pages_) for pages_ in found)}))


if __name__ == "__main__":
    main()
