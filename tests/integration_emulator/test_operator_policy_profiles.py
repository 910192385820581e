# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operator's policies for instance profiles and S3 hold what the roles are seen to call, and nothing else."""

from __future__ import annotations

import json

from operator_needs import REGIONS, ROLE, STATEMENT, Needs, change_by_hand, denied, include, render, unused


def test_instance_profile(account):
    policies = render(account, "instance_profile")
    needs = Needs(account.id)
    variables = {"instance_profile_tags": {"team": "platform"}}

    present = include(account, "instance_profile", **variables).ok()
    change_by_hand(account, "SSMInstanceProfile")
    account.iam.untag_instance_profile(InstanceProfileName="SSMInstanceProfile", TagKeys=["team"])
    check = include(account, "instance_profile", "--check", **variables).ok()
    update = include(account, "instance_profile", **variables, instance_profile_backup_file="update.json").ok()
    # Tags, trust policy and description go back to what was changed by hand.
    back = {"instance_profile_state": "restored", "instance_profile_backup_file": "update.json"}
    back = include(account, "instance_profile", **back).ok()
    include(account, "instance_profile", **variables).ok()
    absent = {"instance_profile_state": "absent", "instance_profile_overwrite": True}
    gone = include(account, "instance_profile", **variables, **absent).ok()
    assert account.roles() == {}

    every = needs.of(present, check, update, back, gone)
    assert denied(policies["instance_profile"], every) == []
    assert unused(policies["instance_profile"], every) == []
    assert denied(policies["read_only"], needs.of(check)) == []


def add_profile(account, name, document, *policies):
    account.add_role(name, document, *policies)
    arn = account.iam.create_instance_profile(InstanceProfileName=name)["InstanceProfile"]["Arn"]
    account.iam.add_role_to_instance_profile(InstanceProfileName=name, RoleName=name)
    return {"Arn": arn}


def launch(account, profile=None):
    more = {"IamInstanceProfile": profile} if profile else {}
    ec2 = account.client("ec2", "eu-west-1")
    return ec2.run_instances(ImageId="ami-12345678", MinCount=1, MaxCount=1, **more)["Instances"][0]["InstanceId"]


def test_profile_association(account, aws_trust, tmp_path):
    policies = render(account, "profile_association", "profile_association_extend", other_roles=["Theirs"])
    document = aws_trust("ec2.amazonaws.com")
    add_profile(account, "SSMInstanceProfile", document, "AmazonSSMManagedInstanceCore")
    theirs = add_profile(account, "Theirs", document)
    account.iam.put_role_policy(
        RoleName="Theirs",
        PolicyName="theirs",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [STATEMENT]}),
    )
    launch(account)
    launch(account, theirs)
    needs = Needs(account.id)

    def run(*options, **more):
        variables = {f"profile_association_{name}": value for name, value in more.items()}
        return include(
            account, "profile_association", *options, **{"profile_association_regions": REGIONS, **variables}
        ).ok()

    backup = str(tmp_path / "backup.json")
    plain = [
        run("--check", existing="replace"),
        run(existing="replace", backup_file=backup),
        run(state="absent", backup_file=backup),
    ]
    more = str(tmp_path / "extended.json")
    extend = [run("--check", existing="extend"), run(existing="extend", backup_file=more)]
    # A role that DHMC uses is judged by all that hangs on it.
    account.put("Theirs", "us-east-1")
    held = include(
        account, "profile_association", profile_association_state="restored", profile_association_backup_file=more
    )
    held.failed()
    assert "InUse" in held.text
    setting = "/ssm/managed-instance/default-ec2-instance-management-role"
    account.client("ssm", "us-east-1").reset_service_setting(SettingId=setting)
    extend += [held, run(state="restored", backup_file=more)]
    both = policies["profile_association"] + policies["profile_association_extend"]
    assert "DetachRolePolicy us-east-1" in extend[-1].writes
    assert denied(policies["profile_association"], needs.of(*plain)) == []
    assert denied(both, needs.of(*plain, *extend)) == []
    assert unused(policies["profile_association"], needs.of(*plain)) == []
    assert unused(policies["profile_association_extend"], needs.of(*extend)) == []
    reading = render(account, "profile_association", other_roles=["Theirs"])["read_only"]
    assert denied(reading, needs.of(plain[0], extend[0])) == []
    # Without other_roles, nothing of theirs can be given back.
    alone = render(account, "profile_association")["profile_association"]
    assert {need.resource.rpartition("/")[2] for need in denied(alone, needs.of(*plain))} == {"Theirs"}


def test_s3_policy(account, aws_trust, tmp_path):
    attach = ["dhmc_role", "instance-profile/SSMInstanceProfile"]
    policies = render(account, "s3_policy", s3_attach_to=attach)
    account.add_role(ROLE, aws_trust("ssm.amazonaws.com"), path="/service-role/")
    add_profile(account, "SSMInstanceProfile", aws_trust("ec2.amazonaws.com"))
    for role in (ROLE, "SSMInstanceProfile"):
        account.iam.put_role_policy(
            RoleName=role,
            PolicyName="theirs",
            PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [STATEMENT]}),
        )
    needs = Needs(account.id, {ROLE: f"service-role/{ROLE}"})
    variables = {"s3_policy_regions": REGIONS, "s3_policy_attach_to": attach}

    present = include(account, "s3_policy", **variables).ok()
    changed = {**variables, "s3_policy_buckets": ["ours"], "s3_policy_tags": {"team": "platform"}}
    changed["s3_policy_backup_file"] = str(tmp_path / "before.json")
    check = include(account, "s3_policy", "--check", **changed).ok()
    change = include(account, "s3_policy", **changed).ok()
    restored = include(account, "s3_policy", **changed, s3_policy_state="absent").ok()
    assert restored.writes != []
    gone_check = include(account, "s3_policy", "--check", **variables, s3_policy_state="absent").ok()
    gone = include(account, "s3_policy", **variables, s3_policy_state="absent").ok()
    assert account.iam.list_policies(Scope="Local")["Policies"] == []

    every = needs.of(present, check, change, restored, gone_check, gone)
    assert denied(policies["s3_policy"], every) == []
    assert unused(policies["s3_policy"], every) == []
    assert denied(policies["read_only"], needs.of(check, gone_check)) == []
