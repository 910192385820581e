# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The file by which ``start``, ``stop`` and ``status`` find the same emulator."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any

from fleet_emulator.control import Control, ControlError
from fleet_emulator.server import Server, is_running


class NotRunning(RuntimeError):
    """There is no emulator where the state file says one should be."""


def default() -> Path:
    """One file for each user: FLEET_EMULATOR_STATE, or a name in the user's runtime or temporary directory."""
    if given := os.environ.get("FLEET_EMULATOR_STATE"):
        return Path(given)
    folder = os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir()
    return Path(folder) / f"fleet-emulator-{os.getuid()}.json"


def write(path: Path, server: Server) -> None:
    """Note a started emulator down."""
    content = {"endpoint": server.endpoint, "pid": server.pid, "home": str(server.home), "log": str(server.log)}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    # Made anew and for this user alone: a link that someone else put there is never followed.
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(content, file)


def find(path: Path) -> Server | None:
    """The emulator of the file, if it still runs. A process that is none of ours is never taken for one."""
    content = _read(path)
    if content is None or not is_running(content["pid"]):
        return None
    server = Server(content["endpoint"], content["pid"], Path(content["home"]))
    try:
        health = Control(server.endpoint, timeout=5).health()
    except (ControlError, OSError):
        return None
    return server if health.get("pid") == server.pid and health.get("home") == content["home"] else None


def require(path: Path) -> Server:
    """The running emulator, or an error that says how to start one."""
    server = find(path)
    if server is None:
        raise NotRunning(f"no emulator runs according to {path}; start one with: fleet-emulator start")
    return server


def _read(path: Path) -> dict[str, Any] | None:
    try:
        if path.stat().st_uid != os.getuid():
            return None
        content = json.loads(path.read_text())
    except (OSError, ValueError):
        return None
    wanted = {"endpoint": str, "pid": int, "home": str}
    if not isinstance(content, dict) or not all(isinstance(content.get(key), kind) for key, kind in wanted.items()):
        return None
    return content
