# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""No room for the backup: nothing is changed that it does not hold, and the same command goes on when there is room."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from fault_account import REGIONS
from fault_scenarios import ATTACH, ENABLE, FILE
from fault_state import differences, snapshot

PAGE = 4096


@contextlib.contextmanager
def small_disk(folder: Path, pages: int) -> Iterator[Path]:
    """A disk with this much room, and none at all with 0."""
    disk = folder / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={(pages + 1) * PAGE}", "tmpfs", str(disk)]
    if (
        os.geteuid()
        or shutil.which("mount") is None
        or subprocess.run(mount, capture_output=True, check=False).returncode
    ):
        pytest.skip("a small disk can be mounted by root only")
    try:
        (disk / "taken").write_bytes(b"x" * PAGE)
        yield disk
    finally:
        subprocess.run(["umount", str(disk)], check=True)


@pytest.mark.parametrize(
    ("scenario", "pages"), [(ENABLE, 0), (ENABLE, 3), (ATTACH, 0)], ids=lambda given: str(getattr(given, "name", given))
)
def test_no_room(case, tmp_path, scenario, pages):
    """Full from the start, or full in the middle."""
    one = case(scenario)
    with small_disk(tmp_path, pages) as disk:
        path = disk / FILE
        before = snapshot(one.session)
        outcome = one.run(ssm_backup_file=str(path))
        one.check_outcome("no room", outcome, ("No space left",))
        one.check_way_in("no room")
        left = sorted(each.name for each in disk.iterdir())
        if pages == 0:
            if left != ["taken"]:
                one.problem(f"left on the full disk: {left}")
            # What is made anew or is nobody's yet may be there; what was there must be as it was.
            changed = [
                line
                for line in differences(before, snapshot(one.session))
                if not line.split(" -> ")[0].endswith("'(not there)'")
            ]
            for line in changed:
                one.problem(f"changed without a backup: {line}")
        elif set(left) - {"taken", FILE, f"{FILE}.lock", f".{FILE}.lock"}:
            one.problem(f"left on the full disk: {left}")
        if path.exists():
            shutil.copy2(path, one.folder / FILE)
    one.finish()
    one.undo()
    assert one.problems == []


def test_the_regions_of_the_fixture_are_what_the_state_shows(lab):
    """A snapshot that left a region out would let everything pass."""
    assert {name for name in lab.original().state if name.startswith("setting ")} == {
        f"setting {region}" for region in REGIONS
    }
