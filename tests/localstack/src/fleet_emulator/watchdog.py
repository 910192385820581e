# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Ends the emulator's process when nobody needs it any more.

Three signs: the pipe inherited from the starter is at its end (the starter ended, even by SIGKILL, without handing
over), the owner process is gone, or no request came for the idle time. There is no state worth saving, so ending is
immediate.
"""

from __future__ import annotations

import os
import shutil
import signal
import threading
import time
from pathlib import Path
from types import FrameType

CHECK_INTERVAL = 0.5

# None until the starter has asked for the first time: a slow start is not idleness.
_last_request: float | None = None


def touch() -> None:
    """A request came in."""
    global _last_request
    _last_request = time.monotonic()


def start() -> None:
    """Start watching what the environment asks for."""
    if fd := os.environ.get("FLEET_EMULATOR_LIFELINE_FD"):
        threading.Thread(target=_watch_lifeline, args=(int(fd),), name="lifeline", daemon=True).start()
    owner = int(os.environ.get("FLEET_EMULATOR_OWNER_PID") or 0)
    idle = float(os.environ.get("FLEET_EMULATOR_IDLE_TIMEOUT") or 0)
    if owner or idle:
        threading.Thread(target=_watch_owner, args=(owner, idle), name="owner", daemon=True).start()


def end_on_signals() -> None:
    """Make SIGTERM and SIGINT end the process at once, in place of LocalStack's two seconds of shutdown."""
    signal.signal(signal.SIGTERM, _on_signal)
    signal.signal(signal.SIGINT, _on_signal)


def end() -> None:
    """Remove the emulator's files and end the process."""
    if home := os.environ.get("FLEET_EMULATOR_HOME"):
        shutil.rmtree(Path(home), ignore_errors=True)
    os._exit(0)


def _on_signal(signum: int, frame: FrameType | None) -> None:
    end()


def _watch_lifeline(fd: int) -> None:
    # A byte is the starter's word that it has handed the emulator over; the end of the pipe says the starter is gone.
    if not os.read(fd, 1):
        end()


def _watch_owner(owner: int, idle: float) -> None:
    born = _start_time(owner)
    while True:
        time.sleep(CHECK_INTERVAL)
        # A process id is used again some day; its start time is not.
        if owner and (born is None or _start_time(owner) != born):
            end()
        if idle and _last_request is not None and time.monotonic() - _last_request > idle:
            end()


def _start_time(pid: int) -> str | None:
    """When the process started, or None when there is none (a zombie is none)."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        if Path("/proc/self/stat").exists():
            return None
        return _probe(pid)
    return None if fields[0] in ("Z", "X") else fields[19]


def _probe(pid: int) -> str | None:
    """The same question where there is no /proc (macOS)."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return None
    except PermissionError:
        pass
    return "running"
