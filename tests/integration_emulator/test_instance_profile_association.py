# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module instance_profile_association: the profiles of the instances by plain boto3, and which calls were made."""

from __future__ import annotations

import json
import time

import pytest
from closed_regions import closed
from interruptions import during, journal, kill_after_journal

NAME = "instance_profile_association"
MODULE = f"fleet.aws_ssm.{NAME}"
CORE = "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"
EU, US = "eu-west-1", "us-east-1"
ASSOCIATE, REPLACE = "AssociateIamInstanceProfile", "ReplaceIamInstanceProfileAssociation"
DISASSOCIATE = "DisassociateIamInstanceProfile"
GONE = "i-0123456789abcdef0"


class Fleet:
    """Instances of an account and their profiles, as plain boto3 makes and sees them."""

    def __init__(self, account):
        self.account, self.id = account, account.id

    def add_profile(self, name, role=None):
        self.account.iam.create_instance_profile(InstanceProfileName=name)
        if role:
            self.account.iam.add_role_to_instance_profile(InstanceProfileName=name, RoleName=role)

    def remove_profile(self, name, role):
        self.account.iam.remove_role_from_instance_profile(InstanceProfileName=name, RoleName=role)
        self.account.iam.delete_instance_profile(InstanceProfileName=name)

    def arn(self, name):
        return f"arn:aws:iam::{self.id}:instance-profile/{name}"

    def start(self, region, profile=None, *, count=1, stopped=False):
        ec2 = self.account.client("ec2", region)
        given = {"IamInstanceProfile": {"Name": profile}} if profile else {}
        made = ec2.run_instances(ImageId="ami-12345678", MinCount=count, MaxCount=count, **given)
        ids = [instance["InstanceId"] for instance in made["Instances"]]
        if stopped:
            ec2.stop_instances(InstanceIds=ids)
        return ids if count > 1 else ids[0]

    def rows(self, *regions):
        """The associations of the regions, by instance."""
        return {
            row["InstanceId"]: row
            for region in regions
            for row in self.account.client("ec2", region)
            .get_paginator("describe_iam_instance_profile_associations")
            .paginate()
            .search("IamInstanceProfileAssociations[]")
        }

    def profiles(self, *regions):
        """The profile that each association gives an instance; all are in effect."""
        rows = self.rows(*regions)
        assert {row["State"] for row in rows.values()} <= {"associated"}
        return {instance: row["IamInstanceProfile"]["Arn"].rpartition("/")[2] for instance, row in rows.items()}

    def run(self, *options, env=None, **params):
        return self.account.module(NAME, *options, env=env, **{"instance_profile": "New", **params})

    def restore(self, backup, *options, env=None, **params):
        source = {"backup": backup} if isinstance(backup, list) else {"backup_file": str(backup)}
        return self.account.module(NAME, *options, env=env, state="restored", **source, **params)


def by_id(run):
    return {row["instance_id"]: row for row in run.result["instances"]}


@pytest.fixture
def fleet(account, aws_trust):
    """The profiles New and Old, with the roles NewRole and OldRole."""
    made = Fleet(account)
    for name in ("New", "Old"):
        account.add_role(f"{name}Role", aws_trust("ec2.amazonaws.com"), "ReadOnlyAccess")
        made.add_profile(name, f"{name}Role")
    return made


def test_instances_without_a_profile_get_it_in_every_region_and_all_others_keep_theirs(fleet):
    bare, stopped, old = fleet.start(EU), fleet.start(EU, stopped=True), fleet.start(EU, "Old")
    ended, abroad = fleet.start(EU), fleet.start(US)
    fleet.account.client("ec2", EU).terminate_instances(InstanceIds=[ended])
    # Strings, as AWX hands them over.
    given = {"instance_ids": f"{bare}, {stopped},{old} {ended}, {abroad}", "regions": f"{EU}, {US}", "wait": "true"}
    run = fleet.run("--check", "--diff", **given).ok(changed=True)
    assert (run.writes, fleet.profiles(EU, US)) == ([], {old: "Old"})
    planned = by_id(run)

    run = fleet.run(**given).ok(changed=True)
    assert run.writes == [f"{ASSOCIATE} {EU}", f"{ASSOCIATE} {EU}", f"{ASSOCIATE} {US}"]
    assert fleet.profiles(EU, US) == {**dict.fromkeys((bare, stopped, abroad), "New"), old: "Old"}
    assert by_id(run) == planned
    rows = {key: (row["operation"], row["before"], row["after"], row["changed"]) for key, row in planned.items()}
    assert rows == {
        **dict.fromkeys((bare, stopped, abroad), ("associate", None, fleet.arn("New"), True)),
        old: ("keep", fleet.arn("Old"), fleet.arn("Old"), False),
        ended: ("skip", None, None, False),
    }
    assert planned[ended]["skipped"] is True
    assert "terminated" in planned[ended]["reason"]
    assert "Old" in planned[old]["reason"]
    assert not any(row["failed"] for row in planned.values())

    run = fleet.run(**given).ok(changed=False)
    assert (run.writes, run.result["backup"]) == ([], [])


def test_instances_that_begin_end_or_belong_to_a_service_are_skipped_and_the_result_says_why(fleet, rewriting):
    begins, ends, service, with_old, plain = (fleet.start(EU) for _number in range(5))
    changes = {begins: "pending", ends: "shutting-down", service: "eks.amazonaws.com", with_old: "eks.amazonaws.com"}
    fleet.account.client("ec2", EU).associate_iam_instance_profile(
        InstanceId=with_old, IamInstanceProfile={"Name": "Old"}
    )
    with rewriting(changes) as endpoint:
        run = fleet.run(
            env={"AWS_ENDPOINT_URL": endpoint},
            instance_ids=[*changes, plain],
            existing="replace",
            regions=[EU],
        ).ok(changed=True)
    assert run.writes == [f"{ASSOCIATE} {EU}"]
    assert fleet.profiles(EU) == {plain: "New", with_old: "Old"}
    found = {key: row["reason"] for key, row in by_id(run).items() if row["skipped"]}
    assert found == {
        begins: "is pending, neither running nor stopped",
        ends: "is shutting-down, neither running nor stopped",
        service: "operated by eks.amazonaws.com",
        with_old: "operated by eks.amazonaws.com",
    }
    # Asked for where botocore knows it, for an account's setting may hide such instances.
    ec2 = fleet.account.client("ec2", EU)
    known = ec2.meta.service_model.operation_model("DescribeInstances").input_shape.members
    asked = next(call["params"] for call in run.calls if call["operation"] == "DescribeInstances")
    assert ("IncludeManagedResources" in asked) is ("IncludeManagedResources" in known)


def test_a_stopped_instance_gets_its_old_profile_back_if_the_second_half_fails(fleet):
    stopped = fleet.start(EU, "Old", stopped=True)
    denied = {"code": "UnauthorizedOperation", "message": "not you", "status": 403}
    given = {"instance_ids": [stopped], "existing": "replace", "regions": [EU]}
    fleet.account.faults({"service": "ec2", "operation": ASSOCIATE, "error": denied, "times": 1})
    run = fleet.run(**given).failed(stopped, EU, "UnauthorizedOperation", "not you")
    assert run.writes == [f"{ASSOCIATE} {EU}", f"{ASSOCIATE} {EU}", f"{DISASSOCIATE} {EU}"]
    assert fleet.profiles(EU) == {stopped: "Old"}
    row = by_id(run)[stopped]
    assert (row["failed"], row["changed"], row["before"], row["after"]) == (True, False, *[fleet.arn("Old")] * 2)
    assert run.result["backup"] == []

    fleet.account.faults({"service": "ec2", "operation": ASSOCIATE, "error": denied})
    run = fleet.run(**given).failed(stopped, "Old", "has no profile now")
    assert fleet.profiles(EU) == {}
    row = by_id(run)[stopped]
    assert (row["after"], row["changed"]) == (None, True)
    assert [(entry["resource"], entry["before"]) for entry in run.result["backup"]] == [(stopped, fleet.arn("Old"))]
    fleet.account.faults()
    fleet.restore(run.result["backup"]).ok(changed=True)
    assert fleet.profiles(EU) == {stopped: "Old"}


def test_a_backup_restores_exactly_what_was_and_names_what_someone_else_changed_since(fleet):
    fleet.add_profile("Third", "OldRole")
    bare, running, stopped = fleet.start(EU), fleet.start(EU, "Old"), fleet.start(US, "Old", stopped=True)
    changed, ended = fleet.start(EU, "Old"), fleet.start(EU)
    before = fleet.profiles(EU, US)
    done = fleet.run(all_instances=True, existing="replace", regions=[EU, US]).ok(changed=True)
    assert done.writes == sorted(
        [*[f"{ASSOCIATE} {EU}"] * 2, *[f"{REPLACE} {EU}"] * 2, f"{DISASSOCIATE} {US}", f"{ASSOCIATE} {US}"]
    )
    assert fleet.profiles(EU, US) == dict.fromkeys((bare, running, stopped, changed, ended), "New")
    ec2 = fleet.account.client("ec2", EU)
    ec2.replace_iam_instance_profile_association(
        AssociationId=fleet.rows(EU)[changed]["AssociationId"], IamInstanceProfile={"Name": "Third"}
    )
    ec2.terminate_instances(InstanceIds=[ended])
    backup = done.result["backup"]
    # The empty answer of a survey, twice; and what replaced other profiles does not replace this one.
    given = {"regions": "", "existing": "replace"}
    planned = fleet.restore(backup, "--check", **given).failed("2 of 5 could not be restored", changed, ended)
    run = fleet.restore(backup, **given).failed(
        "2 of 5 could not be restored",
        f"{changed} ({EU}): ChangedSince: ",
        "has the profile Third",
        f"{ended} ({EU}): Gone",
    )
    assert (planned.writes, planned.result["instances"]) == ([], run.result["instances"])
    assert fleet.profiles(EU, US) == {**before, changed: "Third"}
    assert {row["instance_id"] for row in run.result["instances"] if row["failed"]} == {changed, ended}

    again = fleet.restore(backup).failed("2 of 5 could not be restored")
    assert (again.writes, again.result["changed"]) == ([], False)
    run = fleet.restore(backup, overwrite=True).ok(changed=True)
    assert (run.writes, fleet.profiles(EU, US)) == ([f"{REPLACE} {EU}"], before)
    assert by_id(run)[ended]["skipped"] is True
    again = fleet.restore(backup, overwrite=True).ok(changed=False)
    assert (again.writes, again.result["backup"]) == ([], [])


def test_the_journal_leads_back_to_what_was_at_first_also_after_a_kill(fleet):
    fleet.add_profile("Third", "OldRole")
    bare, old = fleet.start(EU), fleet.start(EU, "Old")
    before = fleet.profiles(EU)
    path = fleet.account.folder / "before.json"
    given = {"all_instances": True, "existing": "replace", "regions": [EU]}
    fleet.account.faults(*[{"service": "ec2", "operation": name, "hang": 60} for name in (ASSOCIATE, REPLACE)])
    kill_after_journal(fleet.account, NAME, path, instance_profile="New", **given)
    fleet.account.faults()
    assert fleet.profiles(EU) == before
    first = journal(path)
    assert {(e["resource"], e["before"], e["after"]) for e in first} == {
        (bare, None, fleet.arn("New")),
        (old, fleet.arn("Old"), fleet.arn("New")),
    }
    assert path.stat().st_mode & 0o777 == 0o600

    check = fleet.run("--check", **given, backup_file=str(path)).ok(changed=True)
    assert (check.writes, journal(path)) == ([], first)
    fleet.run(**given, backup_file=str(path)).ok(changed=True)
    assert (fleet.profiles(EU), journal(path)) == ({bare: "New", old: "New"}, first)
    fleet.run(**{**given, "instance_profile": "Third"}, backup_file=str(path)).ok(changed=True)
    assert fleet.profiles(EU) == {bare: "Third", old: "Third"}
    fleet.restore(path).ok(changed=True)
    assert fleet.profiles(EU) == before
    assert fleet.restore(path).ok(changed=False).writes == []


def test_a_file_that_cannot_be_written_keeps_everything_from_being_changed(fleet):
    fleet.start(EU)
    other = fleet.account.folder / "package.json"
    other.write_text('{"name": "x"}', encoding="utf-8")
    run = fleet.run(all_instances=True, regions=[EU], backup_file=str(other))
    run.failed("backup_file", "package.json", "is not a backup of fleet.aws_ssm", "Nothing was changed.")
    assert (run.writes, fleet.profiles(EU), other.read_text(encoding="utf-8")) == ([], {}, '{"name": "x"}')


def test_of_two_regions_one_that_hangs_is_named_and_the_other_is_done_and_restored(fleet):
    here, there = fleet.start(EU), fleet.start(US)
    path = fleet.account.folder / "before.json"
    hang = {"service": "ec2", "region": US, "hang": 60}
    fleet.account.faults(hang)
    run = fleet.run(all_instances=True, regions=[EU, US], backup_file=str(path), timeout=10)
    run.failed("0 of 1 instance and 1 region failed", US, "DeadlineExceeded")
    fleet.account.faults()
    assert fleet.profiles(EU, US) == {here: "New"}
    assert [entry["resource"] for entry in journal(path)] == [here]
    fleet.run(all_instances=True, regions=[EU, US], backup_file=str(path)).ok(changed=True)

    fleet.account.faults(hang)
    run = fleet.restore(path, timeout=10).failed("1 of 2 could not be restored", there, "DeadlineExceeded")
    fleet.account.faults()
    assert fleet.profiles(EU, US) == {there: "New"}
    assert [row["region"] for row in run.result["failed_regions"]] == [US]
    fleet.restore(path).ok(changed=True)
    assert fleet.profiles(EU, US) == {}


def test_with_all_regions_those_that_the_organization_closes_are_left_out_and_no_failure(fleet):
    here = fleet.start(EU)
    fleet.account.faults(*closed("eu-west-3"))
    run = fleet.run(all_instances=True, regions="all").ok(changed=True)
    assert (run.result["forbidden_regions"], run.result["failed_regions"]) == (["eu-west-3"], [])
    assert fleet.profiles(EU) == {here: "New"}
    fleet.run(all_instances=True, regions=[EU, "eu-west-3"]).failed("1 region", "eu-west-3", "service control policy")


def test_what_someone_else_changes_while_the_module_waits_is_left_alone(fleet):
    fleet.add_profile("Third", "OldRole")
    bare, old, plain = fleet.start(EU), fleet.start(EU, "Old"), fleet.start(EU)
    path = str(fleet.account.folder / "before.json")
    fleet.account.faults({"service": "ec2", "region": US, "operation": "DescribeInstances", "latency": 8000})

    def meanwhile():
        ec2 = fleet.account.client("ec2", EU)
        third = {"Name": "Third"}
        ec2.associate_iam_instance_profile(InstanceId=bare, IamInstanceProfile=third)
        association = fleet.rows(EU)[old]["AssociationId"]
        ec2.replace_iam_instance_profile_association(AssociationId=association, IamInstanceProfile=third)

    given = {"all_instances": True, "existing": "replace", "regions": [EU, US], "backup_file": path}
    run = during(fleet.account, lambda: fleet.run(**given), meanwhile, after=f"DescribeInstances {EU}")
    run.failed("2 of 3 instances", f"{bare} ({EU}): ChangedMeanwhile", f"{old} ({EU}): ChangedMeanwhile", "Third")
    fleet.account.faults()
    assert fleet.profiles(EU) == {bare: "Third", old: "Third", plain: "New"}
    assert [entry["resource"] for entry in run.result["backup"]] == [plain]
    # What was planned is in the file, and what is someone else's now is named, not changed.
    fleet.restore(path).failed("2 of 3 could not be restored", bare, old, "ChangedSince")
    assert fleet.profiles(EU) == {bare: "Third", old: "Third"}


def test_a_profile_of_the_backup_that_is_gone_fails_only_where_it_is_to_be_given_back(fleet):
    bare, old = fleet.start(EU), fleet.start(EU, "Old")
    done = fleet.run(all_instances=True, existing="replace", regions=[EU]).ok(changed=True)
    fleet.remove_profile("Old", "OldRole")
    run = fleet.restore(done.result["backup"], overwrite=True)
    run.failed("1 of 2 could not be restored", f"{old} ({EU}): NoSuchProfile", fleet.arn("Old"), "no longer exists")
    assert fleet.profiles(EU) == {old: "New"}
    fleet.add_profile("Old", "OldRole")
    fleet.restore(done.result["backup"]).ok(changed=True)
    assert (fleet.profiles(EU), bare in fleet.profiles(EU)) == ({old: "Old"}, False)


def test_an_association_that_someone_else_has_taken_off_needs_no_restore(fleet):
    bare = fleet.start(EU)
    done = fleet.run(all_instances=True, regions=[EU]).ok(changed=True)
    ec2 = fleet.account.client("ec2", EU)
    ec2.disassociate_iam_instance_profile(AssociationId=fleet.rows(EU)[bare]["AssociationId"])
    assert fleet.restore(done.result["backup"]).ok(changed=False).writes == []


def test_iam_and_sts_are_asked_in_the_partition_of_the_regions(fleet, aws_trust):
    env = {"AWS_DEFAULT_REGION": None, "AWS_REGION": None}
    iam, ec2 = fleet.account.client("iam", "cn-north-1"), fleet.account.client("ec2", "cn-north-1")
    iam.create_role(RoleName="ChinaRole", AssumeRolePolicyDocument=json.dumps(aws_trust("ec2.amazonaws.com")))
    arn = iam.create_instance_profile(InstanceProfileName="China")["InstanceProfile"]["Arn"]
    iam.add_role_to_instance_profile(InstanceProfileName="China", RoleName="ChinaRole")
    made = ec2.run_instances(ImageId="ami-12345678", MinCount=1, MaxCount=1)["Instances"][0]["InstanceId"]
    given = {"instance_profile": "China", "all_instances": True, "regions": ["cn-north-1"]}
    run = fleet.run(env=env, **given).ok(changed=True)
    assert {call["region"] for call in run.calls} == {"cn-north-1"}
    assert [(e["partition"], e["resource"], e["after"]) for e in run.result["backup"]] == [("aws-cn", made, arn)]
    undone = fleet.restore(run.result["backup"], env=env).ok(changed=True)
    assert {call["region"] for call in undone.calls} == {"cn-north-1"}


def test_absent_takes_off_this_profile_and_no_other_even_if_it_was_deleted_since(fleet):
    here, there, old = fleet.start(EU, "New"), fleet.start(US, "New", stopped=True), fleet.start(EU, "Old")
    fleet.remove_profile("New", "NewRole")
    run = fleet.run(state="absent", all_instances=True, regions=[EU, US]).ok(changed=True)
    assert run.writes == [f"{DISASSOCIATE} {EU}", f"{DISASSOCIATE} {US}"]
    assert fleet.profiles(EU, US) == {old: "Old"}
    assert {entry["resource"] for entry in run.result["backup"]} == {here, there}
    assert fleet.run(state="absent", all_instances=True, regions=[EU, US]).ok(changed=False).writes == []


def test_extend_changes_a_role_that_profiles_share_once_and_a_profile_without_a_role_fails_alone(fleet):
    fleet.add_profile("Twin", "OldRole")
    first, second, twin, hollow = (fleet.start(EU, name) for name in ("Old", "Old", "Twin", "New"))
    fleet.account.iam.remove_role_from_instance_profile(InstanceProfileName="New", RoleName="NewRole")
    fleet.add_profile("Third", "NewRole")
    before = fleet.profiles(EU)
    run = fleet.run(instance_profile="Third", all_instances=True, existing="extend", regions=[EU])
    run.failed("1 of 4 instances", hollow, "no role")
    assert run.writes == ["AttachRolePolicy us-east-1"]
    assert fleet.profiles(EU) == before
    roles = {name: role["managed"] for name, role in fleet.account.roles().items()}
    wanted = ["AmazonSSMManagedInstanceCore", "ReadOnlyAccess"]
    assert roles == {"/OldRole": wanted, "/NewRole": ["ReadOnlyAccess"]}
    assert {key for key, row in by_id(run).items() if row["changed"]} == {first, second, twin}
    assert {entry["instance_profile"]: entry["attached"] for entry in run.result["extended"]} == {
        fleet.arn("Old"): [CORE],
        fleet.arn("Twin"): [CORE],
    }


def test_what_extend_attached_is_detached_again_and_nothing_else(fleet):
    fleet.add_profile("Twin", "OldRole")
    instances = [fleet.start(EU, name) for name in ("Old", "Twin", "New")]
    fleet.account.iam.attach_role_policy(RoleName="NewRole", PolicyArn=CORE)
    fleet.add_profile("Third", "NewRole")
    before = fleet.account.roles()
    path = fleet.account.folder / "before.json"
    given = {"instance_profile": "Third", "all_instances": True, "existing": "extend", "regions": [EU]}
    check = fleet.run("--check", **given, backup_file=str(path)).ok(changed=True)
    assert (check.writes, path.exists()) == ([], False)
    done = fleet.run(**given, backup_file=str(path)).ok(changed=True)
    assert done.writes == ["AttachRolePolicy us-east-1"]
    assert done.result["backup"] == check.result["backup"]
    kept = [(e["kind"], e["region"], e["resource"], e["before"], e["after"]) for e in journal(path)]
    assert kept == [("role_policy_attachment", None, f"OldRole/{CORE}", False, True)]
    assert {row["instance_id"] for row in done.result["instances"] if row["changed"]} == set(instances[:2])

    check = fleet.restore(path, "--check").ok(changed=True)
    assert check.writes == []
    run = fleet.restore(path).ok(changed=True)
    assert (run.writes, fleet.account.roles()) == (["DetachRolePolicy us-east-1"], before)
    assert run.result["role_policies"] == check.result["role_policies"]
    assert fleet.restore(path).ok(changed=False).writes == []
    # Someone else may have done it.
    fleet.run(**given, backup_file=str(path)).ok(changed=True)
    fleet.account.faults({"service": "iam", "operation": "ListAttachedRolePolicies", "latency": 3000})
    detach = {"RoleName": "OldRole", "PolicyArn": CORE}
    during(
        fleet.account,
        lambda: fleet.restore(path).ok(),
        lambda: fleet.account.iam.detach_role_policy(**detach),
        after="ListAttachedRolePolicies us-east-1",
    )
    assert fleet.account.roles() == before


@pytest.mark.parametrize("region", [EU, "ap-south-1"])
def test_what_extend_attached_stays_on_a_role_that_dhmc_uses_in_any_region_and_needs_it(fleet, aws_trust, region):
    fleet.start(EU, "Old")
    plain = fleet.start(EU)
    given = {"all_instances": True, "existing": "extend", "regions": [EU]}
    policies = ["AmazonSSMManagedInstanceCore", "CloudWatchAgentServerPolicy"]
    done = fleet.run(**given, policies=policies).ok(changed=True)
    document = aws_trust("ec2.amazonaws.com", "ssm.amazonaws.com")
    fleet.account.iam.update_assume_role_policy(RoleName="OldRole", PolicyDocument=json.dumps(document))
    fleet.account.put("OldRole", region)
    run = fleet.restore(done.result["backup"], overwrite=True)
    run.failed("1 of 3 could not be restored", "OldRole", "Default Host Management Configuration uses", region)
    managed = fleet.account.roles()["/OldRole"]["managed"]
    assert managed == ["AmazonSSMManagedInstanceCore", "ReadOnlyAccess"]
    assert plain not in fleet.profiles(EU)
    assert {row["error"]["code"] for row in run.result["role_policies"] if row["failed"]} == {"InUse"}
    # With another policy that allows the same, it can go.
    fleet.account.iam.attach_role_policy(
        RoleName="OldRole", PolicyArn="arn:aws:iam::aws:policy/AmazonSSMManagedEC2InstanceDefaultPolicy"
    )
    fleet.restore(done.result["backup"]).ok(changed=True)
    assert "AmazonSSMManagedInstanceCore" not in fleet.account.roles()["/OldRole"]["managed"]


def test_extend_gives_a_role_that_dhmc_uses_no_policy_that_denies_what_it_needs(fleet, aws_trust):
    fleet.start(EU, "Old")
    plain = fleet.start(EU)
    iam = fleet.account.iam
    document = aws_trust("ec2.amazonaws.com", "ssm.amazonaws.com")
    iam.update_assume_role_policy(RoleName="OldRole", PolicyDocument=json.dumps(document))
    core = "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"
    iam.attach_role_policy(RoleName="OldRole", PolicyArn=core)
    statement = {"Effect": "Deny", "Action": "ssm:UpdateInstanceInformation", "Resource": "*"}
    locked = {"Version": "2012-10-17", "Statement": [statement]}
    iam.create_policy(PolicyName="Locked", PolicyDocument=json.dumps(locked))
    fleet.account.put("OldRole", US)
    before = fleet.account.roles()
    run = fleet.run(all_instances=True, existing="extend", regions=[EU], policies=["Locked"])
    run.failed("InUse: the role OldRole is the role that Default Host Management Configuration uses in us-east-1")
    assert fleet.account.roles() == before
    # The instance that has no profile gets one all the same.
    assert plain in fleet.profiles(EU)


def test_a_profile_that_was_deleted_and_made_again_is_associated_again(fleet):
    running, stopped = fleet.start(EU, "New"), fleet.start(EU, "New", stopped=True)
    fleet.remove_profile("New", "NewRole")
    fleet.add_profile("New", "NewRole")
    wanted = fleet.account.iam.get_instance_profile(InstanceProfileName="New")["InstanceProfile"]["InstanceProfileId"]
    run = fleet.run(all_instances=True, regions=[EU]).ok(changed=True)
    assert run.writes == sorted([f"{REPLACE} {EU}", f"{DISASSOCIATE} {EU}", f"{ASSOCIATE} {EU}"])
    assert {key: row["IamInstanceProfile"]["Id"] for key, row in fleet.rows(EU).items()} == dict.fromkeys(
        (running, stopped), wanted
    )
    assert "made again" in by_id(run)[running]["reason"]
    assert fleet.run(all_instances=True, regions=[EU]).ok(changed=False).writes == []


def test_the_delay_of_a_new_profile_is_waited_for_and_costs_few_calls(fleet):
    instances = fleet.start(EU, count=30)
    fleet.add_profile("Fresh", "NewRole")
    # What EC2 answers for a profile that it can't see yet, and for one that does not exist alike.
    text = "Value (x) for parameter iamInstanceProfile.arn is invalid. Invalid IAM Instance Profile ARN"
    unseen = {"code": "InvalidParameterValue", "message": text}
    fleet.account.faults({"service": "ec2", "operation": ASSOCIATE, "error": unseen, "times": 2})
    run = fleet.run(instance_profile="Fresh", all_instances=True, regions=[EU]).ok(changed=True)
    assert fleet.profiles(EU) == dict.fromkeys(instances, "Fresh")
    # One instance finds it out for all of them: no token of the bucket is wasted.
    calls = [call for call in run.calls if call["operation"] == ASSOCIATE]
    assert len(calls) == 32
    assert [bool(call["error"]) for call in calls[:3]] == [True, True, False]
    assert len({call["params"]["InstanceId"] for call in calls[:3]}) == 1


def test_130_instances_of_one_region_pass_the_buckets_of_ec2_without_an_error(fleet):
    instances = fleet.start(EU, count=130)
    fleet.account.faults({"service": "ec2", "throttle": "aws"})
    began = time.monotonic()
    run = fleet.run(all_instances=True, regions=[EU, US]).ok(changed=True)
    took = time.monotonic() - began
    fleet.account.faults()
    assert fleet.profiles(EU) == dict.fromkeys(instances, "New")
    assert not any(row["failed"] for row in by_id(run).values())
    # 100 at once, then 5 a second.
    assert 5.5 < took < 60
    assert len([call for call in run.calls if call["error"]]) < 10


def test_a_region_that_is_down_does_not_hold_up_the_others(fleet):
    here, there = fleet.start(EU), fleet.start(US)
    fleet.account.faults({"service": "ec2", "region": US, "operation": ASSOCIATE, "down": True})
    run = fleet.run(all_instances=True, regions=[EU, US], timeout=12).failed("1 of 2 instances", there, US)
    assert run.rc == 2
    assert fleet.profiles(EU) == {here: "New"}
    rows = by_id(run)
    assert (rows[here]["changed"], rows[there]["changed"], rows[there]["failed"]) == (True, False, True)
    # Of the other one there was no answer that tells.
    assert {entry["resource"] for entry in run.result["backup"]} == {here, there}


ENTRY = {
    "module": NAME,
    "kind": NAME,
    "account": "999999999999",
    "partition": "aws",
    "region": EU,
    "resource": GONE,
    "before": None,
    "after": "arn:aws:iam::999999999999:instance-profile/New",
}
CASES = {
    "unknown profile": ({"instance_profile": "Missing"}, ["instance_profile", "Missing", "Create it"]),
    "profile without a role": ({"instance_profile": "Empty"}, ["instance_profile", "Empty", "no role", "Add one"]),
    "profile of another account": (
        {"instance_profile": "arn:aws:iam::999999999999:instance-profile/New"},
        ["instance_profile", "999999999999"],
    ),
    "no profile": ({"instance_profile": ""}, ["instance_profile"]),
    "unknown instance": ({"instance_ids": [GONE]}, ["instance_ids", GONE, EU, "correct the id"]),
    "malformed instance": ({"instance_ids": ["web-1", GONE]}, ["instance_ids", "web-1", "i-"]),
    "odd characters": ({"instance_ids": ["i-../x"]}, ["instance_ids", "i-../x"]),
    "no instances": ({"instance_ids": []}, ["instance_ids", "empty list"]),
    "no selection": ({"all_instances": False}, ["instance_ids", "filters", "all_instances"]),
    "unknown region": ({"regions": ["eu-wset-1"]}, ["regions", "'eu-wset-1'", "eu-west-1"]),
    "region that is off": ({"regions": [EU, "af-south-1"]}, ["regions", "af-south-1", "not enabled"]),
    "unknown policy": ({"existing": "extend", "policies": ["NoSuch"]}, ["policies", "'NoSuch'"]),
    "no backup": ({"state": "restored", "regions": None}, ["state=restored needs backup", "backup_file"]),
    "empty backup": ({"state": "restored", "backup": [], "regions": None}, ["state=restored needs backup"]),
    "backup and regions": ({"state": "restored", "backup": [ENTRY]}, ["regions: eu-west-1", "the backup names its"]),
    "backup of another account": (
        {"state": "restored", "backup": [ENTRY], "regions": None},
        ["backup", "999999999999", "nothing"],
    ),
    "backup that is not for it": ({"backup": [ENTRY]}, ["backup is for state=restored only"]),
    "file that is not there": (
        {"state": "restored", "backup_file": "/no/such/before.json", "regions": None},
        ["backup_file: /no/such/before.json", "does not exist"],
    ),
    "timeout": ({"timeout": 0}, ["timeout: 0"]),
}


def test_bad_input_is_refused_in_one_line_before_anything_is_written(fleet):
    fleet.add_profile("Empty")
    fleet.start(EU)
    fleet.start(EU, "Old")
    elsewhere = fleet.start(US)
    cases = {**CASES, "instance of a region that is not listed": ({"instance_ids": [elsewhere]}, [elsewhere, EU])}
    names = [f"case_{number}" for number in range(len(cases))]
    tasks = []
    for register, (name, (params, _words)) in zip(names, cases.items(), strict=True):
        selection = {} if "instance_ids" in params or "all_instances" in params else {"all_instances": True}
        given = {"instance_profile": "New", "regions": [EU], **selection, **params}
        given = {key: value for key, value in given.items() if value is not None}
        tasks.append({"name": name, MODULE: given, "register": register, "ignore_errors": True})
    run = fleet.account.play(tasks, keep=names).ok()
    results = dict(zip(cases, run.result.values(), strict=True))
    assert run.writes == []
    assert [name for name, result in results.items() if not result.get("failed")] == []
    wrong = {
        name: results[name]["msg"]
        for name, (_params, words) in cases.items()
        if "\n" in results[name]["msg"] or [word for word in words if word not in results[name]["msg"]]
    }
    assert wrong == {}
    assert "Traceback" not in run.text
    assert json.dumps(list(fleet.profiles(EU, US).values())) == '["Old"]'
