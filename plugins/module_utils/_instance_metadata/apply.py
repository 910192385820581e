# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Executor: carries out the plan for the instances of one region, and waits until it is in effect."""

from __future__ import annotations

from collections.abc import Iterable

from ansible_collections.fleet.aws_ssm.plugins.module_utils._instance_metadata.api import MetadataOptions
from ansible_collections.fleet.aws_ssm.plugins.module_utils._fan_out import DeadlineExceeded, fan_out
from ansible_collections.fleet.aws_ssm.plugins.module_utils._instance_metadata.plan import (
    MEMBERS,
    Instance,
    Outcome,
    Step,
    request_of,
)
from ansible_collections.fleet.aws_ssm.plugins.module_utils._pace import wait_until

# With the burst of a token bucket (100) this many at once take some round trips, and later calls are paced anyway.
_WORKERS = 16


def carry_out(api: MetadataOptions, steps: Iterable[Step[Instance]], *, deadline: float, wait: bool) -> Outcome:
    """Carry out the steps side by side."""
    todo = {step.target.id: step for step in steps}
    states, errors = fan_out(
        lambda instance: api.modify(instance, request_of(todo[instance])).get("State"),
        todo,
        deadline=deadline,
        max_workers=_WORKERS,
    )
    outcome = Outcome(set(states), errors)
    if wait:
        pending = [todo[instance] for instance, state in states.items() if state != "applied"]
        try:
            late = _wait(api, pending, deadline)
        except Exception as error:  # the changes were made all the same
            outcome.errors.update(dict.fromkeys((step.target.id for step in pending), error))
        else:
            text = "the change was made but is not in effect yet"
            outcome.errors.update(dict.fromkeys(late, DeadlineExceeded(text)))
    return outcome


def _wait(api: MetadataOptions, steps: Iterable[Step[Instance]], deadline: float) -> list[str]:
    """Wait until the changes are applied; returns the instances where they are not by the deadline.

    Only a running instance has something to wait for: on a stopped one they "are applied when the instance is started".
    """
    left = {step.target.id: step for step in steps if step.target.state == "running"}

    def settled() -> bool:
        rows = api.of_instances(left) if left else {}
        for instance, step in list(left.items()):
            row = rows.get(instance)
            now = (row or {}).get("MetadataOptions") or {}
            # The values too: a reading may be older than the change, and say "applied" of what was there before.
            made = all(now.get(MEMBERS[name]) == value for name, value in step.changes.items())
            if row is None or row["State"]["Name"] != "running" or (made and now.get("State") == "applied"):
                del left[instance]
        return not left

    wait_until(settled, deadline)
    return list(left)
