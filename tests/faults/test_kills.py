# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Killed and interrupted at any moment: a run with the same backup file goes on, and the undo is exact."""

from __future__ import annotations

import time

import pytest
from fault_case import UNDO
from fault_scenarios import ATTACH, DETACH, ENABLE, RESTORE
from fault_state import differences, snapshot

# Three kills each: one in the run, one in the run that goes on from there, one in the undo. Over all chains the points
# are spread over the writes; every write has two, before AWS has it and before its answer arrives.
CHAINS = [(ENABLE, RESTORE, number, 6) for number in range(6)] + [(ATTACH, DETACH, number, 4) for number in range(4)]
SHORT = [(ENABLE, 3)]


def chains():
    for scenario, back, number, count in CHAINS:
        marks = [pytest.mark.short] if (scenario, number) in SHORT else []
        yield pytest.param((scenario, back, number, count), marks=marks, id=f"{scenario.name}-{number}")


def point(writes, number, count):
    """The write, counted from 1, and on which side of it."""
    moment = (2 * number + 1) * writes // count
    return moment // 2 + 1, ("before", "after")[moment % 2]


def kill(one, nth, when, *run):
    """SIGKILL of the whole process tree; whether the write came."""
    one.watch()
    one.control.hold({"write": True, "nth": nth, "when": when}, account=one.account)
    running = one.start(*run)
    call = one.held(running)
    if call is None:
        outcome = one.outcome(running)
        one.check_worked("the run that was to be killed", outcome)
    running.kill()
    assert running.left_over() == []
    one.control.release(one.account, drop=True)
    one.control.clear_holds(one.account)
    one.settled()
    where = f"{when} {call['operation']} {call['resource']}" if call else "not at all"
    one.check_way_in(f"killed {where}", undoing=bool(run))
    return call is not None


@pytest.mark.parametrize("chain", list(chains()))
def test_killed(case, lab, chain):
    scenario, back, number, count = chain
    one = case(scenario)
    assert kill(one, *point(one.undisturbed.writes, number, count))
    # What is left to write nobody knows; the first, the second ... of it.
    kill(one, number % 4 + 1, ("after", "before")[number % 2])
    one.finish()
    assert kill(one, *point(lab.undisturbed(back).writes, number, count), UNDO, scenario.undo)
    one.undo()
    assert one.problems == []


@pytest.mark.parametrize("nth", [1, 8])
def test_the_undo_before_the_rest(case, nth):
    """Killed, and then not finished but undone."""
    one = case(ENABLE)
    assert kill(one, nth, "after")
    one.undo()
    assert one.problems == []


@pytest.mark.parametrize(("scenario", "nth"), [(ENABLE, 2), (RESTORE, 4)], ids=["enable", "restore"])
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
    if outcome.rc == 0:
        one.problem(f"interrupted, and exit status 0: {outcome.text[-800:]}")
    one.settled()
    state, calls = snapshot(one.session), len(one.control.calls(one.account, writes=True))
    time.sleep(2)
    assert differences(state, snapshot(one.session)) == []
    assert len(one.control.calls(one.account, writes=True)) == calls
    one.check_way_in("interrupted")
    one.finish()
    one.undo()
    assert one.problems == []
