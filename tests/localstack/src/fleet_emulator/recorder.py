# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The record of every API call, by account."""

from __future__ import annotations

import itertools
import json
import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from fnmatch import fnmatchcase
from typing import Any

KEPT_PER_ACCOUNT = 50_000

_READ_PREFIXES = ("Get", "List", "Describe", "Simulate", "Head", "Lookup", "Search", "BatchGet", "Decode", "AssumeRole")

# The parameter that names what a call is about, most specific first.
_RESOURCE_KEYS = (
    "SettingId",
    "InstanceProfileName",
    "RoleName",
    "PolicyArn",
    "PolicyName",
    "PolicySourceArn",
    "UserName",
    "RoleArn",
    "AssociationId",
    "InstanceId",
    "InstanceIds",
    "RegionName",
    "Name",
    "AccountId",
    "Resources",
)


@dataclass
class Call:
    """One API call. ``write`` says whether AWS would call it a writing operation, not whether it succeeded."""

    account: str
    service: str
    operation: str
    region: str
    principal: str
    resource: str | None
    params: dict[str, Any]
    time: float
    id: int = 0
    ms: float = 0.0
    status: int = 0
    error: str | None = None
    fault: str | None = None
    write: bool = field(init=False)

    def __post_init__(self) -> None:
        self.write = is_write(self.operation)


def is_write(operation: str) -> bool:
    """Whether the operation changes something at AWS, told by its name."""
    return not operation.startswith(_READ_PREFIXES)


def resource_of(params: Mapping[str, Any]) -> str | None:
    """The thing a call is about, as well as its parameters tell."""
    for key in _RESOURCE_KEYS:
        if value := params.get(key):
            return ",".join(map(str, value)) if isinstance(value, list) else str(value)
    return None


def plain(value: Any) -> Any:
    """Request parameters as JSON can carry them."""
    return json.loads(json.dumps(value, default=str))


class Recorder:
    """Keeps the calls of each account apart."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ids = itertools.count(1)
        self._calls: dict[str, deque[Call]] = {}

    def add(self, call: Call) -> None:
        """Record a finished call."""
        with self._lock:
            call.id = next(self._ids)
            self._calls.setdefault(call.account, deque(maxlen=KEPT_PER_ACCOUNT)).append(call)

    def find(self, account: str | None, writes: bool = False, **globs: str) -> list[dict[str, Any]]:
        """The calls in the order in which they ended; *globs* match fields, case-insensitively."""
        with self._lock:
            sources = [self._calls.get(account, deque())] if account else list(self._calls.values())
            calls = [call for source in sources for call in source]
        calls.sort(key=lambda call: call.id)
        return [asdict(call) for call in calls if (call.write or not writes) and _matches(call, globs)]

    def clear(self, account: str | None) -> None:
        """Forget the calls of one account, or of all."""
        with self._lock:
            if account:
                self._calls.pop(account, None)
            else:
                self._calls.clear()


def _matches(call: Call, globs: Mapping[str, str]) -> bool:
    return all(
        fnmatchcase(str(getattr(call, name) or "").lower(), pattern.lower())
        for name, pattern in globs.items()
        if pattern
    )


RECORDER = Recorder()
