# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module instance_profile_permission: IAM's state byte for byte, by plain boto3, and which calls were made."""

from __future__ import annotations

import json

import pytest
from fleet_emulator import policy as independent
from iam_zoo import CORE, PING, Zoo, document, statement

NAME = "instance_profile_permission"
US, EU = "us-east-1", "eu-west-1"
LOGS = "arn:aws:iam::aws:policy/CloudWatchAgentServerPolicy"
NOBODY = "999999999999"
DENY = "fleet.aws_ssm-deny"
ENTRY = {
    "module": NAME,
    "kind": "role_inline_policy",
    "account": NOBODY,
    "partition": "aws",
    "region": None,
    "resource": f"Core/{DENY}",
    "before": None,
    "after": "{}",
}
# As a person may have typed it.
ODD = (
    f'{{ "Statement":[\n\t{{"Resource":  "*",\n "Effect":"Allow" ,"Action": ["s3:GetObject","{PING}"]}}   \n],\r\n'
    '"Version" : "2012-10-17"}  \n'
)


@pytest.fixture
def zoo(account, aws_trust):
    return Zoo(account, aws_trust)


@pytest.fixture
def dhmc(account, zoo):
    """DHMC is on where the tests have instances, so that these have a way in without their profile."""
    zoo.role("Dhmc", "ssm.amazonaws.com", "arn:aws:iam::aws:policy/AmazonSSMManagedEC2InstanceDefaultPolicy")
    account.put("Dhmc", US)


def absent(account, *options, **params):
    given = {"region": US, **params}
    if not {"instance_profiles", "instance_ids", "filters"} & set(given):
        given["all_in_use"] = True
    return account.module(NAME, *options, **given)


def restored(account, backup, *options, **params):
    return account.module(NAME, *options, region=US, state="restored", backup=backup, **params)


def steps(run):
    return sorted((row["operation"], row["role"], row["policy"]) for row in run.result["changes"] if row["changed"])


def allowed(zoo, role, *actions, resource="arn:aws:ec2:us-east-1:123456789012:instance/i-1"):
    """What the role may do, by the emulator's evaluator and the documents that IAM answers with."""
    state = zoo.state()
    of_aws = [arn for arn in state["roles"][role]["attached"] if ":iam::aws:" in arn]
    iam = zoo.account.iam
    texts = list(state["roles"][role]["inline"].values())
    for arn in of_aws:
        version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
        found = iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"]
        texts.append(json.dumps(found))
    own = [state["policies"][arn] for arn in state["roles"][role]["attached"] if arn not in of_aws]
    texts += [found["versions"][found["default"]] for found in own]
    sources = [independent.Source(str(number), "role", text) for number, text in enumerate(texts)]
    return [action for action in actions if independent.evaluate(sources, action, resource).allowed]


def test_auto_touches_least_and_takes_nothing_else(account, zoo, dhmc):
    only = zoo.policy("Only", document(statement(PING)))
    mixed = zoo.policy("Mixed", document(statement(PING, "s3:GetObject"), statement("s3:PutObject")))
    shared = zoo.policy("Shared", document(statement(PING, "s3:GetObject")))
    zoo.role("Lambda", "lambda.amazonaws.com", shared)
    zoo.add("Core", CORE)
    zoo.add("Inline", inline={"odd": ODD, "other": document(statement("ec2:Describe*"))})
    zoo.add("InlineOnly", inline={"ping": document(statement(PING))})
    zoo.add("Only", only)
    zoo.add("Mixed", mixed)
    zoo.add("Shared", shared)
    zoo.add("Wild", inline={"wild": document(statement("ssm:*"))})
    zoo.add("Logs", LOGS)
    for name in ("Core", "Inline", "InlineOnly", "Only", "Mixed", "Shared", "Wild", "Logs"):
        zoo.start(US, name)
    before = zoo.state()

    plan = absent(account, "--check", "--diff").ok(changed=True)
    assert (plan.writes, zoo.state()) == ([], before)
    run = absent(account, "--diff").ok(changed=True)
    assert run.result["changes"] == plan.result["changes"]
    # What --diff prints comes before the result.
    assert run.out.partition("localhost |")[0] == plan.out.partition("localhost |")[0] != ""
    assert run.result["backup"] == plan.result["backup"]
    assert steps(run) == [
        ("delete", "InlineOnly", "ping"),
        ("detach", "Only", "Only"),
        ("put", "Core", DENY),
        ("put", "Inline", "odd"),
        ("put", "Shared", DENY),
        ("put", "Wild", DENY),
        ("version", None, "Mixed"),
    ]
    for role in ("Core", "Inline", "InlineOnly", "Only", "Mixed", "Shared", "Wild"):
        assert allowed(zoo, role, PING) == []
    assert allowed(zoo, "Core", "ssm:GetParameter", "ssmmessages:OpenDataChannel") == [
        "ssm:GetParameter",
        "ssmmessages:OpenDataChannel",
    ]
    assert allowed(zoo, "Inline", "s3:GetObject", "ec2:DescribeTags") == ["s3:GetObject", "ec2:DescribeTags"]
    assert allowed(zoo, "Mixed", "s3:GetObject", "s3:PutObject") == ["s3:GetObject", "s3:PutObject"]
    assert allowed(zoo, "Wild", "ssm:GetParameter") == ["ssm:GetParameter"]
    now = zoo.state()
    assert now["roles"]["Lambda"] == before["roles"]["Lambda"]
    assert now["roles"]["Logs"] == before["roles"]["Logs"]
    assert now["policies"][shared]["versions"] == before["policies"][shared]["versions"]

    again = absent(account).ok(changed=False)
    assert (again.writes, again.result["backup"]) == ([], [])

    back = restored(account, run.result["backup"], "--check").ok(changed=True)
    assert (back.writes, zoo.state()) == ([], now)
    restored(account, run.result["backup"]).ok(changed=True)
    assert zoo.state() == before
    assert restored(account, run.result["backup"]).ok(changed=False).writes == []


def test_detach_takes_the_policies_that_grant_it_and_no_other(account, zoo):
    zoo.add("Core", CORE, LOGS)
    zoo.add("Mine", CORE, inline={"own": document(statement("ssm:Update*"))})
    before = zoo.state()
    run = absent(account, instance_profiles=["Core", "Mine"], method="detach").failed(
        "the role Mine keeps it: the inline policy own allows ssm:UpdateInstanceInformation and can't be detached"
    )
    assert steps(run) == [("detach", "Core", "AmazonSSMManagedInstanceCore")]
    now = zoo.state()
    assert now["roles"]["Core"]["attached"] == [LOGS]
    assert now["roles"]["Mine"] == before["roles"]["Mine"]
    assert run.result["refused"][0]["instance_profiles"] == ["Mine"]
    restored(account, run.result["backup"]).ok(changed=True)
    assert zoo.state() == before


def test_deny_works_for_whatever_grants_it(account, zoo):
    zoo.add("Star", "arn:aws:iam::aws:policy/AdministratorAccess")
    zoo.add("Not", inline={"not": document({"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"})})
    condition = {"StringEquals": {"aws:ResourceTag/a": "b"}}
    zoo.add("Maybe", inline={"maybe": document(statement(PING, Condition=condition))})
    before = zoo.state()
    names = ["Star", "Not", "Maybe"]
    run = absent(account, instance_profiles=names, method="deny").ok(changed=True)
    assert steps(run) == [("put", name, DENY) for name in sorted(names)]
    for name in names:
        assert allowed(zoo, name, PING) == []
    assert allowed(zoo, "Star", "ec2:RunInstances") == ["ec2:RunInstances"]
    restored(account, run.result["backup"]).ok(changed=True)
    assert zoo.state() == before


def test_a_deny_of_an_earlier_run_is_extended_and_a_foreign_one_is_not_touched(account, zoo):
    zoo.add("Star", "arn:aws:iam::aws:policy/AdministratorAccess")
    first = absent(account, instance_profiles="Star", method="deny").ok(changed=True)
    between = zoo.state()
    second = absent(account, instance_profiles="Star", method="deny", actions=["ssm:PutInventory"]).ok(changed=True)
    assert allowed(zoo, "Star", PING, "ssm:PutInventory", "ssm:GetParameter") == ["ssm:GetParameter"]
    restored(account, second.result["backup"]).ok(changed=True)
    assert zoo.state() == between
    restored(account, first.result["backup"]).ok(changed=True)

    zoo.add("Theirs", CORE, inline={DENY: document(statement("s3:*", effect="Deny"))})
    before = zoo.state()
    absent(account, instance_profiles="Theirs").failed("an inline policy fleet.aws_ssm-deny that was not made here")
    assert zoo.state() == before
    absent(account, instance_profiles="Theirs", deny_policy_name="no-ping").ok(changed=True)
    assert allowed(zoo, "Theirs", PING) == []


def test_rewrite_refuses_what_it_cannot_edit_and_says_why(account, zoo):
    shared = zoo.policy("Shared", document(statement(PING, "s3:GetObject")))
    zoo.role("Other", "lambda.amazonaws.com", shared)
    full = zoo.policy("Full", *[document(statement(PING, f"s3:Get{number}")) for number in range(5)])
    zoo.add("Shared", shared)
    zoo.add("Full", full)
    zoo.add("Core", CORE)
    zoo.add("Wild", inline={"wild": document(statement("s3:*"), statement("SSM:update*", PING))})
    zoo.add("Plain", inline={"plain": document(statement(PING.upper(), "s3:*"))})
    names = ["Shared", "Full", "Core", "Wild", "Plain"]
    before = zoo.state()
    run = absent(account, instance_profiles=names, method="rewrite").failed(
        "the policy Shared is also used by 1 other role, user or group (allow_shared edits it all the same)",
        "the policy Full has 5 versions, and none is deleted",
        "the policy AmazonSSMManagedInstanceCore is AWS's own",
        "the inline policy wild allows ssm:UpdateInstanceInformation by SSM:update* (statement 2)",
    )
    assert steps(run) == [("put", "Plain", "plain")]
    run = absent(account, instance_profiles="Shared", method="rewrite", allow_shared=True).ok(changed=True)
    assert steps(run) == [("version", None, "Shared")]
    assert allowed(zoo, "Other", PING, "s3:GetObject") == ["s3:GetObject"]
    assert zoo.state()["policies"][shared]["versions"].keys() == {"v1", "v2"}
    restored(account, run.result["backup"]).ok(changed=True)
    assert zoo.state()["policies"] == before["policies"]
    # The least intrusive way that works for each of them.
    run = absent(account, instance_profiles=names).ok(changed=True)
    assert steps(run) == [("put", name, DENY) for name in ("Core", "Full", "Shared", "Wild")]


def test_a_policy_of_several_selected_roles_is_edited_once(account, zoo):
    shared = zoo.policy("Shared", document(statement(PING, "s3:GetObject")))
    zoo.add("One", shared)
    zoo.add("Two", shared)
    before = zoo.state()
    absent(account, instance_profiles="One", method="rewrite").failed("is also used by 1 other role")
    run = absent(account, instance_profiles="One,Two", method="rewrite").ok(changed=True)
    assert run.writes == ["CreatePolicyVersion us-east-1"]
    assert run.result["changes"][0]["instance_profiles"] == ["One", "Two"]
    assert allowed(zoo, "One", PING) == allowed(zoo, "Two", PING) == []
    restored(account, run.result["backup"]).ok(changed=True)
    assert zoo.state() == before


def test_instances_go_over_to_dhmc(account, zoo, dhmc):
    """The agents of the emulator, which know nothing of the collection, are the judges."""
    zoo.add("Core", CORE)
    instance = zoo.start(US, "Core")
    ssm = account.client("ssm", US)

    def status():
        return [node["PingStatus"] for node in ssm.describe_instance_information()["InstanceInformationList"]]

    run = absent(account, instance_ids=[instance]).ok(changed=True)
    assert status() == ["Online"]
    account.put("None-such", US)
    assert status() == ["ConnectionLost"]
    restored(account, run.result["backup"]).ok(changed=True)
    assert status() == ["Online"]


def test_what_was_changed_since_is_left_and_the_rest_is_restored(account, zoo):
    only = zoo.policy("Only", document(statement(PING)))
    mixed = zoo.policy("Mixed", document(statement(PING, "s3:GetObject")))
    zoo.add("Gone", CORE)
    zoo.add("Changed", inline={"own": document(statement(PING, "s3:GetObject"))})
    zoo.add("Only", only)
    zoo.add("Mixed", mixed)
    zoo.add("Back", inline={"own": ODD})
    before = zoo.state()
    run = absent(account, instance_profiles="Gone,Changed,Only,Mixed,Back").ok(changed=True)
    iam = account.iam
    iam.delete_role_policy(RoleName="Gone", PolicyName=DENY)
    iam.detach_role_policy(RoleName="Gone", PolicyArn=CORE)
    iam.remove_role_from_instance_profile(InstanceProfileName="Gone", RoleName="Gone")
    iam.delete_role(RoleName="Gone")
    theirs = json.dumps(document(statement("s3:PutObject")))
    iam.put_role_policy(RoleName="Changed", PolicyName="own", PolicyDocument=theirs)
    iam.delete_policy(PolicyArn=only)
    iam.create_policy_version(PolicyArn=mixed, PolicyDocument=theirs, SetAsDefault=True)
    back = restored(account, run.result["backup"]).failed(
        "4 of 5 could not be restored",
        "Gone: the role Gone is gone",
        "ChangedSince: the inline policy own of the role Changed was changed since",
        f"Gone: the policy {only} is gone",
        "ChangedSince: the policy Mixed has another default version since, v3",
    )
    now = zoo.state()
    assert now["roles"]["Back"] == before["roles"]["Back"]
    assert now["roles"]["Changed"]["inline"] == {"own": theirs}
    assert now["policies"][mixed]["default"] == "v3"
    assert {row["policy"] for row in back.result["changes"] if row["changed"]} == {"own"}
    over = restored(account, run.result["backup"], overwrite=True).ok(changed=True)
    assert "Passed over, since it no longer exists:" in over.text
    assert f"the policy {only} is gone" in over.text
    now = zoo.state()
    assert now["roles"]["Changed"] == before["roles"]["Changed"]
    assert (now["policies"][mixed]["default"], set(now["policies"][mixed]["versions"])) == ("v1", {"v1", "v3"})
    # What overwrite replaced is not lost: it is in the result.
    assert [row["replaced"] for row in over.result["changes"] if row["changed"]] == [theirs, theirs]


def test_a_backup_of_a_run_that_was_cut_off_is_enough(account, zoo):
    """It is written from the plan, so that some of it may never have been done."""
    zoo.add("Core", CORE)
    zoo.add("Own", inline={"own": ODD})
    before = zoo.state()
    plan = absent(account, "--check", instance_profiles="Core,Own").ok(changed=True)
    assert restored(account, plan.result["backup"]).ok(changed=False).writes == []
    denied = {"code": "AccessDenied", "message": "not you", "times": 1}
    account.faults({"operation": "PutRolePolicy", "error": denied})
    run = absent(account, instance_profiles="Core,Own").failed("AccessDenied: not you")
    account.faults()
    assert len(steps(run)) == 1
    restored(account, plan.result["backup"]).ok(changed=True)
    assert zoo.state() == before


def test_other_profiles_of_a_role_are_named(account, zoo):
    zoo.add("Core", CORE)
    account.iam.create_instance_profile(InstanceProfileName="Twin")
    account.iam.add_role_to_instance_profile(InstanceProfileName="Twin", RoleName="Core")
    mixed = zoo.policy("Mixed", document(statement(PING, "s3:GetObject")))
    zoo.add("Mixed", mixed)
    account.iam.create_instance_profile(InstanceProfileName="Second")
    account.iam.add_role_to_instance_profile(InstanceProfileName="Second", RoleName="Mixed")
    run = absent(account, "--check", instance_profiles="Core,Mixed").ok(changed=True)
    assert "The role Core is also in the instance profiles Twin, which change with it." in run.text
    # A new version of a policy changes the roles that have it, too.
    assert "The role Mixed is also in the instance profiles Second, which change with it." in run.text
    denied = {"code": "AccessDenied", "message": "not you"}
    account.faults({"operation": "ListInstanceProfilesForRole", "error": denied})
    run = absent(account, "--check", instance_profiles="Core", actions=["s3:GetObject", "ssm:GetParameter"])
    assert "Which profiles hold the role Core can't be read: AccessDenied: not you" in run.ok(changed=True).text


def test_a_survey_may_leave_questions_unanswered(account, zoo, dhmc):
    zoo.add("Core", CORE)
    zoo.add("Other", CORE)
    zoo.start(US, "Other")
    empty = dict.fromkeys(["instance_ids", "actions", "resources", "deny_policy_name", "backup_file"], "")
    empty.update(all_in_use="false", allow_shared="no", elsewhere="no", dhmc_planned="false")
    run = absent(account, instance_profiles="Core", **empty).ok(changed=True)
    assert steps(run) == [("put", "Core", DENY)]
    run = account.module(NAME, region=US, instance_profiles="", all_in_use="true").ok(changed=True)
    assert steps(run) == [("put", "Other", DENY)]


def test_an_inline_policy_that_would_be_too_long_is_refused(account, zoo):
    big = document(
        *[statement(f"s3:Get{number:04}", resource=f"arn:aws:s3:::{'x' * 60}{number:04}") for number in range(76)]
    )
    zoo.add("Big", CORE, inline={"big": big})
    before = zoo.state()
    absent(account, instance_profiles="Big").failed(
        "the role Big keeps it: with the deny its inline policies would have"
    )
    assert zoo.state() == before


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({}, "Which profiles: set instance_profiles, instance_ids, filters, or all_in_use to true"),
        # A survey's unanswered questions must not come to mean every profile.
        ({"instance_profiles": ""}, "Which profiles: set instance_profiles"),
        ({"instance_ids": "", "all_in_use": "false"}, "Which profiles: set instance_profiles"),
        ({"instance_profiles": "A", "all_in_use": True}, "instance_profiles, all_in_use are mutually exclusive"),
        ({"instance_profiles": []}, "instance_profiles: is an empty list"),
        ({"all_in_use": True, "resources": "i-1"}, "resources: 'i-1' is not an ARN"),
        ({"all_in_use": True, "actions": ["ssm:*"]}, "actions: 'ssm:*' is not an IAM action"),
        ({"all_in_use": True, "method": "remove"}, "method must be one of: auto, detach, deny, rewrite"),
        ({"instance_profiles": "None"}, "there is no instance profile None"),
        ({"all_in_use": True, "deny_policy_name": "a b"}, "deny_policy_name: 'a b' does not name a managed policy"),
        ({"all_in_use": True, "deny_policy_name": "a/b"}, "deny_policy_name: 'a/b': an inline policy has a name only"),
        ({"state": "restored"}, "state=restored needs backup, as an earlier run returned it, or backup_file"),
        ({"state": "restored", "backup": []}, "state=restored needs backup"),
        ({"state": "restored", "backup": [ENTRY], "backup_file": "a"}, "the file that it wrote, not both"),
        ({"all_in_use": True, "backup": [ENTRY]}, "backup is for state=restored only"),
        ({"all_in_use": True, "backup_file": "none/here"}, "the folder /"),
        ({"state": "restored", "backup_file": "none"}, "does not exist. Name the file that an earlier run wrote"),
        ({"state": "restored", "backup": [ENTRY]}, f"its entries of {NAME} are of account {NOBODY}"),
        (
            {"state": "restored", "backup": [ENTRY], "region": None, "regions": [US]},
            "regions is not for state=restored",
        ),
        ({"state": "restored", "backup": [{**ENTRY, "after": "'x'"}]}, "entry 1 has no usable value in after"),
        ({"state": "restored", "backup": [{**ENTRY, "kind": "x"}]}, "entry 1 is of the unknown kind x"),
        ({"state": "restored", "backup": [{**ENTRY, "resource": "Core"}]}, "entry 1 has 'Core' as its resource"),
        ({"state": "restored", "backup": ["x"]}, "backup"),
        ({"state": "restored", "backup": [ENTRY], "timeout": 0}, "timeout: 0 is not a number of seconds above 0"),
        ({"all_in_use": True, "timeout": 0}, "timeout: 0 is not a number of seconds above 0"),
        ({"all_in_use": True, "elsewhere": "maybe"}, "elsewhere"),
    ],
)
def test_bad_input_is_one_line_before_any_write(account, params, words):
    run = account.module(NAME, **{"region": US, **params}).failed(words)
    assert run.writes == []
    assert not list(account.folder.glob("*.json"))
