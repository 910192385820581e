# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Executor: looks at Default Host Management Configuration (DHMC) again when permissions were taken away.

Somebody may have turned DHMC off after the first look, and then the instances of a role would have no way in. The other
side does the same: who turns DHMC off looks at the permissions again afterwards. So at least one of them sees it.
"""

from __future__ import annotations

import time
from collections.abc import Mapping

from ansible_collections.fleet.aws_ssm.plugins.module_utils._core.backup import originals
from ansible_collections.fleet.aws_ssm.plugins.module_utils._errors import Failure, describe, may_have_happened
from ansible_collections.fleet.aws_ssm.plugins.module_utils._permissions import RoleFacts
from ansible_collections.fleet.aws_ssm.plugins.module_utils._profile_permission.apply import Outcome, apply
from ansible_collections.fleet.aws_ssm.plugins.module_utils._profile_permission.protection import Protector
from ansible_collections.fleet.aws_ssm.plugins.module_utils._profile_permission.read_now import read_now
from ansible_collections.fleet.aws_ssm.plugins.module_utils._profile_permission.restore_plan import (
    Undo,
    plan_restored,
    targets_of,
)
from ansible_collections.fleet.aws_ssm.plugins.module_utils._profile_permission.result import holders
from ansible_collections.fleet.aws_ssm.plugins.module_utils._profile_permission.steps import Step, entries_of
from ansible_collections.fleet.aws_ssm.plugins.module_utils._profile_survey import Survey, Surveyor

# Seconds to give back what was taken away, whatever is left of the task's timeout: instances have no way in meanwhile.
_TO_GIVE_BACK = 60.0


class GivenBack(Failure):
    """The change was made and taken back."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"{reason}, since the first look. The role has its permissions back: run again")


class NotGivenBack(Exception):
    """The change was made, ought to be taken back, and could not be."""

    def __init__(self, reason: str, error: BaseException | None, why: str) -> None:
        detail = describe(error) if error else {"code": "NotRestored", "message": why}
        super().__init__(
            f"{reason}, since the first look, and the role could not get its permissions back: "
            f"{detail['code']}: {detail['message']}. Restore the backup"
        )


def look_again(
    surveyor: Surveyor, survey: Survey, protector: Protector, roles: Mapping[str, RoleFacts], outcome: Outcome
) -> None:
    """Give back what `outcome` has taken from roles that must keep it by now. Its errors say so."""
    steps = {number: step for number, step in outcome.steps.items() if _is_done(number, outcome)}
    if not steps or not protector.dhmc_has_changed():
        return
    changed = {name for step in steps.values() for name in holders(step, survey)}
    try:
        held = protector.protection([roles[name] for name in changed if name in roles]).roles
    except Exception as error:  # nobody knows, so all of them keep it
        detail = describe(error)
        held = dict.fromkeys(
            changed, f"DHMC was changed, and could not be read ({detail['code']}: {detail['message']})"
        )
    reasons = {
        number: reason
        for number, step in steps.items()
        for reason in [held[name] for name in holders(step, survey) if name in held][:1]
    }
    if reasons:
        outcome.errors.update(_give_back(surveyor, survey, {number: steps[number] for number in reasons}, reasons))


def _is_done(number: int, outcome: Outcome) -> bool:
    error = outcome.errors.get(number)
    return number not in outcome.done_before and (error is None or may_have_happened(error))


def _give_back(
    surveyor: Surveyor, survey: Survey, steps: Mapping[int, Step], reasons: Mapping[int, str]
) -> dict[int, Exception]:
    deadline = time.monotonic() + _TO_GIVE_BACK
    entries = entries_of(steps.values(), survey.account, survey.partition)
    numbers = {entry.key: number for number, entry in zip(steps, entries, strict=True)}
    targets = targets_of(originals(entries))
    undone = plan_restored(targets, read_now(surveyor.iam, targets, deadline), overwrite=False)
    todo = {place: undo.step for place, undo in enumerate(undone) if undo.step}
    made = apply(surveyor.iam, todo, deadline, stop=False)
    return {
        number: _error(undo, made.errors.get(place), reasons[number])
        for place, undo in enumerate(undone)
        for number in [numbers[undo.target.original.key]]
    }


def _error(undo: Undo, error: Exception | None, reason: str) -> Exception:
    error = error or undo.error
    return NotGivenBack(reason, error, undo.reason) if error or undo.code else GivenBack(reason)
