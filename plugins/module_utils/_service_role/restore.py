# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Rules: what becomes of each resource of a backup, and of a role and a profile that are to go. Pure.

A role or profile that was made is removed only if it holds nothing that someone else has put there. One that was
removed is made again. A part of a role that was there before is put back by itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
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
    Original,
)
from ansible_collections.fleet.aws_ssm.plugins.module_utils._errors import InputError
from ansible_collections.fleet.aws_ssm.plugins.module_utils._service_role.types import (
    OWNER_TAG,
    PARTED,
    Change,
    ProfileState,
    RoleState,
    changed,
    profile_from_journal,
    profile_value_in,
    role_from_journal,
    value_in,
)

CHANGED_SINCE, GONE, IN_USE, NOT_READ = "ChangedSince", "Gone", "InUse", "NotRead"
_ROLE_KINDS = (ROLE, TRUST_POLICY, ROLE_BOUNDARY, ROLE_DESCRIPTION, ROLE_TAG, ATTACHMENT, INLINE_POLICY)


@dataclass(frozen=True)
class Outcome:
    """What is to become of a resource: the changes, or the error (code, message), or why nothing is to be done."""

    kind: str
    resource: str
    changes: tuple[Change, ...] = ()
    error: tuple[str, str] | None = None
    reason: str = ""

    @property
    def name(self) -> str:
        """The role's or the profile's name."""
        return self.resource.partition("/")[0] if self.kind in PARTED else self.resource

    @property
    def makes_anew(self) -> bool:
        """Whether a role or a profile that is gone is made again."""
        return any(change.kind in (ROLE, PROFILE) and change.before is None for change in self.changes)

    def refused(self, code: str, message: str) -> Outcome:
        """The same resource, left alone."""
        return replace(self, changes=(), error=(code, message))


@dataclass(frozen=True)
class Now:
    """What IAM holds: roles and profiles by name, and the names of the profiles that hold each role."""

    roles: Mapping[str, RoleState | None]
    profiles: Mapping[str, ProfileState | None]
    holders: Mapping[str, list[str]] = field(default_factory=dict)


def names_in(originals: Iterable[Original]) -> tuple[list[str], list[str]]:
    """The names of the roles and of the profiles that a backup is about."""
    roles: set[str] = set()
    profiles: set[str] = set()
    for one in originals:
        name = one.resource.partition("/")[0] if one.kind in PARTED else one.resource
        (roles if one.kind in _ROLE_KINDS else profiles).add(name)
        if one.kind == PROFILE:
            roles.update(value["role"] for value in (one.before, *one.ours) if value and value.get("role"))
    return sorted(roles), sorted(profiles)


def check_values(originals: Iterable[Original]) -> None:
    """Raise InputError for a role or a profile of the backup that is not whole, before anything is changed."""
    for one in originals:
        for value in (one.before, *one.ours):
            if value is None or one.kind not in (ROLE, PROFILE):
                continue
            try:
                (role_from_journal if one.kind == ROLE else profile_from_journal)(one.resource, value)
            except (KeyError, TypeError, ValueError) as error:
                raise InputError(
                    f"backup: the {one.kind.replace('_', ' ')} {one.resource} is damaged ({type(error).__name__}: "
                    f"{error}). Use a backup that is whole."
                ) from error


def plan_restored(originals: Iterable[Original], now: Now, *, owner: str, overwrite: bool) -> list[Outcome]:
    """What becomes of each resource: profiles and roles as a whole, or the parts of those that were there before."""
    by_name: dict[tuple[bool, str], list[Original]] = {}
    for one in originals:
        name = one.resource.partition("/")[0] if one.kind in PARTED else one.resource
        by_name.setdefault((one.kind in _ROLE_KINDS, name), []).append(one)
    found: list[Outcome] = []
    for (is_role, name), group in sorted(by_name.items()):
        work = _Restore(name, group, owner=owner, overwrite=overwrite)
        found += work.role(now.roles.get(name)) if is_role else work.profile(now.profiles.get(name))
    return _still_held(found, now)


def _still_held(outcomes: list[Outcome], now: Now) -> list[Outcome]:
    """Refuse the removal of a role that a profile still holds afterwards."""
    freed = {
        (change.name, now.profiles[change.name].role if now.profiles.get(change.name) else None)  # type: ignore[union-attr]
        for outcome in outcomes
        for change in outcome.changes
        if change.kind in (PROFILE, PROFILE_ROLE) and change.before is not None
    }

    def checked(outcome: Outcome) -> Outcome:
        goes = any(change.kind == ROLE and change.after is None for change in outcome.changes)
        left = [name for name in now.holders.get(outcome.name, []) if goes and (name, outcome.name) not in freed]
        why = f"the instance profile {', '.join(left)} holds it: left alone"
        return outcome.refused(IN_USE, why) if left else outcome

    return [checked(outcome) for outcome in outcomes]


@dataclass(frozen=True)
class _Restore:
    """One role or profile of a backup."""

    name: str
    originals: list[Original]
    owner: str
    overwrite: bool

    def role(self, now: RoleState | None) -> list[Outcome]:
        whole = next((one for one in self.originals if one.kind == ROLE), None)
        parts = [one for one in self.originals if one.kind != ROLE]
        if whole and whole.before is None:
            return [self._unmade_role(now, whole, parts)]
        before = role_from_journal(self.name, whole.before) if whole else None
        if now is None:
            if before and whole and None in whole.ours:
                target = changed(before, [_change(one, None) for one in parts])
                return [self._outcome(ROLE, [Change(ROLE, self.name, None, target.to_journal())])]
            return [self._gone(one) for one in self.originals]
        if before:
            parts = _with_parts_of(before, parts, whole)
        return [self._part(one, value_in(now, one.kind, _part(one)), one.kind) for one in parts]

    def _unmade_role(self, now: RoleState | None, whole: Original, parts: list[Original]) -> Outcome:
        if now is None:
            return Outcome(ROLE, self.name, reason="is gone already")
        ours = [role_from_journal(self.name, value) for value in whole.ours if value]
        other = others_in(now, ours, parts, self.owner)
        if other and not self.overwrite:
            return self._outcome(ROLE, []).refused(CHANGED_SINCE, _since(other))
        return self._outcome(ROLE, [Change(ROLE, self.name, now.to_journal(), None)])

    def profile(self, now: ProfileState | None) -> list[Outcome]:
        whole = next((one for one in self.originals if one.kind == PROFILE), None)
        parts = [one for one in self.originals if one.kind != PROFILE]
        if whole and whole.before is None:
            return [self._unmade_profile(now, whole, parts)]
        before = profile_from_journal(self.name, whole.before) if whole else None
        if now is None:
            if before and whole and None in whole.ours:
                role = next((one.before for one in parts if one.kind == PROFILE_ROLE), before.role)
                tags = {**before.tags, **{_part(one): one.before for one in parts if one.kind == PROFILE_TAG}}
                tags = {key: value for key, value in tags.items() if value is not None}
                target = ProfileState(before.name, before.path, role, tags)
                return [self._outcome(PROFILE, [Change(PROFILE, self.name, None, target.to_journal())])]
            return [self._gone(one) for one in self.originals]
        if before and whole and not any(one.kind == PROFILE_ROLE for one in parts):
            parts.append(replace(whole, kind=PROFILE_ROLE, before=before.role, ours=(None,)))
        return [self._part(one, profile_value_in(now, one.kind, _part(one)), one.kind) for one in parts]

    def _unmade_profile(self, now: ProfileState | None, whole: Original, parts: list[Original]) -> Outcome:
        if now is None:
            return Outcome(PROFILE, self.name, reason="is gone already")
        roles = {value["role"] for value in whole.ours if value}
        roles |= {value for one in parts if one.kind == PROFILE_ROLE for value in (one.before, *one.ours)}
        other = [
            f"the tag {OWNER_TAG}" if not now.made_by(self.owner) else "",
            f"the role {now.role}" if now.role and now.role not in roles else "",
        ]
        if any(other) and not self.overwrite:
            return self._outcome(PROFILE, []).refused(CHANGED_SINCE, _since(list(filter(None, other))))
        return self._outcome(PROFILE, [Change(PROFILE, self.name, now.to_journal(), None)])

    def _part(self, one: Original, now: Any, kind: str) -> Outcome:
        outcome = Outcome(kind, one.resource)
        if now == one.before:
            return replace(outcome, reason="is as it was")
        if one.changed_since(now) and not self.overwrite:
            return outcome.refused(CHANGED_SINCE, _since([]))
        return replace(outcome, changes=(_change(one, now),))

    def _gone(self, one: Original) -> Outcome:
        what = "role" if one.kind in _ROLE_KINDS else "instance profile"
        if one.before in (None, False):
            return Outcome(one.kind, one.resource, reason=f"is gone with the {what}")
        if self.overwrite:
            return Outcome(one.kind, one.resource, reason=f"the {what} does not exist any more")
        return Outcome(one.kind, one.resource).refused(
            GONE, f"the {what} does not exist any more; overwrite passes over it"
        )

    def _outcome(self, kind: str, changes: list[Change]) -> Outcome:
        return Outcome(kind, self.name, tuple(changes))


def _part(one: Original) -> str:
    return one.resource.partition("/")[2] if one.kind in PARTED else ""


def _change(one: Original, now: Any) -> Change:
    return Change(one.kind, one.resource, now, one.before)


def _since(what: list[str]) -> str:
    part = f" ({', '.join(what)})" if what else ""
    return f"someone else has changed it since{part}: left alone; overwrite does it all the same"


def _with_parts_of(before: RoleState, parts: list[Original], whole: Original | None) -> list[Original]:
    """The parts of a role that was removed, and is there: someone, or a run that has stopped, has made it again."""
    if whole is None:
        return parts
    known = {(one.kind, one.resource) for one in parts}
    every = [
        (TRUST_POLICY, "", before.trust),
        (ROLE_BOUNDARY, "", before.boundary),
        *((ATTACHMENT, arn, True) for arn in before.managed),
        *((INLINE_POLICY, name, text) for name, text in before.inline.items()),
    ]
    found = list(parts)
    for kind, part, value in every:
        resource = f"{before.name}/{part}" if part else before.name
        if (kind, resource) not in known:
            ours = (False if kind == ATTACHMENT else None,)
            found.append(replace(whole, kind=kind, resource=resource, before=value, ours=ours))
    return found


def others_in(now: RoleState, ours: list[RoleState], parts: Iterable[Original], owner: str) -> list[str]:
    """What a role has that was not made here; less than was made is no harm. Tags and description don't count."""
    known: dict[str, set[Any]] = {}
    for one in parts:
        known.setdefault(one.kind + _part(one), set()).update((one.before, *one.ours))

    def is_ours(kind: str, part: str = "") -> bool:
        value = value_in(now, kind, part)
        return value in known.get(kind + part, ()) or any(value == value_in(role, kind, part) for role in ours)

    return [
        *([] if now.made_by(owner) else [f"the tag {OWNER_TAG}"]),
        *([] if is_ours(TRUST_POLICY) else ["the trust policy"]),
        *([] if now.boundary is None or is_ours(ROLE_BOUNDARY) else ["the permissions boundary"]),
        *(f"the managed policy {arn.rpartition('/')[2]}" for arn in now.managed if not is_ours(ATTACHMENT, arn)),
        *(f"the inline policy {name}" for name in now.inline if not is_ours(INLINE_POLICY, name)),
    ]


def in_order(outcomes: Iterable[Outcome]) -> list[tuple[Outcome, Change]]:
    """The changes in the order to make them: what gives before what takes, a role before its profile, and back."""
    every = [(outcome, change) for outcome in outcomes for change in outcome.changes]
    return sorted(every, key=lambda pair: _phase(pair[1]))


def _phase(change: Change) -> int:
    if change.of_profile:
        giving = change.kind == PROFILE_TAG or change.after is not None
        return 1 if giving else 2
    return 3 if change.takes_away else 0
