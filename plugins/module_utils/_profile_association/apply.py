# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Executor: carries out the plan for the instances of one region.

Each association is looked up right before it is changed. A change names the association by its id, which is a new one
after every change. So EC2 itself refuses a change of what someone else has changed since then.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from ansible_collections.fleet.aws_ssm.plugins.module_utils._ec2_api import Associations
from ansible_collections.fleet.aws_ssm.plugins.module_utils._errors import (
    ChangedMeanwhile,
    code_of,
    describe,
    may_have_happened,
)
from ansible_collections.fleet.aws_ssm.plugins.module_utils._fan_out import DeadlineExceeded, fan_out
from ansible_collections.fleet.aws_ssm.plugins.module_utils._pace import wait_until
from ansible_collections.fleet.aws_ssm.plugins.module_utils._profile_association.plan import (
    ASSOCIATE,
    DISASSOCIATE,
    REPLACE,
    SWAP,
    WRITES,
    Step,
)

# With the burst of a token bucket (100) this many at once take some round trips, and later calls are paced anyway.
_WORKERS = 16
# What EC2 answers if an association is not as the call takes it to be: it is gone, or there is one already.
_NOT_AS_SEEN = ("IncorrectState", "InvalidAssociationID.NotFound")


# How long EC2 may take to see a new profile: terraform-provider-aws waits 2 minutes for IAM; with room to spare.
NEW = timedelta(minutes=5)


class ProfileLost(Exception):
    """The instance lost its old profile and did not get the new one, nor the old one back."""


@dataclass
class Outcome:
    """What became of the steps, by instance id.

    One that was changed may not be in effect in time. Of those in `unknown`, AWS gave no answer. Those in `lost` have
    no profile any more.
    """

    changed: set[str] = field(default_factory=set)
    unknown: set[str] = field(default_factory=set)
    lost: set[str] = field(default_factory=set)
    errors: dict[str, Exception] = field(default_factory=dict)

    def add(self, other: Outcome) -> None:
        """Take in what became of other steps."""
        self.changed |= other.changed
        self.unknown |= other.unknown
        self.lost |= other.lost
        self.errors.update(other.errors)


@dataclass(frozen=True)
class _Made:
    """Whether a call changed something, and whether the change is in effect."""

    changed: bool
    settled: bool


def change(
    apis: Mapping[str, Associations], steps: Iterable[Step], *, deadline: float, wait: bool, try_one_first: bool
) -> Outcome:
    """Carry out the steps in every region side by side."""
    by_region: dict[str, list[Step]] = {}
    for step in steps:
        if step.operation in WRITES:
            by_region.setdefault(step.instance.region, []).append(step)
    done, broken = fan_out(
        lambda region: carry_out(
            apis[region], by_region[region], deadline=deadline, wait=wait, try_one_first=try_one_first
        ),
        by_region,
        deadline=deadline + 1,
    )
    outcome = Outcome()
    for one in done.values():
        outcome.add(one)
    for region, error in broken.items():
        late = {step.instance.id for step in by_region[region]}
        outcome.add(Outcome(unknown=late, errors=dict.fromkeys(late, error)))
    return outcome


def carry_out(api: Associations, steps: Iterable[Step], *, deadline: float, wait: bool, try_one_first: bool) -> Outcome:
    """Carry out the steps side by side.

    `try_one_first`: a profile that is only minutes old may not be seen yet, and every instance that finds that out for
    itself takes from the token bucket each time.
    """
    outcome = Outcome()
    todo = {step.instance.id: step for step in steps if step.operation in WRITES}
    associated = [name for name, step in todo.items() if step.operation != ASSOCIATE]
    try:
        live = _live(api, associated)
    except Exception as error:  # not read, so not changed
        outcome.errors.update(dict.fromkeys(associated, error))
        live = {}
    ids = [name for name in todo if name not in outcome.errors]
    made: dict[str, _Made] = {}
    for batch in (ids[:1], ids[1:]) if try_one_first else (ids,):
        results, failed = fan_out(
            lambda name: _change(api, todo[name], live.get(name), deadline),
            batch,
            deadline=deadline,
            max_workers=_WORKERS,
        )
        made.update(results)
        outcome.errors.update(failed)
        outcome.unknown |= {name for name, error in failed.items() if may_have_happened(error)}
    outcome.lost = {name for name, error in outcome.errors.items() if isinstance(error, ProfileLost)}
    outcome.changed = {name for name, one in made.items() if one.changed} | outcome.lost
    if wait:
        pending = {name: todo[name].after for name, one in made.items() if not one.settled}
        outcome.errors.update(_late(api, pending, deadline))
    return outcome


def _live(api: Associations, instances: Iterable[str]) -> dict[str, dict[str, Any]]:
    """The association of each instance that has one."""
    wanted = list(instances)
    return {
        instance: row
        for instance, rows in (api.of_instances(wanted) if wanted else {}).items()
        for row in rows
        if row["State"] in ("associated", "associating")
    }


def _profile_of(row: Mapping[str, Any] | None) -> str | None:
    return row["IamInstanceProfile"]["Arn"] if row else None


def _profile_now(api: Associations, instance: str) -> str | None:
    return _profile_of(_live(api, [instance]).get(instance))


def _change(api: Associations, step: Step, live: Mapping[str, Any] | None, deadline: float) -> _Made:
    """Make one change. Raise ChangedMeanwhile if the instance's profile is not the one that was seen."""
    instance, seen, profile = step.instance.id, step.instance.profile, step.after
    if step.operation == ASSOCIATE and profile:
        return _associate(api, instance, profile)
    if live is None and step.operation == DISASSOCIATE:
        return _Made(changed=False, settled=True)  # someone has taken it off already
    if live is None or _profile_of(live) != seen:
        raise ChangedMeanwhile(seen, _profile_of(live))
    association = live["AssociationId"]
    gone = False
    try:
        if step.operation == REPLACE and profile:
            return _Made(changed=True, settled=api.replace(association, profile)["State"] == "associated")
        gone = api.disassociate(association)["State"] == "disassociated"
    except Exception as error:
        now = _after_refusal(api, step, error)
        if now == profile != seen:
            return _Made(changed=True, settled=False)  # done: an earlier try's answer was lost
        if not (step.operation == SWAP and now is None):
            raise
    if step.operation == DISASSOCIATE or profile is None:
        return _Made(changed=True, settled=gone)
    return _reassociate(api, step, deadline, lambda: gone or not api.of_instances([instance]))


def _after_refusal(api: Associations, step: Step, error: Exception) -> str | None:
    """The instance's profile after EC2 refused a change of its association.

    Raise the error itself if it is about something else, and ChangedMeanwhile if someone else has changed it.
    """
    if code_of(error) not in _NOT_AS_SEEN:
        raise error
    seen = step.instance.profile
    now = _profile_now(api, step.instance.id)
    if now not in (seen, step.after) and not (step.operation == SWAP and now is None):
        raise ChangedMeanwhile(seen, now) from error
    return now


def _associate(api: Associations, instance: str, profile: str) -> _Made:
    """Associate a profile with an instance that has none. EC2 refuses it for one that has."""
    try:
        return _Made(changed=True, settled=api.associate(instance, profile)["State"] == "associated")
    except Exception as error:
        if code_of(error) not in _NOT_AS_SEEN:
            raise
        now = _profile_now(api, instance)
        if now is None:
            raise
        if now != profile:
            raise ChangedMeanwhile(None, now) from error
        return _Made(changed=True, settled=False)  # done: an earlier try's answer was lost


def _reassociate(api: Associations, step: Step, deadline: float, gone: Callable[[], bool]) -> _Made:
    """The second half of a swap; if it fails, the instance gets its old profile back."""
    instance, old, new = step.instance.id, step.instance.profile, step.after or ""
    try:
        if not wait_until(gone, deadline):
            raise DeadlineExceeded("the old profile is still being disassociated")
        return _associate(api, instance, new)
    except ChangedMeanwhile:
        raise  # someone else has given it one
    except Exception as error:
        detail = describe(error)
        try:
            api.associate(instance, old or "")
        except Exception as second:
            again = describe(second)
            raise ProfileLost(
                f"{detail['code']}: {detail['message']}; and {old} could not be put back: {again['code']}: "
                f"{again['message']}. The instance has no profile now."
            ) from error
        raise


def _late(api: Associations, wanted: Mapping[str, str | None], deadline: float) -> dict[str, Exception]:
    """Wait until the instances' associations are what is wanted; return the errors of those that are not in time."""
    try:
        late = _wait(api, wanted, deadline)
    except Exception as error:  # the changes were made all the same
        return dict.fromkeys(wanted, error)
    return dict.fromkeys(late, DeadlineExceeded("the change was made but is not in effect yet"))


def _wait(api: Associations, wanted: Mapping[str, str | None], deadline: float) -> list[str]:
    left = dict(wanted)

    def settled() -> bool:
        rows = api.of_instances(left) if left else {}
        for instance, profile in list(left.items()):
            now = [(row["State"], row["IamInstanceProfile"]["Arn"]) for row in rows.get(instance, [])]
            if now == ([("associated", profile)] if profile else []):
                del left[instance]
        return not left

    wait_until(settled, deadline)
    return list(left)
