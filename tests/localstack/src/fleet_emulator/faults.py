# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What can go wrong at AWS, as rules: parsed and decided here, carried out by the gate.

Nothing here waits or knows LocalStack; time and chance come from outside or from a seed, so a test can repeat a run.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import Any

from fleet_emulator import ec2_limits
from fleet_emulator.fault_words import DENIALS, denial, expired, throttling_error

ALL_ACCOUNTS = "*"
EFFECTS = ("latency", "throttle", "error", "denied", "expired", "propagation", "down", "hang", "lost")
_LIMITS = ("times", "after", "probability")
_MATCHERS = ("service", "operation", "region")
_DOWN_MODES = ("503", "reset")


class RuleError(ValueError):
    """A rule that cannot be understood; the message says which part."""


@dataclass(frozen=True)
class Target:
    """The call that a rule may match."""

    account: str
    service: str
    operation: str
    region: str
    params: Mapping[str, Any] = field(default_factory=dict)
    principal: str = ""


@dataclass(frozen=True)
class Fault:
    """The outcome for one call: first wait, then cut the connection, or answer with an error, or go on.

    *lost*: go on, and cut the connection then, so that nobody hears that it was done.
    """

    delay: float = 0.0
    reset: bool = False
    code: str | None = None
    message: str = ""
    status: int = 400
    name: str | None = None
    lost: bool = False


@dataclass
class Rule:
    """One rule and how often it matched and was applied."""

    spec: dict[str, Any]
    effects: dict[str, Any]
    patterns: dict[str, str]
    times: int | None
    probability: float
    after: int = 0
    matched: int = 0
    applied: int = 0
    buckets: dict[tuple[str, ...], Bucket] = field(default_factory=dict)

    def matches(self, target: Target) -> bool:
        """Whether all of the rule's globs fit; a missing one fits everything."""
        return all(
            fnmatchcase(getattr(target, name).lower(), pattern.lower()) for name, pattern in self.patterns.items()
        )


@dataclass
class Bucket:
    """A token bucket: AWS's way to limit request rates."""

    burst: float
    rate: float
    tokens: float
    last: float

    def take(self, now: float) -> bool:
        """Take a token; False when there is none."""
        self.tokens = min(self.burst, self.tokens + (now - self.last) * self.rate)
        self.last = now
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True


def parse(spec: Mapping[str, Any]) -> Rule:
    """Check a rule and give its effects one form."""
    if not isinstance(spec, Mapping):
        raise RuleError(f"a rule is an object, not {spec!r}")
    unknown = set(spec) - {*_MATCHERS, *EFFECTS, *_LIMITS}
    if unknown:
        raise RuleError(f"unknown keys {sorted(unknown)}; known: {[*_MATCHERS, *EFFECTS, *_LIMITS]}")
    effects = {name: spec[name] for name in EFFECTS if name in spec and spec[name] not in (None, False)}
    if not effects:
        raise RuleError(f"a rule needs at least one of {list(EFFECTS)}")
    times, probability = spec.get("times"), spec.get("probability", 1.0)
    if "error" in effects:
        error = effects["error"] = {"status": 400, "message": "Injected by a fault rule.", **effects["error"]}
        if not isinstance(error.get("code"), str):
            raise RuleError("error needs a code")
        times, probability = error.pop("times", times), error.pop("probability", error.pop("rate", probability))
    if "throttle" in effects and effects["throttle"] != "aws":
        throttle = effects["throttle"]
        if not isinstance(throttle, Mapping) or not {"burst", "rate"} <= set(throttle):
            raise RuleError('throttle is "aws" or an object with burst and rate (tokens a second)')
    if "denied" in effects:
        why = effects["denied"] = "policy" if effects["denied"] is True else effects["denied"]
        if why not in DENIALS:
            raise RuleError(f"denied is true or one of {list(DENIALS)}")
    if "down" in effects:
        mode = "503" if effects["down"] is True else str(effects["down"])
        if mode not in _DOWN_MODES:
            raise RuleError(f"down is true or one of {list(_DOWN_MODES)}")
        effects["down"] = mode
    for name in ("latency", "hang", "propagation"):
        if name in effects and (isinstance(effects[name], bool) or not isinstance(effects[name], int | float)):
            raise RuleError(f"{name} is a number")
    if not 0 <= float(probability) <= 1:
        raise RuleError("probability lies between 0 and 1")
    patterns = {name: str(spec[name]) for name in _MATCHERS if spec.get(name)}
    limit, after = None if times is None else int(times), int(spec.get("after") or 0)
    return Rule(dict(spec), effects, patterns, limit, float(probability), after)


class Faults:
    """The rules of every account, and the decision for each call."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._rules: dict[str, list[Rule]] = {}
        self._seeds: dict[str, int] = {}

    def set(self, rules: Iterable[Mapping[str, Any]], account: str | None, seed: int = 0) -> None:
        """Replace the rules of an account, or those for all accounts."""
        parsed = [parse(rule) for rule in rules]
        with self._lock:
            self._rules[account or ALL_ACCOUNTS] = parsed
            self._seeds[account or ALL_ACCOUNTS] = seed

    def get(self, account: str | None) -> list[dict[str, Any]]:
        """The rules of an account (or those for all accounts) with their counters."""
        with self._lock:
            rules = self._rules.get(account or ALL_ACCOUNTS, [])
            return [{**rule.spec, "matched": rule.matched, "applied": rule.applied} for rule in rules]

    def clear(self, account: str | None) -> None:
        """Remove the rules of an account, or all."""
        with self._lock:
            if account:
                self._rules.pop(account, None)
            else:
                self._rules.clear()

    def decide(self, target: Target) -> Fault:
        """What shall happen to this call. The first error wins, delays add up."""
        delay, outcome = 0.0, Fault()
        with self._lock:
            for scope in (target.account, ALL_ACCOUNTS):
                for number, rule in enumerate(self._rules.get(scope, ())):
                    if set(rule.effects) == {"propagation"} or not rule.matches(target):
                        continue
                    rule.matched += 1
                    if not self._applies(rule, scope, number):
                        continue
                    fault = self._effect(rule, target)
                    if fault is None:
                        continue
                    rule.applied += 1
                    delay += fault.delay
                    if outcome.name is None or outcome.name == "latency":
                        outcome = fault
        return replace(outcome, delay=delay)

    def propagation(self, target: Target, named: bool = False) -> float:
        """For how many seconds a new IAM resource stays unseen by this call; *named*: by rules with an operation."""
        with self._lock:
            rules = [rule for scope in (target.account, ALL_ACCOUNTS) for rule in self._rules.get(scope, ())]
            found = [rule for rule in rules if "propagation" in rule.effects and rule.matches(target)]
            if named:
                found = [rule for rule in found if "operation" in rule.patterns]
            for rule in found:
                rule.matched += 1
            return max((float(rule.effects["propagation"]) for rule in found), default=0.0)

    def _applies(self, rule: Rule, scope: str, number: int) -> bool:
        if rule.matched <= rule.after:
            return False
        if rule.times is not None and rule.matched - rule.after > rule.times:
            return False
        if rule.probability >= 1:
            return True
        # Chance hangs on the ordinal of the match alone: threads that come in another order draw the same numbers.
        seed = f"{self._seeds.get(scope, 0)}:{number}:{rule.matched}"
        return random.Random(seed).random() < rule.probability

    def _effect(self, rule: Rule, target: Target) -> Fault | None:
        effects = rule.effects
        delay = float(effects.get("latency", 0)) / 1000
        if "hang" in effects:
            return Fault(delay + float(effects["hang"]), reset=True, name="hang")
        if "down" in effects:
            if effects["down"] == "reset":
                return Fault(delay, reset=True, name="down")
            return Fault(delay, False, "ServiceUnavailable", "The service is unavailable.", 503, "down")
        if "throttle" in effects and not self._bucket(rule, target).take(self._clock()):
            return Fault(delay, False, *throttling_error(target.service), "throttle")
        if "expired" in effects:
            return Fault(delay, False, *expired(target.service), "expired")
        if "denied" in effects:
            words = denial(target.service, target.operation, target.principal, effects["denied"])
            return Fault(delay, False, *words, "denied")
        if "error" in effects:
            error = effects["error"]
            return Fault(delay, False, error["code"], error["message"], int(error["status"]), "error")
        if "lost" in effects:
            return Fault(delay, name="lost", lost=True)
        return Fault(delay, name="latency") if delay else None

    def _bucket(self, rule: Rule, target: Target) -> Bucket:
        spec = rule.effects["throttle"]
        if spec == "aws":
            limit = ec2_limits.limit_for(target.service, target.operation, target.params)
            name, burst, rate = limit if limit else ("unlimited", float("inf"), 0.0)
        else:
            burst, rate = float(spec["burst"]), float(spec["rate"])
            name = "" if spec.get("shared") else target.operation
        key = (target.account, target.region, target.service if name else "", name)
        if key not in rule.buckets:
            rule.buckets[key] = Bucket(burst, rate, burst, self._clock())
        return rule.buckets[key]


FAULTS = Faults()
