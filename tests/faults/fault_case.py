# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One fault's account: what is run on it, and whether what a run left behind is what it must be."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from fault_lab import Lab, reported
from fault_runs import Outcome, Running
from fault_scenarios import REPORT, Scenario
from fault_state import differences, snapshot

# What a user must never have to read as the reason of a failure.
NO_REASON = (
    "Traceback (most recent call last)",
    "evaluated to 'True'",
    "see above",
    "AnsibleUndefined",
    "has no attribute",
)
UNDO = "disable_ssm"
# The exit status of a playbook in which a task failed.
FAILED = 2
# A policy's text may be long.
SHOWN = 500


class Case:
    """A copy of the account in which a scenario starts."""

    def __init__(self, lab: Lab, scenario: Scenario, folder: Path) -> None:
        self.lab, self.control, self.scenario, self.folder = lab, lab.control, scenario, folder
        self.undisturbed = lab.undisturbed(scenario)
        self.original = lab.original()
        self.account = lab.copy(lab.start_of(scenario), folder)
        self.session = lab.emulator.session(self.account)
        self.problems: list[str] = []
        self._runs: list[Running] = []

    # What is run.

    def start(self, playbook: str = "", variables: Mapping[str, Any] | None = None, **more: Any) -> Running:
        """Start the scenario's playbook, or another one."""
        given = {**(self.scenario.variables if variables is None else variables), **more}
        env = self.lab.emulator.env(self.account)
        self._runs.append(Running(playbook or self.scenario.playbook, given, self.folder, env))
        return self._runs[-1]

    def watch(self) -> None:
        """From here on no instance may lose its way in, and calls are counted."""
        self.control.clear_calls(self.account)
        self.control.watch(self.account)

    def outcome(self, running: Running) -> Outcome:
        """The run's end. The faults end with it: whoever looks at the account afterwards is not to be hit by them."""
        rc = running.wait()
        self.faults()
        if rc in (0, FAILED) and running.left_files:
            self.problem(f"left in the temporary folder: {running.left_files}")
        return Outcome(rc, running.text, self.control.calls(self.account))

    def run(self, playbook: str = "", variables: Mapping[str, Any] | None = None, **more: Any) -> Outcome:
        """From start to end."""
        (self.folder / REPORT).unlink(missing_ok=True)
        self.watch()
        return self.outcome(self.start(playbook, variables, **more))

    def faults(self, *rules: Mapping[str, Any], seed: int = 1) -> None:
        """What goes wrong from now on; nothing: the weather is fine again."""
        self.control.set_faults(list(rules), self.account, seed=seed)

    def settled(self) -> None:
        """Wait until calls that were under way when their caller was killed are answered."""
        seen, deadline = -1, time.monotonic() + 5
        while time.monotonic() < deadline:
            count = len(self.control.calls(self.account))
            if count == seen:
                return
            seen = count
            time.sleep(0.15)

    def close(self) -> None:
        """Leave nothing behind."""
        self.control.reset(self.account)
        for running in self._runs:
            running.kill()

    # What must be.

    def problem(self, text: str) -> None:
        """Something that must not be; kept beside the runs' logs, for a test run that is broken off."""
        text = text if len(text) <= SHOWN else f"{text[:SHOWN]} ..."
        self.problems.append(text)
        with (self.folder / "problems.txt").open("a", encoding="utf-8") as file:
            file.write(f"{text}\n")

    def differs(self) -> list[str]:
        """From an undisturbed run's end."""
        # What leads back must lead back to the very same things; what is made anew has another id each time.
        exact = self.scenario.undo is None
        return differences(self.undisturbed.state, snapshot(self.session), ids=exact)

    def check_way_in(self, when: str, *, undoing: bool | None = None, moments: bool = True) -> None:
        """Nobody who had a way in was without one at any moment, or without `moments` at the end.

        What only DHMC or we gave may go with the undo.
        """
        seen = self.control.watched(self.account)
        undoing = self.scenario.playbook == UNDO if undoing is None else undoing
        protected = set(seen["start"]) & set(self.original.online) if undoing else set(seen["start"])
        for moment in seen["moments"] if moments else ():
            if lost := sorted(protected & set(moment["lost"])):
                what = f"{moment['operation']} {moment['resource']} in {moment['region']}"
                self.problem(f"{when}: without a way in after {what}: {', '.join(lost)}")
        if gone := sorted(protected - set(seen["now"])):
            self.problem(f"{when}: without a way in at the end: {', '.join(gone)}")

    def check_outcome(self, when: str, outcome: Outcome, words: Iterable[str]) -> None:
        """As undisturbed, or not 0 and a line that names what failed (by one of the words)."""
        for phrase in NO_REASON[:1] if outcome.rc == 0 else NO_REASON:
            if phrase in (outcome.text if phrase == NO_REASON[0] else outcome.message):
                self.problem(f"{when}: the user reads {phrase!r}: {outcome.message or outcome.text[-800:]}")
        if outcome.rc == 0:
            self.check_state(f"{when}: exit status 0, but")
            return
        if not outcome.message:
            self.problem(f"{when}: failed without a message: {outcome.text[-800:]}")
        elif "\n" in outcome.message:
            self.problem(f"{when}: the message has more than one line: {outcome.message!r}")
        elif not any(word.lower() in outcome.message.lower() for word in words):
            self.problem(f"{when}: none of {list(words)} in: {outcome.message}")

    def check_state(self, when: str) -> None:
        """The account is as an undisturbed run leaves it."""
        for line in self.differs():
            self.problem(f"{when} {line}")
        wanted, found = self.undisturbed.report, reported(self.folder)
        for node in sorted(node for node in {*wanted, *found} if wanted.get(node) != found.get(node)):
            self.problem(f"{when} the report says of {node}: {found.get(node)} instead of {wanted.get(node)}")

    def check_worked(self, when: str, outcome: Outcome) -> None:
        """Exit status 0, and the state that belongs to it."""
        if outcome.rc != 0:
            self.problem(f"{when}: exit status {outcome.rc}: {outcome.message or outcome.text[-1500:]}")

    def finish(self) -> None:
        """A second run with the same file, to which nothing happens, finishes what the first one left."""
        self.faults()
        outcome = self.run()
        self.check_worked("the second run", outcome)
        self.check_state("after the second run:")
        self.check_way_in("the second run")

    def undo(self) -> None:
        """The way back, to the original byte for byte."""
        if self.scenario.undo is None:
            return
        self.faults()
        outcome = self.run(UNDO, self.scenario.undo)
        self.check_worked("the undo", outcome)
        for line in differences(self.original.state, snapshot(self.session)):
            self.problem(f"after the undo: {line}")
        self.check_way_in("the undo", undoing=True)

    def follow(self, when: str, outcome: Outcome, words: Sequence[str], *, undo: bool = True) -> None:
        """The whole of it, after a run to which something happened."""
        self.check_outcome(when, outcome, words)
        self.check_way_in(when)
        if outcome.rc != 0 or self.problems:
            self.finish()
        if undo:
            self.undo()

    def held(self, running: Running, timeout: float = 300) -> dict[str, Any] | None:
        """The call that the account's hold has got; None if the run ended before it came."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            [hold] = self.control.holds(self.account, wait=1)
            if hold["state"] == "holding":
                return dict(hold["call"])
            if running.ended:
                return None
        running.kill()
        raise AssertionError(f"the call did not come: {json.dumps(hold)}")


CaseMaker = Callable[[Scenario], Case]
