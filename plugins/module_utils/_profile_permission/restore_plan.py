# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Rules: putting back what was taken from roles. Pure.

A backup is written before the changes, so some of them may not have been made, or by half. What decides is what IAM
holds now. What someone else has changed since is left alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.fleet.aws_ssm.plugins.module_utils._core.backup import (
    ATTACHMENT,
    INLINE_POLICY,
    MANAGED_POLICY,
    Original,
)
from ansible_collections.fleet.aws_ssm.plugins.module_utils._errors import InputError
from ansible_collections.fleet.aws_ssm.plugins.module_utils._iam.policy_state import PolicyNow, RoleNow
from ansible_collections.fleet.aws_ssm.plugins.module_utils._profile_permission.steps import (
    ATTACH,
    DEFAULT,
    DELETE,
    DETACH,
    PUT,
    Step,
)

# What can become of a resource that gets no step.
KEEP = "keep"
LOST = "lost"
SKIP = "skip"

CHANGED_SINCE = "ChangedSince"
GONE = "Gone"


@dataclass(frozen=True)
class Target:
    """What an original is about: an inline policy or a managed policy's attachment of `role`, or a managed policy."""

    original: Original
    role: str | None
    arn: str | None
    policy: str


@dataclass(frozen=True)
class Now:
    """What IAM holds: roles by name, managed policies by ARN, and which managed policies exist. None is not there.

    `errors` are of what could not be read, by the role's name or the policy's ARN.
    """

    roles: Mapping[str, RoleNow | None] = field(default_factory=dict)
    policies: Mapping[str, PolicyNow | None] = field(default_factory=dict)
    exists: Mapping[str, bool] = field(default_factory=dict)
    errors: Mapping[str, Exception] = field(default_factory=dict)


@dataclass(frozen=True)
class Undo:
    """What becomes of one resource: a step, or keep (it is as it was), skip (passed over), lost (it can't be put back).

    `code` and `reason` say why there is no step, `error` what kept it from being read.
    """

    target: Target
    outcome: str = KEEP
    step: Step | None = None
    code: str = ""
    reason: str = ""
    error: Exception | None = None


def targets_of(originals: Iterable[Original]) -> list[Target]:
    """What the originals are about, or InputError for one that this module never makes."""
    return [_target(original) for original in originals]


def _target(original: Original) -> Target:
    kind, resource = original.kind, original.resource
    if kind == MANAGED_POLICY and _is_version(original.before) and all(_is_edit(value) for value in original.ours):
        return Target(original, None, resource, resource.rpartition("/")[2])
    role, _slash, rest = resource.partition("/")
    if kind == INLINE_POLICY:
        return Target(original, role, None, rest)
    if kind == ATTACHMENT and rest.startswith("arn:"):
        return Target(original, role, rest, rest.rpartition("/")[2])
    raise InputError(
        f"The backup's entry of {kind} {resource} is none that instance_profile_permission makes. Give the backup as "
        "it was returned or written. Nothing was changed."
    )


def _is_version(value: Any) -> bool:
    """Whether it is a managed policy before a change."""
    if not isinstance(value, Mapping):
        return False
    versions = value.get("versions")
    return isinstance(value.get("version"), str) and isinstance(versions, Sequence) and not isinstance(versions, str)


def _is_edit(value: Any) -> bool:
    return isinstance(value, Mapping) and isinstance(value.get("document"), str)


def plan_restored(targets: Iterable[Target], now: Now, *, overwrite: bool) -> list[Undo]:
    """One Undo for each target, the last change first. `overwrite`: also over what was changed since."""
    return [_undo(target, now, overwrite=overwrite) for target in reversed(list(targets))]


def _undo(target: Target, now: Now, *, overwrite: bool) -> Undo:
    error = now.errors.get(target.role or "") or now.errors.get(target.arn or "")
    if error:
        return Undo(target, LOST, error=error)
    if target.role is None:
        return _undo_version(target, now.policies.get(str(target.arn)), overwrite=overwrite)
    role = now.roles.get(target.role)
    if role is None:
        return _gone(target, f"the role {target.role} is gone", overwrite=overwrite)
    undo = _undo_inline if target.arn is None else _undo_attachment
    return undo(target, role, now, overwrite=overwrite)


def _undo_attachment(target: Target, role: RoleNow, now: Now, *, overwrite: bool) -> Undo:
    if (target.arn in role.attached) == target.original.before:
        return Undo(target)
    if not target.original.before:
        return _step(target, DETACH)
    if not now.exists.get(str(target.arn)):
        return _gone(target, f"the policy {target.arn} is gone", overwrite=overwrite)
    return _step(target, ATTACH)


def _step(target: Target, operation: str, **more: Any) -> Undo:
    return Undo(target, operation, Step(operation, target.policy, target.role, target.arn, **more))


def _gone(target: Target, reason: str, *, overwrite: bool) -> Undo:
    """Fail, or with `overwrite` pass over it."""
    return Undo(target, SKIP if overwrite else LOST, code=GONE, reason=reason)


def _undo_inline(target: Target, role: RoleNow, _now: Now, *, overwrite: bool) -> Undo:
    now, before = role.inline.get(target.policy), target.original.before
    if now == before:
        return Undo(target)
    if target.original.changed_since(now) and not overwrite:
        what = "was removed" if now is None else "was changed"
        return Undo(
            target,
            LOST,
            code=CHANGED_SINCE,
            reason=f"the inline policy {target.policy} of the role {target.role} {what} since (overwrite restores it)",
        )
    return _step(target, DELETE if before is None else PUT, before=now, after=before)


def _undo_version(target: Target, now: PolicyNow | None, *, overwrite: bool) -> Undo:
    if now is None:
        return _gone(target, f"the policy {target.arn} is gone", overwrite=overwrite)
    before, ours = target.original.before, {value["document"] for value in target.original.ours}
    text, known = before["document"], {*before["versions"], before["version"]}
    shown = now.texts[now.default]
    # The number may be another one by now: what counts is what the policy allows.
    same = [name for name in (now.default, before["version"], *now.texts) if now.texts.get(name) == text]
    if not same:
        return _gone(
            target, f"the version {before['version']} of the policy {target.policy} is gone", overwrite=overwrite
        )
    if shown != text and shown not in ours and not overwrite:
        reason = f"the policy {target.policy} has another default version since, {now.default} (overwrite restores it)"
        return Undo(target, LOST, code=CHANGED_SINCE, reason=reason)
    surplus = tuple(
        name for name, found in now.texts.items() if name not in known and found in ours and name != same[0]
    )
    if now.default == same[0] and not surplus:
        return Undo(target)
    return _step(target, DEFAULT, before=shown, after=text, version=same[0], surplus=surplus)
