# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Rules: the plan that leads back to what a backup holds. Pure.

A backup is written before its changes, so that a change may never have been made: what decides is what IAM holds now.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace

from ansible_collections.fleet.aws_ssm.plugins.module_utils._core.backup import Original
from ansible_collections.fleet.aws_ssm.plugins.module_utils._policy_set.journal import arn_of, holder_of, policy_of
from ansible_collections.fleet.aws_ssm.plugins.module_utils._policy_set.types import (
    Attach,
    Create,
    Detach,
    Holder,
    NewVersion,
    Policy,
    Remove,
    Retag,
    Step,
)

CHANGED_SINCE = "ChangedSince"
GONE = "Gone"
IN_USE = "InUse"
FULL = "TooManyVersions"

_ORDER = (Create, NewVersion, Retag, Attach, Detach, Remove)


@dataclass(frozen=True)
class Undo:
    """What becomes of an original: the steps, none if it is as it was; or why it can't be restored, as `code`."""

    original: Original
    steps: tuple[Step, ...] = ()
    code: str = ""
    reason: str = ""


@dataclass(frozen=True)
class Found:
    """What IAM holds of the policies and holders of a backup.

    `policies` has None for one that is gone. `gone` are holders that are gone.
    """

    policies: Mapping[str, Policy | None]
    gone: Collection[Holder] = ()
    versions_quota: int = 5


def plan_restored(originals: Iterable[Original], found: Found, *, overwrite: bool) -> list[Undo]:
    """One Undo for each original. Detaching is planned before the removals that it makes possible."""
    given = list(originals)
    attachments = {
        original.key: _attachment(original, found, given, overwrite=overwrite)
        for original in given
        if holder_of(original)
    }
    detached = {
        (step.policy.arn, step.holder)
        for undo in attachments.values()
        for step in undo.steps
        if isinstance(step, Detach)
    }
    return [
        attachments.get(original.key) or _policy(original, found, detached, overwrite=overwrite) for original in given
    ]


def ordered(undone: Iterable[Undo]) -> list[tuple[Undo, Step]]:
    """All steps in the order to do them in: what grants first, and a policy is there before it is attached.

    What has the name of a policy that is made again has to go before, since names are unique in an account.
    """
    pairs = [(undo, step) for undo in undone for step in undo.steps]
    made = {step.policy.name.lower() for _undo, step in pairs if isinstance(step, Create)}
    freed = {step.policy.arn for _undo, step in pairs if isinstance(step, Remove) and step.policy.name.lower() in made}

    def key(pair: tuple[Undo, Step]) -> tuple[bool, int]:
        step = pair[1]
        return not (isinstance(step, (Detach, Remove)) and step.policy.arn in freed), _ORDER.index(type(step))

    return sorted(pairs, key=key)


def _attachment(original: Original, found: Found, given: Iterable[Original], *, overwrite: bool) -> Undo:
    holder, arn = holder_of(original), arn_of(original)
    if holder is None:
        raise LookupError(f"{original.resource} names no holder of a policy")
    policy = found.policies.get(arn)
    now = policy is not None and holder in (policy.holders or ())
    if now == original.before:
        return Undo(original)
    if now and policy:
        return Undo(original, (Detach(policy, holder),))
    if holder in found.gone:
        return _gone(original, f"{holder} is gone", overwrite=overwrite)
    back = policy or _made_again(arn, given, overwrite=overwrite)
    if back is None:
        return _gone(original, f"the policy {arn} is gone", overwrite=overwrite)
    return Undo(original, (Attach(back, holder),))


def _made_again(arn: str, given: Iterable[Original], *, overwrite: bool) -> Policy | None:
    """The policy that the restore makes again before it is attached."""
    for original in given:
        if original.resource == arn and original.before and (None in original.ours or overwrite):
            return policy_of(arn, original.before)
    return None


def _gone(original: Original, what: str, *, overwrite: bool) -> Undo:
    """What can't be had back. With `overwrite` that is no failure."""
    return Undo(original, reason=f"{what}: skipped") if overwrite else Undo(original, code=GONE, reason=what)


def _policy(original: Original, found: Found, detached: Collection[tuple[str, Holder]], *, overwrite: bool) -> Undo:
    arn = arn_of(original)
    policy = found.policies.get(arn)
    now = policy.value if policy else None
    if now == original.before:
        return Undo(original)
    if policy is None:
        if None not in original.ours and not overwrite:
            return Undo(original, code=GONE, reason="somebody has removed it since (overwrite makes it again)")
        return Undo(original, (Create(policy_of(arn, original.before)),))
    if original.changed_since(now) and not overwrite:
        return Undo(original, code=CHANGED_SINCE, reason="somebody has changed it since (overwrite restores it)")
    if original.before is None:
        return _removed(original, policy, detached, overwrite=overwrite)
    made_anew = _made_anew(original, policy)
    return _replaced(original, policy, detached) if made_anew else _as_before(original, policy, found.versions_quota)


def _made_anew(original: Original, policy: Policy) -> bool:
    """Whether the policy was removed and made again with another description, which IAM lets nobody change."""
    other = policy.description != original.before["description"]
    return other and None in original.ours and not policy.boundaries


def _replaced(original: Original, policy: Policy, detached: Collection[tuple[str, Holder]]) -> Undo:
    before = policy_of(policy.arn, original.before)
    holders = sorted(policy.holders or ())
    again = [holder for holder in holders if (policy.arn, holder) not in detached]
    return Undo(
        original,
        (
            *(Detach(policy, holder) for holder in holders),
            Remove(policy),
            Create(before),
            *(Attach(before, holder) for holder in again),
        ),
    )


def _removed(original: Original, policy: Policy, detached: Collection[tuple[str, Holder]], *, overwrite: bool) -> Undo:
    if policy.boundaries:
        return Undo(
            original, code=IN_USE, reason=f"it is the permissions boundary of {policy.boundaries} roles or users"
        )
    others = sorted(holder for holder in policy.holders or () if (policy.arn, holder) not in detached)
    if others and not overwrite:
        what = ", ".join(map(str, others[:3])) + (f" and {len(others) - 3} more" if len(others) > 3 else "")
        return Undo(original, code=IN_USE, reason=f"somebody has attached it to {what} (overwrite detaches it)")
    return Undo(original, (*(Detach(policy, holder) for holder in others), Remove(policy)))


def _as_before(original: Original, policy: Policy, quota: int) -> Undo:
    before = policy_of(policy.arn, original.before)
    steps: list[Step] = []
    if policy.document != before.document:
        version = _version(original, policy, before, quota)
        if version is None:
            reason = f"it has {quota} versions, as many as IAM allows, of which none was made here: delete one"
            return Undo(original, code=FULL, reason=reason)
        steps.append(version)
    if dict(policy.tags) != dict(before.tags):
        steps.append(Retag(replace(policy, document=before.document), before.tags))
    # IAM lets nobody change a description, so that one of a policy that was made anew since stays.
    return Undo(original, tuple(steps), reason="" if steps else "only its description differs, which stays")


def _version(original: Original, policy: Policy, before: Policy, quota: int) -> NewVersion | None:
    """The version that has the document of before again, or None if there is no room for one."""
    texts = policy.versions or {}
    ours = {value["document"] for value in original.ours if value} - {before.document}
    made_here = [version for version, text in texts.items() if text in ours]
    same = next((version for version, text in reversed(list(texts.items())) if text == before.document), None)
    if same:
        return NewVersion(policy, before.document, reuse=same, surplus=tuple(made_here))
    drop = None
    if len(texts) >= quota:
        free = [version for version in made_here if version != policy.version]
        if not free and policy.owner is not None and policy.owner == before.owner:
            free = [version for version in texts if version != policy.version]
        if not free:
            return None
        drop = free[0]
    return NewVersion(
        policy, before.document, drop=drop, surplus=tuple(version for version in made_here if version != drop)
    )
