# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two runs at once on one account and one backup file."""

from __future__ import annotations

import time

import pytest
from fault_case import UNDO
from fault_scenarios import ATTACH, ENABLE, RESTORE

# What a run may say of another one that was there first.
RACE_WORDS = (
    "AlreadySet",
    "already",
    "exist",
    "meanwhile",
    "changed",
    "TooManyUpdates",
    "concurrent",
    "another run",
    "is gone",
    "NoSuchEntity",
    "in use",
    "conflict",
)  # fmt: skip


def both(one, second, delay):
    """Two runs side by side, the second one somewhat later."""
    one.watch()
    first = one.start()
    time.sleep(delay)
    later = one.start(*second)
    return one.outcome(first), one.outcome(later)


@pytest.mark.parametrize("scenario", [ENABLE, ATTACH, RESTORE], ids=lambda scenario: scenario.name)
def test_the_same_twice(case, scenario):
    one = case(scenario)
    for number, outcome in enumerate(both(one, (), 0.3), 1):
        if outcome.rc != 0:
            one.check_outcome(f"run {number} of 2", outcome, RACE_WORDS)
    one.check_way_in("two runs at once")
    one.finish()
    one.undo()
    assert one.problems == []


@pytest.mark.parametrize("delay", [2.0, 6.0])
def test_enable_races_disable(case, delay):
    """Nobody has lost the way in afterwards, and each of the two brings about its own state.

    Between two writes of two runs an instance may be without a way in: both look again, and give it back. An agent only
    looks for other credentials every 30 minutes.
    """
    one = case(ENABLE)
    one.run()
    outcomes = both(one, (UNDO, ENABLE.undo), delay)
    for number, outcome in enumerate(outcomes, 1):
        if outcome.rc != 0 and not outcome.message:
            one.problem(f"run {number} of 2 failed without a message: {outcome.text[-800:]}")
    one.check_way_in("enable races disable", undoing=True, moments=False)
    one.finish()
    one.undo()
    assert one.problems == []
