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
from datetime import UTC, datetime
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


Variables = Mapping[str, Sequence[str]] | None
"""What policy variables are replaced by; None in a document whose version has none."""


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
        if not _conditions_hold(statement.get("Condition"), keys, _variables(document, keys))[0]:
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


def _variables(document: str, keys: Mapping[str, list[str]]) -> Variables:
    # IAM User Guide, "IAM JSON policy elements: Version": variables are plain text in the first version, the default.
    return keys if _parsed(document).get("Version") == "2012-10-17" else None


def _votes(policies: Iterable[Source], action: str, resource: str, keys: Mapping[str, list[str]]) -> _Votes:
    votes = _Votes()
    for source in policies:
        variables = _variables(source.document, keys)
        for statement in statements(source.document):
            if not _concerns_action(statement, action) or not _concerns_resource(statement, resource, variables):
                continue
            holds, missing = _conditions_hold(statement.get("Condition"), keys, variables)
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


def _concerns_resource(statement: Mapping[str, Any], resource: str, variables: Variables) -> bool:
    if "NotResource" in statement:
        return not any(_resource_fits(pattern, resource, variables) for pattern in listed(statement["NotResource"]))
    return any(_resource_fits(pattern, resource, variables) for pattern in listed(statement.get("Resource")))


def _resource_fits(pattern: str, resource: str, variables: Variables) -> bool:
    filled = _fill(pattern, variables)
    # "*" as the resource asked about stands for "some resource": only a pattern for everything answers that.
    return filled is not None and glob(_completed(filled), resource)


def _completed(pattern: str) -> str:
    """The ARN with wildcards for the fields that it lacks (IAM User Guide, "IAM identifiers")."""
    lacking = 5 - pattern.count(":")
    return pattern + ":*" * lacking if pattern.startswith("arn:") else pattern


# ${*} and ${?} are the characters themselves: others stand for them until the wildcards are looked for.
_LITERALS = {"*": "\ue000", "?": "\ue001", "$": "$"}
_PLAIN = str.maketrans({stand_in: char for char, stand_in in _LITERALS.items()})


def _fill(pattern: str, variables: Variables) -> str | None:
    """Replace policy variables; None when one has neither a value nor a default, so that the pattern fits nothing."""
    if variables is None:
        return pattern
    filled = pattern
    for name in re.findall(r"\$\{([^}]+)\}", pattern):
        key, comma, default = (part.strip() for part in name.partition(","))
        values = [_LITERALS[name]] if name in _LITERALS else variables.get(key.lower(), [])
        if not values and comma:
            values = [default.strip("'")]
        if len(values) != 1:
            return None
        filled = filled.replace("${" + name + "}", values[0])
    return filled


@cache
def _glob_pattern(pattern: str) -> re.Pattern[str]:
    translated = "".join({"*": ".*", "?": "."}.get(char, re.escape(char.translate(_PLAIN))) for char in pattern)
    return re.compile(translated, re.DOTALL)


def glob(pattern: str, value: str) -> bool:
    """IAM's wildcards: * for any characters, ? for one."""
    return _glob_pattern(pattern).fullmatch(value) is not None


def _conditions_hold(conditions: Any, keys: Mapping[str, list[str]], variables: Variables) -> tuple[bool, list[str]]:
    """Whether every condition holds, and the keys that were asked for and are not known."""
    holds, missing = True, []
    for operator, wanted in (conditions or {}).items():
        for key, values in wanted.items():
            present = keys.get(key.lower())
            if present is None and not operator.startswith("Null"):
                missing.append(key)
            if not _condition_holds(operator, present, [str(value) for value in listed(values)], variables):
                holds = False
    return holds, missing


def _condition_holds(operator: str, present: list[str] | None, wanted: list[str], variables: Variables) -> bool:
    quantifier, _, name = operator.rpartition(":")
    if name == "Null":
        return (present is None) == (wanted[0].lower() == "true")
    if_exists = name.endswith("IfExists")
    name = name.removesuffix("IfExists")
    negated = "Not" in name
    if present is None:
        # A missing key fails a condition, unless it is optional, negated, or a statement about all of no values. Among
        # no values there is no other one, so ForAnyValue fails also where it is negated.
        return if_exists or quantifier == "ForAllValues" or (negated and quantifier != "ForAnyValue")
    patterns = [filled for value in wanted if (filled := _fill(value, variables)) is not None]
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


def _date(compare: Callable[[float, float], bool]) -> Callable[[str, str], bool]:
    """Dates are ISO 8601 with any time zone, or seconds since 1970."""

    def apply(value: str, wanted: str) -> bool:
        try:
            return compare(_seconds(value), _seconds(wanted))
        except ValueError:
            return False

    return apply


def _seconds(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _same_text(value: str, wanted: str) -> bool:
    return value == wanted.translate(_PLAIN)


def _same_arn(value: str, wanted: str) -> bool:
    """Each of the six components is checked separately (IAM User Guide, "ARN condition operators")."""
    parts, patterns = value.split(":", 5), wanted.split(":", 5)
    return wanted == "*" or (
        len(parts) == len(patterns) and all(glob(pattern, part) for part, pattern in zip(parts, patterns, strict=True))
    )


def _in_network(value: str, wanted: str) -> bool:
    try:
        return ipaddress.ip_address(value) in ipaddress.ip_network(wanted, strict=False)
    except ValueError:
        return False


_OPERATORS: dict[str, Callable[[str, str], bool]] = {
    "StringEquals": _same_text,
    "StringEqualsIgnoreCase": lambda value, wanted: _same_text(value.lower(), wanted.lower()),
    "StringLike": lambda value, wanted: glob(wanted, value),
    "ArnEquals": _same_arn,
    "ArnLike": _same_arn,
    "Bool": lambda value, wanted: value.lower() == wanted.lower(),
    "IpAddress": _in_network,
    "NumericEquals": _number(lambda value, wanted: value == wanted),
    "NumericLessThan": _number(lambda value, wanted: value < wanted),
    "NumericLessThanEquals": _number(lambda value, wanted: value <= wanted),
    "NumericGreaterThan": _number(lambda value, wanted: value > wanted),
    "NumericGreaterThanEquals": _number(lambda value, wanted: value >= wanted),
    "DateEquals": _date(lambda value, wanted: value == wanted),
    "DateLessThan": _date(lambda value, wanted: value < wanted),
    "DateLessThanEquals": _date(lambda value, wanted: value <= wanted),
    "DateGreaterThan": _date(lambda value, wanted: value > wanted),
    "DateGreaterThanEquals": _date(lambda value, wanted: value >= wanted),
}
