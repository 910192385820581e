# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Executor: makes the changes of a plan. Each resource is read again right before it is changed."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.fleet.aws_ssm.plugins.module_utils._core.fresh import read_fresh
from ansible_collections.fleet.aws_ssm.plugins.module_utils._errors import ChangedMeanwhile
from ansible_collections.fleet.aws_ssm.plugins.module_utils._iam.policy_edits import (
    add_version,
    attach,
    default_version,
    delete_inline_policy,
    detach,
    go_back_to_version,
    inline_policy,
    is_attached,
    put_inline_policy,
)
from ansible_collections.fleet.aws_ssm.plugins.module_utils._iam_fleet_api import read_all
from ansible_collections.fleet.aws_ssm.plugins.module_utils._pace import wait_until
from ansible_collections.fleet.aws_ssm.plugins.module_utils._profile_permission.steps import (
    ATTACH,
    DEFAULT,
    DELETE,
    DETACH,
    PUT,
    VERSION,
    Step,
)

# Seconds that a confirmation leaves for its last answer to come back before the deadline.
_LAST_ANSWER = 1.0


class NotDone(Exception):
    """Not tried, because an earlier change of the same role failed."""

    def __init__(self) -> None:
        super().__init__("not done, because another change of the same role failed")


class NotConfirmed(Exception):
    """IAM has taken the change, and did not show it until the deadline."""

    def __init__(self) -> None:
        super().__init__("IAM has taken the change but does not show it yet: run again to see whether it does")


@dataclass
class Outcome:
    """By the number of the step: the steps, the errors, and the steps that someone else had done already."""

    steps: Mapping[int, Step] = field(default_factory=dict)
    errors: dict[int, Exception] = field(default_factory=dict)
    done_before: set[int] = field(default_factory=set)


def apply(iam: Any, steps: Mapping[int, Step], deadline: float, *, stop: bool) -> Outcome:
    """Make the changes; those of different roles and policies side by side, those of one in their order.

    With `stop`, the rest of a role's changes is left out after one that failed.
    """
    groups: dict[str, list[int]] = {}
    for number, step in steps.items():
        groups.setdefault(step.owner, []).append(number)

    def work(owner: str) -> Outcome:
        found = Outcome()
        for number in groups[owner]:
            if stop and found.errors:
                found.errors[number] = NotDone()
                continue
            try:
                if not _make(iam, steps[number]):
                    found.done_before.add(number)
            except Exception as error:
                found.errors[number] = error
        return found

    outcomes, broken = read_all(work, groups, deadline)
    result = Outcome(steps)
    for outcome in outcomes.values():
        result.errors.update(outcome.errors)
        result.done_before |= outcome.done_before
    for owner, error in broken.items():
        result.errors.update(dict.fromkeys(groups[owner], error))
    return result


def _make(iam: Any, step: Step) -> bool:
    """Make one change. Return False if it is as it should be already; raise ChangedMeanwhile if it is otherwise."""
    if step.operation in (PUT, DELETE):
        return _edit_inline(iam, str(step.role), step)
    if step.operation in (ATTACH, DETACH):
        if read_fresh(lambda: is_attached(iam, str(step.role), str(step.arn))) is (step.operation == ATTACH):
            return False
        (attach if step.operation == ATTACH else detach)(iam, str(step.role), str(step.arn))
        return True
    return _edit_managed(iam, str(step.arn), step)


def _edit_inline(iam: Any, role: str, step: Step) -> bool:
    now = read_fresh(lambda: inline_policy(iam, role, step.policy))
    if now == step.after:
        return False
    if now != step.before:
        raise ChangedMeanwhile(step.before, now)
    if step.after is None:
        delete_inline_policy(iam, role, step.policy)
    else:
        put_inline_policy(iam, role, step.policy, step.after)
    return True


def _edit_managed(iam: Any, arn: str, step: Step) -> bool:
    version, text = read_fresh(lambda: default_version(iam, arn)) or (None, None)
    if step.operation == VERSION:
        if text == step.after:
            return False
        if (version, text) != (step.version, step.before):
            raise ChangedMeanwhile(step.before, text)
        add_version(iam, arn, str(step.after))
        return True
    if text not in (step.before, step.after):
        raise ChangedMeanwhile(step.before, text)
    go_back_to_version(iam, arn, str(step.version), step.surplus)
    return True


def confirm(iam: Any, steps: Mapping[int, Step], deadline: float) -> dict[int, Exception]:
    """Wait until IAM shows what the steps of a restore have made. Return the errors, NotConfirmed among them."""
    names: Sequence[str] = [str(number) for number in steps]

    def work(number: str) -> None:
        if not wait_until(lambda: _shows(iam, steps[int(number)]), deadline - _LAST_ANSWER):
            raise NotConfirmed

    if time.monotonic() > deadline - _LAST_ANSWER:
        return {number: NotConfirmed() for number in steps}
    _done, errors = read_all(work, names, deadline)
    return {int(number): error for number, error in errors.items()}


def _shows(iam: Any, step: Step) -> bool:
    if step.operation in (PUT, DELETE):
        return inline_policy(iam, str(step.role), step.policy) == step.after
    if step.operation in (ATTACH, DETACH):
        return is_attached(iam, str(step.role), str(step.arn)) is (step.operation == ATTACH)
    version, _text = default_version(iam, str(step.arn)) or (None, None)
    return step.operation != DEFAULT or version == step.version
