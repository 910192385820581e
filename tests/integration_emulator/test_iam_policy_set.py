# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module iam_policy_set: what it makes, refuses, keeps and leads back to, asked of AWS afterwards."""

from __future__ import annotations

import json
import stat
from threading import Thread
from time import sleep

import pytest

DHMC_ROLE = "AWSSystemsManagerDefaultEC2InstanceManagementRole"
PING = "ssm:UpdateInstanceInformation"


def document(*actions, effect="Allow", indent=None):
    statement = {"Effect": effect, "Action": list(actions), "Resource": "*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]}, indent=indent)


class Policies:
    """The account's own policies, as AWS has them, with the texts of their documents."""

    def __init__(self, account):
        self.account, self.iam = account, account.iam
        self.iam.meta.events.register_first("after-call.iam.GetPolicyVersion", self._keep)
        self.text = ""

    def _keep(self, parsed, **_event):
        self.text = parsed.get("PolicyVersion", {}).get("Document", "")

    def arn(self, name, path="/"):
        return f"arn:aws:iam::{self.account.id}:policy{path}{name}"

    def make(self, name, text, path="/", **more):
        """As somebody else would."""
        return self.iam.create_policy(PolicyName=name, Path=path, PolicyDocument=text, **more)["Policy"]["Arn"]

    def state(self):
        """All that a restore has to lead back to, documents byte for byte."""
        found = {}
        for listed in self.iam.list_policies(Scope="Local")["Policies"]:
            policy = self.iam.get_policy(PolicyArn=listed["Arn"])["Policy"]
            self.iam.get_policy_version(PolicyArn=listed["Arn"], VersionId=policy["DefaultVersionId"])
            holders = self.iam.list_entities_for_policy(PolicyArn=listed["Arn"])
            found[policy["Arn"]] = {
                "document": self.text,
                "description": policy.get("Description", ""),
                "tags": {tag["Key"]: tag["Value"] for tag in policy.get("Tags", [])},
                "attached": sorted(
                    entity.get("RoleName") or entity.get("UserName") or entity.get("GroupName")
                    for kind in ("PolicyRoles", "PolicyUsers", "PolicyGroups")
                    for entity in holders[kind]
                ),
            }
        return found


@pytest.fixture
def policies(account):
    return Policies(account)


def test_a_set_is_made_attached_changed_removed_and_restored(account, policies, aws_trust, tmp_path):
    account.add_role("Web", aws_trust("ec2.amazonaws.com"))
    account.add_role("Ops", aws_trust("ec2.amazonaws.com"))
    account.iam.create_instance_profile(InstanceProfileName="Web")
    account.iam.add_role_to_instance_profile(InstanceProfileName="Web", RoleName="Web")
    account.iam.create_user(UserName="ann")
    theirs = policies.make("Theirs", document("s3:GetObject", indent=3), Description="theirs")
    account.iam.attach_user_policy(UserName="ann", PolicyArn=theirs)
    before = policies.state()
    backup = tmp_path / "before.json"

    def run(*options, **more):
        return account.module("iam_policy_set", *options, **{"owner": "us", "backup_file": str(backup), **more})

    wanted = [
        {"name": "Logs", "document": document("s3:PutObject", indent=2)},
        {"name": "More", "document": document("s3:A")},
    ]
    present = {"policies": wanted, "attach_to": "instance-profile/Web, role/Ops", "tags": {"n": 1}, "description": "d"}
    check = run("--check", "--diff", **present).ok(changed=True)
    assert (check.writes, backup.exists()) == ([], False)
    assert "attached_to" in check.out
    made = run(**present).ok(changed=True)
    assert made.writes == ["AttachRolePolicy us-east-1"] * 4 + ["CreatePolicy us-east-1"] * 2
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600
    assert [(row["operation"], row["policy"], row["attached_to"]) for row in made.result["changes"]] == [
        (row["operation"], row["policy"], row["attached_to"]) for row in check.result["changes"]
    ]
    assert policies.state()[policies.arn("Logs")] == {
        "document": document("s3:PutObject", indent=2),
        "description": "d",
        "tags": {"fleet.aws_ssm/made-by": "us", "n": "1"},
        "attached": ["Ops", "Web"],
    }
    assert run(**present).ok(changed=False).writes == []
    # White space alone is no change.
    wanted[0]["document"] = json.loads(wanted[0]["document"])
    assert run(**present).ok(changed=False).writes == []

    replaced = run(policies=[{"name": "Theirs", "document": document("s3:B")}], overwrite=True).ok(changed=True)
    assert replaced.writes == ["CreatePolicyVersion us-east-1", "TagPolicy us-east-1"]
    run(policies=[{"name": name} for name in ("Logs", "More")], state="absent").failed("detach: ", "set detach to true")
    gone = run(policies=[{"name": name} for name in ("Logs", "More", "Theirs")], state="absent", detach=True).ok()
    assert policies.state() == {}
    kinds = [entry["kind"] for entry in gone.result["backup"]]
    assert sorted(kinds) == ["managed_policy"] * 3 + ["role_policy_attachment"] * 4 + ["user_policy_attachment"]

    # Byte for byte, and attached where it was, although it was replaced first and then removed.
    first = run(state="restored", owner="").ok(changed=True)
    assert policies.state() == before
    assert "keep" in [row["operation"] for row in first.result["changes"]]
    assert run(state="restored", owner="").ok(changed=False).writes == []
    run(state="restored", owner="nobody").failed("has nothing of nobody", "Nothing was changed.")


def test_a_family_keeps_what_is_wanted_and_leaves_others_alone(account, policies, aws_trust):
    account.add_role("Web", aws_trust("ec2.amazonaws.com"))
    ours = {"Tags": [{"Key": "fleet.aws_ssm/made-by", "Value": "us"}]}
    for name in ("Set", "Set-2", "Set-3", "Set-100", "Setting"):
        arn = policies.make(name, document("s3:Old"), **({} if name == "Set-3" else ours))
        account.iam.attach_role_policy(RoleName="Web", PolicyArn=arn)
    run = account.module(
        "iam_policy_set",
        owner="us",
        family="Set",
        detach=True,
        policies=[{"name": "Set", "document": document("s3:New")}],
    ).ok()
    assert run.writes == [
        f"{operation} us-east-1" for operation in ("CreatePolicyVersion", "DeletePolicy", "DetachRolePolicy")
    ]
    assert sorted(policies.state()) == [policies.arn(name) for name in ("Set", "Set-100", "Set-3", "Setting")]
    assert run.result["kept"] == [policies.arn("Set-3")]
    account.module("iam_policy_set", owner="us", family="set", state="absent", detach=True).ok(changed=True)
    assert sorted(policies.state()) == [policies.arn(name) for name in ("Set-100", "Set-3", "Setting")]


GOOD = document("s3:GetObject")
WRONG = {
    "no policies": ({"policies": []}, "policies: is empty"),
    "no owner": ({"owner": ""}, "owner: is empty"),
    "no document": ({"policies": [{"name": "P"}]}, "policies: 'P' has no document"),
    "not JSON": ({"policies": [{"name": "P", "document": "{"}]}, "policies: the document of 'P' is not JSON"),
    "no statement": (
        {"policies": [{"name": "P", "document": {"Version": "2012-10-17"}}]},
        "policies: the document of 'P' has no Statement",
    ),
    "principal": (
        {"policies": [{"name": "P", "document": GOOD.replace('"Resource"', '"Principal": "*", "Resource"')}]},
        "policies: statement 1 of 'P' has 'Principal'",
    ),
    "action": ({"policies": [{"name": "P", "document": document("GetObject")}]}, "has the action 'GetObject'"),
    "resource": (
        {"policies": [{"name": "P", "document": GOOD.replace('"*"', '"bucket"')}]},
        "has the resource 'bucket': give an ARN",
    ),
    "version": (
        {"policies": [{"name": "P", "document": GOOD.replace("2012", "2013")}]},
        "has the Version '2013-10-17'",
    ),
    "too large": (
        {"policies": [{"name": "P", "document": document(*(f"s3:Get{n:04}" for n in range(700)))}]},
        "policies: the document of 'P' has",
    ),
    "name": ({"policies": [{"name": "../P", "document": GOOD}]}, "policies: '../P' is not a policy name"),
    "long name": ({"policies": [{"name": "n" * 129, "document": GOOD}]}, "has 129 characters; IAM allows 128"),
    "twice": ({"policies": [{"name": "P", "document": GOOD}, {"name": "p", "document": GOOD}]}, "'p' is named twice"),
    "other spelling": (
        {"policies": [{"name": "THEIRS", "document": GOOD}]},
        "policies: the account has the policy Theirs",
    ),
    "theirs": (
        {"policies": [{"name": "Theirs", "document": GOOD}]},
        "policies: arn:aws:iam::ACCOUNT:policy/Theirs was not",
    ),
    "another owner's": ({"policies": [{"name": "Role", "document": GOOD}]}, "was made by s3_policy: take another name"),
    "five versions": (
        {"policies": [{"name": "Full", "document": GOOD}], "overwrite": True},
        "Full has 5 versions, as many as IAM allows, and was not made by us",
    ),
    "path": ({"path": "/a b/"}, "path: '/a b/' is not a path"),
    "description": ({"description": "d" * 1001}, "description: has 1001 characters; IAM allows 1000"),
    "tag's key": ({"tags": {"aws:x": 1}}, "tags: 'aws:x' is not the key of a tag"),
    "tag's value": ({"tags": {"x": "v" * 257}}, "tags: the value of 'x' has 257 characters"),
    "too many tags": ({"tags": {str(n): n for n in range(50)}}, "tags: 51 tags"),
    "the owner's tag": ({"tags": {"fleet.aws_ssm/made-by": "x"}}, "tags: fleet.aws_ssm/made-by is the tag that tells"),
    "tags in two cases": ({"tags": {"team": 1, "Team": 2}}, "tags: 'team' is named twice"),
    "no target": ({"attach_to": "Web"}, "attach_to: 'Web': give role/NAME"),
    "a target's name": ({"attach_to": "role/a b"}, "attach_to: 'a b' does not name an IAM role"),
    "missing role": ({"attach_to": ["role/Nobody"]}, "attach_to: there is no role/Nobody"),
    "another path": ({"attach_to": ["role/x/Web"]}, "attach_to: role/x/Web: Web has the path /"),
    "empty profile": ({"attach_to": ["instance-profile/Empty"]}, "attach_to: the instance profile Empty has no role"),
    "another account's": (
        {"attach_to": ["arn:aws:iam::999999999999:role/R"]},
        "attach_to: arn:aws:iam::999999999999:role/R is",
    ),
    "China's": (
        {"attach_to": ["arn:aws-cn:iam::ACCOUNT:role/R"]},
        "attach_to: arn:aws-cn:iam::ACCOUNT:role/R is not of",
    ),
    "full role": (
        {"attach_to": ["role/Web"]},
        "attach_to: Web with 3 managed policies would be over the account's quota of 2",
    ),
    "account": ({"account": "999999999999"}, "account: is 999999999999, and the credentials are of ACCOUNT"),
    "no more policies": (
        {"policies": [{"name": f"P{n}", "document": GOOD} for n in range(6)]},
        "policies: 6 more policies are needed, and the account has 3 of the 8",
    ),
    "no backup": ({"state": "restored"}, "state=restored needs backup"),
    "backup in present": ({"backup": [{}]}, "backup is for state=restored only"),
    "damaged backup": ({"state": "restored", "backup": [{"kind": "managed_policy"}]}, "backup: entry 1 has no module"),
    "folder of the backup": (
        {"backup_file": "/nowhere/before.json"},
        "backup_file: /nowhere/before.json: the folder /nowhere",
    ),
    "regions": ({"regions": ["eu-wset-1", "moon-1"]}, "regions: 'moon-1' is not an AWS region"),
}


@pytest.mark.parametrize("part", range(4))
def test_what_is_wrong_is_refused_in_one_line_before_anything_is_written(account, policies, aws_trust, part):
    wrong = dict(list(WRONG.items())[part::4])
    account.add_role("Web", aws_trust("ec2.amazonaws.com"), "ReadOnlyAccess", "CloudWatchAgentServerPolicy")
    account.iam.create_instance_profile(InstanceProfileName="Empty")
    policies.make("Theirs", document("s3:Theirs"))
    policies.make("Role", document("s3:Role"), Tags=[{"Key": "fleet.aws_ssm/made-by", "Value": "s3_policy"}])
    full = policies.make("Full", document("s3:Full"))
    for number in range(4):
        account.iam.create_policy_version(
            PolicyArn=full, PolicyDocument=document(f"s3:Full{number}"), SetAsDefault=True
        )
    account.control.set_quotas({"AttachedPoliciesPerRoleQuota": 2, "PoliciesQuota": 8}, account.id)
    base = {"owner": "us", "policies": [{"name": "P", "document": GOOD}]}
    tasks = [
        {
            "fleet.aws_ssm.iam_policy_set": json.loads(json.dumps({**base, **params}).replace("ACCOUNT", account.id)),
            "register": f"case_{number}",
            "ignore_errors": True,
        }
        for number, (params, _words) in enumerate(wrong.values())
    ]
    run = account.play(tasks, keep=[f"case_{number}" for number in range(len(wrong))]).ok()
    assert run.writes == []
    messages = dict(zip(wrong, (result["msg"] for result in run.result.values()), strict=True))
    assert {
        name: message
        for name, message in messages.items()
        if wrong[name][1].replace("ACCOUNT", account.id) not in message
        or "\n" in message
        or not message.endswith("Nothing was changed.")
    } == {}
    assert "Traceback" not in run.text


def test_in_check_mode_a_role_that_is_not_there_yet_is_a_warning(account):
    run = account.module(
        "iam_policy_set",
        "--check",
        owner="us",
        policies=[{"name": "P", "document": GOOD}],
        attach_to=["role/Later", "instance-profile/Later"],
    ).ok(changed=True)
    assert run.result["missing"] == ["role/Later", "instance-profile/Later"]
    assert "attach_to: there is no role/Later yet" in run.text


def test_a_policy_that_was_made_a_moment_ago_is_waited_for(account, policies, aws_trust):
    account.add_role("Web", aws_trust("ec2.amazonaws.com"))
    account.faults(
        {
            "service": "iam",
            "operation": "AttachRolePolicy",
            "error": {"code": "NoSuchEntity", "status": 404},
            "times": 2,
        }
    )
    account.module("iam_policy_set", owner="us", policies=[{"name": "P", "document": GOOD}], attach_to=["role/Web"]).ok(
        changed=True
    )
    assert policies.state()[policies.arn("P")]["attached"] == ["Web"]


def test_what_changes_between_look_and_write_is_left_alone(account, policies, aws_trust):
    """Somebody changes two policies while the last answer that the plan waits for is under way."""
    ours = {"Tags": [{"Key": "fleet.aws_ssm/made-by", "Value": "us"}]}
    account.add_role("Web", aws_trust("ec2.amazonaws.com"))
    for name in ("Set", "Set-2", "Set-3", "Set-4"):
        policies.make(name, document("s3:Old"), **ours)
    theirs = document("s3:Theirs", indent=1)
    account.faults({"service": "iam", "operation": "ListPolicyVersions", "latency": 6000})

    def somebody():
        while not account.control.faults(account.id)[0]["matched"]:
            sleep(0.05)
        sleep(1)
        account.iam.create_policy_version(PolicyArn=policies.arn("Set"), PolicyDocument=theirs, SetAsDefault=True)
        account.iam.attach_role_policy(RoleName="Web", PolicyArn=policies.arn("Set-3"))

    thread = Thread(target=somebody, daemon=True)
    thread.start()
    run = account.module(
        "iam_policy_set",
        owner="us",
        family="Set",
        detach=True,
        policies=[{"name": name, "document": document("s3:New")} for name in ("Set", "Set-2")],
    )
    thread.join(60)
    account.faults()
    run.failed("3 of 4 changes failed: update Set: ChangedMeanwhile", "left alone, run again", "remove Set-3: NotDone")
    assert {arn.rpartition("/")[2]: found["document"] for arn, found in policies.state().items()} == {
        "Set": theirs,
        "Set-2": document("s3:New"),
        "Set-3": document("s3:Old"),
        "Set-4": document("s3:Old"),
    }
    assert [entry["resource"] for entry in run.result["backup"]] == [policies.arn("Set-2")]


def test_a_policy_that_somebody_attaches_meanwhile_is_not_removed(account, policies, aws_trust):
    ours = {"Tags": [{"Key": "fleet.aws_ssm/made-by", "Value": "us"}]}
    account.add_role("Web", aws_trust("ec2.amazonaws.com"))
    for name in ("Set", "Set-2", "Set-3"):
        policies.make(name, document("s3:Old"), **ours)
    account.faults({"service": "iam", "operation": "ListPolicyVersions", "latency": 6000})

    def somebody():
        while not account.control.faults(account.id)[0]["matched"]:
            sleep(0.05)
        sleep(1)
        account.iam.attach_role_policy(RoleName="Web", PolicyArn=policies.arn("Set-2"))

    thread = Thread(target=somebody, daemon=True)
    thread.start()
    run = account.module(
        "iam_policy_set",
        owner="us",
        family="Set",
        detach=True,
        policies=[{"name": "Set", "document": document("s3:New")}],
    )
    thread.join(60)
    account.faults()
    run.failed("remove Set-2: ChangedMeanwhile: was attached to nothing", "is attached to role/Web now")
    assert policies.state()[policies.arn("Set-2")]["attached"] == ["Web"]


def test_what_somebody_has_changed_since_is_named_and_stays(account, policies, aws_trust, tmp_path):
    for name in ("Web", "Ops", "Gone"):
        account.add_role(name, aws_trust("ec2.amazonaws.com"))
    theirs = policies.make("Theirs", document("s3:Theirs"))
    account.iam.attach_role_policy(RoleName="Gone", PolicyArn=theirs)
    backup = str(tmp_path / "before.json")

    def run(**more):
        return account.module("iam_policy_set", **{"owner": "us", "backup_file": backup, **more})

    def names(*numbers):
        return [{"name": f"P{number}", "document": document("s3:Ours")} for number in numbers]

    run(policies=[*names(1, 2, 3), {"name": "Theirs", "document": document("s3:Ours")}], overwrite=True).ok()
    run(policies=[{"name": "Theirs"}], state="absent", detach=True).ok()
    account.iam.create_policy_version(
        PolicyArn=policies.arn("P1"), PolicyDocument=document("s3:Since"), SetAsDefault=True
    )
    account.iam.attach_role_policy(RoleName="Ops", PolicyArn=policies.arn("P2"))
    account.iam.delete_role(RoleName="Gone")

    failed = run(state="restored")
    failed.failed("3 of 5 could not be restored: P1: ChangedSince", "P2: InUse", "role/Ops", "on role/Gone: Gone")
    assert sorted(policies.state()) == [policies.arn("P1"), policies.arn("P2"), theirs]
    assert policies.state()[theirs] == {
        "document": document("s3:Theirs"),
        "description": "",
        "tags": {},
        "attached": [],
    }
    assert run(state="restored").failed("3 of 5").writes == []
    done = run(state="restored", overwrite=True).ok(changed=True)
    assert sorted(policies.state()) == [theirs]
    assert [row["reason"] for row in done.result["changes"] if row["attached_to"] == "role/Gone"] == [
        "role/Gone is gone: skipped"
    ]
    assert run(state="restored").failed("1 of 5 could not be restored", "Gone").writes == []


def test_a_role_that_dhmc_uses_keeps_what_its_instances_need(account, policies, aws_trust, tmp_path):
    account.add_role("Dhmc", aws_trust("ssm.amazonaws.com"))
    account.add_role("Web", aws_trust("ec2.amazonaws.com"))
    account.put("Dhmc", "eu-west-1")
    backup = str(tmp_path / "before.json")
    core = {"name": "Core", "document": document(PING, "ssm:PutInventory")}

    def run(*options, **more):
        return account.module("iam_policy_set", *options, **{"owner": "us", "policies": [core], **more})

    made = run(attach_to=["role/Dhmc", "role/Web"], backup_file=backup).ok()
    # Nothing is taken away, so that nothing has to be known of DHMC.
    assert [call for call in made.calls if call["service"] != "iam" and call["service"] != "sts"] == []
    state = policies.state()
    words = ("policies: ", "Core", "role Dhmc would lose ssm:UpdateInstanceInformation", "uses in eu-west-1")
    for taking in (
        {"state": "absent", "detach": True},
        {"policies": [{**core, "document": document("ssm:PutInventory")}]},
        {"policies": [{**core, "document": document("s3:*")}], "overwrite": True},
    ):
        for options in ((), ("--check",)):
            assert run(*options, **taking).failed(*words, "Nothing was changed.").writes == []
    deny = {"name": "Deny", "document": document(PING, effect="Deny")}
    run(policies=[deny], attach_to=["role/Dhmc"]).failed("policies: ", "Deny", *words[2:])
    assert policies.state() == state
    # What keeps it is done: a document that still allows it, and whatever concerns other roles.
    run(policies=[{**core, "document": document(PING, "ssm:GetParameter")}]).ok(changed=True)
    run(policies=[deny], attach_to=["role/Web"]).ok(changed=True)

    # A restore leaves it there, too, and does the rest.
    run(policies=[core]).ok()
    restored = run(state="restored", backup_file=backup)
    restored.failed("2 of 3 could not be restored", "Core: InUse", "Core on role/Dhmc: InUse", "eu-west-1")
    assert policies.state()[policies.arn("Core")]["attached"] == ["Dhmc"]
    # A region that can't be read protects as well.
    account.put("service-role/Other", "eu-west-1")
    account.faults(
        {"service": "ssm", "region": "eu-central-1", "error": {"code": "InternalServerError", "status": 500}}
    )
    run(state="restored", backup_file=backup, policies=[]).failed("Core on role/Dhmc: InUse", "eu-central-1 could not")
    account.faults()
    run(state="restored", backup_file=backup).ok(changed=True)
    assert list(policies.state()) == [policies.arn("Deny")]


def test_a_failure_hides_no_other_change_and_takes_nothing_away(account, policies, aws_trust):
    ours = {"Tags": [{"Key": "fleet.aws_ssm/made-by", "Value": "us"}]}
    for name in ("Web", "Ops"):
        account.add_role(name, aws_trust("ec2.amazonaws.com"))
    old = policies.make("Set-2", document("s3:Old"), **ours)
    account.iam.attach_role_policy(RoleName="Web", PolicyArn=old)
    account.faults(
        {"service": "iam", "operation": "CreatePolicyVersion", "error": {"code": "AccessDenied", "status": 403}},
        {
            "service": "iam",
            "operation": "AttachRolePolicy",
            "error": {"code": "AccessDenied", "status": 403},
            "times": 1,
        },
    )
    run = account.module(
        "iam_policy_set",
        owner="us",
        family="Set",
        detach=True,
        policies=[{"name": "Set", "document": GOOD}],
        attach_to=["role/Web", "role/Ops"],
    )
    run.failed("3 of 5 changes failed: attach Set to role/Web: AccessDenied", "detach Set-2 from role/Web: NotDone")
    assert {arn: found["attached"] for arn, found in policies.state().items()} == {
        policies.arn("Set"): ["Ops"],
        old: ["Web"],
    }
    # Only what was done, or may have been, is in the backup.
    assert [entry["resource"] for entry in run.result["backup"]] == [policies.arn("Set"), f"Ops/{policies.arn('Set')}"]


def test_the_partition_is_that_of_the_regions(account, policies):
    env = dict.fromkeys(("AWS_REGION", "AWS_DEFAULT_REGION"))
    run = account.module(
        "iam_policy_set", env=env, owner="us", regions=["eu-west-1"], policies=[{"name": "P", "document": GOOD}]
    ).ok(changed=True)
    assert {call["region"] for call in run.calls} <= {"eu-west-1", "us-east-1"}
    assert list(policies.state()) == [policies.arn("P")]
