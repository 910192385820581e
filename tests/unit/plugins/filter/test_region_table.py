# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.fleet.aws_ssm.plugins.filter.region_table import FilterModule

region_table = FilterModule().filters()["region_table"]

ROWS = [
    {"region": "eu-west-1", "changed": True, "failed": False, "before": None, "after": "service-role/Ours"},
    {"region": "ap-southeast-2", "changed": False, "failed": False, "before": "Ours", "after": "Ours", "reason": ""},
    {"region": "us-east-1", "changed": False, "failed": False, "before": "X", "after": "X", "reason": "left alone: X"},
    {
        "region": "us-west-2",
        "changed": False,
        "failed": True,
        "before": None,
        "after": None,
        "error": {"code": "AccessDeniedException", "message": "not {allowed}"},
    },
]


def test_each_region_has_a_line_that_tells_what_became_of_it():
    assert region_table(ROWS) == [
        "REGION          BEFORE   AFTER              RESULT",
        "eu-west-1       (unset)  service-role/Ours  changed",
        "ap-southeast-2  Ours     Ours               unchanged",
        "us-east-1       X        X                  left alone: X",
        "us-west-2       (unset)  (unset)            FAILED: AccessDeniedException: not {allowed}",
        "4 regions: 1 changed, 2 unchanged, 1 failed",
    ]


def test_in_check_mode_the_table_says_what_would_be():
    lines = region_table(ROWS, check_mode=True)
    assert lines[1].endswith("  would change")
    assert lines[-1] == "4 regions: 1 to change, 2 unchanged, 1 failed"


def test_no_regions_make_a_table_with_a_total_only():
    assert region_table([]) == [
        "REGION  BEFORE  AFTER  RESULT",
        "0 regions: 0 changed, 0 unchanged, 0 failed",
    ]


@pytest.mark.parametrize("wrong", ["eu-west-1", {"region": "eu-west-1"}, ["eu-west-1"], [None]])
def test_anything_but_a_list_of_rows_is_refused(wrong):
    with pytest.raises(AnsibleFilterError, match="region_table takes the list 'regions'"):
        region_table(wrong)


def test_a_value_and_an_error_of_aws_can_not_reach_the_terminal_raw():
    bad = "x\x1b]0;title\x07\u2066y\u200b\x85"
    row = {"region": "eu-west-1", "before": bad, "after": bad, "changed": False, "failed": True}
    lines = region_table([{**row, "error": {"code": "E", "message": bad}}, {**row, "failed": False, "reason": bad}])
    assert all(line.isprintable() for line in lines)
    assert "x\u241b]0;title\u2407\ufffdy\ufffd\ufffd" in lines[1]


def test_the_filter_takes_what_jinja_gives_it():
    # A generator, as `regions | selectattr('failed')` is one, is read only once.
    assert region_table(iter(ROWS[:1]))[-1] == "1 region: 1 changed, 0 unchanged, 0 failed"
