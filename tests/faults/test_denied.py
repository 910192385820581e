# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each operation that a playbook calls, denied in turn through the whole of it."""

from __future__ import annotations

import pytest
from fault_scenarios import ATTACH, AUDIT, ENABLE, RESTORE

# Which operations there are is learnt from an undisturbed run; they are dealt out to this many tests.
PARTS = {ENABLE: 12, RESTORE: 10, ATTACH: 8, AUDIT: 4}
SHORT = {(RESTORE, 7), (AUDIT, 1)}
# Every third is denied in the words of a service control policy.
SCP = 3


def parts():
    for scenario, count in PARTS.items():
        for part in range(count):
            marks = [pytest.mark.short] if (scenario, part) in SHORT else []
            yield pytest.param(scenario, part, count, marks=marks, id=f"{scenario.name}-{part}")


@pytest.mark.parametrize(("scenario", "part", "count"), list(parts()))
def test_denied(case, lab, scenario, part, count):
    operations = lab.undisturbed(scenario).operations()
    writes = {(call["service"], call["operation"]) for call in lab.undisturbed(scenario).calls if call["write"]}
    problems = []
    mine = operations[part::count]
    assert mine, f"only {len(operations)} operations for {count} tests"
    for number, (service, operation) in enumerate(mine):
        why = "scp" if (part + number) % SCP == 0 else "policy"
        one = case(scenario)
        one.faults({"service": service, "operation": operation, "denied": why})
        outcome = one.run()
        when = f"{service}:{operation} denied ({why})"
        one.check_outcome(when, outcome, (operation,))
        one.check_way_in(when)
        if not any(call["fault"] for call in outcome.calls):
            one.problem(f"{when}: it was never called")
        if (service, operation) in writes:
            one.finish()
            if number % 2 == 0:
                one.undo()
        problems += [problem if when in problem else f"{when}: {problem}" for problem in one.problems]
    assert problems == []
