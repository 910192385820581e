# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The suite's own tools: a difference that they don't see would let every fault pass."""

from __future__ import annotations

import json
import subprocess
import sys
import time

import pytest
from fault_account import AWS, BATCH_TEXT, DE, DHMC, EU, US, build, document, trust
from fault_lab import new_account
from fault_runs import MARK, Outcome, Running
from fault_state import differences, online, snapshot

pytestmark = pytest.mark.short


@pytest.fixture
def session(emulator):
    account = new_account()
    made = emulator.session(account)
    build(made)
    yield made
    emulator.control.reset(account)


def test_every_change_shows(session):
    """One change of each kind, each seen, and in its own words only."""
    iam = session.client("iam")
    ec2 = session.client("ec2", region_name=US)
    account = session.client("sts").get_caller_identity()["Account"]
    store = f"arn:aws:iam::{account}:policy/team/StoreAgent"
    [row, *_] = ec2.describe_iam_instance_profile_associations()["IamInstanceProfileAssociations"]
    changes = {
        "role Batch: inline agent": lambda: iam.put_role_policy(
            RoleName="Batch", PolicyName="agent", PolicyDocument=json.dumps(json.loads(BATCH_TEXT))
        ),
        "role Web: attached": lambda: iam.detach_role_policy(
            RoleName="Web", PolicyArn=f"{AWS}CloudWatchAgentServerPolicy"
        ),
        "role Web: trust": lambda: iam.update_assume_role_policy(
            RoleName="Web", PolicyDocument=trust("lambda.amazonaws.com")
        ),
        "role Store: boundary": lambda: iam.delete_role_permissions_boundary(RoleName="Store"),
        "role Store: tags": lambda: iam.untag_role(RoleName="Store", TagKeys=["team"]),
        "policy arn:aws:iam::ACCOUNT:policy/team/StoreAgent: default": lambda: iam.set_default_policy_version(
            PolicyArn=store, VersionId="v1"
        ),
        "policy arn:aws:iam::ACCOUNT:policy/team/StoreAgent: v3": lambda: iam.create_policy_version(
            PolicyArn=store, PolicyDocument=document("s3:PutObject")
        ),
        "role Extra": lambda: iam.create_role(RoleName="Extra", AssumeRolePolicyDocument=trust("ec2.amazonaws.com")),
        "profile Extra": lambda: iam.create_instance_profile(InstanceProfileName="Extra"),
        f"setting {DE}: value": lambda: session.client("ssm", region_name=DE).reset_service_setting(SettingId=DHMC),
        f"metadata defaults {EU}: HttpTokens": lambda: session.client(
            "ec2", region_name=EU
        ).modify_instance_metadata_defaults(HttpTokens="required"),
        f"instance {US} ": lambda: ec2.disassociate_iam_instance_profile(AssociationId=row["AssociationId"]),
        f"instance {US} bare: metadata": lambda: ec2.modify_instance_metadata_options(
            InstanceId=ec2.describe_instances(Filters=[{"Name": "tag:Name", "Values": ["bare"]}])["Reservations"][0][
                "Instances"
            ][0]["InstanceId"],
            HttpTokens="optional",
        ),
    }
    before = snapshot(session)
    assert differences(before, snapshot(session)) == []
    for words, change in changes.items():
        change()
        now = snapshot(session)
        lines = differences(before, now)
        assert [line for line in lines if line.startswith(words)], (words, lines)
        before = now


def test_something_made_anew_is_another_thing(session):
    iam = session.client("iam")
    before = snapshot(session)
    iam.detach_role_policy(RoleName="Function", PolicyArn=json.loads(json.dumps(attached(iam, "Function"))))
    iam.delete_role(RoleName="Function")
    iam.create_role(RoleName="Function", AssumeRolePolicyDocument=trust("lambda.amazonaws.com"))
    account = session.client("sts").get_caller_identity()["Account"]
    iam.attach_role_policy(RoleName="Function", PolicyArn=f"arn:aws:iam::{account}:policy/OnlyAgent")
    now = snapshot(session)
    assert [line.partition(" ->")[0].partition(": '")[0] for line in differences(before, now)] == ["role Function: id"]
    assert differences(before, now, ids=False) == []


def attached(iam, role):
    return iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"][0]["PolicyArn"]


def test_who_is_online_at_first(session):
    assert sorted(online(session).values()) == ["Online"] * 5


def test_a_copy_is_the_same(lab, emulator, tmp_path):
    original = lab.original()
    account = lab.copy(original, tmp_path)
    copied = emulator.session(account)
    assert differences(original.state, snapshot(copied)) == []
    assert sorted(online(copied)) == original.online
    emulator.control.reset(account)


def test_the_message_of_a_run():
    lines = [f"fatal: [localhost]: FAILED! => {json.dumps({'changed': False, 'msg': text})}" for text in ("one", "two")]
    assert Outcome(2, "\n".join([*lines, "PLAY RECAP"]), []).message == "two"
    assert Outcome(2, "ERROR! no such playbook", []).message == ""


def test_a_process_that_has_gone_its_own_way_is_found_and_killed(tmp_path):
    """A module may have a session of its own, and its parent may be gone."""

    class Fork(Running):
        def __init__(self):
            self._mark, self._log, self._temporary = f"test-{time.monotonic_ns()}", tmp_path / "log", tmp_path / "gone"
            self._log.touch()
            code = "import os, time\nif os.fork() == 0:\n  os.setsid()\n  time.sleep(60)\n"
            self._process = subprocess.Popen([sys.executable, "-c", code], env={MARK: self._mark})

    fork = Fork()
    assert fork.wait() == 0
    assert len(fork.left_over(patience=0.5)) == 1
    fork.kill()
    assert fork.processes() == []
