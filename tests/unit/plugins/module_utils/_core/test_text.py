# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.fleet.aws_ssm.plugins.module_utils._core.text import count, printable, printable_data

DANGEROUS = [chr(code) for code in [*range(32), *range(127, 160)]]
DANGEROUS += list("\u200b\u200c\u200d\u200e\u200f\u2028\u2029\u2060\ufeff\u061c\u00ad")
DANGEROUS += [chr(code) for code in [*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0xE0041, 0xD800]]


@pytest.mark.parametrize("character", DANGEROUS, ids=lambda one: f"{ord(one):04x}")
def test_what_moves_the_cursor_turns_the_line_or_hides_is_replaced_by_one_that_is_seen(character):
    shown = printable(f"a{character}b")
    assert len(shown) == 3
    assert character not in shown
    assert shown.isprintable()
    assert not shown[1].isspace()


@pytest.mark.parametrize(
    "text", ["", "web-1", "a b", "שלום", "서버", "é", "e\u0301", "\U0001f600", "{{ 7 * 7 }}", "=1+1"]
)
def test_all_other_text_stays_what_it_is(text):
    assert printable(text) == text


def test_other_spaces_are_spaces_and_a_value_becomes_text():
    assert printable("a\u00a0b\u3000c") == "a b c"
    assert (printable(None), printable(7)) == ("None", "7")


@given(st.text())
def test_every_text_is_one_line_of_the_same_length(text):
    shown = printable(text)
    assert shown.isprintable()
    assert len(shown) == len(text)
    assert printable(shown) == shown


def test_data_keep_their_shape():
    data = {"a\x1b": ["b\u202e", {"c": None}, 1, True], "d": ("e\n",)}
    assert printable_data(data) == {"a\u241b": ["b\ufffd", {"c": None}, 1, True], "d": ["e\u240a"]}


@pytest.mark.parametrize(("number", "plural", "text"), [
    (0, "", "0 regions"), (1, "", "1 region"), (2, "", "2 regions"), (1200, "", "1,200 regions"),
    (1, "regiones", "1 region"), (2, "regiones", "2 regiones"),
])  # fmt: skip
def test_one_is_not_many(number, plural, text):
    assert count(number, "region", plural) == text
