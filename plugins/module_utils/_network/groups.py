# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Rules: what security groups let out and in on TCP 443. Pure.

Security groups only allow, so one rule of one group is enough; what one of them can't tell makes a "no" a "maybe".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from ansible_collections.fleet.aws_ssm.plugins.module_utils._iam_policy import Answer
from ansible_collections.fleet.aws_ssm.plugins.module_utils._network.addresses import (
    NAT64,
    Range,
    covers,
    covers_public,
    holds,
    overlap,
    ranges,
    touches_public,
)
from ansible_collections.fleet.aws_ssm.plugins.module_utils._network.facts import entries_of
from ansible_collections.fleet.aws_ssm.plugins.module_utils._network.types import Endpoint, Network, Place, Rule

_ALL_RANGES = ranges(["0.0.0.0/0", "::/0"])


@dataclass(frozen=True)
class Allowed:
    """All that some groups let pass. `unread`: a group or a prefix list of theirs could not be read."""

    ranges: tuple[Range, ...]
    groups: frozenset[str]
    unread: bool

    @property
    def nothing(self) -> bool:
        """Whether they let nothing pass for sure."""
        return not (self.ranges or self.groups or self.unread)

    def to_public(self) -> Answer:
        """Whether they let pass to Systems Manager's public addresses."""
        if covers_public(self.ranges):
            return Answer.YES
        return Answer.MAYBE if self.unread or touches_public(self.ranges) else Answer.NO

    def to_nat64(self) -> bool:
        """Whether they let pass to IPv4 addresses by NAT64."""
        return covers(self.ranges, NAT64)

    def to_some_of(self, given: Sequence[Range] | None) -> bool:
        """Whether they may let pass to one of the ranges, or to a group whose members have addresses there."""
        return given is None or self.unread or bool(self.groups) or overlap(self.ranges, given)

    def of(self, addresses: Sequence[str] | None, groups: Iterable[str] | None) -> Answer:
        """Whether they let pass to (or from) one of the addresses, or a member of one of the groups."""
        if (groups is not None and self.groups.intersection(groups)) or self._passes(addresses):
            return Answer.YES
        hidden = (addresses is None and self.ranges) or (groups is None and self.groups)
        return Answer.MAYBE if self.unread or hidden else Answer.NO

    def _passes(self, addresses: Sequence[str] | None) -> bool:
        if addresses is None:
            return any(one in self.ranges for one in _ALL_RANGES)
        return holds(self.ranges, addresses)


def egress_of(place: Place, network: Network) -> Allowed:
    """What the groups of an instance let out."""
    return _allowed(network, place.groups, lambda group: network.groups[group].egress)


def ingress_of(endpoint: Endpoint, network: Network) -> Allowed:
    """What the groups of an endpoint let in."""
    if endpoint.groups is None:
        return Allowed((), frozenset(), unread=True)
    return _allowed(network, endpoint.groups, lambda group: network.groups[group].ingress)


def _allowed(network: Network, groups: Iterable[str], rules_of: Callable[[str], Iterable[Rule]]) -> Allowed:
    passed: list[Range] = []
    members: set[str] = set()
    unread = False
    for group in groups:
        if group not in network.groups:
            unread = True
            continue
        for rule in rules_of(group):
            passed += rule.ranges
            members |= rule.groups
            unread = _add_lists(passed, rule.lists, network.lists) or unread
    return Allowed(tuple(passed), frozenset(members), unread)


def _add_lists(passed: list[Range], names: Iterable[str], lists: Mapping[str, tuple[Range, ...]]) -> bool:
    """Add what is in the prefix lists; returns whether one of them was not read."""
    unread = False
    for name in names:
        entries = entries_of(name, lists)
        unread = unread or entries is None
        passed += entries or ()
    return unread
