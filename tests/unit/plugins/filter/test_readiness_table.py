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


def test_dhmc_is_on_only_if_its_role_can_be_used(report, instance):
    result = report(*(instance(n, region=f"eu-west-{n}") for n in range(1, 5)))
    for row, (usable, problem) in zip(
        result["regions"],
        [(True, ""), (False, "it does not exist"), (None, "IAM could not be read"), (False, "x\x1b[0m")],
        strict=True,
    ):
        row.update(dhmc="service-role/R", dhmc_usable=usable, dhmc_problem=problem)
    lines = readiness_table(result)
    assert [line.split("1 of 1   ")[1] for line in lines[1:5]] == [
        "service-role/R",
        "service-role/R can't be used: it does not exist",
        "service-role/R may not be usable: IAM could not be read",
        "service-role/R can't be used: x\u241b[0m",
    ]


def test_regions_that_the_organization_closes_are_one_line(report, instance):
    result = report(instance(1), more=("ap-east-1", "us-west-2"))
    for row in result["regions"][1:]:
        row.update(forbidden=True, dhmc=None)
    assert readiness_table(result)[2] == "2 regions closed by a service control policy: ap-east-1, us-west-2"


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
    ("\x1b[2J\x1b]0;x\x07", "\u241b[2J\u241b]0;x\u2407"),
    ("\x9b2Jx", "\ufffd2Jx"),
    ("a\u200bb\u2069", "a\ufffdb\ufffd"),
    ("abc\u202ecba", "abc\ufffdcba"),
    ("line\nbreak", "line\u240abreak"),
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
