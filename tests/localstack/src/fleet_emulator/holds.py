# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Calls that are held on their way until a test lets them go, so that it can do something at exactly that moment.

Held before it is carried out, a call is one that AWS has not seen yet. Held after, it is done, and only its answer is
still on its way. Let go, it goes on; dropped, its connection is cut: before, AWS never saw it; after, it is done and
nobody was told.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, Protocol

BEFORE, AFTER = "before", "after"
WAITING, HOLDING, RELEASED, DROPPED, EXPIRED = "waiting", "holding", "released", "dropped", "expired"
_MATCHERS = ("service", "operation", "region", "resource")
_KEYS = (*_MATCHERS, "write", "nth", "when", "seconds")
_SECONDS = 60.0


class HoldError(ValueError):
    """A hold that cannot be understood; the message says which part."""


class Holdable(Protocol):
    """What a hold looks at of a call."""

    account: str
    service: str
    operation: str
    region: str
    resource: str | None
    write: bool


@dataclass
class Hold:
    """Waits for the n-th call that it matches, and holds that one alone."""

    spec: dict[str, Any]
    patterns: dict[str, str]
    write: bool | None
    nth: int
    when: str
    seconds: float
    seen: int = 0
    state: str = WAITING
    call: dict[str, Any] | None = None
    let_go: threading.Event = field(default_factory=threading.Event)

    def matches(self, call: Holdable) -> bool:
        """Whether all globs fit, and the call writes if it shall."""
        if self.write is not None and call.write is not self.write:
            return False
        return all(
            fnmatchcase(str(getattr(call, name) or "").lower(), pattern.lower())
            for name, pattern in self.patterns.items()
        )

    def view(self) -> dict[str, Any]:
        """As the control interface shows it."""
        return {**self.spec, "state": self.state, "seen": self.seen, "call": self.call}


def parse(spec: Mapping[str, Any]) -> Hold:
    """Check a hold and give it one form."""
    if not isinstance(spec, Mapping):
        raise HoldError(f"a hold is an object, not {spec!r}")
    if unknown := set(spec) - set(_KEYS):
        raise HoldError(f"unknown keys {sorted(unknown)}; known: {list(_KEYS)}")
    when, nth, write, seconds = (
        spec.get("when", BEFORE),
        spec.get("nth", 1),
        spec.get("write"),
        spec.get("seconds", _SECONDS),
    )
    if when not in (BEFORE, AFTER):
        raise HoldError(f"when is {BEFORE} or {AFTER}")
    if isinstance(nth, bool) or not isinstance(nth, int) or nth < 1:
        raise HoldError("nth is a number from 1 on")
    if write is not None and not isinstance(write, bool):
        raise HoldError("write is true or false")
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or seconds <= 0:
        raise HoldError("seconds is a number greater than 0")
    patterns = {name: str(spec[name]) for name in _MATCHERS if spec.get(name)}
    return Hold(dict(spec), patterns, write, nth, when, float(seconds))


class Holds:
    """The holds of each account."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._holds: dict[str, list[Hold]] = {}

    def set(self, specs: Iterable[Mapping[str, Any]], account: str) -> None:
        """Replace an account's holds; what the old ones hold goes on."""
        parsed = [parse(spec) for spec in specs]
        with self._changed:
            self._let_go(account, RELEASED)
            self._holds[account] = parsed

    def clear(self, account: str | None, *, drop: bool = False) -> None:
        """Remove the holds of an account, or all; what they hold goes on, or is dropped."""
        with self._changed:
            for name in [account] if account else list(self._holds):
                self._let_go(name, DROPPED if drop else RELEASED)
                self._holds.pop(name, None)

    def release(self, account: str, *, drop: bool = False) -> int:
        """Let every held call of an account go; returns how many there were."""
        with self._changed:
            return self._let_go(account, DROPPED if drop else RELEASED)

    def get(self, account: str, wait: float = 0.0) -> list[dict[str, Any]]:
        """An account's holds, as soon as one of them holds a call or the seconds are over."""
        with self._changed:
            if wait > 0:
                self._changed.wait_for(lambda: self._holding(account), wait)
            return [hold.view() for hold in self._holds.get(account, ())]

    def arrive(self, call: Holdable) -> Hold | None:
        """Count a call; the hold that it is the n-th one of, if there is one."""
        found = None
        with self._changed:
            for hold in self._holds.get(call.account, ()):
                if hold.state == WAITING and hold.matches(call):
                    hold.seen += 1
                    if hold.seen == hold.nth and found is None:
                        found = hold
        return found

    def wait(self, hold: Hold, when: str, call: Mapping[str, Any]) -> bool:
        """Hold a call, if that is the moment; whether it shall be dropped then."""
        if hold.when != when or hold.state != WAITING:
            return False
        with self._changed:
            if hold.let_go.is_set():
                return hold.state == DROPPED
            hold.state, hold.call = HOLDING, dict(call)
            self._changed.notify_all()
        if not hold.let_go.wait(hold.seconds):
            with self._changed:
                if not hold.let_go.is_set():
                    hold.state = EXPIRED
                    hold.let_go.set()
        return hold.state == DROPPED

    def _holding(self, account: str) -> bool:
        return any(hold.state not in (WAITING,) for hold in self._holds.get(account, ()))

    def _let_go(self, account: str, state: str) -> int:
        held = [hold for hold in self._holds.get(account, ()) if hold.state == HOLDING]
        for hold in held:
            hold.state = state
        for hold in held:
            hold.let_go.set()
        return len(held)


HOLDS = Holds()
