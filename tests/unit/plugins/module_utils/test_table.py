# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.fleet.aws_ssm.plugins.module_utils._table import aligned


def test_cells_stand_below_one_another_and_the_last_column_is_not_padded():
    rows = [("REGION", "BEFORE", "RESULT"), ("eu-west-1", "", "changed"), ("x", "a longer one", "")]
    assert aligned(rows) == [
        "REGION     BEFORE        RESULT",
        "eu-west-1                changed",
        "x          a longer one  ",
    ]


def test_a_single_row_and_a_single_column_are_left_as_they_are():
    assert aligned([("a", "b")]) == ["a  b"]
    assert aligned([("a",), ("bcd",)]) == ["a", "bcd"]
