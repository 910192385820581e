# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Playbooks as a user runs them, and their whole process tree interrupted or killed."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
MARK = "FLEET_FAULT_RUN"
# A run under load, with every call retried: longer than any that works, shorter than one that hangs for ever.
TIMEOUT = 600
# Linux kills the run if the tests are killed (prctl's PR_SET_PDEATHSIG), so that it never outlives them.
ENDS_WITH_ITS_PARENT = (
    sys.executable,
    "-c",
    "import ctypes, os, signal, sys\n"
    "sys.platform == 'linux' and ctypes.CDLL(None).prctl(1, signal.SIGKILL)\n"
    "os.execv(sys.argv[1], sys.argv[1:])",
)
_FATAL = "FAILED! => "


@dataclass(frozen=True)
class Outcome:
    """A run that has ended."""

    rc: int
    text: str
    calls: list[dict[str, Any]]

    @property
    def message(self) -> str:
        """The last failure as Ansible shows it: what a user reads first."""
        lines = [line for line in self.text.splitlines() if _FATAL in line]
        if not lines:
            return ""
        with contextlib.suppress(ValueError, KeyError, TypeError):
            return str(json.loads(lines[-1].partition(_FATAL)[2])["msg"])
        return lines[-1]

    @property
    def writes(self) -> list[dict[str, Any]]:
        return [call for call in self.calls if call["write"]]


class Running:
    """A playbook that has been started, in a session of its own."""

    def __init__(self, playbook: str, variables: Mapping[str, Any], folder: Path, env: Mapping[str, str]) -> None:
        self._mark = uuid.uuid4().hex
        # A path of its own, and a short one: Ansible puts a socket there, whose path may have 107 characters at most.
        self._temporary = Path(tempfile.mkdtemp(prefix="fault-"))
        self.left_files: list[str] = []
        """What the run has left in the temporary folder, once it has ended."""
        self._log = folder / f"{playbook}-{self._mark[:8]}.log"
        command = [
            *ENDS_WITH_ITS_PARENT,
            str(BIN / "ansible-playbook"),
            f"fleet.aws_ssm.{playbook}",
            "-e",
            json.dumps(dict(variables)),
        ]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                command,
                cwd=folder,
                env=environment(env, folder, self._temporary, self._mark),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def ended(self) -> bool:
        return self._process.poll() is not None

    @property
    def text(self) -> str:
        return self._log.read_text("utf-8", errors="replace")

    def wait(self, timeout: float = TIMEOUT) -> int:
        """The exit status; a run that does not end is killed, and that is an error of its own."""
        try:
            rc = self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"the run did not end within {timeout} seconds:\n{self.text[-3000:]}") from None
        self._clear()
        return rc

    def interrupt(self) -> None:
        """Ctrl-C: the terminal sends it to the whole foreground group."""
        os.killpg(self._process.pid, signal.SIGINT)

    def kill(self) -> None:
        """SIGKILL for every process of the run, wherever it has gone: a module may have a session of its own."""
        while tree := self.processes():
            for process in tree:
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.suspend()
            # What was forked before its parent was stopped is found now.
            for process in {*tree, *self.processes()}:
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.kill()
            psutil.wait_procs(tree, timeout=5)
            self._process.poll()
        self._process.wait(10)
        self._clear()

    def _clear(self) -> None:
        if self._temporary.exists():
            self.left_files = sorted(str(path.relative_to(self._temporary)) for path in self._temporary.rglob("*"))
            shutil.rmtree(self._temporary, ignore_errors=True)

    def processes(self) -> list[psutil.Process]:
        """Those that have this run's mark in their environment."""
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error, OSError):
                if process.status() != psutil.STATUS_ZOMBIE and process.environ().get(MARK) == self._mark:
                    found.append(process)
        return found

    def left_over(self, patience: float = 5.0) -> list[str]:
        """What still runs though the run has ended."""
        deadline = time.monotonic() + patience
        while (left := self.processes()) and time.monotonic() < deadline:
            time.sleep(0.1)
        return [" ".join(process.cmdline()) for process in left]


def environment(given: Mapping[str, str], folder: Path, temporary: Path, mark: str) -> dict[str, str]:
    """That of a user with a home and a temporary folder of their own."""
    env = {key: value for key, value in given.items() if not key.startswith("ANSIBLE_")}
    env.update(
        {
            "PATH": f"{BIN}{os.pathsep}{env.get('PATH', '')}",
            "HOME": str(folder),
            "TMPDIR": str(temporary),
            "ANSIBLE_HOME": str(folder / ".ansible"),
            "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "playbooks" / "collections"),
            "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
            "ANSIBLE_LOCALHOST_WARNING": "false",
            "ANSIBLE_NOCOLOR": "true",
            "ANSIBLE_PIPELINING": "true",
            "COLUMNS": "500",
            MARK: mark,
        }
    )
    return env
