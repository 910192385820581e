# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Gateway: the instances that use roles, in every region of the account, and the versions of their agents."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from ansible_collections.fleet.aws_ssm.plugins.module_utils._clients import Clients
from ansible_collections.fleet.aws_ssm.plugins.module_utils._ec2_api import chunks, each_instance
from ansible_collections.fleet.aws_ssm.plugins.module_utils._fan_out import fan_out
from ansible_collections.fleet.aws_ssm.plugins.module_utils._instance_selection import instance_filters
from ansible_collections.fleet.aws_ssm.plugins.module_utils._profile_permission.held import Usage, User

# The largest page, and so the most ids that one call answers: AWS Systems Manager API Reference,
# "DescribeInstanceInformation".
_PAGE = 50


def read_usage(
    clients: Clients,
    regions: Collection[str],
    profiles: Mapping[str, str],
    known: Mapping[str, Exception],
    deadline: float,
) -> Usage:
    """The instances of each role in all of the regions, without the versions of their agents.

    `profiles` are the roles by the ARNs of the profiles that hold them. A region of `known` gave that error a moment
    ago, and is not asked again. Without profiles nothing is asked.
    """
    if not profiles:
        return Usage()
    wanted = [region for region in regions if region not in known]
    ec2 = {region: clients.client("ec2", region) for region in wanted}
    found, errors = fan_out(lambda region: _instances(ec2[region], profiles), wanted, deadline=deadline)
    users: dict[str, list[User]] = defaultdict(list)
    for region, instances in found.items():
        for instance, role in instances.items():
            users[role].append(User(instance, region))
    return Usage(dict(users), {**{region: known[region] for region in regions if region in known}, **errors})


def with_agents(clients: Clients, usage: Usage, regions: Collection[str], deadline: float) -> Usage:
    """The usage with the versions of the agents of all instances in these regions."""
    asked: dict[str, list[str]] = defaultdict(list)
    for user in (user for users in usage.users.values() for user in users if user.region in regions):
        asked[user.region].append(user.id)
    ssm = {region: clients.client("ssm", region) for region in asked}
    agents, errors = fan_out(lambda region: _agents(ssm[region], asked[region]), asked, deadline=deadline)
    users = {
        role: [replace(user, agent=agents.get(user.region, {}).get(user.id)) for user in these]
        for role, these in usage.users.items()
    }
    return replace(usage, users=users, agents_unread=errors)


def _instances(ec2: Any, profiles: Mapping[str, str]) -> dict[str, str]:
    """The roles that instances of a region have, by instance. One that is stopped counts, since it may be started."""
    found = {}
    for filters in chunks(sorted(profiles), "iam-instance-profile.arn"):
        for row in each_instance(ec2, [], [*instance_filters(None), *filters]):
            role = profiles.get(row.get("IamInstanceProfile", {}).get("Arn", ""))
            if role:
                found[row["InstanceId"]] = role
    return found


def _agents(ssm: Any, instances: list[str]) -> dict[str, str]:
    """The agents' versions of those of the instances that are, or were, managed."""
    found: dict[str, str] = {}
    paginator = ssm.get_paginator("describe_instance_information")
    for start in range(0, len(instances), _PAGE):
        filters = [{"Key": "InstanceIds", "Values": instances[start : start + _PAGE]}]
        for page in paginator.paginate(Filters=filters, PaginationConfig={"PageSize": _PAGE}):
            found.update({row["InstanceId"]: row.get("AgentVersion", "") for row in page["InstanceInformationList"]})
    return found
