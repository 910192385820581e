# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fixtures of the fault suite. Nothing of the collection is imported, so that a fault in it can't hide itself."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from fault_case import Case, CaseMaker
from fault_lab import Lab, forget
from fault_scenarios import Scenario
from fleet_emulator import Emulator


@pytest.fixture(scope="session")
def emulator() -> Iterator[Emulator]:
    with Emulator() as running:
        yield running


@pytest.fixture(scope="session")
def lab(emulator: Emulator, tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Lab:
    folder = tmp_path_factory.getbasetemp()
    return Lab(emulator, folder if worker_id == "master" else folder.parent)


@pytest.fixture
def case(lab: Lab, tmp_path: Path) -> Iterator[CaseMaker]:
    """case(ENABLE): an account of its own in which that scenario starts. All problems fail the test, at its end."""
    made: list[Case] = []
    numbers = itertools.count(1)

    def make(scenario: Scenario) -> Case:
        folder = tmp_path / f"{scenario.name}-{next(numbers)}"
        folder.mkdir()
        made.append(Case(lab, scenario, folder))
        return made[-1]

    try:
        yield make
    finally:
        for each in made:
            each.close()


def pytest_sessionfinish(session: pytest.Session) -> None:
    """The prepared accounts go with the test run, even if the emulator goes on."""
    factory = getattr(session.config, "_tmp_path_factory", None)
    if hasattr(session.config, "workerinput") or factory is None or not os.environ.get("AWS_ENDPOINT_URL"):
        return
    with Emulator() as emulator:
        forget(emulator, factory.getbasetemp())
