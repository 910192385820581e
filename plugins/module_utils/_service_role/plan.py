# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Rules: the plan from a role and a profile as they are to those that a task asks for; all refusals. Pure.

Quotas: IAM User Guide, "IAM and AWS STS quotas"; their values are the account's own (GetAccountSummary).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.fleet.aws_ssm.plugins.module_utils._core.backup import (
    ATTACHMENT,
    INLINE_POLICY,
    PROFILE,
    PROFILE_ROLE,
    PROFILE_TAG,
    ROLE,
    ROLE_BOUNDARY,
    ROLE_DESCRIPTION,
    ROLE_TAG,
    TRUST_POLICY,
)
from ansible_collections.fleet.aws_ssm.plugins.module_utils._errors import InputError
from ansible_collections.fleet.aws_ssm.plugins.module_utils._iam.profile_access import unclear
from ansible_collections.fleet.aws_ssm.plugins.module_utils._iam_names import ROLE as ROLE_NAME
from ansible_collections.fleet.aws_ssm.plugins.module_utils._iam_names import IamName, parse_name
from ansible_collections.fleet.aws_ssm.plugins.module_utils._iam_policy import Answer, as_list
from ansible_collections.fleet.aws_ssm.plugins.module_utils._role_policies import document_size
from ansible_collections.fleet.aws_ssm.plugins.module_utils._service_role.fitness import Fitness, Policies, fitness
from ansible_collections.fleet.aws_ssm.plugins.module_utils._service_role.request import Home, Request
from ansible_collections.fleet.aws_ssm.plugins.module_utils._service_role.types import (
    Change,
    ProfileState,
    RoleState,
    changed,
)

Differs = Callable[[Any, Any], bool]


@dataclass(frozen=True)
class Plan:
    """The changes in their order, and the role and the profile as they will be."""

    role: RoleState
    profile: ProfileState | None
    changes: list[Change]
    notes: list[str] = field(default_factory=list)
    """What may not fit. The documents leave it open."""

    def creates(self, kind: str) -> bool:
        """Whether a role or a profile is made."""
        return any(change.kind == kind and change.before is None for change in self.changes)


@dataclass(frozen=True)
class Found:
    """What IAM holds of what a task names."""

    role: RoleState | None
    profile: ProfileState | None
    arns: tuple[str, ...]
    """The managed policies that the task names."""
    policies: Policies
    """The documents of all that the role has or will have."""
    regions: tuple[str, ...] = ()
    """Where the role is to serve; none stands for whatever region."""


def role_name(request: Request, profile: ProfileState | None) -> IamName:
    """The role that is meant: the one that the profile holds, or that is named, or that has the profile's name."""
    held, given = profile.role if profile else None, request.role
    if held:
        if given and given.name.name != held:
            raise InputError(
                f"{request.option('name')}: the instance profile {profile.name if profile else ''} holds the role "
                f"{held}, not {given.name.name}. A profile holds one role: leave {request.option('name')} empty, or "
                "name another profile."
            )
        return IamName(held, given.name.path if given else None)
    if given:
        return given.name
    if not request.profile:
        raise InputError(f"{request.option('name')}: name a role, or set instance_profile.")
    named = request.profile.name
    parse_name(request.option("name"), named.name, ROLE_NAME)
    return IamName(named.name, named.path)


def check_path(option: str, what: str, wanted: IamName, path: str) -> None:
    """Raise InputError if a path was given and what exists has another one: names are unique whatever the path."""
    if wanted.path and wanted.path != path:
        raise InputError(
            f"{option}: {what} {wanted.name} is at the path {path}, not at {wanted.path}, and IAM has every name once. "
            "Name it without a path or with its own, or choose another name."
        )


def plan_present(request: Request, home: Home, found: Found, differs: Differs) -> Plan:
    """The plan, or InputError for all that speaks against it.

    `differs` compares two documents but for format and order.
    """
    role, wanted = found.role, role_name(request, found.profile)
    _check_exists(request, wanted, found)
    work = _RoleWork(request, home, found.arns, found.policies, differs, found.regions)
    if role is None:
        then = new_role(request, home, wanted, found.arns)
        changes = [Change(ROLE, then.name, None, then.to_journal())]
    else:
        check_path(request.option("name"), "the IAM role", wanted, role.path)
        changes = work.of_existing(role)
        then = changed(role, changes)
    notes = work.check(role, then)
    profile, more = _profile(request, found.profile, then.name)
    return Plan(then, profile, [*changes, *more], notes)


def _check_exists(request: Request, wanted: IamName, found: Found) -> None:
    way_out = f"Create it, or set {request.option('create')} to true to have it made."
    if request.profile and found.profile is None and not request.create:
        raise InputError(
            f"{request.option('instance_profile')}: the instance profile {request.profile.name.name} does not exist. "
            f"{way_out}"
        )
    if found.role is None and not request.create:
        raise InputError(f"{request.option('name')}: the IAM role {wanted.name} does not exist. {way_out}")


def new_role(request: Request, home: Home, wanted: IamName, arns: Iterable[str]) -> RoleState:
    """The role as it is made."""
    return RoleState(
        name=wanted.name,
        path=wanted.path or request.path,
        trust=request.trust_policy(home.partition),
        description=request.description,
        boundary=request.boundary.text if request.boundary else None,
        tags=request.made_tags,
        managed=tuple(sorted(arns)),
        inline=dict(request.inline),
    )


@dataclass(frozen=True)
class _RoleWork:
    """The role's part of the plan."""

    request: Request
    home: Home
    arns: tuple[str, ...]
    policies: Policies
    differs: Differs
    regions: tuple[str, ...]

    def of_existing(self, role: RoleState) -> list[Change]:
        """The changes of a role that is there: to what the task says if it is ours, else what the task allows."""
        request = self.request
        if request.create and role.made_by(request.owner):
            return self._attributes(role) + self._attach(role, self.arns) + self._put(role, replace=True)
        changes = []
        if request.fix and self._fitness(role).trust.answer is Answer.NO:
            changes.append(self._trust_too(role))
        if request.extend:
            return changes + self._attach(role, self.arns) + self._put(role, replace=request.overwrite)
        return changes + (self._missing_action(role) if request.fix else [])

    def _attributes(self, role: RoleState) -> list[Change]:
        request, changes = self.request, []
        trust = request.trust_policy(self.home.partition)
        if self.differs(role.trust_policy, json.loads(trust)):
            changes.append(Change(TRUST_POLICY, role.name, role.trust, trust))
        if request.boundary and role.boundary != request.boundary.text:
            changes.append(Change(ROLE_BOUNDARY, role.name, role.boundary, request.boundary.text))
        if request.description and role.description != request.description:
            changes.append(Change(ROLE_DESCRIPTION, role.name, role.description, request.description))
        for key, value in request.made_tags.items():
            if role.tags.get(key) != value:
                changes.append(Change(ROLE_TAG, f"{role.name}/{key}", role.tags.get(key), value))
        return changes

    def _attach(self, role: RoleState, arns: Iterable[str]) -> list[Change]:
        new = [arn for arn in arns if arn not in role.managed]
        return [Change(ATTACHMENT, f"{role.name}/{arn}", before=False, after=True) for arn in new]

    def _put(self, role: RoleState, *, replace: bool) -> list[Change]:
        changes = []
        for name, text in self.request.inline.items():
            before = role.inline.get(name)
            if before is not None and not self.differs(json.loads(before), json.loads(text)):
                continue
            if before is not None and not replace:
                raise InputError(
                    f"{self.request.option('inline_policies')}: the IAM role {role.name}, which was not made here, has "
                    f"another inline policy {name!r}. Choose another name, or set {self.request.option('overwrite')} "
                    "to true to replace it."
                )
            changes.append(Change(INLINE_POLICY, f"{role.name}/{name}", before, text))
        return changes

    def _fitness(self, role: RoleState) -> Fitness:
        return fitness(role, self.policies, self.request, self.home, self.regions)

    def _trust_too(self, role: RoleState) -> Change:
        document = role.trust_policy
        statement = self.request.trust_statement(self.home.partition)
        document["Statement"] = [*as_list(document.get("Statement")), statement]
        return Change(TRUST_POLICY, role.name, role.trust, json.dumps(document))

    def _missing_action(self, role: RoleState) -> list[Change]:
        """As many of the policies, in their order, as it takes to allow the action."""
        changes: list[Change] = []
        for arn in self.arns:
            if self._fitness(changed(role, changes)).permission is not Answer.NO:
                break
            changes += self._attach(role, [arn])
        return changes

    def check(self, now: RoleState | None, then: RoleState) -> list[str]:
        """Raise InputError if the role, as it will be, does not serve; notes where that is unclear."""
        request, service = self.request, self.request.principals(self.home.partition)[0]
        fit = self._fitness(then)
        trust, permission = fit.trust.answer, fit.permission
        arn = self.home.arn("role", then.path, then.name)
        if Answer.NO in (trust, permission):
            lacks = [
                f"its trust policy does not let {service} assume it" if trust is Answer.NO else "",
                f"it does not allow {request.action}{fit.where}" if permission is Answer.NO else "",
            ]
            ours = now is None or (request.create and now.made_by(request.owner))
            helpless = ours or request.fix or (request.extend and trust is not Answer.NO)
            way_out = (
                "Look at its permissions boundary and its Deny statements."
                if helpless
                else f"Change it, name another role, or set {request.option('fix')} to true to have it extended."
            )
            verb = "does not fit" if now else "would not fit"
            raise InputError(
                f"{request.option('name')}: the IAM role {arn} {verb}: {', and '.join(filter(None, lacks))}. {way_out}"
            )
        notes = []
        if trust is Answer.MAYBE:
            notes.append(f"it is unclear whether {service} may assume {arn}: {unclear(fit.trust)}")
        if permission is Answer.MAYBE:
            notes.append(f"it is unclear whether {arn} allows {request.action}: {fit.unclear}")
        return notes


def _profile(request: Request, profile: ProfileState | None, role: str) -> tuple[ProfileState | None, list[Change]]:
    """The instance profile's part of the plan."""
    if not request.profile:
        return None, []
    option, named = request.option("instance_profile"), request.profile.name
    if profile is None:
        then = ProfileState(named.name, named.path or request.path, role, request.made_tags)
        return then, [Change(PROFILE, then.name, None, then.to_journal())]
    check_path(option, "the instance profile", named, profile.path)
    ours, changes = profile.made_by(request.owner), []
    if not profile.role and not ours and not request.fix:
        raise InputError(
            f"{option}: the instance profile {profile.name} was not made by fleet.aws_ssm and has no role. Add one, or "
            f"set {request.option('fix')} to true to have it done."
        )
    if not profile.role:
        changes.append(Change(PROFILE_ROLE, profile.name, None, role))
    tags = {**profile.tags, **(request.made_tags if ours else {})}
    changes += [
        Change(PROFILE_TAG, f"{profile.name}/{key}", profile.tags.get(key), value)
        for key, value in tags.items()
        if profile.tags.get(key) != value
    ]
    return ProfileState(profile.name, profile.path, role, tags), changes


def check_quotas(request: Request, plan: Plan, quotas: Mapping[str, int]) -> None:
    """Raise InputError if the account's quotas don't allow what the plan makes. `quotas` is GetAccountSummary's map."""
    role, kinds = plan.role, {change.kind for change in plan.changes}
    if plan.creates(ROLE):
        _room(request.option("name"), "roles", quotas.get("Roles", 0), quotas.get("RolesQuota"))
    if plan.creates(PROFILE):
        used, limit = quotas.get("InstanceProfiles", 0), quotas.get("InstanceProfilesQuota")
        _room(request.option("instance_profile"), "instance profiles", used, limit)
    limit = quotas.get("AttachedPoliciesPerRoleQuota")
    if kinds & {ROLE, ATTACHMENT} and limit is not None and len(role.managed) > limit:
        raise InputError(
            f"{request.option('managed_policies')}: the role {role.name} would have {len(role.managed)} managed "
            f"policies attached; the account's quota is {limit}. Detach some, put them into one policy, or have the "
            "quota raised."
        )
    limit, size = quotas.get("RolePolicySizeQuota"), sum(map(document_size, role.inline.values()))
    if kinds & {ROLE, INLINE_POLICY} and limit is not None and size > limit:
        raise InputError(
            f"{request.option('inline_policies')}: the inline policies of the role {role.name} would have {size} "
            f"characters; the quota is {limit}. Use managed policies."
        )
    limit, size = quotas.get("AssumeRolePolicySizeQuota"), document_size(role.trust)
    if kinds & {ROLE, TRUST_POLICY} and limit is not None and size > limit:
        raise InputError(
            f"{request.option('name')}: the trust policy of the role {role.name} would have {size} characters; the "
            f"quota is {limit}. Have the quota raised, or name another role."
        )


def _room(option: str, what: str, used: int, limit: int | None) -> None:
    if limit is not None and used >= limit:
        raise InputError(
            f"{option}: the account has {used} {what}, and its quota is {limit}. Remove one, or have the quota raised."
        )


def check_spelling(option: str, what: str, name: str, existing: Iterable[str]) -> None:
    """Raise InputError if a name that is to be made exists in another spelling, which IAM takes for the same."""
    other = next((found for found in existing if found.lower() == name.lower() and found != name), None)
    if other:
        raise InputError(
            f"{option}: {what} {other} exists, and IAM does not tell names apart by case. Use {other}, or another name "
            f"than {name}."
        )
