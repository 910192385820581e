# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.fleet.aws_ssm.plugins.filter.readiness_table import FilterModule

readiness_table = FilterModule().filters()["readiness_table"]


def test_it_has_the_regions_the_reasons_and_the_instances_that_need_something(report, instance):
    rows = [instance(n) for n in range(2)] + [instance(2, "not_managed"), instance(3, "out_of_scope")]
    result = report(*rows, instance(4, region="us-east-1"), more=("eu-north-1",))
    result["regions"][1]["dhmc"] = None
    assert readiness_table(result) == [
        "REGION     COVERAGE  MANAGED  DHMC",
        "eu-west-1  66.7%     2 of 3   off",
        "us-east-1  100%      1 of 1   unknown",
        "COUNT  SEVERITY  REASON                                        FIX",
        "1      blocking  Default Host Management Configuration is off  "
        "ansible-playbook fleet.aws_ssm.enable_ssm -e ssm_regions=eu-west-1",
        "INSTANCE             NAME   REGION     VERDICT      REASONS",
        "i-00000000000000002  web-2  eu-west-1  not managed  dhmc_off",
        "Coverage 75%: 3 of 4 instances in scope managed, 1 out of scope",
    ]


def test_only_so_many_instances_have_a_line(report, instance):
    lines = readiness_table(report(*(instance(n, "not_managed") for n in range(30))), most=10)
    assert len([line for line in lines if line.startswith("i-")]) == 10
    assert "... and 20 more instances that are not managed" in lines


def test_nothing_at_all_is_one_line(report):
    assert readiness_table(report()) == ["No instance in scope, 0 out of scope"]


def test_it_says_what_has_changed_and_what_could_not_be_read(report, instance, compared):
    failed = [{"region": "us-east-1", "error": {"code": "AccessDenied", "message": "not\x1b[31m you"}}]
    result = report(instance(1), comparison=compared(new=["i-1"], coverage=100.0), failed_regions=failed)
    assert readiness_table(result)[-3:] == [
        "Since 18 November 2026, 03:15 UTC: coverage 60% -> 100%, 0 newly managed, 0 no longer managed, 1 new, 0 gone",
        "Coverage 100%: 1 of 1 instance in scope managed, 0 out of scope",
        "NOT ALL COULD BE READ: us-east-1: AccessDenied: not\u241b[31m you",
    ]
    result = report(instance(1), comparison=compared(coverage_before=None))
    assert "coverage - -> 50%" in "\n".join(readiness_table(result))


@pytest.mark.parametrize(("name", "shown"), [
    ("\x1b[2J\x1b]0;x\x07", "\ufffd[2J\ufffd]0;x\ufffd"),
    ("abc\u202ecba", "abc\ufffdcba"),
    ("line\nbreak", "line\ufffdbreak"),
    ("{{ 7 * 7 }}", "{{ 7 * 7 }}"),
    ("x" * 41, "x" * 39 + "\u2026"),
])  # fmt: skip
def test_a_name_can_not_move_the_cursor_or_the_columns(report, instance, name, shown):
    lines = readiness_table(report(instance(1, "not_managed", name=name)))
    line = next(line for line in lines if line.startswith("i-"))
    assert line == f"i-00000000000000001  {shown}  eu-west-1  not managed  dhmc_off"


@pytest.mark.parametrize("wrong", ["text", [], None, {}])
def test_anything_but_a_result_is_refused(wrong):
    with pytest.raises(AnsibleFilterError, match="readiness_table takes what ssm_managed_instance_info returns"):
        readiness_table(wrong)
