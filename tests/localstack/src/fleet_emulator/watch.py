# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A look at all agents of an account after each of its writes, so that no moment without a way in is missed.

The writes of a watched account are carried out one after the other: of two at once, the second could hide what the
first had done. Faults, holds and latencies come before; only the change itself and the look at the agents are in turn.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

Online = Callable[[str], set[str]]


@dataclass(frozen=True)
class Moment:
    """What a write did to the agents: who was lost, who came."""

    operation: str
    region: str
    resource: str | None
    lost: list[str]
    found: list[str]


@dataclass
class Log:
    """What was seen of one account."""

    start: set[str]
    now: set[str]
    moments: list[Moment] = field(default_factory=list)
    turn: threading.Lock = field(default_factory=threading.Lock)


@dataclass(frozen=True)
class Turn:
    """A write's turn: nobody else changes the account until it is over."""

    log: Log
    online: Online
    account: str

    def over(self, operation: str, region: str, resource: str | None) -> None:
        """The write has been carried out: look at the agents and let the next one in."""
        try:
            now = self.online(self.account)
            if now != self.log.now:
                lost, found = sorted(self.log.now - now), sorted(now - self.log.now)
                self.log.moments.append(Moment(operation, region, resource, lost, found))
                self.log.now = now
        finally:
            self.log.turn.release()


class Watches:
    """Which accounts are watched."""

    def __init__(self, online: Online) -> None:
        self._online = online
        self._logs: dict[str, Log] = {}

    def start(self, account: str) -> None:
        """Watch an account from now on; what was seen before is forgotten."""
        online = self._online(account)
        self._logs[account] = Log(online, set(online))

    def stop(self, account: str) -> None:
        """No longer."""
        self._logs.pop(account, None)

    def get(self, account: str) -> dict[str, Any] | None:
        """What was seen; None if nobody watches."""
        log = self._logs.get(account)
        if log is None:
            return None
        moments = [asdict(moment) for moment in list(log.moments)]
        return {"start": sorted(log.start), "now": sorted(log.now), "moments": moments}

    def turn(self, account: str) -> Turn | None:
        """A write's turn, as soon as the one before is over; None if nobody watches."""
        log = self._logs.get(account)
        if log is None:
            return None
        log.turn.acquire()
        return Turn(log, self._online, account)
