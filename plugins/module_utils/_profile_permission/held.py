# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Rules: which roles must keep ssm:UpdateInstanceInformation, because instances would lose their way in. Pure.

An instance whose profile allows the action needs nothing else. Without it, the agent uses Default Host Management
Configuration (DHMC). So the action may go only where DHMC works now, for every instance of every region that has one of
the role's profiles. What could not be read counts as if DHMC did not work.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from ansible_collections.fleet.aws_ssm.plugins.module_utils._dhmc.in_use import DhmcInUse
from ansible_collections.fleet.aws_ssm.plugins.module_utils._errors import code_of
from ansible_collections.fleet.aws_ssm.plugins.module_utils._iam.profile_access import (
    SSM_SERVICE,
    Access,
    RoleAccess,
)
from ansible_collections.fleet.aws_ssm.plugins.module_utils._iam_policy import Answer
from ansible_collections.fleet.aws_ssm.plugins.module_utils._permissions import PING, RoleFacts

DHMC_NAME = "Default Host Management Configuration"
# The oldest agent that knows DHMC: Systems Manager User Guide, "Default Host Management Configuration".
OLDEST_AGENT = "3.2.582.0"
# So many instances of a region are named.
_NAMED = 3


@dataclass(frozen=True)
class User:
    """An instance that has a profile with the role. `agent` is its version, None if it was never managed."""

    id: str
    region: str
    agent: str | None = None


@dataclass(frozen=True)
class Usage:
    """The instances by the name of the role that they use, and what could not be read.

    `unread` are the regions whose instances could not be read, `agents_unread` those whose agents could not, and
    `roles_unread` the roles whose profiles could not.
    """

    users: Mapping[str, Sequence[User]] = field(default_factory=dict)
    unread: Mapping[str, Exception] = field(default_factory=dict)
    agents_unread: Mapping[str, Exception] = field(default_factory=dict)
    roles_unread: Mapping[str, Exception] = field(default_factory=dict)

    def regions_of(self, role: str) -> list[str]:
        """The regions in which instances use the role."""
        return sorted({user.region for user in self.users.get(role, ())})


@dataclass(frozen=True)
class Ways:
    """Where DHMC lets instances in.

    `unfit` says for a region why the role that DHMC names can't let them in. In the `planned` regions the caller is
    about to turn DHMC on. In the `let_go` regions instances may lose their way in because DHMC is off.
    """

    dhmc: DhmcInUse
    unfit: Mapping[str, str] = field(default_factory=dict)
    planned: frozenset[str] = frozenset()
    let_go: frozenset[str] = frozenset()

    def closed(self, region: str) -> str:
        """Why an instance of the region can't use DHMC, in words that follow "there"; empty if it can."""
        if region in self.dhmc.roles:
            if self.dhmc.roles[region] is None:
                return "" if region in self.planned else f"{DHMC_NAME} is off"
            return self.unfit.get(region, "")
        error = self.dhmc.unread.get(region)
        why = f" ({code_of(error)})" if error else ""
        return f"whether {DHMC_NAME} is on could not be read{why}"

    def lost_anyway(self, region: str) -> bool:
        """Whether no instance of the region has a way in that it could lose, or none that has to be kept.

        A service control policy that closes Systems Manager in a region closes it to the roles of instances, too.
        """
        off = self.dhmc.roles.get(region, "") is None
        return region in self.dhmc.forbidden or (off and region in self.let_go)


def why_held(role: str, ways: Ways, usage: Usage) -> str:
    """Why the role must keep the action, in words that follow its name; empty if it need not."""
    if role in usage.roles_unread:
        return f"may be in use: which instance profiles hold it could not be read ({code_of(usage.roles_unread[role])})"
    found = []
    of_region: dict[str, list[User]] = defaultdict(list)
    for user in usage.users.get(role, ()):
        of_region[user.region].append(user)
    for region, users in sorted(of_region.items()):
        why = "" if ways.lost_anyway(region) else ways.closed(region) or _agents(region, users, usage)
        if why:
            found.append(f"instances of {region} use it ({_names(user.id for user in users)}), and there {why}")
    for region, error in sorted(usage.unread.items()):
        if not ways.lost_anyway(region):
            found.append(f"whether instances of {region} use it could not be read ({code_of(error)})")
    return "; ".join(found)


def _agents(region: str, users: Iterable[User], usage: Usage) -> str:
    """Why an agent can't use DHMC that works; empty if all can."""
    if region in usage.agents_unread:
        return f"the versions of their agents could not be read ({code_of(usage.agents_unread[region])})"
    old = [f"{user.id} has {user.agent or 'an unknown version'}" for user in users if _too_old(user.agent)]
    return f"{DHMC_NAME} needs agent {OLDEST_AGENT}, but {_names(old)}" if old else ""


def _too_old(agent: str | None) -> bool:
    """Whether a managed instance's agent does not know DHMC. A version that can't be read counts as old."""
    return agent is not None and _number(agent) < _number(OLDEST_AGENT)


def _number(version: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in version.split("."))
    except ValueError:
        return ()


def _names(texts: Iterable[str]) -> str:
    every = sorted(texts)
    more = len(every) - _NAMED
    return ", ".join(every[:_NAMED]) + (f" and {more} more" if more > 0 else "")


def unfit_roles(
    dhmc: DhmcInUse,
    roles: Mapping[str, RoleFacts],
    errors: Mapping[str, Exception],
    account: str,
    partition: str,
) -> dict[str, str]:
    """For each region where DHMC is on, why its role can't let instances in. A region whose role can is left out.

    `roles` and `errors` are by the role's name. Each is judged in the regions that name it. A permission or a trust
    that may not hold for all instances of the region counts as none.
    """
    found = {}
    accesses: dict[str, RoleAccess] = {}
    for region, name in dhmc.roles.items():
        if name is None:
            continue
        value, role = dhmc.values.get(region, name), roles.get(name)
        if role and name not in accesses:
            accesses[name] = RoleAccess(role, SSM_SERVICE, partition, account)
        access = accesses[name].in_region(region) if role else None
        if why := _unfit(value, role, access, errors.get(name)):
            found[region] = f"{DHMC_NAME} uses the role {value}, which {why}"
    return found


def _unfit(value: str, role: RoleFacts | None, access: Access | None, error: Exception | None) -> str:
    if error:
        return f"could not be read ({code_of(error)})"
    # Names are unique in an account whatever the path, but the setting has to name the path, too.
    if role is None or access is None or role.detail["Path"].strip("/") != value.rpartition("/")[0].strip("/"):
        return "does not exist"
    if access.trust.answer is not Answer.YES:
        return f"does not surely trust {SSM_SERVICE}"
    if access.pings.answer is not Answer.YES:
        return f"does not surely allow {PING}"
    return ""


def policies_to_keep(roles: Iterable[RoleFacts], why: Mapping[str, str]) -> dict[str, str]:
    """The managed policies of roles that keep what they allow, and why none of them may be edited.

    `why` is by the role's name. A permissions boundary counts, because editing it takes something away as well.
    """
    found: dict[str, str] = {}
    for role in roles:
        if role.name in why:
            for policy in (*role.managed, *([role.boundary] if role.boundary else [])):
                found.setdefault(policy.arn, f"the role {role.name} has it, too ({why[role.name]})")
    return found
