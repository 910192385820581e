# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operator's policies for the preflight hold what its role is seen to call, on what, and nothing else."""

from __future__ import annotations

import pytest
from iam_zoo import CORE, PING, Zoo, document, statement
from operator_needs import REGIONS, Need, Needs, denied, include, render, unused

FEATURES = ("preflight", "preflight_permissions", "preflight_metadata")
# Each loses the permission in a way of its own.
ROLES = ["Core", "InlineOnly", "InlineToo", "Only", "Own"]
WRITES = {
    "preflight_permissions": {
        "iam:AttachRolePolicy",
        "iam:CreatePolicyVersion",
        "iam:DeletePolicyVersion",
        "iam:DeleteRolePolicy",
        "iam:DetachRolePolicy",
        "iam:PutRolePolicy",
        "iam:SetDefaultPolicyVersion",
    },
    "preflight_metadata": {"ec2:ModifyInstanceMetadataDefaults", "ec2:ModifyInstanceMetadataOptions"},
}


@pytest.fixture
def zoo(account, aws_trust):
    return Zoo(account, aws_trust)


def preflight(account, *options, **more):
    variables = {f"preflight_{name}": value for name, value in {"regions": REGIONS, **more}.items()}
    return include(account, "preflight", *options, **variables)


def actions(needs):
    return {need.action for need in needs}


def turn_on(account, zoo, *regions):
    """Turn DHMC on, with a role that works."""
    zoo.role("Dhmc", "ssm.amazonaws.com", "arn:aws:iam::aws:policy/AmazonSSMManagedEC2InstanceDefaultPolicy")
    account.put("Dhmc", *regions)


def test_the_report_the_fixes_and_their_undoing(account, zoo, tmp_path):
    zoo.add("Core", CORE)
    zoo.add("InlineOnly", inline={"ping": document(statement(PING))})
    zoo.add("InlineToo", inline={"more": document(statement(PING, "s3:GetObject"))})
    zoo.add("Only", zoo.policy("Only", document(statement(PING))))
    zoo.add("Own", zoo.policy("Own", document(statement(PING, "s3:PutObject"))))
    zoo.add("Nothing", inline={"logs": document(statement("logs:PutLogEvents"))})
    for name in (*ROLES, "Nothing"):
        zoo.start("eu-west-1", name)
    # A region that is not named, and in which DHMC is on.
    zoo.start("ap-south-1", "Core")
    turn_on(account, zoo, "eu-west-1", "ap-south-1")
    before = zoo.state()
    policies = render(account, *FEATURES, other_roles=ROLES, editable_policies=["Own", "Only"])
    fixes = {"fix": "permissions,imdsv2,imds", "new_instances": True, "backup_file": str(tmp_path / "backup.json")}
    undo = {"state": "restored", "backup_file": str(tmp_path / "backup.json")}

    report = preflight(account).ok()
    # Few roles are read one by one, and many, too, where they can't be read at once.
    few = preflight(account, instance_profiles="Own,InlineToo").ok()
    account.faults(
        {"operation": "GetAccountAuthorizationDetails", "error": {"code": "AccessDenied", "message": "not you"}}
    )
    slow = preflight(account).ok()
    account.faults()
    check = preflight(account, "--check", **fixes).ok()
    fix = preflight(account, **fixes).ok()
    check_undo = preflight(account, "--check", **undo).ok()
    undone = preflight(account, **undo).ok()
    assert zoo.state() == before

    needs = Needs(account.id)
    reading = needs.of(report, few, slow, check, check_undo)
    every = reading | needs.of(fix, undone)
    assert denied(policies["preflight"], reading) == []
    assert unused(policies["preflight"], reading) == []
    assert denied(policies["read_only"], reading) == []
    together = [row for feature in FEATURES for row in policies[feature]]
    assert denied(together, every) == []
    assert unused(together, every) == []
    # Each of the two that write is enough for its part.
    for feature, other in (FEATURES[1:], FEATURES[:0:-1]):
        assert actions(denied(policies["preflight"] + policies[feature], every)) == WRITES[other]

    writes = denied(policies["preflight"], every)
    assert {need.resource for need in writes if need.action == "iam:CreatePolicyVersion"} == {
        f"arn:aws:iam::{account.id}:policy/Own"
    }
    # On another role or policy, in another region or account, nothing of it is allowed.
    changes = [
        (f":{account.id}:", ":999999999999:"),
        (":role/", ":role/Not"),
        (":policy/", ":policy/Not"),
        ("eu-west-1", "ap-south-1"),
    ]
    for old, new in changes:
        elsewhere = [Need(n.action, n.resource.replace(old, new), n.context) for n in writes if old in n.resource]
        assert elsewhere
        assert denied(together, elsewhere) == elsewhere
    defaults = Need("ec2:ModifyInstanceMetadataDefaults", "*", (("aws:RequestedRegion", "ap-south-1"),))
    assert denied(together, [defaults]) == [defaults]


def test_policies_that_are_not_named_can_be_neither_attached_nor_detached_nor_edited(account, zoo, tmp_path):
    zoo.add("Core", CORE)
    zoo.start("eu-west-1", "Core")
    turn_on(account, zoo, "eu-west-1")
    policies = render(account, *FEATURES, other_roles="Core", managed_policies="Own")
    both = policies["preflight"] + policies["preflight_permissions"]
    given = {"backup_file": str(tmp_path / "backup.json")}
    runs = [
        preflight(account, **given, fix="permissions", method="detach").ok(),
        preflight(account, **given, state="restored").ok(),
    ]
    every = Needs(account.id).of(*runs)
    assert actions(denied(policies["preflight"], every)) == {"iam:AttachRolePolicy", "iam:DetachRolePolicy"}
    assert denied(both, every) == []

    role, own = f"arn:aws:iam::{account.id}:role/Core", f"arn:aws:iam::{account.id}:policy/Own"
    more = [
        Need(f"iam:{action}RolePolicy", role, (("iam:PolicyARN", arn),))
        for action in ("Attach", "Detach")
        for arn in ("arn:aws:iam::aws:policy/AdministratorAccess", f"{own}2")
    ]
    more += [Need(action, own) for action in ("iam:CreatePolicyVersion", "iam:SetDefaultPolicyVersion")]
    more += [Need("iam:PassRole", role, (("iam:PassedToService", "ec2.amazonaws.com"),))]
    more += [Need("iam:UpdateAssumeRolePolicy", role)]
    assert denied(both, more) == more
