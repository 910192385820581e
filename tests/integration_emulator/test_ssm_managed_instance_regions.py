# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module ssm_managed_instance_info over many regions: calls, totals, what could not be read, the comparison."""

from __future__ import annotations

from collections import Counter

import pytest
from iam_zoo import CORE, Zoo

NAME = "ssm_managed_instance_info"
US, EU, AP = "us-east-1", "eu-west-1", "ap-southeast-2"
DENIED = {"code": "AccessDeniedException", "message": "not you"}


@pytest.fixture
def zoo(account, aws_trust):
    found = Zoo(account, aws_trust)
    found.add("Core", CORE)
    return found


def operations(run):
    return Counter(call.split()[0] for call in run.reads)


def verdicts(run):
    return {row["instance_id"]: row["verdict"] for row in run.result["instances"]}


def start(account, region, count):
    made = account.client("ec2", region).run_instances(ImageId="ami-12345678", MinCount=count, MaxCount=count)
    return [instance["InstanceId"] for instance in made["Instances"]]


def test_regions_are_counted_with_four_calls_each(account, zoo):
    good = [zoo.start(US, "Core"), zoo.start(EU, "Core")]
    bad = start(account, EU, 2)
    run = account.module(NAME, regions=[US, EU, AP]).ok(changed=False)
    assert verdicts(run) == {**dict.fromkeys(good, "managed"), **dict.fromkeys(bad, "not_managed")}
    rows = run.rows
    assert {region: (row["instances"], row["managed"], row["coverage"]) for region, row in rows.items()} == {
        US: (1, 1, 100.0),
        EU: (3, 1, 33.3),
        AP: (0, 0, None),
    }
    assert (run.result["account"], run.result["partition"]) == (account.id, "aws")
    totals = run.result["totals"]
    assert (totals["instances"], totals["managed"], totals["coverage"]) == (4, 2, 50.0)
    assert totals["reasons"]["dhmc_off"] == 2
    assert run.result["reasons"][0]["reason"] == "dhmc_off"
    assert operations(run) == {
        "DescribeInstances": 3,
        "DescribeInstanceProperties": 3,
        "GetServiceSetting": 3,
        "DescribeIamInstanceProfileAssociations": 3,
        # The one profile with its role, and its policy. The network is not asked for: it can't be the reason.
        "GetAccountSummary": 1,
        "GetAccountAuthorizationDetails": 1,
        "GetPolicy": 1,
        "GetPolicyVersion": 1,
    }


@pytest.mark.parametrize("operation", ["GetAccountSummary", "GetAccountAuthorizationDetails"])
@pytest.mark.parametrize("code", ["AccessDenied", "ValidationError"])
def test_roles_are_read_one_by_one_where_the_account_can_not_be_read_at_once(account, zoo, operation, code):
    node = zoo.start(US, "Core")
    account.faults({"operation": operation, "error": {"code": code, "message": "not you"}})
    run = account.module(NAME, region=US).ok()
    assert verdicts(run) == {node: "managed"}
    calls = operations(run)
    assert (calls[operation], calls["GetInstanceProfile"], calls["GetRole"]) == (1, 1, 1)


def test_the_smaller_pages_serve_where_the_larger_are_not_permitted(account, zoo):
    nodes = [zoo.start(US, "Core") for _number in range(2)]
    account.faults({"operation": "DescribeInstanceProperties", "error": DENIED})
    run = account.module(NAME, region=US).ok()
    assert verdicts(run) == dict.fromkeys(nodes, "managed")
    assert operations(run)["DescribeInstanceInformation"] == 1


def test_few_instances_are_asked_for_by_their_ids(account, zoo):
    wanted, _other = zoo.start(US, "Core"), zoo.start(US, "Core")
    run = account.module(NAME, region=US, instance_ids=wanted).ok()
    assert verdicts(run) == {wanted: "managed"}
    calls = [call for call in run.calls if call["operation"] == "DescribeInstanceInformation"]
    assert [call["params"]["Filters"] for call in calls] == [[{"Key": "InstanceIds", "Values": [wanted]}]]


def test_a_region_that_is_down_does_not_hide_the_others(account, zoo):
    node = zoo.start(US, "Core")
    account.faults({"service": "ec2", "region": EU, "error": {"code": "UnauthorizedOperation", "message": "not here"}})
    run = account.module(NAME, regions=[US, EU]).failed("eu-west-1: UnauthorizedOperation: not here")
    assert verdicts(run) == {node: "managed"}
    assert {region: row["failed"] for region, row in run.rows.items()} == {US: False, EU: True}
    assert run.result["failed_regions"][0]["error"]["code"] == "UnauthorizedOperation"


def test_instances_are_judged_even_if_a_setting_or_iam_cannot_be_read(account, zoo):
    node, bare = zoo.start(US, "Core"), start(account, US, 1)[0]
    account.faults({"operation": "GetServiceSetting", "error": DENIED})
    run = account.module(NAME, region=US).failed("us-east-1: AccessDeniedException: not you")
    assert verdicts(run)[node] == "managed"
    assert "dhmc_off" not in run.result["totals"]["reasons"]
    account.faults({"service": "iam", "error": DENIED})
    run = account.module(NAME, region=US).failed("The instance profiles can't be read: AccessDeniedException: not you")
    assert verdicts(run) == {node: "managed", bare: "not_managed"}


SCP = "not authorized, because no service control policy allows the action"


def forbid(account, region, *services):
    account.faults(*(
        {"service": service, "region": region, "error": {"code": "AccessDeniedException", "message": SCP}}
        for service in services
    ))  # fmt: skip


def test_a_region_that_the_organization_closes_is_no_failure_of_all(account, zoo):
    node = zoo.start(US, "Core")
    forbid(account, EU, "ec2", "ssm")
    run = account.module(NAME, regions="all").ok()
    assert verdicts(run) == {node: "managed"}
    assert (run.result["forbidden_regions"], run.result["failed_regions"]) == ([EU], [])
    row = run.rows[EU]
    assert (row["forbidden"], row["failed"], row["dhmc"], row["instances"]) == (True, False, None, 0)
    assert [one["reason"] for one in row["reasons"]] == ["region_forbidden"]
    assert SCP in row["reasons"][0]["message"]
    assert [name for name, other in run.rows.items() if other["forbidden"]] == [EU]

    run = account.module(NAME, regions=[US, EU]).failed(f"{EU}: AccessDeniedException: {SCP}")
    assert (run.result["forbidden_regions"], run.rows[EU]["failed"]) == ([], True)

    # The wait leaves it out, too.
    run = account.module("ssm_managed_instance_wait", regions="all", wait_timeout=0, fail_on_timeout=True).ok()
    assert (run.result["reached"], run.result["totals"]["managed"]) == (True, 1)
    assert (run.rows[EU]["forbidden"], run.rows[EU]["failed"]) == (True, False)

    # A region of which something can be read is not closed.
    forbid(account, EU, "ec2")
    account.module(NAME, regions="all").failed(f"{EU}: AccessDeniedException: {SCP}")


def test_what_was_read_is_returned_without_a_failure_if_asked(account, zoo):
    node = zoo.start(US, "Core")
    account.faults({"service": "ec2", "region": EU, "error": {"code": "UnauthorizedOperation", "message": "not here"}})
    run = account.module(NAME, regions=[US, EU], fail_on_unread=False).ok(changed=False)
    assert run.result["msg"] == "Not all could be read: eu-west-1: UnauthorizedOperation: not here"
    assert verdicts(run) == {node: "managed"}
    assert [row["region"] for row in run.result["failed_regions"]] == [EU]


def test_dhmc_is_usable_by_what_was_read(account, zoo, aws_trust):
    policy = "AmazonSSMManagedEC2InstanceDefaultPolicy"
    account.add_role("Good", aws_trust("ssm.amazonaws.com"), policy)
    account.add_role("Untrusted", aws_trust("ec2.amazonaws.com"), policy)
    account.add_role("Powerless", aws_trust("ssm.amazonaws.com"))
    regions = dict(zip(("us-east-1", "us-east-2", "us-west-1", "us-west-2"), ("Good", "Untrusted", "Powerless", "Gone"),
                       strict=True))  # fmt: skip
    for region, role in regions.items():
        account.put(role, region)
    rows = account.module(NAME, regions=[*regions, EU]).ok().rows
    assert {region: (row["dhmc"], row["dhmc_usable"], row["dhmc_problem"]) for region, row in rows.items()} == {
        "us-east-1": ("Good", True, ""),
        "us-east-2": ("Untrusted", False, "its trust policy does not trust ssm.amazonaws.com"),
        "us-west-1": ("Powerless", False, "it does not allow ssm:UpdateInstanceInformation"),
        "us-west-2": ("Gone", False, "it does not exist"),
        EU: ("", None, ""),
    }
    account.faults({"service": "iam", "error": {**DENIED, "code": "AccessDenied"}})
    rows = account.module(NAME, regions=[*regions, EU], fail_on_unread=False).ok().rows
    assert {(row["dhmc_usable"], row["dhmc_problem"]) for region, row in rows.items() if region in regions} == {
        (None, "IAM could not be read")
    }


def test_regions_that_are_off_are_named_with_all(account, zoo):
    node = zoo.start(US, "Core")
    run = account.module(NAME, regions="all").ok()
    assert verdicts(run) == {node: "managed"}
    off = [row for row in run.result["regions"] if not row["enabled"]]
    assert "af-south-1" in [row["region"] for row in off]
    assert {row["reasons"][0]["reason"] for row in off} == {"region_off"}
    assert operations(run)["DescribeRegions"] == 1
    assert len(run.result["regions"]) - len(off) == 17


def test_a_region_near_its_quota_is_named(account, zoo):
    for _number in range(2):
        zoo.start(US, "Core")
    (row,) = account.module(NAME, region=US, node_quota=2).ok().result["regions"]
    assert [one["reason"] for one in row["reasons"]] == ["node_quota_near"]
    (row,) = account.module(NAME, region=US, node_quota=0).ok().result["regions"]
    assert row["reasons"] == []


def test_an_association_that_is_not_finished_is_named(account, zoo):
    account.faults({"operation": "DescribeIamInstanceProfileAssociations", "propagation": 3600})
    instance = start(account, US, 1)[0]
    ec2 = account.client("ec2", US)
    ec2.associate_iam_instance_profile(InstanceId=instance, IamInstanceProfile={"Name": "Core"})
    rows = ec2.describe_iam_instance_profile_associations()["IamInstanceProfileAssociations"]
    assert [row["State"] for row in rows] == ["associating"]
    (row,) = account.module(NAME, region=US).ok().result["instances"]
    assert "association_stuck" in [one["reason"] for one in row["reasons"]]


def test_an_earlier_result_shows_what_has_changed(account, zoo):
    lost, bare = zoo.start(US, "Core"), start(account, US, 1)[0]
    before = account.module(NAME, region=US).ok().result
    assert "comparison" not in before
    ec2 = account.client("ec2", US)
    ec2.associate_iam_instance_profile(InstanceId=bare, IamInstanceProfile={"Name": "Core"})
    ec2.create_tags(Resources=[lost], Tags=[{"Key": "fleet:agent", "Value": "stopped"}])
    new = zoo.start(US, "Core")
    before["instances"].append({**before["instances"][0], "instance_id": "i-gone"})
    kept = {key: before[key] for key in ("generated", "totals", "instances")}
    found = account.module(NAME, region=US, baseline=kept).ok().result["comparison"]
    assert found == {
        "generated": before["generated"],
        "coverage_before": 50.0,
        "coverage": 66.7,
        "now_managed": [bare],
        "no_longer_managed": [lost],
        "new": [new],
        "gone": ["i-gone"],
    }


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"instance_ids": ["i-0123456789abcdef0"]}, "i-0123456789abcdef0 is in none of the regions us-east-1"),
        ({"instance_ids": ["web"]}, "instance_ids: web is not an instance id"),
        ({"instance_ids": "i-1", "filters": {"tag:a": "b"}}, "mutually exclusive"),
        ({"baseline": {"a": 1}}, "baseline: is not an earlier result"),
        ({"node_quota": -1}, "node_quota: -1 is not a number of nodes"),
        ({"regions": "af-south-1", "region": None}, "regions: not enabled in this account: af-south-1"),
    ],
)
def test_bad_input_is_one_line(account, params, words):
    given = {key: value for key, value in {"region": US, **params}.items() if value is not None}
    account.module(NAME, **given).failed(words)
