# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Executor: carries out the plan for one region, and waits until it is in effect.

EC2 does not compare before it writes. So what was read more than some seconds ago is read again right before, and left
alone if someone else has changed it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from ansible_collections.fleet.aws_ssm.plugins.module_utils._core.fresh import is_stale, read_fresh
from ansible_collections.fleet.aws_ssm.plugins.module_utils._errors import ChangedMeanwhile, may_have_happened
from ansible_collections.fleet.aws_ssm.plugins.module_utils._fan_out import DeadlineExceeded, fan_out
from ansible_collections.fleet.aws_ssm.plugins.module_utils._instance_metadata.api import MetadataOptions
from ansible_collections.fleet.aws_ssm.plugins.module_utils._instance_metadata.plan import (
    MEMBERS,
    Defaults,
    Instance,
    Options,
    Outcome,
    Step,
    read_defaults,
    read_instance,
    requests_of,
    shown,
)
from ansible_collections.fleet.aws_ssm.plugins.module_utils._pace import wait_until

# The burst of a token bucket: later calls wait for EC2's rate, and what was read for them would be old by then.
_CHUNK = 100
# So many at once take the burst in some round trips.
_WORKERS = 16


def carry_out(
    api: MetadataOptions, steps: Iterable[Step[Instance]], *, read_at: float, deadline: float, wait: bool
) -> Outcome:
    """Carry out the steps side by side. `read_at` and `deadline` are readings of `time.monotonic`."""
    todo = list(steps)
    outcome = Outcome()
    pending: list[Step[Instance]] = []
    for start in range(0, len(todo), _CHUNK):
        chunk = {step.target.id: step for step in todo[start : start + _CHUNK]}
        pending += _change(api, _compared(api, chunk, read_at, outcome), deadline, outcome)
    if wait:
        try:
            late = _wait(api, pending, deadline)
        except Exception as error:  # the changes were made all the same
            outcome.errors.update(dict.fromkeys((step.target.id for step in pending), error))
        else:
            text = "the change was made but is not in effect yet"
            outcome.errors.update(dict.fromkeys(late, DeadlineExceeded(text)))
    return outcome


def change_defaults(api: MetadataOptions, step: Step[Defaults], read_at: float) -> None:
    """Change a region's defaults. Raise ChangedMeanwhile if someone else has."""
    if is_stale(read_at):
        now = read_defaults(step.target.region, read_fresh(api.defaults))
        _compare(step.target.options, now.options, step.changes)
    api.modify_defaults({MEMBERS[name]: value for name, value in step.changes.items()})


def _compared(
    api: MetadataOptions, steps: Mapping[str, Step[Instance]], read_at: float, outcome: Outcome
) -> dict[str, Step[Instance]]:
    """The steps whose instances are still as they were planned for. The others get an error."""
    if not is_stale(read_at):
        return dict(steps)
    try:
        rows = read_fresh(lambda: api.of_instances(steps))
    except Exception as error:  # not read, so not changed
        outcome.errors.update(dict.fromkeys(steps, error))
        return {}
    same: dict[str, Step[Instance]] = {}
    for name, step in steps.items():
        try:
            now = read_instance(step.target.region, rows[name]) if name in rows else None
            if now is None or now.state not in ("running", "stopped"):
                raise ChangedMeanwhile(step.target.state, now and now.state)
            _compare(step.target.options, now.options, step.changes)
        except ChangedMeanwhile as error:
            outcome.errors[name] = error
        else:
            # The request also names options that keep their value: the one that they have now.
            same[name] = replace(step, target=now)
    return same


def _compare(seen: Options, now: Options, names: Iterable[str]) -> None:
    different = [name for name in names if seen.get(name) != now.get(name)]
    if different:
        raise ChangedMeanwhile(shown(seen, different), shown(now, different))


def _change(
    api: MetadataOptions, steps: Mapping[str, Step[Instance]], deadline: float, outcome: Outcome
) -> list[Step[Instance]]:
    """Change the instances, and return the steps that are not in effect yet."""

    def change(name: str) -> Any:
        return [api.modify(name, request).get("State") for request in requests_of(steps[name])][-1]

    states, errors = fan_out(change, steps, deadline=deadline, max_workers=_WORKERS)
    outcome.changed |= set(states)
    outcome.errors.update(errors)
    # Of several calls the first may have been made.
    outcome.unknown |= {
        name for name, error in errors.items() if may_have_happened(error) or len(requests_of(steps[name])) > 1
    }
    return [steps[name] for name, state in states.items() if state != "applied"]


def _wait(api: MetadataOptions, steps: Iterable[Step[Instance]], deadline: float) -> list[str]:
    """Wait until the changes are applied; return the instances where they are not by the deadline.

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
