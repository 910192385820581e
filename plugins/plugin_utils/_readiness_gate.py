# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Rules: whether enough instances are managed. Pure.

The gate compares counts, not the rounded coverage: 94.96% is under 95.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from ansible_collections.fleet.aws_ssm.plugins.module_utils._core.text import count, printable
from ansible_collections.fleet.aws_ssm.plugins.module_utils._errors import InputError

_NUMBER = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*%?")


@dataclass(frozen=True)
class Gate:
    """What the gate says, in one line. A gate that can't be decided is not passed."""

    passed: bool
    decided: bool
    message: str


def percentage(value: Any, option: str) -> Fraction | None:
    """The per cent that the gate asks for: `95`, `"95.5"` or `"95%"`; None for no gate. Raise InputError."""
    text = "" if value is None else str(value).strip()
    if not text:
        return None
    found = None if isinstance(value, bool) else _NUMBER.fullmatch(text)
    if not found or not 0 <= (wanted := Fraction(found[1])) <= 100:
        raise InputError(f"{option}: {printable(text)} is not a number from 0 to 100.")
    return wanted


def judge(result: Mapping[str, Any], wanted: Fraction) -> Gate:
    """Whether so many per cent of the instances in scope are managed."""
    managed, scope = result["totals"]["managed"], result["totals"]["in_scope"]
    unread = len(result.get("failed_regions") or ())
    gate = f"the gate of {_number(wanted)}%"
    # Rounded down, so that it is never 95% under a gate of 95%.
    coverage = f"{_number(Fraction(10000 * managed // max(scope, 1), 100))}%"
    counts = f"{managed:,} of {count(scope, 'instance')} in scope {'is' if 1 in (managed, scope) else 'are'} managed"
    if unread:
        # Nobody knows what a region that was not read would add.
        read = f"In the others coverage is {coverage}: {counts}." if scope else "No other instance is in scope."
        return Gate(
            passed=False,
            decided=False,
            message=(
                f"It is unclear whether {gate} is passed, because {count(unread, 'region')} could not be read. {read}"
            ),
        )
    if not scope:
        return Gate(passed=True, decided=True, message=f"No instance is in scope, so {gate} is passed.")
    if managed * 100 >= wanted * scope:
        return Gate(passed=True, decided=True, message=f"Coverage {coverage} passes {gate}: {counts}.")
    more = math.ceil(wanted * scope / 100) - managed
    return Gate(
        passed=False, decided=True, message=f"Coverage {coverage} is under {gate}: {counts}, {more:,} more must be."
    )


def _number(value: Fraction) -> str:
    """Without zeros at the end."""
    return f"{float(value):.6f}".rstrip("0").rstrip(".")
