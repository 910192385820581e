# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The IAM role that fleet.aws_ssm.dhmc makes, uses, extends and removes."""

from __future__ import annotations

import json

import pytest

NAME = "AWSSystemsManagerDefaultEC2InstanceManagementRole"
OURS = f"service-role/{NAME}"
POLICY = "AmazonSSMManagedEC2InstanceDefaultPolicy"
BOUNDARY = "arn:aws:iam::aws:policy/PowerUserAccess"
REGIONS = ["us-east-1", "eu-west-1"]
LOGS = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::logs/*"}],
}
SETTINGS_WRITTEN = ["UpdateServiceSetting eu-west-1", "UpdateServiceSetting us-east-1"]


def test_the_role_is_made_as_aws_documents_it_and_the_setting_names_it(account, aws_trust):
    variables = {"dhmc_regions": REGIONS, "dhmc_role_tags": {"team": "a"}}
    planned = account.dhmc_role("--check", "--diff", **variables, dhmc_backup_file="before.json").ok()
    assert planned.writes == []
    assert account.roles() == {}
    assert not (account.folder / "before.json").exists()

    run = account.dhmc_role(**variables).ok()
    assert account.values(*REGIONS, "eu-central-1") == {**dict.fromkeys(REGIONS, OURS), "eu-central-1": "$None"}
    assert account.roles() == {
        f"/{OURS}": {
            "trust": aws_trust("ssm.amazonaws.com"),
            "managed": [POLICY],
            "inline": {},
            "boundary": None,
            "tags": {"team": "a", "fleet.aws_ssm/made-by": "dhmc"},
        }
    }
    assert account.iam.list_instance_profiles()["InstanceProfiles"] == []
    for key in ("regions", "backup", "account"):
        assert planned.result["dhmc_result"][key] == run.result["dhmc_result"][key]
    # The role stands before the first region names it.
    writes = [call["operation"] for call in run.calls if call["write"]]
    assert writes.index("AttachRolePolicy") < writes.index("UpdateServiceSetting")

    assert account.dhmc_role(**variables).ok().writes == []


def test_policies_boundary_and_path_are_the_users_and_strings_from_a_survey_work(account):
    variables = {
        "dhmc_role_name": "NodeManagement",
        "dhmc_role_path": "/fleet/",
        "dhmc_role_managed_policies": [
            "CloudWatchAgentServerPolicy",
            "arn:aws:iam::aws:policy/AmazonSSMPatchAssociation",
        ],
        "dhmc_role_inline_policies": {"logs": LOGS},
        "dhmc_role_permissions_boundary": BOUNDARY,
        "dhmc_regions": "us-east-1,eu-west-1",
        "dhmc_overwrite": "true",
        "dhmc_backup_file": "",
        "dhmc_timeout": "120",
    }
    account.put("Theirs", "eu-west-1")
    account.dhmc_role(**variables).ok()
    assert account.values(*REGIONS) == dict.fromkeys(REGIONS, "fleet/NodeManagement")
    role = account.roles()["/fleet/NodeManagement"]
    assert role["managed"] == sorted([POLICY, "CloudWatchAgentServerPolicy", "AmazonSSMPatchAssociation"])
    assert (role["inline"], role["boundary"]) == ({"logs": LOGS}, BOUNDARY)

    # What somebody else added is left alone, what the variables say is kept up.
    account.iam.put_role_policy(RoleName="NodeManagement", PolicyName="theirs", PolicyDocument=json.dumps(LOGS))
    account.iam.detach_role_policy(RoleName="NodeManagement", PolicyArn=f"arn:aws:iam::aws:policy/{POLICY}")
    run = account.dhmc_role(**variables).ok()
    assert run.writes == ["AttachRolePolicy us-east-1"]
    assert account.roles()["/fleet/NodeManagement"] == {**role, "inline": {"logs": LOGS, "theirs": LOGS}}


def test_any_unanswered_question_of_a_survey_is_the_default(account):
    names = [
        "dhmc_regions",
        "dhmc_backup_file",
        "dhmc_role_permissions_boundary",
        "dhmc_state",
        "dhmc_overwrite",
        "dhmc_role_name",
        "dhmc_role_path",
        "dhmc_role_create",
        "dhmc_role_fix",
        "dhmc_role_managed_policies",
        "dhmc_role_inline_policies",
        "dhmc_role_tags",
        "dhmc_role_remove",
        "dhmc_timeout",
    ]
    account.dhmc_role(**dict.fromkeys(names, "")).ok()
    assert account.values(*REGIONS) == {"us-east-1": OURS, "eu-west-1": "$None"}
    assert account.roles()[f"/{OURS}"]["managed"] == [POLICY]


def test_a_role_of_somebody_else_that_fits_is_used_and_never_changed_or_removed(account, aws_trust):
    account.add_role("Fitting", aws_trust("ssm.amazonaws.com"), "AmazonSSMManagedInstanceCore", path="/ops/")
    before = account.roles()
    variables = {
        "dhmc_role_name": f"arn:aws:iam::{account.id}:role/ops/Fitting",
        "dhmc_regions": REGIONS,
        "dhmc_role_tags": {"team": "a"},
        "dhmc_role_managed_policies": ["CloudWatchAgentServerPolicy"],
    }
    run = account.dhmc_role(**variables).ok()
    assert run.writes == SETTINGS_WRITTEN
    assert account.values(*REGIONS) == dict.fromkeys(REGIONS, "ops/Fitting")
    run = account.dhmc_role(**variables, dhmc_state="absent", dhmc_role_remove=True).ok()
    assert run.writes == ["ResetServiceSetting eu-west-1", "ResetServiceSetting us-east-1"]
    assert "Fitting is kept: it was not made by fleet.aws_ssm" in run.text
    assert not run.result["dhmc_removed_role"]
    assert account.roles() == before


def test_a_role_that_does_not_fit_is_refused_and_extended_only_on_demand(account, aws_trust):
    account.add_role("Unfit", aws_trust("ec2.amazonaws.com"), "CloudWatchAgentServerPolicy")
    account.iam.put_role_policy(RoleName="Unfit", PolicyName="logs", PolicyDocument=json.dumps(LOGS))
    before = account.roles()["/Unfit"]
    variables = {"dhmc_role_name": "Unfit", "dhmc_regions": REGIONS}
    run = account.dhmc_role(**variables)
    assert run.rc != 0
    for word in (f"role {_arn(account, 'Unfit')} does not fit", "ssm.amazonaws.com", "ssm:UpdateInstanceInformation"):
        assert word in run.text
    assert "dhmc_role_fix" in run.text
    assert "Nothing was changed." in run.text
    assert run.writes == []

    account.dhmc_role(**variables, dhmc_role_fix="true").ok()
    assert account.values(*REGIONS) == dict.fromkeys(REGIONS, "Unfit")
    assert account.roles()["/Unfit"] == {
        **before,
        "trust": aws_trust("ec2.amazonaws.com", "ssm.amazonaws.com"),
        "managed": sorted(["CloudWatchAgentServerPolicy", POLICY]),
    }
    assert account.dhmc_role(**variables, dhmc_role_fix="true").ok().writes == []


def test_a_role_that_only_lacks_the_permission_keeps_its_trust_policy(account, aws_trust):
    document = aws_trust("ssm.amazonaws.com")
    document["Statement"] = document["Statement"][0] | {"Sid": "Mine"}
    account.add_role("NoPermission", document)
    run = account.dhmc_role(dhmc_role_name="NoPermission", dhmc_regions=REGIONS, dhmc_role_fix=True).ok()
    assert run.writes == ["AttachRolePolicy us-east-1", *SETTINGS_WRITTEN]
    assert account.roles()["/NoPermission"]["trust"] == document


def test_a_boundary_that_forbids_it_is_seen_before_a_region_is_changed(account, aws_trust):
    account.add_role("Bounded", aws_trust("ssm.amazonaws.com"), POLICY)
    account.iam.put_role_permissions_boundary(
        RoleName="Bounded", PermissionsBoundary="arn:aws:iam::aws:policy/AmazonS3FullAccess"
    )
    run = account.dhmc_role(dhmc_role_name="Bounded", dhmc_regions=REGIONS)
    assert run.rc != 0
    assert "does not allow ssm:UpdateInstanceInformation" in run.text
    assert "does not let" not in run.text
    assert run.writes == []
    assert account.values(*REGIONS) == dict.fromkeys(REGIONS, "$None")


def test_a_missing_role_that_is_not_to_be_made_is_an_error(account):
    run = account.dhmc_role(dhmc_role_create="false", dhmc_role_name="ops/Missing", dhmc_regions=REGIONS)
    assert run.rc != 0
    for word in ("dhmc_role_name", "Missing does not exist", "dhmc_role_create", "Nothing was changed"):
        assert word in run.text
    assert run.writes == []


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"dhmc_regions": ["us-east-1", "af-south-1"]}, ["not enabled in this account: af-south-1"]),
        (
            {"dhmc_role_managed_policies": "arn:aws:iam::aws:policy/service-role/CloudWatchAgentServerPolicy"},
            [
                "dhmc_role_managed_policies: there is no managed policy",
                "arn:aws:iam::aws:policy/CloudWatchAgentServerPolicy exists",
            ],
        ),
        (
            {"dhmc_role_managed_policies": "CloudWatchAgentServerPolicy\nNope"},
            ["dhmc_role_managed_policies:", "without a comma between them"],
        ),
        (
            {"dhmc_role_managed_policies": "CloudWatchAgentServerPolicy, Nope"},
            ["dhmc_role_managed_policies: there is no managed policy 'Nope'"],
        ),
        ({"dhmc_role_name": "arn:aws:iam::999999999999:role/x"}, ["dhmc_role_name:", "is of account 999999999999"]),
        ({"dhmc_role_inline_policies": {"p": {"Version": "2012-10-17"}}}, ["dhmc_role_inline_policies:", "Statement"]),
        (
            {"dhmc_role_permissions_boundary": "arn:aws:iam::aws:policy/Nope"},
            ["dhmc_role_permissions_boundary: there is no managed policy arn:aws:iam::aws:policy/Nope"],
        ),
        (
            {"dhmc_role_permissions_boundary": "arn:aws:iam::aws:policy/AmazonS3FullAccess"},
            ["dhmc_role_name:", "would not fit", "boundary"],
        ),
    ],
)
def test_bad_input_leaves_no_role_behind(account, variables, words):
    run = account.dhmc_role(**{"dhmc_regions": REGIONS, **variables})
    assert run.rc != 0
    assert [word for word in words if word not in run.text] == []
    assert "Nothing was changed." in run.text or "af-south-1" in run.text
    assert run.writes == []


def _arn(account, name):
    return f"arn:aws:iam::{account.id}:role/{name}"
