# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""The facts about the networks of a region, and what is concluded from them. Pure.

What was not read, or can't be seen, is None: never the same as what is not there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Union

from ansible_collections.fleet.aws_ssm.plugins.module_utils._network.addresses import Range

HTTPS = 443


@dataclass(frozen=True)
class Place:
    """Where an instance is. `ipv6` is None where it was not read; `account` is its own, empty where not known."""

    region: str
    instance: str
    vpc: str
    subnet: str
    groups: tuple[str, ...] = ()
    public: bool = False
    address: str = ""
    ipv6: tuple[str, ...] | None = None
    account: str = ""


@dataclass(frozen=True)
class Rule:
    """A rule of a security group that lets TCP 443 pass: to (or from) ranges, prefix lists and groups."""

    ranges: tuple[Range, ...] = ()
    lists: tuple[str, ...] = ()
    groups: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Group:
    """A security group: what it lets out and in on TCP 443."""

    egress: tuple[Rule, ...] = ()
    ingress: tuple[Rule, ...] = ()


@dataclass(frozen=True)
class Route:
    """A route. `ranges` is None where its prefix list could not be read; `kind` says in words what `target` is."""

    text: str
    ranges: tuple[Range, ...] | None
    kind: str
    target: str
    active: bool = True

    @property
    def where(self) -> str:
        """The target, with what it is."""
        return f"{self.kind} {self.target}".strip()


@dataclass(frozen=True)
class Endpoint:
    """An interface endpoint. `groups` and `addresses` are None where they were not read; the policy is JSON."""

    id: str
    service: str
    state: str = "available"
    private_dns: bool = True
    groups: tuple[str, ...] | None = None
    addresses: tuple[str, ...] | None = None
    policy: str = ""

    @property
    def serves(self) -> bool:
        """Whether it takes calls. An endpoint is partial where some of its subnets failed."""
        return self.state in ("available", "partial")


@dataclass(frozen=True)
class Subnet:
    """A subnet: the account that owns it, and whether its names resolve by DNS64."""

    owner: str
    dns64: bool = False


@dataclass(frozen=True)
class Network:
    """The networks of one region.

    `tables` are by subnet, or by "main VPC"; `endpoints` by VPC, those of Systems Manager alone; `dns` by VPC: whether
    both of its DNS attributes are on; `lists` are the ranges of the prefix lists that were read.
    """

    tables: Mapping[str, tuple[Route, ...]] = field(default_factory=dict)
    groups: Mapping[str, Group] = field(default_factory=dict)
    endpoints: Mapping[str, tuple[Endpoint, ...]] = field(default_factory=dict)
    dns: Mapping[str, bool] = field(default_factory=dict)
    subnets: Mapping[str, Subnet] = field(default_factory=dict)
    lists: Mapping[str, tuple[Range, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Blocked:
    """The agent's calls do not arrive. `{services}` in the words stands for the services that they hold for.

    `fix` is the one among the reason's fixes, empty for the usual one.
    """

    code: str
    words: str
    names: Mapping[str, str] = field(default_factory=dict)
    fix: str = ""


@dataclass(frozen=True)
class Unknown:
    """What is unclear, and what to look at."""

    what: str
    look_at: str
    code: str = "network_unclear"
    names: Mapping[str, str] = field(default_factory=dict)
    fix: str = ""


@dataclass(frozen=True)
class Reachable:
    """Nothing that can be seen is in the way."""


Verdict = Union[Reachable, Blocked, Unknown]  # noqa: UP007
