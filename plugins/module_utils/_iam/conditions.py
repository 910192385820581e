# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Rules: whether the Condition of a statement holds, as far as its keys are known from outside. Pure.

IAM User Guide, "IAM JSON policy elements: Condition operators", "Conditions with multiple context keys or values", and
"AWS global condition context keys". A key that is not known makes the answer open, never a yes or a no.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from functools import lru_cache
from typing import Any

Values = Sequence[str]


@dataclass(frozen=True)
class Context:
    """What is known of a request. Keys are in lower case.

    `known` are keys with their values, `absent` keys (or prefixes of keys, where they end in `/`) that the request has
    not. `uncertain` are keys that have these values if the request has them at all, which is not documented. Without
    `variables`, policy variables are plain text, as in documents of the first version.
    """

    known: Mapping[str, Values] = field(default_factory=dict)
    absent: tuple[str, ...] = ()
    uncertain: Mapping[str, Values] = field(default_factory=dict)
    variables: bool = True

    def for_document(self, document: Mapping[str, Any]) -> Context:
        """The same for a document: only the version 2012-10-17 of the policy language has variables."""
        return replace(self, variables=False) if document.get("Version") != "2012-10-17" else self

    def possible(self, key: str) -> list[Values | None] | None:
        """The values that the key may have, None for "the request has no such key"; None alone if anything may be."""
        key = key.lower()
        if key in self.known:
            return [self.known[key]]
        if key in self.uncertain:
            return [self.uncertain[key], None]
        if key in self.absent or any(key.startswith(prefix) for prefix in self.absent if prefix.endswith("/")):
            return [None]
        return None


NOTHING_KNOWN = Context()

_VARIABLE = re.compile(r"\$\{([^}]*)\}")


def filled(text: str, context: Context) -> str | None:
    """The text with its policy variables replaced; None if one of them is not known, or has several values."""
    if not context.variables or "${" not in text:
        return text
    unknown = False

    def value(found: re.Match[str]) -> str:
        nonlocal unknown
        texts = _texts(found[1], context)
        if texts is None or len(texts) != 1 or texts[0] is None:
            unknown = True
            return ""
        return texts[0]

    result = _VARIABLE.sub(value, text)
    return None if unknown else result


def without_value(text: str, context: Context) -> bool:
    """Whether a policy variable of the text surely has no value. Nothing is like such a text, and nothing equals it."""
    return context.variables and any(_texts(variable, context) == [None] for variable in _VARIABLE.findall(text))


def _texts(variable: str, context: Context) -> list[str | None] | None:
    """What a variable may stand for, None for no value at all; None alone if it may be anything."""
    name, comma, default = variable.partition(",")
    if name.strip() == "$":
        return ["$"]
    # `${*}` and `${?}` are the characters themselves, which no pattern here can tell from wildcards.
    possible = context.possible(name.strip())
    if possible is None or any(values is not None and len(values) > 1 for values in possible):
        return None
    instead = default.strip().removeprefix("'").removesuffix("'") if comma else None
    return [values[0] if values else instead for values in possible]


def undecided(condition: Any, context: Context) -> tuple[bool | None, tuple[str, ...]]:
    """(whether the condition holds, the keys that leave it open). The first is None if it is open."""
    open_keys: list[str] = []
    for operator, block in (condition or {}).items():
        for key, values in block.items():
            answer = _holds(operator, key, [_text(value) for value in _listed(values)], context)
            if answer is False:
                return False, ()
            if answer is None:
                open_keys.append(key)
    return (None, tuple(open_keys)) if open_keys else (True, ())


def _holds(operator: str, key: str, wanted: list[str], context: Context) -> bool | None:
    possible = context.possible(key)
    if possible is None:
        return None
    answers = {_holds_for(operator, present, wanted, context) for present in possible}
    return answers.pop() if len(answers) == 1 else None


def _holds_for(operator: str, present: Values | None, wanted: list[str], context: Context) -> bool | None:
    quantifier, _colon, name = operator.rpartition(":")
    if name == "Null":
        return (present is None) == ([value.lower() for value in wanted[:1]] == ["true"])
    optional, name = name.endswith("IfExists"), name.removesuffix("IfExists")
    negated, name = "Not" in name, name.replace("Not", "", 1)
    if present is None:
        # "Not" of no value holds, but ForAnyValue wants one that is not among those.
        return optional or quantifier == "ForAllValues" or (negated and quantifier != "ForAnyValue")
    compare = _OPERATORS.get(name)
    if compare is None:
        return None
    each = [_one(compare, value, wanted, negated=negated, context=context) for value in present]
    return _any(each) if quantifier == "ForAnyValue" else _all(each)


def _one(
    compare: Callable[[str, str], bool], value: str, wanted: Iterable[str], *, negated: bool, context: Context
) -> bool | None:
    """Whether the request's value is among those wanted. With `negated`, whether it is not."""
    patterns = [filled(pattern, context) for pattern in wanted if not without_value(pattern, context)]
    found = _any([None if pattern is None else compare(value, pattern) for pattern in patterns])
    return found if found is None or not negated else not found


def _any(answers: list[bool | None]) -> bool | None:
    return True if True in answers else None if None in answers else False


def _all(answers: list[bool | None]) -> bool | None:
    return False if False in answers else None if None in answers else True


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple)) else [value]


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


@lru_cache(maxsize=4096)
def _compiled(pattern: str) -> re.Pattern[str]:
    parts = {"*": ".*", "?": "."}
    return re.compile("".join(parts.get(char) or re.escape(char) for char in pattern) + r"\Z", re.DOTALL)


def _like(value: str, pattern: str) -> bool:
    return _compiled(pattern).match(value) is not None


def _arn_like(value: str, pattern: str) -> bool:
    """Each of the six components is checked by itself, and each may have wildcards."""
    components, wanted = value.split(":", 5), pattern.split(":", 5)
    return pattern == "*" or (
        len(components) == len(wanted) and all(_like(*pair) for pair in zip(components, wanted, strict=True))
    )


def _number(compare: Callable[[float, float], bool]) -> Callable[[str, str], bool]:
    def apply(value: str, wanted: str) -> bool:
        try:
            return compare(float(value), float(wanted))
        except ValueError:
            return False

    return apply


def _date(compare: Callable[[float, float], bool]) -> Callable[[str, str], bool]:
    def apply(value: str, wanted: str) -> bool:
        try:
            return compare(_seconds(value), _seconds(wanted))
        except ValueError:
            return False

    return apply


def _seconds(text: str) -> float:
    """ISO 8601, or seconds since 1970."""
    if re.fullmatch(r"\d+(\.\d+)?", text):
        return float(text)
    found = datetime.fromisoformat(re.sub("[zZ]$", "+00:00", text))
    return (found if found.tzinfo else found.replace(tzinfo=timezone.utc)).timestamp()


def _in_network(value: str, wanted: str) -> bool:
    try:
        return ipaddress.ip_address(value) in ipaddress.ip_network(wanted, strict=False)
    except ValueError:
        return False


_ORDER: Mapping[str, Callable[[float, float], bool]] = {
    "Equals": lambda value, wanted: value == wanted,
    "LessThan": lambda value, wanted: value < wanted,
    "LessThanEquals": lambda value, wanted: value <= wanted,
    "GreaterThan": lambda value, wanted: value > wanted,
    "GreaterThanEquals": lambda value, wanted: value >= wanted,
}
_OPERATORS: Mapping[str, Callable[[str, str], bool]] = {
    "StringEquals": lambda value, wanted: value == wanted,
    "StringEqualsIgnoreCase": lambda value, wanted: value.lower() == wanted.lower(),
    "StringLike": _like,
    "ArnEquals": _arn_like,
    "ArnLike": _arn_like,
    "Bool": lambda value, wanted: value.lower() == wanted.lower(),
    "BinaryEquals": lambda value, wanted: value == wanted,
    "IpAddress": _in_network,
    **{f"Numeric{name}": _number(compare) for name, compare in _ORDER.items()},
    **{f"Date{name}": _date(compare) for name, compare in _ORDER.items()},
}
