# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Executor: carries out the plan for the instances of one region."""

from __future__ import annotations

from collections.abc import Callable

from ansible_collections.fleet.aws_ssm.plugins.module_utils._profile_association.plan import (
    ASSOCIATE,
    DISASSOCIATE,
    REPLACE,
    SWAP,
    Step,
)
from ansible_collections.fleet.aws_ssm.plugins.module_utils._ec2_api import Associations
from ansible_collections.fleet.aws_ssm.plugins.module_utils._errors import describe
from ansible_collections.fleet.aws_ssm.plugins.module_utils._fan_out import DeadlineExceeded, fan_out
from ansible_collections.fleet.aws_ssm.plugins.module_utils._pace import wait_until

WRITES = frozenset({ASSOCIATE, DISASSOCIATE, REPLACE, SWAP})

# With the burst of a token bucket (100) this many at once take some round trips, and later calls are paced anyway.
_WORKERS = 16


class ProfileLost(Exception):
    """The instance lost its old profile and did not get the new one, nor the old one back."""


def carry_out(
    api: Associations, steps: list[Step], *, deadline: float, wait: bool, try_one_first: bool
) -> dict[str, Exception]:
    """Carry out the steps side by side; returns the errors by instance id.

    C(try_one_first): a profile that is only minutes old may not be seen yet, and every instance that finds that out for
    itself takes from the token bucket each time.
    """
    todo = {step.instance.id: step for step in steps if step.operation in WRITES}
    ids = list(todo)
    associated = [i for i in ids if todo[i].operation != ASSOCIATE]
    rows = api.of_instances(associated) if associated else {}
    association = {
        instance: row["AssociationId"]
        for instance, found in rows.items()
        for row in found
        if row["State"] in ("associated", "associating")
    }

    def change(instance: str) -> bool:
        return _change(api, todo[instance], association.get(instance), deadline)

    errors: dict[str, Exception] = {}
    settled: dict[str, bool] = {}
    for batch in (ids[:1], ids[1:]) if try_one_first else (ids,):
        results, failed = fan_out(change, batch, deadline=deadline, max_workers=_WORKERS)
        settled.update(results)
        errors.update(failed)
    if wait:
        late = _wait(api, {i: todo[i].after for i, done in settled.items() if not done}, deadline)
        errors.update(dict.fromkeys(late, DeadlineExceeded("the change was made but is not in effect yet")))
    return errors


def _change(api: Associations, step: Step, association: str | None, deadline: float) -> bool:
    """Make one change; returns whether it is in effect already."""
    instance, profile = step.instance.id, step.after
    if step.operation == ASSOCIATE and profile:
        return api.associate(instance, profile)["State"] == "associated"
    if association is None:
        raise LookupError(f"{instance} shows the profile {step.instance.profile} but has no association to change")
    if step.operation == REPLACE and profile:
        return api.replace(association, profile)["State"] == "associated"
    gone = api.disassociate(association)["State"] == "disassociated"
    if step.operation == DISASSOCIATE or profile is None:
        return gone
    return _reassociate(api, step, deadline, lambda: gone or not api.of_instances([instance]))


def _reassociate(api: Associations, step: Step, deadline: float, gone: Callable[[], bool]) -> bool:
    """The second half of a swap; if it fails, the instance gets its old profile back."""
    instance, old, new = step.instance.id, step.instance.profile, step.after or ""
    try:
        if not wait_until(gone, deadline):
            raise DeadlineExceeded("the old profile is still being disassociated")
        return api.associate(instance, new)["State"] == "associated"
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


def _wait(api: Associations, wanted: dict[str, str | None], deadline: float) -> list[str]:
    """Wait until the instances' associations are what is wanted; returns those that are not by the deadline."""
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
