# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What comes between a module's look and its change: a kill, or someone else's change."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread
from typing import Any

_PATIENCE = 180
_MARK = "FLEET_TEST_KILLED"


def journal(path: str | Path) -> list[dict[str, Any]]:
    """The entries of a backup file."""
    return json.loads(Path(path).read_text(encoding="utf-8"))["entries"]


def kill_after_journal(account: Any, module: str, path: str | Path, **params: Any) -> None:
    """Run a module, and kill it with all its processes as soon as it has written to the backup file.

    A fault rule has to keep it from changing anything until then.
    """
    mark = secrets.token_hex(8)
    given = json.dumps({**params, "backup_file": str(path)})
    process = subprocess.Popen(
        [str(Path(sys.executable).parent / "ansible"), "localhost", "-m", f"fleet.aws_ssm.{module}", "-a", given],
        cwd=account.folder,
        env={**account.environment({}), _MARK: mark},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + _PATIENCE
    while not (Path(path).exists() and Path(path).stat().st_size):
        assert process.poll() is None, "it ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.02)
    # Ansible's workers and modules have sessions of their own.
    while found := list(_marked(mark)):
        for number in found:
            with contextlib.suppress(ProcessLookupError):
                os.kill(number, signal.SIGKILL)
        process.poll()
    assert process.wait(_PATIENCE) == -signal.SIGKILL


def _marked(mark: str) -> Iterator[int]:
    """The running processes that were started with the mark."""
    text = f"{_MARK}={mark}".encode()
    for folder in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if folder.name.isdigit() and text in (folder / "environ").read_bytes().split(b"\0"):
                yield int(folder.name)


def during(account: Any, run: Callable[[], Any], change: Callable[[], None], *, after: str) -> Any:
    """Run something, while someone else makes a change as soon as a call ("Operation region") was made."""
    operation, region = after.split()
    made = []

    def watch() -> None:
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline and not made:
            if account.control.calls(account.id, operation=operation, region=region):
                change()
                made.append(True)
            time.sleep(0.05)

    account.control.clear_calls(account.id)
    other = Thread(target=watch, daemon=True)
    other.start()
    result = run()
    other.join(_PATIENCE)
    assert made
    return result


def while_held(account: Any, run: Callable[[], Any], change: Callable[[], None], *, pause: float, **call: Any) -> Any:
    """Run something, while someone else makes a change before a call of it is answered, `pause` seconds later.

    C(call) is a hold of the emulator, such as operation="GetRole".
    """
    account.control.hold({"when": "before", "seconds": 30, **call}, account=account.id)
    made, ended = [], []

    def watch() -> None:
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline and not made and not ended:
            if account.control.holds(account.id, wait=1)[0]["state"] == "holding":
                change()
                made.append(True)
                time.sleep(pause)
        account.control.clear_holds(account.id)

    other = Thread(target=watch, daemon=True)
    other.start()
    result = run()
    ended.append(True)
    other.join(_PATIENCE)
    assert made, "the call was not made"
    return result
