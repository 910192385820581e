# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Rules: what the profiles and the regions' DHMC give to each instance, from what IAM says. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from ansible_collections.fleet.aws_ssm.plugins.module_utils._iam.profile_access import (
    EC2_SERVICE,
    SSM_SERVICE,
    Access,
    RoleAccess,
    unclear,
)
from ansible_collections.fleet.aws_ssm.plugins.module_utils._iam_policy import Answer
from ansible_collections.fleet.aws_ssm.plugins.module_utils._permissions import RoleFacts
from ansible_collections.fleet.aws_ssm.plugins.module_utils._readiness_types import Dhmc, Machine, Profile
from ansible_collections.fleet.aws_ssm.plugins.module_utils._service_setting import Setting


class ProfileAccess:
    """A profile as IAM has it, and what its role gives. One that could not be read has neither."""

    def __init__(self, profile: Profile, role: RoleAccess | None = None) -> None:
        self._profile, self._role = profile, role
        self._known: dict[int, Profile] = {}

    def on(self, machine: Machine) -> Profile:
        """What it gives to the instance. Instances that get the same share one answer."""
        if self._role is None:
            return self._profile
        access = self._role.on(machine.region, machine.target)
        # The role keeps what it has decided, so that no other answer ever has this id.
        if id(access) not in self._known:
            self._known[id(access)] = replace(
                self._profile,
                trusted=access.trust.answer,
                pings=access.pings.answer,
                messages=access.messages.answer,
                unclear=access.unclear,
                messages_unclear=unclear(access.messages),
            )
        return self._known[id(access)]


class DhmcAccess:
    """A region's setting, and what the role that it names gives."""

    def __init__(self, region: str, dhmc: Dhmc, role: RoleAccess | None = None) -> None:
        self._dhmc, self._role = dhmc, role
        self._known: dict[int, Dhmc] = {}
        self.common = self._judged(role.in_region(region)) if role else dhmc

    def on(self, machine: Machine) -> Dhmc:
        """What it gives to the instance."""
        if self._role is None or self.common.permitted is not Answer.MAYBE:
            return self.common
        access = self._role.on(machine.region, machine.target)
        if id(access) not in self._known:
            self._known[id(access)] = self._judged(access)
        return self._known[id(access)]

    def _judged(self, access: Access) -> Dhmc:
        return replace(self._dhmc, trusted=access.trust.answer, permitted=access.pings.answer, unclear=access.unclear)


@dataclass
class IamFacts:
    """What IAM says: profiles by ARN, DHMC by region; C(unread) are messages about what could not be read."""

    profiles: dict[str, ProfileAccess]
    regions: dict[str, DhmcAccess]
    unread: list[str] = field(default_factory=list)

    def profile(self, machine: Machine) -> Profile | None:
        """The instance's profile, None if it has none."""
        if not machine.profile_arn:
            return None
        found = self.profiles.get(machine.profile_arn)
        return found.on(machine) if found else Profile(machine.profile_name, known=False)

    def dhmc(self, machine: Machine) -> Dhmc:
        """DHMC for the instance."""
        return self.regions[machine.region].on(machine)

    def dhmc_of(self, region: str) -> Dhmc:
        """DHMC for whatever instance of the region."""
        return self.regions[region].common


def profile_access(arn: str, found: Mapping[str, Any] | None, roles: Mapping[str, RoleFacts]) -> ProfileAccess:
    """A profile of GetInstanceProfile, None if there is none, with its role if that was found."""
    name = arn.rpartition("/")[2]
    if not found:
        return ProfileAccess(Profile(name, exists=False))
    held = roles_of(found)
    role = roles.get(held[0]) if held else None
    profile = Profile(
        name,
        id=found.get("InstanceProfileId"),
        role=held[0] if held else "",
        role_exists=bool(role),
        created=found.get("CreateDate"),
    )
    _arn, partition, _iam, _region, account, _name = arn.split(":", 5)
    return ProfileAccess(profile, RoleAccess(role, EC2_SERVICE, partition, account) if role else None)


def roles_of(found: Mapping[str, Any] | None) -> list[str]:
    """The names of the roles in a profile of GetInstanceProfile."""
    return [role["RoleName"] for role in found["Roles"]] if found else []


def dhmc_access(
    region: str, setting: Setting | None, roles: Mapping[str, RoleFacts], unread: Collection[str] | None
) -> DhmcAccess:
    """`unread` are the roles that could not be read, None for all of them: nothing is said against these."""
    if setting is None:
        return DhmcAccess(region, Dhmc(known=False))
    value = setting.value or ""
    changed = datetime.fromisoformat(setting.last_modified_date) if setting.last_modified_date else None
    path, _slash, name = value.rpartition("/")
    if not value:
        return DhmcAccess(region, Dhmc("", changed))
    if unread is None or name in unread:
        return DhmcAccess(region, Dhmc(value, changed, role_known=False))
    role = roles.get(name)
    if role is None or role.detail["Path"].strip("/") != path.strip("/"):
        return DhmcAccess(region, Dhmc(value, changed, role_exists=False))
    _arn, partition, _iam, _region, account, _name = role.detail["Arn"].split(":", 5)
    return DhmcAccess(region, Dhmc(value, changed), RoleAccess(role, SSM_SERVICE, partition, account))
