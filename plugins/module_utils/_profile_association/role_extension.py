# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Adds policies to the roles behind instance profiles that are there already: each profile and role once."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.amazon.aws.plugins.module_utils.policy import compare_policies

from ansible_collections.fleet.aws_ssm.plugins.module_utils._core.backup import ATTACHMENT, Entry
from ansible_collections.fleet.aws_ssm.plugins.module_utils._core.fresh import is_stale, read_fresh
from ansible_collections.fleet.aws_ssm.plugins.module_utils._errors import (
    ChangedMeanwhile,
    InUse,
    describe,
    may_have_happened,
)
from ansible_collections.fleet.aws_ssm.plugins.module_utils._iam_api import (
    attached_policies,
    change_role_policy,
    quotas,
    read_profile,
    read_role_policies,
)
from ansible_collections.fleet.aws_ssm.plugins.module_utils._profile_association.plan import MODULE
from ansible_collections.fleet.aws_ssm.plugins.module_utils._profile_policy.guard import Guard
from ansible_collections.fleet.aws_ssm.plugins.module_utils._profile_policy.module import (
    check_managed,
    managed_arns,
    parse_managed,
)
from ansible_collections.fleet.aws_ssm.plugins.module_utils._role_policies import (
    Change,
    Request,
    ordered,
    plan_present,
)


@dataclass
class Extension:
    """The plan for one profile: the policies that its role lacks. `done` are those that were, or may have been, added.

    A profile that can't be extended has its error here, for its instances. It does not stop the others.
    """

    profile: str
    role: str = ""
    changes: list[Change] = field(default_factory=list)
    read_at: float = 0.0
    done: list[Change] = field(default_factory=list)
    error: Exception | None = None


class Extensions:
    """The plans for the profiles of a task, and what became of them."""

    def __init__(self, plans: Iterable[Extension] = ()) -> None:
        self.plans = {plan.profile: plan for plan in plans}

    def changed(self, profile: str | None) -> bool:
        """Whether the role behind the profile gets policies."""
        plan = self.plans.get(profile or "")
        return bool(plan and plan.done)

    def error(self, profile: str | None) -> dict[str, str] | None:
        """Why the profile could not be extended."""
        plan = self.plans.get(profile or "")
        return describe(plan.error) if plan and plan.error else None

    def changes(self) -> list[dict[str, Any]]:
        """What was attached, or would be in check mode: profile, role and ARNs of the policies."""
        return [
            {"instance_profile": plan.profile, "role": plan.role, "attached": [change.arn for change in plan.done]}
            for plan in self.plans.values()
            if plan.done
        ]

    def planned(self, account: str, partition: str) -> list[Entry]:
        """The entries of a backup for what is going to be attached."""
        return self._entries(account, partition, {plan.role: plan.changes for plan in self.plans.values()})

    def entries(self, account: str, partition: str) -> list[Entry]:
        """The entries of a backup for what was attached, or may have been."""
        return self._entries(account, partition, {plan.role: plan.done for plan in self.plans.values()})

    @staticmethod
    def _entries(account: str, partition: str, changes: dict[str, list[Change]]) -> list[Entry]:
        # Profiles may share a role, which is changed once.
        return [
            Entry(MODULE, ATTACHMENT, account, partition, None, f"{role}/{change.arn}", before=False, after=True)
            for role, done in changes.items()
            for change in done
        ]


def plan_extensions(
    iam: Any, policies: Iterable[str], profiles: Iterable[str | None], guard_of: Callable[[str], Guard]
) -> Extensions:
    """Read the roles behind the profiles (ARNs), and plan. Raise InputError for a policy that does not exist.

    `guard_of` makes the guard of a partition: a policy can also deny what a role that DHMC uses must keep.
    """
    wanted = list(dict.fromkeys(profile for profile in profiles if profile))
    if not wanted:
        return Extensions()
    names = parse_managed("policies", policies)
    limits = quotas(iam)
    guard = guard_of(wanted[0].split(":")[1])
    return Extensions(_plan(iam, profile, names, limits, guard) for profile in wanted)


def _plan(iam: Any, profile: str, names: Any, limits: Any, guard: Guard) -> Extension:
    found = read_profile(iam, profile.rpartition("/")[2])
    if not found or not found["Roles"]:
        missing = f"the profile {profile} {'has no role' if found else 'does not exist'}"
        return Extension(profile, error=LookupError(missing))
    role, read_at = found["Roles"][0], time.monotonic()
    now = read_role_policies(iam, role["RoleName"])
    request = Request(managed_arns(iam, "policies", names, role["Arn"]))
    check_managed(iam, "policies", set(request.managed) - set(now.managed))
    try:
        changes = plan_present(now, request, purge=False, differs=compare_policies)
        kept = guard.why_kept(role, now, changes)
        if kept:
            raise InUse(f"the role {role['RoleName']} {kept}: it keeps what lets instances register")
        return Extension(profile, role["RoleName"], ordered(now, changes, limits, role["RoleName"]), read_at)
    except Exception as error:
        return Extension(profile, role["RoleName"], error=error)


def pretend(extensions: Extensions) -> None:
    """Note in check mode what would be attached."""
    for plan in extensions.plans.values():
        plan.done = list(plan.changes)


def carry_out(iam: Any, extensions: Extensions) -> None:
    """Attach what is missing, once for each role, however many profiles hold it."""
    first: dict[str, Extension] = {}
    for plan in extensions.plans.values():
        if plan.role not in first:
            first[plan.role] = plan
            _attach(iam, plan)
        elif plan.role:
            plan.done, plan.error = first[plan.role].done, first[plan.role].error


def _attach(iam: Any, plan: Extension) -> None:
    try:
        if plan.changes and is_stale(plan.read_at):
            now = read_fresh(lambda: attached_policies(iam, plan.role))
            for change in plan.changes:
                if change.arn in now:
                    raise ChangedMeanwhile(f"{plan.role} without {change.name}", "attached")
        for change in plan.changes:
            try:
                change_role_policy(iam, plan.role, change)
            except Exception as error:
                if may_have_happened(error):
                    plan.done.append(change)
                raise
            plan.done.append(change)
    except Exception as error:
        plan.error = error
