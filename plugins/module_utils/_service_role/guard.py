# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Rules: what must not be taken away, because instances depend on it. Pure.

A role that Default Host Management Configuration (DHMC) uses keeps what it allows. An instance profile that instances
have keeps its role.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ansible_collections.fleet.aws_ssm.plugins.module_utils._core.backup import PROFILE, PROFILE_ROLE, ROLE
from ansible_collections.fleet.aws_ssm.plugins.module_utils._dhmc.in_use import DhmcInUse, why_protected
from ansible_collections.fleet.aws_ssm.plugins.module_utils._iam.profile_access import SSM_SERVICE
from ansible_collections.fleet.aws_ssm.plugins.module_utils._iam_policy import Answer, trusts
from ansible_collections.fleet.aws_ssm.plugins.module_utils._service_role.fitness import Policies, allows
from ansible_collections.fleet.aws_ssm.plugins.module_utils._service_role.request import Home
from ansible_collections.fleet.aws_ssm.plugins.module_utils._service_role.types import Change, RoleState, changed


@dataclass(frozen=True)
class Users:
    """The instances that have a profile, each as REGION/ID, and the regions that could not be asked."""

    instances: Sequence[str] = ()
    unread: Mapping[str, Exception] = field(default_factory=dict)


def takes_role_from_instances(change: Change) -> bool:
    """Whether instances that have the profile lose its role."""
    return change.kind in (PROFILE, PROFILE_ROLE) and change.before is not None


def removes_role(change: Change) -> bool:
    """Whether the role goes."""
    return change.kind == ROLE and change.after is None


def is_weaker(now: RoleState, then: RoleState, policies: Policies, home: Home) -> bool:
    """Whether a role that DHMC uses would serve it less: trust in Systems Manager, or what an agent calls first."""
    before, after = (
        (trusts(role.trust_policy, SSM_SERVICE).answer, allows(role, policies, home)) for role in (now, then)
    )
    return any(new.is_less_than(old) for old, new in zip(before, after, strict=True))


def weakening(now: RoleState, changes: Sequence[Change], policies: Policies, home: Home) -> list[Change]:
    """Those of the changes of a role's parts that must not be made, so that it serves DHMC no less than now."""
    if not is_weaker(now, changed(now, changes), policies, home):
        return []
    alone = [change for change in changes if is_weaker(now, changed(now, [change]), policies, home)]
    rest = [change for change in changes if change not in alone]
    # What is harmless alone may not be together: two policies that allow the same.
    together = is_weaker(now, changed(now, rest), policies, home)
    return alone + [change for change in rest if together and change.takes_away]


def why_role_stays(role: RoleState, dhmc: DhmcInUse | None, problem: str) -> str:
    """Why a role must not go or lose anything; empty if it may. `problem`: why DHMC's use could not be read."""
    if dhmc is None:
        if trusts(role.trust_policy, SSM_SERVICE).answer is Answer.NO:
            return ""
        return f"trusts Systems Manager, and whether DHMC uses it could not be read ({problem})"
    return why_protected(role.name, role.trust_policy, dhmc)


def why_profile_stays(users: Users) -> str:
    """Why an instance profile must not go or lose its role; empty if it may."""
    if users.instances:
        some = ", ".join(users.instances[:10])
        more = f" and {len(users.instances) - 10} more" if len(users.instances) > 10 else ""
        return f"is still the profile of {some}{more}"
    if users.unread:
        return f"may be the profile of instances in {', '.join(sorted(users.unread))}, which could not be read"
    return ""


def without(dhmc: DhmcInUse, regions: Iterable[str]) -> DhmcInUse:
    """The same, as if DHMC were off in these regions."""
    off = set(regions)
    return replace(dhmc, roles={region: None if region in off else name for region, name in dhmc.roles.items()})
