# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The account changes between a run's look and its write: what others have done meanwhile is never lost."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import Any

import pytest
from fault_account import AWS, CORE, DHMC, EU, OLD_ROLE, PING, US, Builder, document, trust
from fault_case import UNDO
from fault_scenarios import ATTACH, ENABLE, RESTORE
from fault_state import snapshot

# Longer than what was read may be trusted without another look.
PAUSE = 6.5
DETAILS = "GetAccountAuthorizationDetails"


@dataclass(frozen=True)
class Meanwhile:
    """Somebody else's change of one thing, and the reads that see the thing."""

    name: str
    scenario: Any
    reads: tuple[str, ...]
    region: str
    thing: str
    change: Any
    holds: Any
    """Whether the change is still there, asked of a snapshot."""

    def looks(self, calls):
        """The reads of it before the first write, oldest first, each as the n-th of its kind."""
        seen: dict[str, int] = {}
        found = []
        for call in calls:
            if self.writes(call):
                break
            if call["operation"] in self.reads and (call["service"] == "iam" or call["region"] == self.region):
                seen[call["operation"]] = seen.get(call["operation"], 0) + 1
                found.append((call["operation"], seen[call["operation"]]))
        return found

    def writes(self, call):
        if not call["write"] or (call["service"] != "iam" and call["region"] != self.region):
            return False
        return self.thing in json.dumps([call["operation"], call["resource"], call["params"]])


def instance(session, region, name):
    found = session.client("ec2", region_name=region).describe_instances(
        Filters=[{"Name": "tag:Name", "Values": [name]}]
    )
    return found["Reservations"][0]["Instances"][0]["InstanceId"]


def theirs(session):
    session.client("ssm", region_name=EU).update_service_setting(SettingId=DHMC, SettingValue=f"team/{OLD_ROLE}")


def other_text(session):
    text = document(PING, "ec2:DescribeTags", "sqs:SendMessage")
    session.client("iam").put_role_policy(RoleName="Batch", PolicyName="agent", PolicyDocument=text)


def other_version(session):
    account = session.client("sts").get_caller_identity()["Account"]
    text = document(PING, "s3:GetObject", "sqs:SendMessage")
    session.client("iam").create_policy_version(
        PolicyArn=f"arn:aws:iam::{account}:policy/team/StoreAgent", PolicyDocument=text, SetAsDefault=True
    )


def more_hops(session):
    session.client("ec2", region_name=US).modify_instance_metadata_options(
        InstanceId=instance(session, US, "web"), HttpPutResponseHopLimit=3
    )


def their_profile(session):
    Builder(session).profile("Theirs", CORE)
    session.client("ec2", region_name=EU).associate_iam_instance_profile(
        InstanceId=instance(session, EU, "plain"), IamInstanceProfile={"Name": "Theirs"}
    )


def launched(session):
    Builder(session).instance(US, "new")


def their_trust(session):
    session.client("iam").update_assume_role_policy(RoleName="Web", PolicyDocument=trust("ec2.amazonaws.com"))
    session.client("iam").attach_role_policy(RoleName="Web", PolicyArn=f"{AWS}AmazonS3ReadOnlyAccess")


def default_text(policy):
    return policy[policy["default"]]


CASES = (
    Meanwhile(
        "setting", ENABLE, ("GetServiceSetting",), EU, DHMC, theirs,
        lambda state: state[f"setting {EU}"]["value"] == f"team/{OLD_ROLE}",
    ),
    Meanwhile(
        "inline policy", ENABLE, ("GetRolePolicy", DETAILS), "", "Batch", other_text,
        lambda state: "sqs:SendMessage" in state["role Batch"]["inline agent"],
    ),
    Meanwhile(
        "managed policy", ENABLE, ("GetPolicyVersion", "GetPolicy", "ListPolicyVersions", DETAILS), "", "StoreAgent",
        other_version,
        lambda state: "sqs:SendMessage" in default_text(state["policy arn:aws:iam::ACCOUNT:policy/team/StoreAgent"]),
    ),
    Meanwhile(
        "metadata options", ENABLE, ("DescribeInstances",), US, "ModifyInstanceMetadataOptions", more_hops,
        lambda state: state[f"instance {US} web"]["metadata HttpPutResponseHopLimit"] == 3,
    ),
    Meanwhile(
        "launch", ENABLE, ("DescribeInstances",), US, "ModifyInstanceMetadataOptions", launched,
        lambda state: state[f"instance {US} new"]["metadata HttpTokens"] == "optional",
    ),
    Meanwhile(
        "role", ENABLE, ("ListAttachedRolePolicies", DETAILS), "", "Web", their_trust,
        lambda state: f"{AWS}AmazonS3ReadOnlyAccess" in state["role Web"]["attached"],
    ),
    Meanwhile(
        "profile", ATTACH, ("DescribeIamInstanceProfileAssociations", "DescribeInstances"), EU, "IamInstanceProfile",
        their_profile,
        lambda state: str(state[f"instance {EU} plain"]["profile"]).endswith("/Theirs"),
    ),
    Meanwhile(
        "restored setting", RESTORE, ("GetServiceSetting",), EU, DHMC, theirs,
        lambda state: state[f"setting {EU}"]["value"] == f"team/{OLD_ROLE}",
    ),
    Meanwhile(
        "restored text", RESTORE, ("GetRolePolicy", DETAILS), "", "Batch", other_text,
        lambda state: "sqs:SendMessage" in state["role Batch"]["inline agent"],
    ),
)  # fmt: skip


def looks():
    """The last look of every case; of those that are looked at most also the one before."""
    for meanwhile in CASES:
        for last in (1, 2) if meanwhile.name in ("setting", "managed policy", "metadata options") else (1,):
            yield pytest.param(meanwhile, last, id=f"{meanwhile.name.replace(' ', '-')}-{last}")


@pytest.mark.parametrize(("meanwhile", "last"), list(looks()))
def test_changed_meanwhile(case, meanwhile, last):
    """The last look before the write, and the one before that, are old when they arrive."""
    one = case(meanwhile.scenario)
    looks = meanwhile.looks(one.undisturbed.calls)
    if last > len(looks):
        pytest.skip(f"it is looked at {len(looks)} times only")
    operation, nth = looks[-last]
    rule = {"operation": operation, "nth": nth, "when": "after", "seconds": 90}
    if meanwhile.region:
        rule["region"] = meanwhile.region
    one.watch()
    one.control.hold(rule, account=one.account)
    running = one.start()
    assert one.held(running) is not None
    meanwhile.change(one.session)
    time.sleep(PAUSE)
    one.control.release(one.account)
    outcome = one.outcome(running)
    one.control.clear_holds(one.account)
    one.check_way_in("changed meanwhile")
    if outcome.rc != 0 and not outcome.message:
        one.problem(f"failed without a message: {outcome.text[-800:]}")
    if one.scenario.undo:
        # The way back leads to what they have made of it, or leaves it alone and says so.
        undone = one.run(UNDO, one.scenario.undo)
        if undone.rc != 0 and not undone.message:
            one.problem(f"the undo failed without a message: {undone.text[-800:]}")
    if not meanwhile.holds(snapshot(one.session)):
        one.problem(f"somebody else's change ({meanwhile.name}) is lost; the run said: {outcome.message or 'nothing'}")
    assert one.problems == []
