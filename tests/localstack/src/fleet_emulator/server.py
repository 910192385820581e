# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One emulator process: started on a free loopback port, and never left behind."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
from dataclasses import dataclass, field
from pathlib import Path

from fleet_emulator.control import Control
from fleet_emulator.environ import server_environment

START_TIMEOUT = 60.0
HOME_PREFIX = "fleet-emulator-"


class StartError(RuntimeError):
    """The emulator did not come up; the message ends with its log."""


@dataclass
class Server:
    """A running emulator process and what is needed to stop it."""

    endpoint: str
    pid: int
    home: Path
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)
    _lifeline: int | None = field(default=None, repr=False)

    @property
    def log(self) -> Path:
        """The emulator's own output."""
        return self.home / "emulator.log"

    def detach(self) -> None:
        """Let the process outlive this one."""
        if self._lifeline is not None:
            os.write(self._lifeline, b"d")
            os.close(self._lifeline)
            self._lifeline = None

    def stop(self, timeout: float = 5.0) -> None:
        """Stop the process and remove its files; does nothing when it is gone."""
        if self._lifeline is not None:
            os.close(self._lifeline)
            self._lifeline = None
        try:
            os.kill(self.pid, signal.SIGTERM)
        except ProcessLookupError:
            pass
        else:
            if not self._gone(timeout):
                os.kill(self.pid, signal.SIGKILL)
                self._gone(timeout)
        shutil.rmtree(self.home, ignore_errors=True)

    def _gone(self, timeout: float) -> bool:
        if self._process is not None:
            try:
                self._process.wait(timeout)
            except subprocess.TimeoutExpired:
                return False
            return True
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            if not is_running(self.pid):
                return True
            time.sleep(0.02)
        return False


def start(*, port: int = 0, owner_pid: int | None = None, idle_timeout: float = 0) -> Server:
    """Start an emulator and wait until it answers.

    It ends as soon as this process does, however this process ends; after ``detach`` it lives until it is stopped, its
    owner is gone or it has been idle for too long.
    """
    # The socket is bound here and handed over, so no other process can take the port in between.
    with socket.create_server(("127.0.0.1", port), backlog=512) as listener:
        home = Path(tempfile.mkdtemp(prefix=HOME_PREFIX))
        for name in ("tmp", "config", "cache", "filesystem"):
            (home / name).mkdir()
        port = listener.getsockname()[1]
        env = server_environment(os.environ, home, port)
        env["FLEET_EMULATOR_HOME"] = str(home)
        env["FLEET_EMULATOR_LISTEN_FD"] = str(listener.fileno())
        if idle_timeout:
            env["FLEET_EMULATOR_IDLE_TIMEOUT"] = str(idle_timeout)
        if owner_pid is not None:
            env["FLEET_EMULATOR_OWNER_PID"] = str(owner_pid)
        reading_end, lifeline = os.pipe()
        env["FLEET_EMULATOR_LIFELINE_FD"] = str(reading_end)
        try:
            with open(home / "emulator.log", "wb") as log:
                process = subprocess.Popen(
                    [sys.executable, "-m", "fleet_emulator.serve"],
                    env=env,
                    cwd=home,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    pass_fds=[listener.fileno(), reading_end],
                    # A Ctrl-C in the terminal must reach the tests, not take the emulator away from under them.
                    start_new_session=True,
                )
        finally:
            os.close(reading_end)
    server = Server(f"http://127.0.0.1:{port}", process.pid, home, process, lifeline)
    try:
        _wait_until_ready(server, process)
    except BaseException:
        server.stop()
        raise
    return server


def is_running(pid: int) -> bool:
    """Whether the process exists and has not already ended (a zombie has)."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        pass
    else:
        return stat.rpartition(")")[2].split()[0] not in ("Z", "X")
    if sys.platform.startswith("linux"):
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _wait_until_ready(server: Server, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_TIMEOUT
    control = Control(server.endpoint, timeout=START_TIMEOUT)
    while True:
        try:
            # The socket listens already, so this request simply waits until the server takes it.
            control.health()
            return
        except (urllib.error.URLError, OSError) as error:
            if process.poll() is None and time.monotonic() < deadline:
                time.sleep(0.05)
                continue
            tail = "\n".join(server.log.read_text(errors="replace").splitlines()[-30:])
            raise StartError(f"The emulator did not start (exit status {process.poll()}):\n{tail}") from error
