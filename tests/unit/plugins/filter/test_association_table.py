# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.fleet.aws_ssm.plugins.filter.association_table import FilterModule

association_table = FilterModule().filters()["association_table"]


def row(region, instance, **more):
    return {"region": region, "instance_id": instance, "changed": False, "skipped": False, "failed": False, **more}


ROWS = [
    row("eu-west-1", "i-1", changed=True),
    row("eu-west-1", "i-2", skipped=True, reason="is pending, neither running nor stopped"),
    row("us-east-1", "i-3", reason="has the profile Web"),
    row("eu-west-1", "i-4", changed=True),
    row("us-east-1", "i-5", failed=True, error={"code": "UnauthorizedOperation", "message": "not {you}"}),
]


def test_each_region_has_a_line_and_so_has_each_instance_that_failed_or_was_skipped():
    assert association_table(ROWS) == [
        "REGION     INSTANCES  CHANGED  UNCHANGED  SKIPPED  FAILED",
        "eu-west-1  3          2        0          1        0",
        "us-east-1  2          0        1          0        1",
        "all        5          2        1          1        1",
        "us-east-1 i-5: FAILED: UnauthorizedOperation: not {you}",
        "eu-west-1 i-2: skipped: is pending, neither running nor stopped",
    ]


def test_in_check_mode_the_table_says_what_would_change():
    assert association_table(ROWS, check_mode=True)[0].split()[2:4] == ["TO", "CHANGE"]


def test_no_instances_make_a_table_with_a_total_only():
    assert association_table([]) == [
        "REGION  INSTANCES  CHANGED  UNCHANGED  SKIPPED  FAILED",
        "all     0          0        0          0        0",
    ]


def test_an_instance_counts_once_even_if_it_was_changed_and_failed():
    assert association_table([row("a", "i-1", changed=True, failed=True, error={"code": "X", "message": "y"})])[
        1
    ].split() == ["a", "1", "0", "0", "0", "1"]


@pytest.mark.parametrize("wrong", ["i-1", {"instance_id": "i-1"}, ["i-1"], [None]])
def test_anything_but_a_list_of_instances_is_refused(wrong):
    with pytest.raises(AnsibleFilterError, match="association_table takes the list 'instances'"):
        association_table(wrong)


def test_the_filter_takes_what_jinja_gives_it():
    # A generator, as `instances | selectattr('failed')` is one, is read only once.
    assert association_table(iter(ROWS))[3].split() == ["all", "5", "2", "1", "1", "1"]


def test_what_aws_says_can_not_reach_the_terminal_raw():
    bad = "x\x1b[2J\u202ey\n"
    row = {"region": "eu-west-1", "instance_id": f"i-1{bad}", "changed": False, "failed": True, "skipped": False}
    rows = [
        {**row, "error": {"code": "E", "message": bad}},
        {**row, "failed": False, "skipped": True, "reason": bad},
    ]
    lines = association_table(rows)
    assert all(line.isprintable() for line in lines)
    assert len(lines) == 5
