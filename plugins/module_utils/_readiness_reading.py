# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Reads what the rules of readiness judge: regions side by side, then IAM, then the networks that matter."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from ansible_collections.fleet.aws_ssm.plugins.module_utils._clients import Clients
from ansible_collections.fleet.aws_ssm.plugins.module_utils._ec2_api import each_instance
from ansible_collections.fleet.aws_ssm.plugins.module_utils._errors import Failure, describe, forbidden_by_organization
from ansible_collections.fleet.aws_ssm.plugins.module_utils._fan_out import fan_out
from ansible_collections.fleet.aws_ssm.plugins.module_utils._iam_reader import IamReader
from ansible_collections.fleet.aws_ssm.plugins.module_utils._network.facts import concerns_agents, lists_of
from ansible_collections.fleet.aws_ssm.plugins.module_utils._node_api import (
    FEW,
    each_node,
    network_interfaces,
    prefix_lists,
    route_tables,
    security_groups,
    subnets,
    unfinished_associations,
    vpc_dns,
    vpc_endpoints,
)
from ansible_collections.fleet.aws_ssm.plugins.module_utils._reachability import Network, read_network
from ansible_collections.fleet.aws_ssm.plugins.module_utils._readiness_access import (
    IamFacts,
    dhmc_access,
    profile_access,
    roles_of,
)
from ansible_collections.fleet.aws_ssm.plugins.module_utils._readiness_types import (
    Machine,
    Node,
    read_machine,
    read_node,
)
from ansible_collections.fleet.aws_ssm.plugins.module_utils._service_setting import DHMC, Setting, read_setting
from ansible_collections.fleet.aws_ssm.plugins.module_utils._service_setting_api import get_setting


@dataclass(frozen=True)
class Wanted:
    """Which instances: in all of the regions those of the ids, else those that EC2's filters let through."""

    regions: Sequence[str]
    ids: Sequence[str]
    filters: Any


# The kinds of reads that each region has.
_READS = ("machines", "nodes", "setting", "unfinished")


@dataclass
class RegionFacts:
    """What a region says, and the errors of what could not be read, by kind. Without nodes no machine can be judged."""

    machines: list[Machine] = field(default_factory=list)
    nodes: dict[str, Node] = field(default_factory=dict)
    unfinished: dict[str, str] = field(default_factory=dict)
    setting: Setting | None = None
    errors: dict[str, Exception] = field(default_factory=dict)

    @property
    def error(self) -> Exception | None:
        """What to say of a region that could not be read, or not all of it."""
        return next(iter(self.errors.values()), None)

    @property
    def closed(self) -> bool:
        """Whether the organization forbids every one of the reads, so that the region as a whole is out of bounds."""
        return len(self.errors) == len(_READS) and all(map(forbidden_by_organization, self.errors.values()))


def read_regions(
    clients: Clients, wanted: Wanted, deadline: float, meanwhile: Callable[[], None]
) -> dict[str, RegionFacts]:
    """Four kinds of calls a region, all of them side by side, and I(meanwhile), which keeps its errors to itself."""
    reads: dict[tuple[str, str], Callable[[], Any]] = {("meanwhile", ""): meanwhile}
    ids = wanted.ids if len(wanted.ids) <= FEW else []
    for region in wanted.regions:
        ec2, ssm = clients.client("ec2", region), clients.client("ssm", region)
        # The longest first.
        reads["machines", region] = partial(_machines, ec2, region, wanted)
        reads["nodes", region] = partial(_nodes, ssm, ids)
        reads["setting", region] = partial(_setting, ssm, region)
        reads["unfinished", region] = partial(unfinished_associations, ec2)
    found, errors = _side_by_side(reads, deadline)
    for outcome in (found, errors):
        outcome.pop(("meanwhile", ""), None)
    facts = {region: RegionFacts() for region in wanted.regions}
    for (kind, region), value in found.items():
        setattr(facts[region], kind, value)
    for (kind, region), error in errors.items():
        facts[region].errors[kind] = error
        if kind == "nodes":
            facts[region].machines = []
    return facts


def _side_by_side(
    reads: Mapping[tuple[str, str], Callable[[], Any]], deadline: float
) -> tuple[dict[tuple[str, str], Any], dict[tuple[str, str], Exception]]:
    """Every read, by kind and region, and the errors of those that failed."""
    keys = {" ".join(key): key for key in reads}
    found, errors = fan_out(lambda key: reads[keys[key]](), keys, deadline=deadline)
    return {keys[key]: value for key, value in found.items()}, {keys[key]: error for key, error in errors.items()}


def _machines(ec2: Any, region: str, wanted: Wanted) -> list[Machine]:
    # What EC2 says of an instance is large, and let go page by page.
    return [read_machine(region, row) for row in each_instance(ec2, wanted.ids, wanted.filters)]


def _nodes(ssm: Any, ids: Sequence[str]) -> dict[str, Node]:
    return {row["InstanceId"]: read_node(row) for row in each_node(ssm, ids)}


def _setting(ssm: Any, region: str) -> Setting:
    return read_setting(region, get_setting(ssm, DHMC))


def read_iam(reader: IamReader, profile_arns: Iterable[str], facts: Mapping[str, RegionFacts]) -> IamFacts:
    """The profiles, and the roles that they and the regions' settings name. Nothing is asked if there are none."""
    settings = {region: one.setting for region, one in facts.items()}
    named = {setting.value.rpartition("/")[2] for setting in settings.values() if setting and setting.value}
    unread: list[str] = []
    arns = sorted(set(profile_arns))
    try:
        found = reader.profiles({arn.rpartition("/")[2] for arn in arns})
        behind = {role["RoleName"] for profile in found.values() for role in profile["Roles"]}
        roles, errors = reader.roles(sorted(behind | named))
    except Failure as failure:
        return IamFacts(
            {}, {one: dhmc_access(one, setting, {}, None) for one, setting in settings.items()}, [str(failure)]
        )
    for role, error in errors.items():
        detail = describe(error)
        unread.append(f"The role {role} can't be read: {detail['code']}: {detail['message']}")
    profiles = {
        arn: profile_access(arn, profile, roles)
        for arn in arns
        for profile in [found.get(arn.rpartition("/")[2])]
        if not set(roles_of(profile)) & set(errors)
    }
    return IamFacts(
        profiles, {one: dhmc_access(one, setting, roles, set(errors)) for one, setting in settings.items()}, unread
    )


def read_networks(
    clients: Clients, machines: Iterable[Machine], deadline: float
) -> tuple[dict[str, Network], dict[str, Exception]]:
    """The networks that the machines are in, by region: what there is first, and then what that names."""
    of_region: dict[str, list[Machine]] = defaultdict(list)
    for machine in machines:
        if machine.vpc:
            of_region[machine.region].append(machine)
    reads: dict[tuple[str, str], Callable[[], Any]] = {}
    for region, there in of_region.items():
        ec2 = clients.client("ec2", region)
        vpcs = {machine.vpc for machine in there}
        reads["endpoints", region] = partial(_endpoints, ec2, vpcs)
        reads["tables", region] = partial(route_tables, ec2, vpcs)
        reads["subnets", region] = partial(subnets, ec2, {machine.subnet for machine in there if machine.subnet})
    first, failed = _side_by_side(reads, deadline)
    reads = {}
    for region, there in of_region.items():
        if ("endpoints", region) in first and ("tables", region) in first:
            ec2 = clients.client("ec2", region)
            named = {group for machine in there for group in machine.groups}
            endpoints, _dns = first["endpoints", region]
            reads["groups", region] = partial(_groups, ec2, named, endpoints, first["tables", region])
            reads["interfaces", region] = partial(_interfaces, ec2, endpoints)
    second, more = _side_by_side(reads, deadline)
    errors: dict[str, Exception] = {}
    for (_kind, region), error in (*failed.items(), *more.items()):
        errors.setdefault(region, error)
    networks = {}
    for region in of_region:
        if region not in errors:
            endpoints, dns = first["endpoints", region]
            groups, lists = second["groups", region]
            networks[region] = read_network(
                endpoints,
                first["tables", region],
                groups,
                dns,
                subnets=first["subnets", region],
                interfaces=second["interfaces", region],
                lists=lists,
            )
    return networks, errors


def _endpoints(ec2: Any, vpcs: Iterable[str]) -> tuple[list[dict[str, Any]], dict[str, bool]]:
    """The endpoints that agents call, and whether names resolve in the VPCs that have some."""
    endpoints = [endpoint for endpoint in vpc_endpoints(ec2, vpcs) if concerns_agents(endpoint)]
    return endpoints, {vpc: vpc_dns(ec2, vpc) for vpc in sorted({endpoint["VpcId"] for endpoint in endpoints})}


def _groups(
    ec2: Any, names: set[str], endpoints: Iterable[Mapping[str, Any]], tables: Iterable[Mapping[str, Any]]
) -> tuple[list[dict[str, Any]], dict[str, list[str]]]:
    """The security groups of instances and endpoints, and the prefix lists that they and the routes name."""
    theirs = {group["GroupId"] for endpoint in endpoints for group in endpoint.get("Groups", ())}
    groups = security_groups(ec2, names | theirs)
    return groups, prefix_lists(ec2, lists_of(tables, groups))


def _interfaces(ec2: Any, endpoints: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]] | None:
    ids = {one for endpoint in endpoints for one in endpoint.get("NetworkInterfaceIds", ())}
    return network_interfaces(ec2, ids) if ids else []
