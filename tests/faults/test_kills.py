# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Killed and interrupted at any moment: a run with the same backup file goes on, and the undo is exact."""

from __future__ import annotations

import time

import pytest
from fault_scenarios import ATTACH, ENABLE, RESTORE

# Scenario -> how many points, spread over its writes; every write has two: before AWS has it, and before it is answered.
POINTS = {ENABLE: 14, ATTACH: 8, RESTORE: 8}
SHORT = {(ENABLE, 4), (ENABLE, 11), (RESTORE, 3)}


def points():
    for scenario, count in POINTS.items():
        for number in range(count):
            marks = [pytest.mark.short] if (scenario, number) in SHORT else []
            yield pytest.param(scenario, number, count, marks=marks, id=f"{scenario.name}-{number}")


def place(case, number, count):
    """The write, counted from 1, and on which side of it."""
    moment = number * 2 * case.undisturbed.writes // count
    return moment // 2 + 1, ("before", "after")[moment % 2]


@pytest.mark.parametrize(("scenario", "number", "count"), list(points()))
def test_killed(case, scenario, number, count):
    """SIGKILL of the whole process tree."""
    one = case(scenario)
    nth, when = place(one, number, count)
    one.watch()
    one.control.hold({"write": True, "nth": nth, "when": when}, account=one.account)
    running = one.start()
    call = one.held(running)
    assert call is not None, f"the run ended before write {nth} came:\n{running.text[-3000:]}"
    running.kill()
    assert running.left_over() == []
    one.control.release(one.account, drop=True)
    one.control.clear_holds(one.account)
    one.settled()
    one.check_way_in(f"killed {when} {call['operation']} {call['resource']}")
    one.finish()
    one.undo()
    assert one.problems == []


@pytest.mark.parametrize("scenario", [ENABLE, RESTORE], ids=lambda scenario: scenario.name)
@pytest.mark.parametrize("nth", [1, 4])
def test_interrupted(case, scenario, nth):
    """Ctrl-C: nothing goes on behind the user's back, and the same command finishes it."""
    one = case(scenario)
    one.watch()
    one.control.hold({"write": True, "nth": nth, "when": "after"}, account=one.account)
    running = one.start()
    assert one.held(running) is not None
    running.interrupt()
    time.sleep(0.5)
    one.control.clear_holds(one.account)
    outcome = one.outcome(running)
    assert running.left_over() == []
    assert outcome.rc != 0, outcome.text[-2000:]
    one.settled()
    one.check_way_in("interrupted")
    one.finish()
    one.undo()
    assert one.problems == []
