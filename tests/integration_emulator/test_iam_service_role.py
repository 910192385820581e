# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module iam_service_role, and the role instance_profile, which calls it."""

from __future__ import annotations

import json
from functools import partial
from urllib.parse import unquote

import pytest

CORE, LOGS = (
    f"arn:aws:iam::aws:policy/{name}" for name in ("AmazonSSMManagedInstanceCore", "CloudWatchAgentServerPolicy")
)
PING = "ssm:UpdateInstanceInformation"
OURS = {"fleet.aws_ssm/made-by": "iam_service_role"}
DOCUMENT = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:PutObject", "Resource": "*"}]}
# As nobody's serializer would write it.
ODD = json.dumps(DOCUMENT, indent=3) + "\n"


def state(account):
    """All roles and profiles, documents as text."""
    iam, found = account.iam, {}
    for path_name, role in account.roles().items():
        name = path_name.rpartition("/")[2]
        detail = iam.get_role(RoleName=name)["Role"]
        found[path_name] = {
            **role,
            "description": detail.get("Description") or "",
            "session": detail["MaxSessionDuration"],
        }
    for profile in iam.list_instance_profiles()["InstanceProfiles"]:
        detail = iam.get_instance_profile(InstanceProfileName=profile["InstanceProfileName"])["InstanceProfile"]
        tags = {tag["Key"]: tag["Value"] for tag in detail.get("Tags", [])}
        found[profile["Arn"]] = {"roles": [role["RoleName"] for role in detail["Roles"]], "tags": tags}
    return found


@pytest.fixture
def service_role(account):
    return partial(account.module, "iam_service_role")


@pytest.fixture
def theirs(account, aws_trust):
    """A role and a profile of someone else."""
    account.add_role("Theirs", aws_trust("ec2.amazonaws.com"), "ReadOnlyAccess", path="/web/")
    account.iam.put_role_policy(RoleName="Theirs", PolicyName="logs", PolicyDocument=ODD)
    account.iam.create_instance_profile(InstanceProfileName="Web", Path="/web/")
    account.iam.add_role_to_instance_profile(InstanceProfileName="Web", RoleName="Theirs")
    return state(account)


WANTED = {
    "instance_profile": "app/ec2/Nodes",
    "aws_policies": ["AmazonSSMManagedInstanceCore"],
    "managed_policies": ["CloudWatchAgentServerPolicy"],
    "inline_policies": {"more": DOCUMENT},
    "permissions_boundary": "arn:aws:iam::aws:policy/PowerUserAccess",
    "description": "For the nodes",
    "tags": {"team": "a"},
    "required_action": PING,
}


def test_a_profile_and_its_role_are_made_once_and_taken_back(account, service_role, aws_trust):
    backup = {"backup_file": str(account.folder / "b.json")}
    planned = service_role("--check", "--diff", **WANTED, **backup).ok(changed=True)
    assert (planned.writes, state(account)) == ([], {})
    assert not (account.folder / "b.json").exists()
    made = service_role(**WANTED, **backup).ok(changed=True)
    assert made.result["changes"] == planned.result["changes"]
    assert state(account) == {
        "/app/ec2/Nodes": {
            "trust": aws_trust("ec2.amazonaws.com"),
            "managed": ["AmazonSSMManagedInstanceCore", "CloudWatchAgentServerPolicy"],
            "inline": {"more": DOCUMENT},
            "boundary": WANTED["permissions_boundary"],
            "tags": {"team": "a", **OURS},
            "description": "For the nodes",
            "session": 3600,
        },
        f"arn:aws:iam::{account.id}:instance-profile/app/ec2/Nodes": {
            "roles": ["Nodes"],
            "tags": {"team": "a", **OURS},
        },
    }
    assert service_role(**WANTED).ok(changed=False).writes == []

    assert service_role("--check", state="restored", **backup).ok(changed=True).writes == []
    service_role(state="restored", **backup).ok(changed=True)
    assert state(account) == {}
    assert service_role(state="restored", **backup).ok(changed=False).writes == []


def test_what_was_changed_comes_back_byte_for_byte(account, service_role, theirs):
    account.iam.put_role_policy(RoleName="Theirs", PolicyName="more", PolicyDocument=ODD.replace("s3", "ec2"))
    before = state(account)
    wanted = {**WANTED, "instance_profile": "Web", "extend": True, "overwrite": True}
    run = service_role(**wanted).ok(changed=True)
    # Neither boundary nor tags nor description: it was not made here.
    assert run.writes == ["AttachRolePolicy us-east-1"] * 2 + ["PutRolePolicy us-east-1"]
    service_role(state="restored", backup=run.result["backup"]).ok(changed=True)
    assert state(account) == before
    for name, text in (("logs", ODD), ("more", ODD.replace("s3", "ec2"))):
        assert _text(account, "Theirs", name) == text


def test_in_china_a_role_that_trusts_ec2_by_either_name_is_taken_as_it_is(account, service_role, aws_trust):
    # GH awslabs/cdk-eks-blueprints#558: IAM there takes ec2.amazonaws.com as well as ec2.amazonaws.com.cn.
    iam = account.client("iam", "cn-north-1")
    for name, service in (("Old", "ec2.amazonaws.com.cn"), ("New", "ec2.amazonaws.com")):
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(aws_trust(service)))
        iam.create_instance_profile(InstanceProfileName=name)
        iam.add_role_to_instance_profile(InstanceProfileName=name, RoleName=name)
        wanted = {"instance_profile": name, "aws_policies": ["AmazonSSMManagedInstanceCore"], "extend": True}
        run = service_role(region="cn-north-1", **wanted).ok(changed=True)
        assert run.writes == ["AttachRolePolicy cn-north-1"]
        assert iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"] == aws_trust(service)


def _text(account, role, policy):
    """The text of a policy, which boto3 would decode."""
    found = []
    iam = account.iam
    iam.meta.events.register_first(
        "after-call.iam.GetRolePolicy", lambda parsed, **_more: found.append(parsed["PolicyDocument"])
    )
    iam.get_role_policy(RoleName=role, PolicyName=policy)
    return unquote(found[0])


def test_what_was_removed_comes_back_with_everything(account, service_role):
    service_role(**WANTED).ok()
    account.iam.update_role(RoleName="Nodes", MaxSessionDuration=7200)
    account.iam.tag_role(RoleName="Nodes", Tags=[{"Key": "more", "Value": "x"}])
    before = state(account)
    backup = {"backup_file": str(account.folder / "b.json")}
    run = service_role(**WANTED, state="absent", **backup).ok(changed=True)
    assert state(account) == {}
    assert run.result["removed_role"]["inline_policies"] == {"more": DOCUMENT}
    assert service_role(**WANTED, state="absent").ok(changed=False).writes == []
    service_role(state="restored", **backup).ok(changed=True)
    assert state(account) == before


def test_what_is_in_use_or_changed_is_kept_and_named(account, service_role):
    service_role(**WANTED).ok()
    before = state(account)
    ec2 = account.client("ec2", "eu-west-1")
    profile = {"Name": "Nodes"}
    instance = ec2.run_instances(ImageId="ami-12345678", MinCount=1, MaxCount=1, IamInstanceProfile=profile)
    instance = instance["Instances"][0]["InstanceId"]
    run = service_role(**WANTED, state="absent").failed("2 of 2 could not be removed", f"eu-west-1/{instance}", "InUse")
    assert (run.writes, state(account)) == ([], before)
    for row in ec2.describe_iam_instance_profile_associations()["IamInstanceProfileAssociations"]:
        ec2.disassociate_iam_instance_profile(AssociationId=row["AssociationId"])
    account.faults({"service": "ec2", "region": "eu-west-2", "operation": "DescribeInstances", "down": True})
    run = service_role(**WANTED, state="absent", aws_config={"retries": {"max_attempts": 0}})
    run.failed("in eu-west-2, which could not be read")
    assert (run.writes, state(account)) == ([], before)
    account.faults()
    account.iam.attach_role_policy(RoleName="Nodes", PolicyArn="arn:aws:iam::aws:policy/ReadOnlyAccess")
    run = service_role(**WANTED, state="absent").failed("1 of 2", "IAM role Nodes: ChangedSince", "ReadOnlyAccess")
    assert [path for path in state(account) if "Nodes" in path] == ["/app/ec2/Nodes"]
    service_role(**WANTED, state="absent", overwrite=True).ok(changed=True)
    assert state(account) == {}


def test_a_role_that_dhmc_uses_keeps_what_it_allows(account, service_role, aws_trust):
    account.add_role("Both", aws_trust("ec2.amazonaws.com", "ssm.amazonaws.com"))
    wanted = {"name": "Both", "aws_policies": ["AmazonSSMManagedInstanceCore"], "extend": True, "required_action": PING}
    backup = service_role(**wanted, managed_policies=[LOGS]).ok(changed=True).result["backup"]
    account.put("Both", "eu-west-1")
    for overwrite in (False, True):
        run = service_role(state="restored", backup=backup, overwrite=overwrite)
        run.failed("AmazonSSMManagedInstanceCore: InUse: the role is the role that Default Host", "eu-west-1")
        assert account.roles()["/Both"]["managed"] == ["AmazonSSMManagedInstanceCore"]
    account.client("ssm", "eu-west-1").reset_service_setting(
        SettingId="/ssm/managed-instance/default-ec2-instance-management-role"
    )
    service_role(state="restored", backup=backup).ok(changed=True)
    assert account.roles()["/Both"]["managed"] == []


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"name": "theirs"}, ["name: the IAM role Theirs exists", "by case"]),
        ({"instance_profile": "WEB"}, ["instance_profile: the instance profile Web exists", "by case"]),
        (
            {"instance_profile": "other/Web", "name": ""},
            ["the instance profile Web is at the path /web/, not at /other/"],
        ),
        ({"name": "other/Theirs"}, ["name: the IAM role Theirs is at the path /web/, not at /other/"]),
        ({"name": "Nope", "create": False}, ["name: the IAM role Nope does not exist"]),
        ({"instance_profile": "Web"}, ["the instance profile Web holds the role Theirs, not New"]),
        ({"name": "Theirs", "required_action": PING}, ["does not fit", "set fix to true"]),
        (
            {"name": "Theirs", "extend": True, "inline_policies": {"logs": {**DOCUMENT, "Version": "2008-10-17"}}},
            ["has another inline policy 'logs'", "overwrite"],
        ),
        ({"managed_policies": ["service-role/Nope"]}, ["managed_policies: there is no managed policy"]),
        (
            {"permissions_boundary": "arn:aws:iam::123456789012:policy/x"},
            ["permissions_boundary:", "of account 123456789012"],
        ),
        ({"aws_policies": ["Nope"]}, ["aws_policies: there is no managed policy arn:aws:iam::aws:policy/Nope"]),
        ({"backup_file": "/nowhere/b.json"}, ["backup_file: /nowhere/b.json"]),
        ({"state": "restored", "backup": []}, ["state=restored needs backup"]),
        ({"timeout": 0}, ["timeout: 0 is not a number of seconds"]),
    ],
)
def test_wrong_input_is_refused_before_anything_is_made(account, service_role, theirs, options, words):
    wanted = {"name": "New", "aws_policies": ["AmazonSSMManagedInstanceCore"], **options}
    run = service_role(**wanted).failed(*words, "Nothing was changed.")
    assert (run.writes, state(account)) == ([], theirs)


def test_the_accounts_quotas_are_looked_at_first(account, service_role, theirs):
    account.control.set_quotas({"InstanceProfilesQuota": 1}, account.id)
    run = service_role(**WANTED).failed(
        "the account has 1 instance profiles, and its quota is 1", "Nothing was changed."
    )
    assert (run.writes, state(account)) == ([], theirs)


def test_a_run_that_failed_in_the_middle_goes_on_and_is_taken_back(account, service_role):
    backup = {"backup_file": str(account.folder / "b.json")}
    account.faults(
        {"service": "iam", "operation": "AttachRolePolicy", "error": {"code": "AccessDenied", "message": "no"}}
    )
    run = service_role(**WANTED, **backup).failed("create_role of Nodes: AccessDenied", "0 of 2 changes were made")
    assert [entry["kind"] for entry in run.result["backup"]] == ["role"]
    assert account.roles()["/app/ec2/Nodes"]["managed"] == []
    account.faults()
    service_role(**WANTED, **backup).ok(changed=True)
    assert len(account.roles()["/app/ec2/Nodes"]["managed"]) == 2
    service_role(state="restored", **backup).ok(changed=True)
    assert state(account) == {}


def test_a_role_that_iam_shows_late_is_waited_for(account, service_role):
    account.faults({"service": "iam", "propagation": 2})
    service_role(**WANTED).ok(changed=True)
    account.faults()
    assert len(account.roles()["/app/ec2/Nodes"]["managed"]) == 2


def test_what_an_instance_profile_was_extended_by_is_taken_off_again(account, theirs):
    variables = {"instance_profile_name": "Web", "instance_profile_backup_file": "b.json"}

    def role(**more):
        tasks = [{"ansible.builtin.include_role": {"name": "fleet.aws_ssm.instance_profile"}}]
        return account.play(tasks, keep=["instance_profile_result"], **{**variables, **more})

    assert role().ok().writes == ["AttachRolePolicy us-east-1"]
    assert role().ok().writes == []
    assert role(instance_profile_state="absent").ok().writes == ["DetachRolePolicy us-east-1"]
    assert state(account) == theirs
    run = role(instance_profile_state="restored", instance_profile_backup_file="missing.json")
    assert run.rc != 0
    assert run.writes == []
