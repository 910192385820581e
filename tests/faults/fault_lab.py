# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Accounts in the state in which a scenario starts, and what an undisturbed run makes of them.

Each is made once for the whole test run, by whichever worker needs it first; tests work on copies.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fault_account import build
from fault_runs import Outcome, Running
from fault_scenarios import FILE, REPORT, SCENARIOS, Scenario
from fault_state import State, online, snapshot
from fleet_emulator import Emulator

ORIGINAL = "original"


def new_account() -> str:
    """Twelve digits that nobody else uses."""
    return f"{secrets.randbelow(8 * 10**11) + 10**11:012}"


@dataclass(frozen=True)
class Prepared:
    """An account that is never changed again."""

    account: str
    state: State
    online: list[str]
    file: str
    """The backup file's text; empty if there is none."""
    report: dict[str, Any]
    """What the run reported of each instance; empty if it made no report."""
    calls: list[dict[str, Any]]
    """Of the run that led here, in the order in which they ended."""

    def operations(self) -> list[tuple[str, str]]:
        """Service and operation of every kind of call that the run made."""
        return sorted({(call["service"], call["operation"]) for call in self.calls})

    @property
    def writes(self) -> int:
        return sum(call["write"] for call in self.calls)


class Lab:
    """Prepares accounts."""

    def __init__(self, emulator: Emulator, folder: Path) -> None:
        self.emulator, self.control = emulator, emulator.control
        # Workers that share an emulator share its accounts, too.
        self.folder = folder / f"prepared-{hashlib.sha256(emulator.endpoint.encode()).hexdigest()[:8]}"
        self.folder.mkdir(exist_ok=True)
        self._known: dict[str, Prepared] = {}

    def original(self) -> Prepared:
        """The account as its owners built it."""
        return self._shared(ORIGINAL, self._build)

    def undisturbed(self, scenario: Scenario) -> Prepared:
        """The account after a run to which nothing happened."""
        return self._shared(scenario.name, lambda: self._run(scenario))

    def start_of(self, scenario: Scenario) -> Prepared:
        """The account before."""
        return self.undisturbed(SCENARIOS[scenario.after]) if scenario.after else self.original()

    def copy(self, prepared: Prepared, folder: Path) -> str:
        """An account to work on, with its backup file in the folder."""
        account = new_account()
        self.control.copy(prepared.account, account)
        if prepared.file:
            put_file(folder, prepared.file.replace(prepared.account, account))
        return account

    def _build(self) -> Prepared:
        account = new_account()
        session = self.emulator.session(account)
        build(session)
        return self._prepared(account, "", {}, [])

    def _run(self, scenario: Scenario) -> Prepared:
        folder = Path(tempfile.mkdtemp(prefix=f"{scenario.name}-", dir=self.folder))
        account = self.copy(self.start_of(scenario), folder)
        run = Running(scenario.playbook, scenario.variables, folder, self.emulator.env(account))
        rc = run.wait()
        outcome = Outcome(rc, run.text, self.control.calls(account))
        assert rc == 0, f"{scenario.name} fails though nothing happens to it:\n{outcome.text[-6000:]}"
        file = folder / FILE
        text = file.read_text("utf-8") if file.exists() else ""
        return self._prepared(account, text, reported(folder), outcome.calls)

    def _prepared(self, account: str, file: str, report: dict[str, Any], calls: list[dict[str, Any]]) -> Prepared:
        session = self.emulator.session(account)
        up = sorted(node for node, status in online(session).items() if status == "Online")
        return Prepared(account, snapshot(session), up, file, report, calls)

    def _shared(self, name: str, make: Any) -> Prepared:
        if name not in self._known:
            with self._locked(name):
                path = self.folder / f"{name}.json"
                if not path.exists():
                    made = make()
                    part = path.with_suffix(".part")
                    part.write_text(json.dumps(vars(made)), "utf-8")
                    part.replace(path)
                self._known[name] = Prepared(**json.loads(path.read_text("utf-8")))
        return self._known[name]

    @contextmanager
    def _locked(self, name: str) -> Iterator[None]:
        with (self.folder / f"{name}.lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


def put_file(folder: Path, text: str) -> None:
    """A backup file as a run leaves it."""
    path = folder / FILE
    path.touch(mode=0o600)
    path.write_text(text, "utf-8")


def reported(folder: Path) -> dict[str, Any]:
    """Of each instance the verdict and the reasons, as the report's file has them."""
    path = folder / REPORT
    if not path.exists():
        return {}
    rows = json.loads(path.read_text("utf-8"))["instances"]
    return {row["instance_id"]: [row["verdict"], sorted(reason["reason"] for reason in row["reasons"])] for row in rows}


def forget(emulator: Emulator, folder: Path) -> None:
    """Take every prepared account away again."""
    for path in folder.glob("prepared-*/*.json"):
        emulator.control.reset(json.loads(path.read_text("utf-8"))["account"])
