# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Apply: carries out the steps of a plan, one after the other, each compared with what IAM holds right before it."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial

from ansible_collections.fleet.aws_ssm.plugins.module_utils._core.fresh import read_fresh
from ansible_collections.fleet.aws_ssm.plugins.module_utils._errors import ChangedMeanwhile, code_of, may_have_happened
from ansible_collections.fleet.aws_ssm.plugins.module_utils._fan_out import DeadlineExceeded
from ansible_collections.fleet.aws_ssm.plugins.module_utils._iam.policy_sets import PolicyGateway
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


class NotDone(Exception):
    """The step was not begun, because another one that it builds on has failed."""


@dataclass(frozen=True)
class Outcome:
    """What became of a step."""

    step: Step
    error: Exception | None = None

    @property
    def done(self) -> bool:
        """Whether it was done."""
        return self.error is None

    @property
    def may_be_done(self) -> bool:
        """Whether it was done, or no answer tells that it was not."""
        if self.error is None:
            return True
        return not isinstance(self.error, (NotDone, DeadlineExceeded)) and may_have_happened(self.error)


def apply(steps: Iterable[Step], gateway: PolicyGateway, deadline: float, *, all_grants_first: bool) -> list[Outcome]:
    """Do the steps. One whose policy could not be changed before is left out.

    With `all_grants_first` nothing is detached or removed after anything has failed.
    """
    planned = list(steps)
    removed = {step.policy.arn for step in planned if isinstance(step, Remove)}
    freed = {step.policy.name.lower() for step in planned if isinstance(step, Remove)}
    outcomes: list[Outcome] = []
    broken: set[str] = set()
    for step in planned:
        arn = step.policy.arn
        takes = isinstance(step, (Detach, Remove))
        if arn in broken or (takes and all_grants_first and broken):
            outcomes.append(Outcome(step, NotDone("not done, because an earlier step failed")))
            continue
        try:
            if time.monotonic() > deadline:
                raise DeadlineExceeded("not begun within the timeout")
            if arn in removed:
                removed.remove(arn)
                _compare(step.policy, read_fresh(partial(gateway.policy, arn)))
                _compare_holders(step.policy, read_fresh(partial(gateway.holders, arn)))
            if isinstance(step, Create):
                _create(step.policy, gateway, wait=step.policy.name.lower() in freed)
            else:
                _do(step, gateway)
        except Exception as error:
            outcomes.append(Outcome(step, error))
            # Whether one role gets a policy has nothing to do with the next one.
            broken.add("an attachment" if isinstance(step, Attach) else arn)
        else:
            outcomes.append(Outcome(step))
    return outcomes


def _do(step: NewVersion | Retag | Attach | Detach | Remove, gateway: PolicyGateway) -> None:
    arn = step.policy.arn
    if isinstance(step, NewVersion):
        _compare(step.policy, read_fresh(partial(gateway.policy, arn)))
        _change_version(step, gateway)
    elif isinstance(step, Retag):
        _compare_tags(step, read_fresh(partial(gateway.policy, arn)))
        if step.added:
            gateway.tag(arn, step.added)
        if step.removed:
            gateway.untag(arn, step.removed)
    elif isinstance(step, Attach):
        gateway.attach(arn, step.holder)
    elif isinstance(step, Detach):
        gateway.detach(arn, step.holder)
    else:
        _remove(step.policy, gateway)


def _create(policy: Policy, gateway: PolicyGateway, *, wait: bool) -> None:
    """Make the policy. `wait`: one of its name was removed just now, which IAM may not know everywhere yet."""
    try:
        gateway.create(policy, wait=wait)
    except Exception as error:
        if code_of(error) != "EntityAlreadyExists":
            raise
        # Somebody was faster; or a call that was repeated, whose first answer was lost.
        found = gateway.policy(policy.arn)
        if found is None or found.value != policy.value:
            raise ChangedMeanwhile(None, found.value if found else f"a policy {policy.name} at another path") from error


def _change_version(step: NewVersion, gateway: PolicyGateway) -> None:
    arn = step.policy.arn
    if step.drop:
        gateway.delete_version(arn, step.drop)
    if step.reuse:
        gateway.use_version(arn, step.reuse)
    else:
        _add_version(arn, step.document, gateway)
    for version in step.surplus:
        gateway.delete_version(arn, version)


def _add_version(arn: str, document: str, gateway: PolicyGateway) -> None:
    try:
        gateway.add_version(arn, document)
    except Exception:
        # A call that was repeated after its first answer was lost may fail, although the version is there.
        try:
            now = gateway.policy(arn)
        except Exception:
            now = None
        if now is None or now.document != document:
            raise


def _remove(policy: Policy, gateway: PolicyGateway) -> None:
    now = read_fresh(partial(gateway.policy, policy.arn))
    if now is None:
        return
    _compare(policy, now)
    for version in gateway.versions(policy.arn):
        if version != now.version:
            gateway.delete_version(policy.arn, version)
    gateway.delete(policy.arn)


def _compare(seen: Policy, now: Policy | None) -> None:
    """Raise ChangedMeanwhile unless the policy is still as it was when the plan was made."""
    if now is None:
        raise ChangedMeanwhile(seen.arn, None)
    before, after = {**seen.value, "version": seen.version}, {**now.value, "version": now.version}
    other = [key for key, value in before.items() if after[key] != value]
    if other:
        raise ChangedMeanwhile({key: before[key] for key in other}, {key: after[key] for key in other})


def _compare_holders(seen: Policy, now: frozenset[Holder]) -> None:
    if now != (seen.holders or frozenset()):
        shown = [", ".join(map(str, sorted(holders))) or "nothing" for holders in (seen.holders or (), now)]
        raise ChangedMeanwhile(f"attached to {shown[0]}", f"attached to {shown[1]}")


def _compare_tags(step: Retag, now: Policy | None) -> None:
    # The document may have been changed a step before, which IAM does not show at once.
    if now is None or dict(now.tags) != dict(step.policy.tags):
        raise ChangedMeanwhile(dict(step.policy.tags), dict(now.tags) if now else None)
