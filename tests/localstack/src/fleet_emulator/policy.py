# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""IAM's answer to "may this principal do this?", computed from policy documents.

IAM User Guide, "Policy evaluation logic" and "IAM JSON policy elements". Written for the emulator alone: the product
has an evaluator of its own, and the two must be able to disagree in a test.
"""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

Context = Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class Source:
    """A policy document and where it comes from."""

    id: str
    type: str
    document: str


@dataclass
class Decision:
    """The outcome for one action on one resource."""

    decision: str
    matched: list[Source] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    boundary_allows: bool | None = None

    @property
    def allowed(self) -> bool:
        """Whether the call would go through."""
        return self.decision == "allowed"


@dataclass
class _Votes:
    allows: list[Source] = field(default_factory=list)
    denies: list[Source] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)


def evaluate(
    policies: Iterable[Source],
    action: str,
    resource: str,
    context: Context | None = None,
    boundary: Source | None = None,
) -> Decision:
    """An explicit deny wins; else an identity policy and the boundary (when there is one) must both allow."""
    keys = {key.lower(): list(values) for key, values in (context or {}).items()}
    own = _votes(policies, action, resource, keys)
    limit = _votes([boundary], action, resource, keys) if boundary else None
    boundary_allows = None if limit is None else bool(limit.allows) and not limit.denies
    missing = sorted({*own.missing, *(limit.missing if limit else ())})
    denies = own.denies + (limit.denies if limit else [])
    if denies:
        return Decision("explicitDeny", denies, missing, boundary_allows)
    if own.allows and boundary_allows is not False:
        return Decision("allowed", own.allows, missing, boundary_allows)
    return Decision("implicitDeny", own.allows, missing, boundary_allows)


def trusts(document: str, service: str, context: Context | None = None) -> bool:
    """Whether a trust policy lets a service principal call sts:AssumeRole."""
    keys = {key.lower(): list(values) for key, values in (context or {}).items()}
    allowed = False
    for statement in statements(document):
        principal = statement.get("Principal", {})
        services = listed(principal.get("Service")) if isinstance(principal, dict) else listed(principal)
        named = service in services or "*" in services
        if not named or not _concerns_action(statement, "sts:AssumeRole"):
            continue
        if not _conditions_hold(statement.get("Condition"), keys)[0]:
            continue
        if statement.get("Effect") == "Deny":
            return False
        allowed = True
    return allowed


def statements(document: str) -> list[dict[str, Any]]:
    """The statements of a document; a single one may stand without a list."""
    return listed(_parsed(document).get("Statement"))


def listed(value: Any) -> list[Any]:
    """IAM takes one value wherever it takes a list."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


@cache
def _parsed(document: str) -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads(document)
    return parsed


def _votes(policies: Iterable[Source], action: str, resource: str, keys: Mapping[str, list[str]]) -> _Votes:
    votes = _Votes()
    for source in policies:
        for statement in statements(source.document):
            if not _concerns_action(statement, action) or not _concerns_resource(statement, resource, keys):
                continue
            holds, missing = _conditions_hold(statement.get("Condition"), keys)
            votes.missing.extend(missing)
            if not holds:
                continue
            side = votes.denies if statement.get("Effect") == "Deny" else votes.allows
            if source not in side:
                side.append(source)
    return votes


def _concerns_action(statement: Mapping[str, Any], action: str) -> bool:
    # Actions are case-insensitive (IAM User Guide, "IAM JSON policy elements: Action").
    if "NotAction" in statement:
        return not any(glob(pattern.lower(), action.lower()) for pattern in listed(statement["NotAction"]))
    return any(glob(pattern.lower(), action.lower()) for pattern in listed(statement.get("Action")))


def _concerns_resource(statement: Mapping[str, Any], resource: str, keys: Mapping[str, list[str]]) -> bool:
    if "NotResource" in statement:
        return not any(_resource_fits(pattern, resource, keys) for pattern in listed(statement["NotResource"]))
    return any(_resource_fits(pattern, resource, keys) for pattern in listed(statement.get("Resource")))


def _resource_fits(pattern: str, resource: str, keys: Mapping[str, list[str]]) -> bool:
    filled = _fill(pattern, keys)
    # "*" as the resource asked about stands for "some resource": only a pattern for everything answers that.
    return filled is not None and glob(filled, resource)


def _fill(pattern: str, keys: Mapping[str, list[str]]) -> str | None:
    """Replace policy variables; None when one has no value, so that the pattern fits nothing."""
    filled = pattern
    for name in re.findall(r"\$\{([^}]+)\}", pattern):
        literal = {"*": "*", "?": "?", "$": "$"}.get(name)
        values = [literal] if literal else keys.get(name.partition(",")[0].strip().lower(), [])
        if len(values) != 1:
            return None
        filled = filled.replace("${" + name + "}", values[0])
    return filled


@cache
def _glob_pattern(pattern: str) -> re.Pattern[str]:
    translated = "".join({"*": ".*", "?": "."}.get(char, re.escape(char)) for char in pattern)
    return re.compile(translated, re.DOTALL)


def glob(pattern: str, value: str) -> bool:
    """IAM's wildcards: * for any characters, ? for one."""
    return _glob_pattern(pattern).fullmatch(value) is not None


def _conditions_hold(conditions: Any, keys: Mapping[str, list[str]]) -> tuple[bool, list[str]]:
    """Whether every condition holds, and the keys that were asked for and are not known."""
    holds, missing = True, []
    for operator, wanted in (conditions or {}).items():
        for key, values in wanted.items():
            present = keys.get(key.lower())
            if present is None and not operator.startswith("Null"):
                missing.append(key)
            if not _condition_holds(operator, present, [str(value) for value in listed(values)], keys):
                holds = False
    return holds, missing


def _condition_holds(
    operator: str, present: list[str] | None, wanted: list[str], keys: Mapping[str, list[str]]
) -> bool:
    quantifier, _, name = operator.rpartition(":")
    if name == "Null":
        return (present is None) == (wanted[0].lower() == "true")
    if_exists = name.endswith("IfExists")
    name = name.removesuffix("IfExists")
    negated = "Not" in name
    if present is None:
        # A missing key fails a condition, unless it is optional, negated, or a statement about all of no values.
        return if_exists or negated or quantifier == "ForAllValues"
    patterns = [filled for value in wanted if (filled := _fill(value, keys)) is not None]
    compare = _OPERATORS.get(name.replace("Not", "", 1))
    if compare is None:
        return False
    each = [any(compare(value, pattern) for pattern in patterns) != negated for value in present]
    return any(each) if quantifier == "ForAnyValue" or not (negated or quantifier) else all(each)


def _number(compare: Callable[[float, float], bool]) -> Callable[[str, str], bool]:
    def apply(value: str, wanted: str) -> bool:
        try:
            return compare(float(value), float(wanted))
        except ValueError:
            return False

    return apply


def _in_network(value: str, wanted: str) -> bool:
    try:
        return ipaddress.ip_address(value) in ipaddress.ip_network(wanted, strict=False)
    except ValueError:
        return False


_OPERATORS: dict[str, Callable[[str, str], bool]] = {
    "StringEquals": lambda value, wanted: value == wanted,
    "StringEqualsIgnoreCase": lambda value, wanted: value.lower() == wanted.lower(),
    "StringLike": lambda value, wanted: glob(wanted, value),
    "ArnEquals": lambda value, wanted: glob(wanted, value),
    "ArnLike": lambda value, wanted: glob(wanted, value),
    "Bool": lambda value, wanted: value.lower() == wanted.lower(),
    "IpAddress": _in_network,
    "NumericEquals": _number(lambda value, wanted: value == wanted),
    "NumericLessThan": _number(lambda value, wanted: value < wanted),
    "NumericLessThanEquals": _number(lambda value, wanted: value <= wanted),
    "NumericGreaterThan": _number(lambda value, wanted: value > wanted),
    "NumericGreaterThanEquals": _number(lambda value, wanted: value >= wanted),
    # ISO 8601 dates in UTC sort as text.
    "DateEquals": lambda value, wanted: value == wanted,
    "DateLessThan": lambda value, wanted: value < wanted,
    "DateLessThanEquals": lambda value, wanted: value <= wanted,
    "DateGreaterThan": lambda value, wanted: value > wanted,
    "DateGreaterThanEquals": lambda value, wanted: value >= wanted,
}
