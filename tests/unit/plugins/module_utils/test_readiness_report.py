# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Totals, reasons by frequency, and the comparison with an earlier result."""

from __future__ import annotations

import pytest

from ansible_collections.fleet.aws_ssm.plugins.module_utils._errors import InputError
from ansible_collections.fleet.aws_ssm.plugins.module_utils._readiness_reasons import reason
from ansible_collections.fleet.aws_ssm.plugins.module_utils._readiness_report import (
    check_baseline,
    comparison,
    coverage_of,
    reasons_of,
    region_forbidden_row,
    region_off_row,
    region_row,
    sorted_rows,
    totals_of,
)
from ansible_collections.fleet.aws_ssm.plugins.module_utils._readiness_types import Dhmc


def row(name, verdict, *reasons, region="eu-west-1"):
    found = [{"reason": code, "severity": severity} for code, severity in reasons]
    return {"instance_id": name, "region": region, "verdict": verdict, "reasons": found}


ROWS = [
    row("i-1", "managed"),
    row("i-2", "managed", ("imdsv1_allowed", "info")),
    row("i-3", "not_managed", ("dhmc_off", "blocking"), ("imdsv1_allowed", "info")),
    row("i-4", "pending", ("changed_recently", "info")),
    row("i-5", "out_of_scope", ("not_running", "info")),
]


def test_what_is_out_of_scope_does_not_count_for_coverage():
    found = totals_of(ROWS, [])
    assert (found["instances"], found["in_scope"], found["managed"], found["coverage"]) == (5, 4, 2, 50.0)
    assert found["verdicts"] == {"not_managed": 1, "connection_lost": 0, "pending": 1, "managed": 2, "out_of_scope": 1}
    assert found["reasons"] == {"imdsv1_allowed": 2, "dhmc_off": 1, "changed_recently": 1, "not_running": 1}
    assert coverage_of(0, 0) is None
    assert totals_of([], [])["coverage"] is None


def had(code, severity="", region="eu-west-1", **names):
    return reason(code, "", severity, region=region, **names)


def test_the_gravest_and_most_frequent_reason_comes_first():
    every = [had("imdsv1_allowed", instance="i-2"), had("imdsv1_allowed", instance="i-3"), had("dhmc_off")]
    rows = reasons_of([*every, had("not_running"), had("changed_recently")], [])
    assert [(row["reason"], row["count"], row["severity"]) for row in rows] == [
        ("dhmc_off", 1, "blocking"),
        ("imdsv1_allowed", 2, "info"),
        # As many of each: in the order of the table.
        ("changed_recently", 1, "info"),
        ("not_running", 1, "info"),
    ]
    command = "ansible-playbook fleet.aws_ssm.enable_ssm -e ssm_regions=eu-west-1 -e ssm_backup_file=before.json"
    assert (rows[0]["fix"], rows[0]["command"]) == (command, command)
    assert rows[-1]["command"] == ""


def test_the_gravest_severity_of_a_reason_counts():
    every = [had("profile_unclear", "info"), had("profile_unclear"), had("profile_unclear", "info")]
    assert [(row["severity"], row["count"]) for row in reasons_of(every, [])] == [("warning", 3)]


def test_reasons_of_regions_count_too():
    regions = [region_off_row("af-south-1"), region_off_row("me-south-1")]
    assert [(row["reason"], row["count"]) for row in reasons_of([], regions)] == [("region_off", 2)]


@pytest.mark.parametrize(("nodes", "near"), [(2159, False), (2160, True), (2400, True)])
def test_a_region_near_its_quota_says_so(nodes, near):
    found = region_row("eu-west-1", ROWS, dhmc=Dhmc(), nodes=nodes, quota=2400)
    assert [one["reason"] for one in found["reasons"]] == (["node_quota_near"] if near else [])
    assert region_row("eu-west-1", ROWS, dhmc=Dhmc(), nodes=nodes, quota=0)["reasons"] == []


def test_a_region_that_is_off_has_a_row():
    found = region_off_row("af-south-1")
    assert (found["enabled"], found["coverage"], found["reasons"][0]["reason"]) == (False, None, "region_off")


def test_a_region_that_the_organization_closes_has_a_row():
    found = region_forbidden_row("eu-west-3", {"code": "AccessDenied", "message": "a service control policy"})
    assert (found["forbidden"], found["failed"], found["enabled"], found["dhmc"]) == (True, False, True, None)
    assert found["reasons"][0]["reason"] == "region_forbidden"
    assert "AccessDenied: a service control policy" in found["reasons"][0]["message"]
    assert totals_of(ROWS, [found])["in_scope"] == totals_of(ROWS, [])["in_scope"]


def test_a_fix_is_for_all_that_have_the_reason():
    every = [
        had("profile_blocks_dhmc", instance="i-1", profile="Web"),
        had("profile_blocks_dhmc", region="us-east-1", instance="i-2", profile="Db"),
        had("dhmc_role_untrusted", instance="i-3", role="service-role/R"),
    ]
    assert {row["reason"]: row["command"] for row in reasons_of(every, [], "b.json")} == {
        "profile_blocks_dhmc": "ansible localhost -m fleet.aws_ssm.instance_profile_permission "
        "-a 'instance_profiles=Db,Web regions=eu-west-1,us-east-1 backup_file=b.json'",
        "dhmc_role_untrusted": "ansible localhost -m fleet.aws_ssm.iam_service_role "
        "-a 'name=service-role/R service=ssm.amazonaws.com create=false fix=true owner=dhmc "
        "aws_policies=AmazonSSMManagedEC2InstanceDefaultPolicy required_action=ssm:UpdateInstanceInformation "
        "regions=eu-west-1 backup_file=b.json'",
    }


def test_rows_are_by_region_and_those_that_need_something_first():
    rows = [row("i-2", "managed"), row("i-1", "not_managed"), row("i-0", "managed", region="ap-south-1")]
    assert [found["instance_id"] for found in sorted_rows(rows)] == ["i-0", "i-1", "i-2"]


def test_an_earlier_result_shows_what_changed():
    before = {
        "generated": "2026-11-18T00:00:00+00:00",
        "totals": {"coverage": 40.0},
        "instances": [row("i-1", "not_managed"), row("i-2", "managed"), row("i-3", "managed"), row("i-9", "managed")],
    }
    assert comparison(before, ROWS, 50.0) == {
        "generated": "2026-11-18T00:00:00+00:00",
        "coverage_before": 40.0,
        "coverage": 50.0,
        "now_managed": ["i-1"],
        "no_longer_managed": ["i-3"],
        "new": ["i-4", "i-5"],
        "gone": ["i-9"],
    }


def test_what_is_no_earlier_result_is_refused():
    assert check_baseline(None) is check_baseline({}) is None
    for wrong in ({"a": 1}, {"instances": "all"}, {"instances": [1]}, {"instances": [{"instance_id": "i-1"}]}):
        with pytest.raises(InputError, match="baseline: is not an earlier result"):
            check_baseline(wrong)
