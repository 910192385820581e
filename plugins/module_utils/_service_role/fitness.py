# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Rules: whether a role serves what a task wants it for, in the regions that the task names. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ansible_collections.fleet.aws_ssm.plugins.module_utils._iam.profile_access import (
    EC2_SERVICE,
    SSM_SERVICE,
    RoleAccess,
    least,
    trusted,
    unclear,
)
from ansible_collections.fleet.aws_ssm.plugins.module_utils._iam_policy import Answer, Decision
from ansible_collections.fleet.aws_ssm.plugins.module_utils._permissions import (
    PING,
    ManagedPolicy,
    RoleFacts,
    may,
    resources_of,
)
from ansible_collections.fleet.aws_ssm.plugins.module_utils._service_role.request import Home, Request
from ansible_collections.fleet.aws_ssm.plugins.module_utils._service_role.types import RoleState

Policies = Mapping[str, ManagedPolicy]


@dataclass(frozen=True)
class Fitness:
    """What a role is for a task: `allows` by region, or by an empty name for whatever region."""

    trust: Decision
    allows: Mapping[str, Decision]

    @property
    def permission(self) -> Answer:
        """Whether it allows the action in every one of the regions."""
        return least(decision.answer for decision in self.allows.values())

    @property
    def where(self) -> str:
        """The regions in which it does not allow the action, in words that follow it; empty if that is everywhere."""
        lacking = [region for region, decision in self.allows.items() if decision.answer is Answer.NO]
        return f" in {', '.join(lacking)}" if len(lacking) < len(self.allows) else ""

    @property
    def unclear(self) -> str:
        """The statements that leave open whether it allows the action."""
        return unclear(*self.allows.values())


def facts_of(role: RoleState, policies: Policies, home: Home) -> RoleFacts:
    """The role as the rules of permissions take it."""
    detail = {
        "Arn": home.arn("role", role.path, role.name),
        "AssumeRolePolicyDocument": role.trust_policy,
        "Tags": [{"Key": key, "Value": value} for key, value in role.tags.items()],
    }
    managed = tuple(policies[arn] for arn in role.managed)
    return RoleFacts(role.name, detail, managed, role.inline, policies[role.boundary] if role.boundary else None)


def fitness(role: RoleState, policies: Policies, request: Request, home: Home, regions: Sequence[str]) -> Fitness:
    """How the role serves the request in the regions; in whatever region, if none is given."""
    facts, action = facts_of(role, policies, home), request.action
    trust = trusted(role.trust_policy, request.service, home.partition, home.account)
    if not action:
        return Fitness(trust, {"": Decision(Answer.YES, ())})
    by_agents = action.lower() == PING.lower() and request.service in (EC2_SERVICE, SSM_SERVICE)
    if request.resources or not by_agents:
        resources = resources_of(action, request.resources, home.partition, home.account)
        return Fitness(trust, {"": may(facts, action, resources)})
    access = RoleAccess(facts, request.service, home.partition, home.account)
    return Fitness(trust, {region: access.in_region(region).pings for region in regions or [""]})


def allows(role: RoleState, policies: Policies, home: Home) -> Answer:
    """Whether the role lets whatever instances of the account register."""
    return may(facts_of(role, policies, home), PING, resources_of(PING, (), home.partition, home.account)).answer
