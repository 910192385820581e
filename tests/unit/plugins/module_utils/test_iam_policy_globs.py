# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Globs against a reference that tries every short text."""

from __future__ import annotations

import functools
import itertools

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ansible_collections.fleet.aws_ssm.plugins.module_utils._iam.arn_patterns import glob_matches, globs_overlap

LETTERS = "ab"
# A text of seven letters tells two patterns of up to four characters apart, if any text does.
TEXTS = ["".join(letters) for length in range(8) for letters in itertools.product(LETTERS, repeat=length)]
PATTERNS = st.text(alphabet=LETTERS + "*?", max_size=4)


def fits(pattern, text):
    """The definition, one character at a time."""
    if not pattern:
        return not text
    if pattern[0] == "*":
        return fits(pattern[1:], text) or (bool(text) and fits(pattern, text[1:]))
    return bool(text) and pattern[0] in ("?", text[0]) and fits(pattern[1:], text[1:])


@functools.cache
def meant(pattern):
    return frozenset(text for text in TEXTS if fits(pattern, text))


@given(pattern=PATTERNS)
def test_a_glob_matches_exactly_the_texts_that_fit(pattern):
    assert frozenset(text for text in TEXTS if glob_matches(pattern, text)) == meant(pattern)


@settings(max_examples=500)
@given(left=PATTERNS, right=PATTERNS)
@example(left="*", right="")
@example(left="", right="")
@example(left="a*", right="*b")
@example(left="?", right="*")
def test_globs_overlap_exactly_when_a_text_fits_both(left, right):
    expected = bool(meant(left) & meant(right))
    assert globs_overlap(left, right) is expected
    assert globs_overlap(right, left) is expected


@settings(max_examples=500)
@given(pattern=PATTERNS, resource=PATTERNS)
@example(pattern="?", resource="*")
@example(pattern="?*", resource="*")
@example(pattern="*", resource="?*")
def test_a_glob_that_takes_in_another_takes_in_every_text_of_it(pattern, resource):
    if glob_matches(pattern, resource):
        assert meant(resource) <= meant(pattern)
        assert not meant(resource) or globs_overlap(pattern, resource)


@given(st.text(max_size=20))
def test_all_other_characters_stand_for_themselves(text):
    plain = text.replace("*", "").replace("?", "")
    assert glob_matches(plain, plain)
    assert globs_overlap(plain, plain)
    assert glob_matches("*", text)
    assert not glob_matches(plain, plain + "x")


@pytest.mark.parametrize("special", [".", "+", "[ab]", "(a|b)", "^a$", "\\d", "a\n"])
def test_a_regular_expression_in_a_pattern_has_no_meaning(special):
    assert glob_matches(special, special)
    assert not glob_matches(special, "a")


def test_long_patterns_with_many_wildcards_do_not_take_forever():
    assert not globs_overlap("*a" * 100, "b" * 500)
    assert globs_overlap("*a*" * 60, "*")
    assert glob_matches("arn:*:s3:::*-logs-*/*/AWSLogs/*/*", "arn:aws:s3:::x-logs-1/p/AWSLogs/1/f" + "x" * 500)
