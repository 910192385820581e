# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Rules: where the route table of an instance leads. Pure.

Amazon VPC User Guide, "Route tables", "Internet gateways", "Egress-only internet gateways" and "DNS64 and NAT64". A NAT
gateway leads out, and an internet gateway does so for a public address. Where any other target leads, its routes and
those behind it decide, which can't be seen from the VPC.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ansible_collections.fleet.aws_ssm.plugins.module_utils._network.addresses import (
    NAT64,
    Range,
    covers,
    covers_public,
    covers_public_ipv6,
    touches_public,
)
from ansible_collections.fleet.aws_ssm.plugins.module_utils._network.facts import INTERNET, LOCAL, NAT
from ansible_collections.fleet.aws_ssm.plugins.module_utils._network.types import Network, Place, Route


@dataclass(frozen=True)
class Hint:
    """A route that may lead to Systems Manager: what is seen, what to look at, the ranges (None: not known)."""

    what: str
    look_at: str
    ranges: tuple[Range, ...] | None


@dataclass(frozen=True)
class Ways:
    """What a route table has. `seen` says in words what the default route is."""

    out: bool = False
    nat64: bool = False
    hints: tuple[Hint, ...] = ()
    seen: str = ""


def ways_of(place: Place, network: Network) -> Ways:
    """The ways of the subnet's own route table, or of the main one."""
    table = network.tables.get(place.subnet, network.tables.get(f"main {place.vpc}"))
    if table is None:
        hint = Hint(f"The route table of {place.subnet} can't be seen.", f"the route tables of {place.vpc}", None)
        return Ways(hints=(hint,))
    routes = [route for route in table if route.kind != LOCAL]
    active = [route for route in routes if route.active]
    default = _default(active)
    out, seen = _by_default(place, default, routes)
    hints = [] if out else _by_target(place, default)
    rest = [route for route in active if route not in default]
    hints += [_elsewhere(place, route) for route in rest if _may_serve(place, route)]
    nat64 = False
    if place.ipv6 is None or place.ipv6:
        nat64, more = _by_ipv6(place, network, active)
        hints += more
    return Ways(out, nat64, tuple(hints), seen)


def _default(routes: Sequence[Route]) -> list[Route]:
    """The routes that all public addresses have, in one or in parts; none if some have no route."""
    for route in routes:
        if covers_public(route.ranges or ()):
            return [route]
    parts = [route for route in routes if touches_public(route.ranges or ())]
    return parts if covers_public(one for route in parts for one in route.ranges or ()) else []


def _by_default(place: Place, default: Sequence[Route], routes: Iterable[Route]) -> tuple[bool, str]:
    """Whether the default route leads out, and why not."""
    if default:
        kinds = {route.kind for route in default}
        if INTERNET in kinds and not place.public:
            return False, "the default route is to an internet gateway, but it has no public address"
        targets = " and ".join(sorted({route.where for route in default}))
        return kinds <= {INTERNET, NAT}, f"the default route leads to {targets}"
    lost = [route.where for route in routes if not route.active and covers_public(route.ranges or ())]
    if lost:
        return False, f"its default route is a blackhole, because the {lost[0]} is gone or not available"
    return False, "its subnet has no default route for IPv4"


def _by_target(place: Place, default: Iterable[Route]) -> list[Hint]:
    """A hint for each target of the default route that is not known to lead out."""
    targets: dict[str, list[Route]] = {}
    for route in default:
        if route.kind not in (INTERNET, NAT):
            targets.setdefault(route.where, []).append(route)
    return [
        Hint(
            f"There is a default route ({', '.join(route.text for route in routes)}) from {place.subnet} to {where}. "
            "It is unclear where that leads.",
            f"the {where}, and the routes behind it",
            tuple(one for route in routes for one in route.ranges or ()),
        )
        for where, routes in targets.items()
    ]


def _may_serve(place: Place, route: Route) -> bool:
    """Whether endpoints of another VPC, or a part of the public addresses, may be behind the route."""
    if route.kind == INTERNET and not place.public:
        return False
    return route.ranges is None or any(one.version == 4 for one in route.ranges)


def _elsewhere(place: Place, route: Route) -> Hint:
    """A route for a part of the addresses: of public ones, or of networks that may have central endpoints."""
    there = f"{place.subnet} has a route for {route.text} to {route.where}."
    if route.ranges is None:
        return Hint(f"{there} The entries of {route.text} could not be read.", f"the entries of {route.text}", None)
    if touches_public(route.ranges):
        what = f"{there} It is unclear whether Systems Manager's addresses are among them."
        return Hint(what, f"{route.text} and the {route.where}", route.ranges)
    what = f"{there} It is unclear whether central VPC endpoints are behind it."
    zones = f"the private hosted zones (and Route 53 Profiles) of {place.vpc}"
    return Hint(what, f"{zones} for ssm.{place.region}.amazonaws.com, and the {route.where}", route.ranges)


def _by_ipv6(place: Place, network: Network, routes: Iterable[Route]) -> tuple[bool, list[Hint]]:
    """Whether NAT64 leads out, and the other ways by IPv6."""
    hints = []
    for route in routes:
        found = route.ranges or ()
        if route.kind == NAT and covers(found, NAT64):
            subnet = network.subnets.get(place.subnet)
            if subnet and subnet.dns64 and place.ipv6:
                return True, []
            what = f"{place.subnet} has a route for NAT64 to {route.where}. Names must resolve by DNS64 for it."
            hints.append(Hint(what, f"EnableDns64 of {place.subnet}", found))
        elif covers_public_ipv6(found):
            what = f"{place.subnet} has a default route for IPv6 to {route.where}. "
            what += "An agent takes it if it is set to dual-stack hosts."
            hints.append(Hint(what, "UseDualStackEndpoint in the agent's configuration", found))
    return False, hints
