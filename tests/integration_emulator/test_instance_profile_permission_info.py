# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module instance_profile_permission_info: its answers, and the API calls that it makes for them."""

from __future__ import annotations

import json
from collections import Counter

import pytest
from iam_zoo import CORE, PING, Zoo, document, statement

NAME = "instance_profile_permission_info"
EU, US = "eu-west-1", "us-east-1"
LOGS = "arn:aws:iam::aws:policy/CloudWatchAgentServerPolicy"


@pytest.fixture
def zoo(account, aws_trust):
    return Zoo(account, aws_trust)


def operations(run):
    return Counter(call.split()[0] for call in run.reads)


def answers(run):
    return {row["instance_profile"]: row["answer"] for row in run.result["profiles"]}


def test_profiles_in_use_are_answered_for_with_policy_statement_and_instances(account, zoo):
    zoo.add("Core", CORE)
    zoo.add("Logs", LOGS)
    zoo.add("Own", inline={"own": document(statement("s3:*"), {**statement("ssm:update*"), "Sid": "Mine"})})
    zoo.add("Unused", CORE)
    zoo.add("Empty")
    core = [zoo.start(EU, "Core"), zoo.start(US, "Core")]
    own, _logs, _empty, _none = zoo.start(US, "Own"), zoo.start(US, "Logs"), zoo.start(US, "Empty"), zoo.start(US)
    # EC2 takes no profile without a role, but one may lose its role later.
    account.iam.remove_role_from_instance_profile(InstanceProfileName="Empty", RoleName="Empty")

    run = account.module(NAME, regions=[EU, US]).ok(changed=False)
    assert run.writes == []
    assert answers(run) == {"Core": "yes", "Own": "yes", "Logs": "no", "Empty": "no"}
    assert run.result["summary"] == {"profiles": 4, "yes": 2, "maybe": 0, "no": 2, "instances": 3}
    rows = {row["instance_profile"]: row for row in run.result["profiles"]}
    assert sorted(one["instance_id"] for one in rows["Core"]["instances"]) == sorted(core)
    assert {one["region"] for one in rows["Core"]["instances"]} == {EU, US}
    assert rows["Own"]["instances"] == [{"region": US, "instance_id": own, "state": "running", "answer": "yes"}]
    (reason,) = rows["Core"]["permissions"][0]["reasons"]
    assert (reason["policy"], reason["kind"], reason["arn"]) == ("AmazonSSMManagedInstanceCore", "managed", CORE)
    (reason,) = rows["Own"]["permissions"][0]["reasons"]
    assert (reason["policy"], reason["kind"], reason["statement"]) == ("own", "inline", "Mine")
    assert rows["Empty"]["note"] == "the profile has no role"
    # What the agents do is what was said of their profiles: without DHMC only those two profiles make nodes.
    nodes = account.client("ssm", US).describe_instance_information()["InstanceInformationList"]
    assert sorted(node["InstanceId"] for node in nodes) == sorted([core[1], own])


def test_profiles_are_selected_by_name_instance_and_filter(account, zoo):
    for name in ("Core", "Other", "Unused"):
        zoo.add(name, CORE)
    wanted, _other = zoo.start(US, "Core", role="web"), zoo.start(US, "Other")
    assert answers(account.module(NAME, region=US, instance_ids=wanted).ok()) == {"Core": "yes"}
    assert answers(account.module(NAME, region=US, filters={"tag:role": "web"}).ok()) == {"Core": "yes"}
    run = account.module(NAME, region=US, instance_profiles="Unused, Core").ok()
    assert answers(run) == {"Core": "yes", "Unused": "yes"}
    rows = {row["instance_profile"]: row for row in run.result["profiles"]}
    assert [one["instance_id"] for one in rows["Core"]["instances"]] == [wanted]
    assert rows["Unused"]["instances"] == []


def test_a_profile_with_a_comma_in_its_name_can_be_named_in_a_list(account, zoo):
    # IAM User Guide, "IAM and AWS STS quotas": a name may have + = , . @ _ -
    for name in ("app,db@prod", "plain"):
        zoo.add(name, CORE)
        zoo.start(US, name)
    run = account.module(NAME, region=US, instance_profiles=["app,db@prod"]).ok()
    assert answers(run) == {"app,db@prod": "yes"}


def test_another_action_is_asked_for_on_other_resources(account, zoo):
    zoo.add("Reader", inline={"read": document(statement("s3:GetObject", resource="arn:aws:s3:::mine/*"))})
    params = {"region": US, "instance_profiles": ["Reader"], "actions": ["s3:GetObject"]}
    assert answers(account.module(NAME, **params).ok()) == {"Reader": "maybe"}
    assert answers(account.module(NAME, **params, resources=["arn:aws:s3:::mine/a"]).ok()) == {"Reader": "yes"}
    assert answers(account.module(NAME, **params, resources=["arn:aws:s3:::yours/a"]).ok()) == {"Reader": "no"}


def test_each_role_and_document_is_read_once(account, zoo):
    zoo.add("One", CORE, LOGS)
    zoo.add("Two", CORE)
    for region in (EU, US):
        for name in ("One", "Two"):
            zoo.start(region, name)
    run = account.module(NAME, regions=[EU, US]).ok()
    assert operations(run) == {
        "DescribeInstances": 2,
        "GetInstanceProfile": 2,
        "GetRole": 2,
        "ListAttachedRolePolicies": 2,
        "ListRolePolicies": 2,
        "GetPolicy": 2,
        "GetPolicyVersion": 2,
        "ListInstanceProfilesForRole": 2,
    }


def test_many_roles_are_read_in_a_few_calls_and_with_the_same_answers(account, zoo):
    shared = zoo.policy("Shared", document(statement(PING, "s3:GetObject")))
    for number in range(4):
        zoo.add(f"Core{number}", CORE)
        zoo.add(f"Shared{number}", shared, inline={"own": document(statement("ec2:Describe*"))})
        zoo.add(f"Bounded{number}", CORE, boundary=LOGS)
    for number in range(4):
        for kind in ("Core", "Shared", "Bounded"):
            zoo.start(US, f"{kind}{number}")
    run = account.module(NAME, region=US).ok()
    assert operations(run) == {
        "DescribeInstances": 1,
        "GetAccountSummary": 1,
        "GetAccountAuthorizationDetails": 1,
        "GetPolicy": 2,
        "GetPolicyVersion": 2,
    }
    found = answers(run)
    assert Counter(found.values()) == {"yes": 8, "no": 4}
    assert {name for name, answer in found.items() if answer == "no"} == {f"Bounded{number}" for number in range(4)}

    account.faults({"operation": "GetAccountAuthorizationDetails", "error": {"code": "AccessDenied", "message": "no"}})
    slow = account.module(NAME, region=US).ok()
    assert slow.result["profiles"] == run.result["profiles"]
    assert operations(slow)["GetRole"] == 12
    assert operations(slow)["ListInstanceProfiles"] == 1


def test_iam_itself_is_asked_with_simulate(account, zoo):
    zoo.add("Core", CORE)
    zoo.add("Tagged", inline={"own": document(statement(PING, Condition={"StringEquals": {"aws:ResourceTag/a": "b"}}))})
    zoo.start(US, "Core")
    run = account.module(NAME, region=US, instance_profiles=["Core", "Tagged"], simulate=True).ok()
    assert operations(run)["SimulatePrincipalPolicy"] == 2
    rows = {row["instance_profile"]: row["permissions"][0] for row in run.result["profiles"]}
    assert (rows["Core"]["answer"], rows["Core"]["simulated"]["decision"]) == ("yes", "allowed")
    assert (rows["Tagged"]["answer"], rows["Tagged"]["simulated"]["decision"]) == ("maybe", "implicitDeny")
    assert rows["Tagged"]["simulated"]["missing_context"] == ["aws:ResourceTag/a"]


def test_iam_is_asked_about_an_action_on_what_it_is_called_on(account, zoo):
    own = document(statement("s3:GetObject", resource="arn:aws:s3:::mine/*"), statement("ssm:PutInventory", PING))
    zoo.add("Reader", inline={"own": own})
    zoo.start(US, "Reader")
    params = {"region": US, "instance_profiles": ["Reader"], "simulate": True}

    def decisions(*actions, **more):
        (row,) = account.module(NAME, **params, actions=list(actions), **more).ok().result["profiles"]
        return [entry["simulated"]["decision"] for entry in row["permissions"]]

    assert decisions("s3:GetObject", resources=["arn:aws:s3:::mine/a"]) == ["allowed"]
    assert decisions(PING, resources=["arn:aws:s3:::mine/a"]) == ["allowed"]
    assert decisions(PING, "ssm:PutInventory", "s3:GetObject") == ["allowed", "allowed", "implicitDeny"]


def test_a_region_or_a_role_that_cannot_be_read_does_not_hide_the_others(account, zoo):
    zoo.add("Core", CORE)
    zoo.add("Secret", CORE)
    zoo.start(US, "Core")
    zoo.start(US, "Secret")
    denied = {"code": "AccessDenied", "message": "not you"}
    account.faults(
        {"service": "ec2", "region": EU, "error": {"code": "UnauthorizedOperation", "message": "not here"}},
        {"operation": "GetRole", "error": {**denied, "times": 1}},
    )
    run = account.module(NAME, regions=[EU, US]).failed("eu-west-1: UnauthorizedOperation: not here", "not you")
    assert sorted(answers(run).values(), key=str) == [None, "yes"]
    assert [entry["region"] for entry in run.result["failed_regions"]] == [EU]
    (error,) = [row["error"] for row in run.result["profiles"] if row["failed"]]
    assert error == {"code": "AccessDenied", "message": "not you"}


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"actions": ["UpdateInstanceInformation"]}, "actions: 'UpdateInstanceInformation' is not an IAM action"),
        ({"actions": ["ssm:Update*"]}, "actions: 'ssm:Update*' is not an IAM action"),
        ({"actions": []}, "actions: is an empty list"),
        ({"instance_profiles": ["Nobody"]}, "instance_profiles: there is no instance profile Nobody"),
        ({"instance_profiles": []}, "instance_profiles: is an empty list"),
        ({"instance_ids": ["i-0123456789abcdef0"]}, "instance_ids: i-0123456789abcdef0 is in none of the regions"),
        ({"instance_ids": ["web"]}, "instance_ids: web is not an instance id"),
        ({"instance_profiles": "A", "filters": {"tag:a": "b"}}, "mutually exclusive"),
    ],
)
def test_bad_input_is_one_line(account, params, words):
    account.module(NAME, **{"region": US, **params}).failed(words)


def test_the_whole_answer_fits_a_survey_of_strings(account, zoo):
    zoo.add("Core", CORE)
    zoo.start(US, "Core")
    run = account.module(NAME, regions=f"{US},{EU}", actions=PING, instance_profiles="", simulate="false").ok()
    assert answers(run) == {"Core": "yes"}
    assert json.dumps(run.result)
