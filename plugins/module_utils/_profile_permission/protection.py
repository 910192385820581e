# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Finds out which roles keep the actions, and which managed policies are never edited, for one task."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from ansible_collections.fleet.aws_ssm.plugins.module_utils._dhmc.in_use import DhmcInUse, why_protected
from ansible_collections.fleet.aws_ssm.plugins.module_utils._dhmc.read_in_use import read_dhmc_in_use
from ansible_collections.fleet.aws_ssm.plugins.module_utils._iam.profile_access import EC2_SERVICE, RoleAccess
from ansible_collections.fleet.aws_ssm.plugins.module_utils._iam_policy import Answer
from ansible_collections.fleet.aws_ssm.plugins.module_utils._iam_reader import IamReader
from ansible_collections.fleet.aws_ssm.plugins.module_utils._pace import wait_until
from ansible_collections.fleet.aws_ssm.plugins.module_utils._permissions import PING, RoleFacts, may, resources_of
from ansible_collections.fleet.aws_ssm.plugins.module_utils._profile_permission.held import (
    Usage,
    User,
    Ways,
    policies_to_keep,
    unfit_roles,
    why_held,
)
from ansible_collections.fleet.aws_ssm.plugins.module_utils._profile_permission.read_usage import (
    read_usage,
    with_agents,
)
from ansible_collections.fleet.aws_ssm.plugins.module_utils._profile_survey import Survey, Surveyor

DhmcRoles = tuple[dict[str, RoleFacts], dict[str, Exception]]

# Seconds to wait for a role of DHMC that IAM does not show, or not as it has to be: it may have been made just now.
_PATIENCE = 30.0
_SHARED_UNREAD = "it is shared, and who else has it can't be read (iam:GetAccountAuthorizationDetails)"


@dataclass(frozen=True)
class Terms:
    """What the task says. `planned`: DHMC is about to be turned on in the selected regions."""

    pings: bool
    allow_shared: bool
    elsewhere: bool
    planned: bool
    patient: bool


@dataclass(frozen=True)
class Protection:
    """Why roles keep the actions, by name, and why managed policies are never edited, by ARN."""

    roles: dict[str, str] = field(default_factory=dict)
    policies: dict[str, str] = field(default_factory=dict)


class Protector:
    """Reads for one task what the rules of protection ask for."""

    def __init__(self, surveyor: Surveyor, survey: Survey, terms: Terms) -> None:
        self._surveyor, self._survey, self._terms = surveyor, survey, terms
        self._seen: DhmcInUse | None = None

    def protection(self, roles: list[RoleFacts]) -> Protection:
        """What is protected among the roles that the task would change, and among the policies on them.

        Nothing is read without roles. Raise InputError if the account's regions can't be listed, and IAM's errors.
        """
        if not roles:
            return Protection()
        surveyor, terms = self._surveyor, self._terms
        # A region that does not answer must leave time for the rest.
        dhmc = self._seen = read_dhmc_in_use(surveyor.clients, surveyor.regions, _part(surveyor.deadline, 3))
        others = self._others(roles) if terms.allow_shared else {}
        everyone = {role.name: role for role in [*(others or {}).values(), *roles]}
        reasons = {
            name: why_protected(name, role.detail["AssumeRolePolicyDocument"], dhmc) for name, role in everyone.items()
        }
        named = self._roles_of_dhmc(dhmc)
        if terms.pings:
            asked = [role for role in everyone.values() if not reasons[role.name] and self._pings(role)]
            usage, relying = self._usage(dhmc, asked)
            named = self._settled(dhmc, named, relying)
            ways = self._ways(dhmc, named)
            reasons.update({role.name: why_held(role.name, ways, usage) for role in asked})
        why = {name: reason for name, reason in reasons.items() if reason}
        kept = policies_to_keep(named[0].values(), {name: why_protected(name, {}, dhmc) for name in named[0]})
        kept.update(policies_to_keep(everyone.values(), why))
        if others is None:
            kept.update(_shared(roles))
        return Protection({role.name: why[role.name] for role in roles if role.name in why}, kept)

    def dhmc_has_changed(self) -> bool:
        """Whether a region's setting is another one than `protection` has seen, or can't be read any more."""
        if self._seen is None or not self._terms.pings:
            return False
        deadline = time.monotonic() + _PATIENCE
        try:
            now = read_dhmc_in_use(self._surveyor.clients, self._surveyor.regions, deadline)
        except Exception:  # the next look says why
            return True
        return (now.roles, set(now.unread)) != (self._seen.roles, set(self._seen.unread))

    def _pings(self, role: RoleFacts) -> bool:
        resources = resources_of(PING, (), self._survey.partition, self._survey.account)
        return may(role, PING, resources).answer is not Answer.NO

    def _others(self, roles: list[RoleFacts]) -> dict[str, RoleFacts] | None:
        """The account's other roles that have a policy which the task may edit; None if they can't be read."""
        editable = {policy.arn for role in roles for policy in role.managed if not policy.of_aws}
        everyone = self._surveyor.reader.everyone() if editable else {}
        if everyone is None:
            return None
        ours = {role.name for role in roles}
        return {
            name: role
            for name, role in everyone.items()
            if name not in ours
            and editable & {policy.arn for policy in (*role.managed, *([role.boundary] if role.boundary else []))}
        }

    def _usage(self, dhmc: DhmcInUse, roles: Iterable[RoleFacts]) -> tuple[Usage, set[str]]:
        """Who uses the roles, and the regions where DHMC is on and instances would have to rely on it."""
        surveyor = self._surveyor
        holding, errors = surveyor.sharing([role.name for role in roles])
        profiles = {arn: role for role, arns in holding.items() for arn in arns.values()}
        regions = [*dhmc.roles, *dhmc.unread]
        usage = read_usage(surveyor.clients, regions, profiles, self._survey.region_errors, _part(surveyor.deadline, 3))
        usage = replace(usage, users=self._losing(usage, roles), roles_unread=errors)
        able = {region for region, name in dhmc.roles.items() if name or region in self._planned}
        relying = able & {region for role in usage.users for region in usage.regions_of(role)}
        return with_agents(surveyor.clients, usage, relying, _part(surveyor.deadline, 2)), relying

    def _losing(self, usage: Usage, roles: Iterable[RoleFacts]) -> dict[str, list[User]]:
        """The instances that a role may let in now. Where it plainly does not, nothing is lost."""
        place = self._survey.partition, self._survey.account
        access = {role.name: RoleAccess(role, EC2_SERVICE, *place) for role in roles}
        return {
            name: [user for user in users if access[name].in_region(user.region).registers is not Answer.NO]
            for name, users in usage.users.items()
        }

    def _roles_of_dhmc(self, dhmc: DhmcInUse) -> DhmcRoles:
        """The roles that DHMC names, as IAM has them now, and the errors of those that can't be read."""
        names = sorted({name for name in dhmc.roles.values() if name})
        return IamReader(self._surveyor.iam, self._surveyor.deadline).roles(names) if names else ({}, {})

    def _settled(self, dhmc: DhmcInUse, named: DhmcRoles, relying: set[str]) -> DhmcRoles:
        """The roles that DHMC names. One that is not fit for a region is read again: IAM is eventually consistent."""
        place = self._survey.account, self._survey.partition

        def fit() -> bool:
            nonlocal named
            if not relying & set(unfit_roles(dhmc, *named, *place)):
                return True
            named = self._roles_of_dhmc(dhmc)
            return False

        if self._terms.patient and relying:
            wait_until(fit, min(_part(self._surveyor.deadline, 2), time.monotonic() + _PATIENCE))
        return named

    @property
    def _planned(self) -> frozenset[str]:
        return frozenset(self._surveyor.regions) if self._terms.planned else frozenset()

    def _ways(self, dhmc: DhmcInUse, named: DhmcRoles) -> Ways:
        return Ways(
            dhmc,
            unfit_roles(dhmc, *named, self._survey.account, self._survey.partition),
            planned=self._planned,
            let_go=frozenset(dhmc.off()) - frozenset(self._surveyor.regions) if self._terms.elsewhere else frozenset(),
        )


def _part(deadline: float, parts: int) -> float:
    """A deadline that leaves the rest of the time for what comes after."""
    now = time.monotonic()
    return now + (deadline - now) / parts


def _shared(roles: list[RoleFacts]) -> dict[str, str]:
    """The policies that others have, too."""
    ours = Counter(policy.arn for role in roles for policy in role.managed)
    return {
        policy.arn: _SHARED_UNREAD for role in roles for policy in role.managed if policy.attached > ours[policy.arn]
    }
