# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Rules: whether an instance's network has a way to each service that its agent needs. Pure.

Not seen is not absent: the participant of a shared VPC sees none of its endpoints, central endpoints are in another
VPC, and private hosted zones of one's own (or a Route 53 Profile) may lead to either. Network ACLs, firewalls and
proxies are not looked at.
"""

from __future__ import annotations

from collections.abc import Iterable

from ansible_collections.fleet.aws_ssm.plugins.module_utils._iam_policy import Answer
from ansible_collections.fleet.aws_ssm.plugins.module_utils._network.endpoints import judge_endpoint
from ansible_collections.fleet.aws_ssm.plugins.module_utils._network.groups import Allowed, egress_of
from ansible_collections.fleet.aws_ssm.plugins.module_utils._network.routes import Ways, ways_of
from ansible_collections.fleet.aws_ssm.plugins.module_utils._network.types import (
    Blocked,
    Endpoint,
    Network,
    Place,
    Reachable,
    Unknown,
    Verdict,
)

_NEEDED = ("ssm", "ssmmessages")
# aws/amazon-ssm-agent, release notes: from this version on ec2messages is not used where ssmmessages is reached.
WITHOUT_EC2MESSAGES = (3, 3, 40, 0)


def needed_services(version: tuple[int, ...]) -> tuple[str, ...]:
    """The services that an agent calls; the version is empty where it is not known."""
    return (*_NEEDED, "ec2messages") if version and version < WITHOUT_EC2MESSAGES else _NEEDED


def judge(place: Place, network: Network, services: Iterable[str]) -> dict[str, list[Verdict]]:
    """What there is to say of each service: one verdict, or more where several things are wrong or open."""
    egress = egress_of(place, network) if place.groups else None
    if egress and egress.nothing:
        words = f"No security group of it ({', '.join(place.groups)}) lets TCP 443 out to where {{services}} can be."
        return {service: [Blocked("no_egress", words, fix="groups")] for service in services}
    ways = ways_of(place, network)
    return {service: _judge_service(place, network, service, ways, egress) for service in services}


def _judge_service(place: Place, network: Network, service: str, ways: Ways, egress: Allowed | None) -> list[Verdict]:
    there = [one for one in network.endpoints.get(place.vpc, ()) if one.service == service]
    resolves = network.dns.get(place.vpc, True)
    serving = [one for one in there if one.serves and one.private_dns and resolves]
    if serving:
        return [_best(judge_endpoint(place, network, one) for one in serving)]
    public = Answer.YES if egress is None else egress.to_public()
    if (ways.out and public is Answer.YES) or (ways.nat64 and (egress is None or egress.to_nat64())):
        return [Reachable()]
    hidden = [one for one in there if one.serves and not one.private_dns and resolves]
    unclear = [_own_names(place, one) for one in hidden if _may_reach(one, egress)]
    unclear += [_coming(one) for one in there if one.state == "pending" and one.private_dns and resolves]
    unclear += _unclear(place, network, ways, egress, public)
    return list(unclear) or [_blocked(place, network, there, ways, public)]


def _best(verdicts: Iterable[Verdict]) -> Verdict:
    """Of several endpoints the one that serves best."""
    order = (Reachable, Unknown, Blocked)
    return min(verdicts, key=lambda one: order.index(type(one)))


def _may_reach(endpoint: Endpoint, egress: Allowed | None) -> bool:
    return egress is None or egress.of(endpoint.addresses, endpoint.groups) is not Answer.NO


def _own_names(place: Place, endpoint: Endpoint) -> Unknown:
    name = f"{endpoint.service}.{place.region}.amazonaws.com"
    what = (
        f"Private DNS of {endpoint.id} for {endpoint.service} is off in {place.vpc}. The agent gets there only if a "
        f"private hosted zone for {name} leads there."
    )
    look_at = f"the private hosted zones (and Route 53 Profiles) of {place.vpc}"
    return Unknown(what, look_at, "private_dns_off", {"endpoint": endpoint.id})


def _coming(endpoint: Endpoint) -> Unknown:
    """One that was made a short time ago. A task that waits goes on waiting."""
    what = f"The VPC endpoint {endpoint.id} for {endpoint.service} is pending, which takes some minutes."
    return Unknown(what, f"{endpoint.id} again then", "endpoint_not_ready", {"endpoint": endpoint.id}, "pending")


def _unclear(place: Place, network: Network, ways: Ways, egress: Allowed | None, public: Answer) -> list[Unknown]:
    """Ways that there may be."""
    found = []
    if ways.out and public is Answer.MAYBE:
        what = f"Its security groups ({', '.join(place.groups)}) let TCP 443 out to a part of the public addresses. "
        what += "It is unclear whether those of Systems Manager are in it."
        found.append(Unknown(what, "the ranges of those rules"))
    found += [
        Unknown(hint.what, hint.look_at) for hint in ways.hints if egress is None or egress.to_some_of(hint.ranges)
    ]
    subnet = network.subnets.get(place.subnet)
    if subnet and place.account and subnet.owner not in ("", place.account):
        what = f"{place.subnet} is shared by the account {subnet.owner}, whose VPC endpoints can't be seen from here."
        found.append(Unknown(what, f"the VPC endpoints of {place.vpc} in the account {subnet.owner}"))
    elif not (subnet and place.account) and not ways.out and place.vpc not in network.endpoints:
        # Who sees endpoints of the VPC is its owner.
        what = f"Whose {place.subnet} is could not be read. In a shared VPC its endpoints can't be seen."
        found.append(Unknown(what, f"the owner of {place.subnet}"))
    return found


def _blocked(place: Place, network: Network, there: list[Endpoint], ways: Ways, public: Answer) -> Blocked:
    """Why there is no way: the groups, the endpoints of the service, or that there are none."""
    if ways.out and public is Answer.NO:
        words = f"No security group of it ({', '.join(place.groups)}) lets TCP 443 out to {{services}}: {ways.seen}, "
        words += "but they let nothing out to public addresses."
        return Blocked("no_egress", words, {"group": place.groups[0] if place.groups else ""}, "public")
    for endpoint in there:
        names = {"endpoint": endpoint.id}
        if not endpoint.serves:
            words = f"The VPC endpoint {endpoint.id} for {endpoint.service} is {endpoint.state}, and {ways.seen}."
            return Blocked("endpoint_not_ready", words, names)
        if not network.dns.get(place.vpc, True):
            words = (
                f"Private DNS of the VPC (enableDnsSupport, enableDnsHostnames) for {{services}} is off in {place.vpc}."
            )
            return Blocked("private_dns_off", words, names, "vpc")
    if there:
        # With names of one's own it could be reached, but no security group lets the instance get there.
        words = (
            f"No security group of it ({', '.join(place.groups)}) lets TCP 443 out to {there[0].id} for {{services}}."
        )
        return Blocked("no_egress", words, fix="groups")
    if network.endpoints.get(place.vpc):
        words = f"There is no way out of {place.subnet}: {ways.seen}. {place.vpc} has no VPC endpoint for {{services}}."
        return Blocked("missing_vpc_endpoints", words)
    words = (
        f"There is no way out of {place.subnet}: {ways.seen}, and {place.vpc} has no VPC endpoints for {{services}}."
    )
    return Blocked("no_egress", words)
