# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Rules: which ARNs the patterns of a Resource element take in. Pure.

IAM User Guide, "IAM identifiers": IAM completes an ARN of fewer than six components with wildcards. "IAM JSON policy
elements: Resource": a wildcard stands within a component, but a `*` at its end "can expand to match beyond the colon
boundaries". The pages don't say which of the two goes for an ARN that fits only by the second: that is left open.
"""

from __future__ import annotations

import re
from functools import lru_cache

_COMPONENTS = 6


@lru_cache(maxsize=4096)
def _compiled(pattern: str) -> re.Pattern[str]:
    # A "?" of the pattern does not take in a "*" of the text, which can be any number of characters.
    parts = {"*": ".*", "?": "[^*]"}
    return re.compile("".join(parts.get(char) or re.escape(char) for char in pattern) + r"\Z", re.DOTALL)


def glob_matches(pattern: str, text: str) -> bool:
    """Whether the pattern takes in the text, or all that the text stands for if it has wildcards of its own."""
    return _compiled(pattern).match(text) is not None


def globs_overlap(one: str, other: str) -> bool:
    """Whether some text fits both patterns."""
    # Row by row of the table "can one[i:] and other[j:] fit the same text?", from the end.
    after = [False] * len(other) + [True]
    for j in range(len(other) - 1, -1, -1):
        after[j] = after[j + 1] and other[j] == "*"
    for i in range(len(one) - 1, -1, -1):
        row = [False] * len(other) + [after[len(other)] and one[i] == "*"]
        for j in range(len(other) - 1, -1, -1):
            if one[i] == "*" or other[j] == "*":
                row[j] = after[j] or row[j + 1]
            else:
                row[j] = after[j + 1] and (one[i] == other[j] or "?" in (one[i], other[j]))
        after = row
    return after[0]


@lru_cache(maxsize=4096)
def _components(text: str) -> tuple[str, ...]:
    found = text.split(":", _COMPONENTS - 1)
    return (*found, *["*"] * (_COMPONENTS - len(found)))


@lru_cache(maxsize=4096)
def _asked(text: str) -> tuple[str, ...]:
    """The components of the resource that is asked about. Every instance id begins with "i-"."""
    found = _components(text)
    return (*found[:-1], "instance/i-*") if found[2] == "ec2" and found[5] == "instance/*" else found


def arn_matches(pattern: str, resource: str) -> bool:
    """Whether the pattern takes in the resource, or all that it stands for if it has wildcards of its own."""
    if pattern == "*" or resource == "*":
        return glob_matches(pattern, resource)
    return all(glob_matches(*pair) for pair in zip(_components(pattern), _asked(resource), strict=True))


def arns_overlap(pattern: str, resource: str) -> bool:
    """Whether the pattern takes in a part of what the resource stands for, or may do so."""
    if pattern == "*" or resource == "*":
        return globs_overlap(pattern, resource)
    if all(globs_overlap(*pair) for pair in zip(_components(pattern), _asked(resource), strict=True)):
        return True
    return _may_run_on(pattern) and globs_overlap(pattern, resource)


def _may_run_on(pattern: str) -> bool:
    """Whether a `*` that ends a component could stand for components that the pattern lacks."""
    return pattern.count(":") < _COMPONENTS - 1 and "*:" in pattern
