# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import re

import botocore.session
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.fleet.aws_ssm.plugins.module_utils._errors import InputError
from ansible_collections.fleet.aws_ssm.plugins.module_utils._iam_policy import as_list
from ansible_collections.fleet.aws_ssm.plugins.module_utils._operator_policy import FEATURES, document, make_scope
from ansible_collections.fleet.aws_ssm.plugins.module_utils._regions import partitions_of

ACCOUNT = "111122223333"
PARTITIONS = partitions_of(botocore.session.Session().get_data("partitions"))
COMMERCIAL = sorted(next(p for p in PARTITIONS if p.name == "aws").regions)
SETTING = "servicesetting/ssm/managed-instance/default-ec2-instance-management-role"


def policy(feature="settings", regions="eu-west-1", account=ACCOUNT, **options):
    return document(feature, make_scope(regions, PARTITIONS, account=account, **options))


def statement(sid, *arguments, **options):
    found = [row for row in policy(*arguments, **options)["Statement"] if row["Sid"] == sid]
    assert len(found) == 1
    return found[0]


def without_sids(found):
    rows = [{key: value for key, value in row.items() if key != "Sid"} for row in found["Statement"]]
    return {**found, "Statement": rows}


def test_the_settings_policy_is_that_of_the_page():
    # AWS Systems Manager User Guide, "Configure instance permissions required for Systems Manager".
    page = """{ "Version": "2012-10-17", "Statement": [ { "Effect": "Allow", "Action": [ "ssm:GetServiceSetting",
    "ssm:ResetServiceSetting", "ssm:UpdateServiceSetting" ],
    "Resource": "arn:aws:ssm:region:account-id:servicesetting/ssm/managed-instance/default-ec2-instance-management-role"
    }, { "Effect": "Allow", "Action": [ "iam:PassRole" ], "Resource":
    "arn:aws:iam::account-id:role/service-role/AWSSystemsManagerDefaultEC2InstanceManagementRole", "Condition": {
    "StringEquals": { "iam:PassedToService": [ "ssm.amazonaws.com" ] } } } ] }"""
    page = page.replace(":region:", ":us-east-2:").replace("account-id", ACCOUNT)
    assert without_sids(policy(regions=["us-east-2"])) == json.loads(page)


def test_each_region_has_its_arn_and_no_region_is_a_wildcard():
    found = statement("SettingInTheseRegions", regions="eu-west-1, us-east-1")
    assert found["Resource"] == [f"arn:aws:ssm:{region}:{ACCOUNT}:{SETTING}" for region in ("eu-west-1", "us-east-1")]


def test_all_is_a_wildcard_that_says_so():
    found = statement("SettingInEveryRegionAsAskedFor", regions="ALL")
    assert found["Resource"] == f"arn:aws:ssm:*:{ACCOUNT}:{SETTING}"
    assert statement("ListRegions", "dhmc", regions=["all"])["Action"] == ["ec2:DescribeRegions"]
    assert "Condition" not in statement("ReadInstances", "profile_association", regions="all")


@pytest.mark.parametrize(
    ("region", "partition"),
    [("cn-north-1", "aws-cn"), ("us-gov-west-1", "aws-us-gov"), ("eusc-de-east-1", "aws-eusc"), ("eu-west-1", "aws")],
)
@pytest.mark.parametrize("feature", FEATURES)
def test_every_arn_has_the_partition_of_the_regions(feature, region, partition):
    found = policy(feature, region, other_roles="Theirs", s3_attach_to="dhmc_role", managed_policies="Ours")
    arns = re.findall(r"arn:[^:]*:", json.dumps(found))
    assert set(arns) <= {f"arn:{partition}:"}


def test_the_partition_counts_where_every_region_is_meant():
    assert statement("PassRole", regions="all", partition="aws-cn")["Resource"].startswith("arn:aws-cn:iam::")


def test_services_in_china():
    # EC2 has a name of its own there, Systems Manager has not.
    ssm = statement("PassRole", regions="cn-north-1")
    ec2 = statement("PassRole", "profile_association", regions="cn-north-1")
    assert ssm["Condition"] == {"StringEquals": {"iam:PassedToService": ["ssm.amazonaws.com"]}}
    both = ["ec2.amazonaws.com", "ec2.amazonaws.com.cn"]
    assert ec2["Condition"] == {"StringEquals": {"iam:PassedToService": both}}


@pytest.mark.parametrize(
    ("role", "arn"),
    [
        ("", "role/service-role/AWSSystemsManagerDefaultEC2InstanceManagementRole"),
        ("Ours", "role/service-role/Ours"),
        ("/Ours", "role/Ours"),
        ("ops/Ours", "role/ops/Ours"),
        (f"arn:aws:iam::{ACCOUNT}:role/ops/Ours", "role/ops/Ours"),
        (f"arn:aws:iam::{ACCOUNT}:role/Ours", "role/Ours"),
    ],
)
def test_ways_to_name_the_role(role, arn):
    assert statement("PassRole", role=role)["Resource"] == f"arn:aws:iam::{ACCOUNT}:{arn}"


def test_a_role_that_is_missing_is_asked_for_without_its_path():
    found = statement("SeeThatRoleIsMissing", "dhmc", role="/ops/Ours")
    assert found["Resource"] == f"arn:aws:iam::{ACCOUNT}:role/Ours"
    assert found["Action"] == ["iam:GetRole"]
    assert "SeeThatRoleIsMissing" not in json.dumps(policy("dhmc", role="/Ours"))


def test_only_these_policies_can_be_attached():
    condition = statement(
        "AttachThesePolicies", "dhmc_role", managed_policies=f"Ours,arn:aws:iam::{ACCOUNT}:policy/p/X"
    )
    assert condition["Condition"]["ArnEquals"]["iam:PolicyARN"] == [
        "arn:aws:iam::aws:policy/AmazonSSMManagedEC2InstanceDefaultPolicy",
        "arn:aws:iam::aws:policy/Ours",
        "arn:aws:iam::aws:policy/service-role/Ours",
        f"arn:aws:iam::{ACCOUNT}:policy/Ours",
        f"arn:aws:iam::{ACCOUNT}:policy/p/X",
    ]


def test_a_boundary_must_be_there_when_a_role_is_made():
    boundary = f"arn:aws:iam::{ACCOUNT}:policy/Bounds"
    found = statement("CreateRole", "dhmc_role", permissions_boundary=boundary)
    assert found["Condition"] == {"StringEquals": {"iam:PermissionsBoundary": boundary}}
    assert "Condition" not in statement("CreateRole", "dhmc_role")


@pytest.mark.parametrize("value", [True, "true", "Yes", "on", "1"])
def test_inline_policies_are_allowed_only_if_asked_for(value):
    assert statement("PutInlinePolicies", "dhmc_role", inline_policies=value)["Action"] == ["iam:PutRolePolicy"]
    for not_asked in (False, "false", "", None):
        assert "PutRolePolicy" not in json.dumps(policy("dhmc_role", inline_policies=not_asked))


def test_what_the_s3_policies_may_be_attached_to():
    targets = f"dhmc_role,role/Web,instance-profile/SSMInstanceProfile,arn:aws:iam::{ACCOUNT}:instance-profile/a/B,none"
    options = {"s3_attach_to": targets, "instance_role": "/ops/Behind"}
    found = statement("AttachAndDetach", "s3_policy", **options)
    names = [arn.partition(":role/")[2] for arn in found["Resource"]]
    assert names == ["service-role/AWSSystemsManagerDefaultEC2InstanceManagementRole", "Web", "ops/Behind", "B"]
    profiles = statement("ReadProfile", "s3_policy", **options)["Resource"]
    assert [arn.partition("/")[2] for arn in profiles] == ["SSMInstanceProfile", "a/B"]
    assert "AttachRolePolicy" not in json.dumps(policy("s3_policy"))


def test_other_roles_may_be_given_back():
    found = statement("PassRole", "profile_association", other_roles=["Theirs", "ops/More"])
    assert [arn.partition(":role/")[2] for arn in found["Resource"]] == ["SSMInstanceProfile", "Theirs", "ops/More"]
    assert statement("PassRole", "profile_association", other_roles="*")["Resource"][-1].endswith(":role/*")


@pytest.mark.parametrize("feature", ["preflight", "readiness"])
def test_the_preflight_alone_and_the_report_write_nothing(feature):
    found = [action for row in policy(feature)["Statement"] for action in row["Action"]]
    assert [action for action in found if not re.match(r"\w+:(Get|List|Describe)", action)] == []


def test_the_permission_can_be_taken_from_these_roles_alone():
    arns = [f"arn:aws:iam::{ACCOUNT}:role/{name}" for name in ("Web", "ops/Data")]
    found = policy("preflight_permissions", other_roles="Web,/ops/Data")["Statement"]
    assert [row["Resource"] for row in found] == [arns, arns]
    every = policy("preflight_permissions", other_roles="*")["Statement"]
    assert {row["Resource"] for row in every} == {f"arn:aws:iam::{ACCOUNT}:role/*"}


def test_a_name_in_a_list_keeps_its_comma():
    options = {"other_roles": ["app,db@prod"], "editable_policies": ["Tools,More"], "managed_policies": ["Ours,Too"]}
    found = json.dumps(policy("preflight_permissions", **options))
    assert "role/app,db@prod" in found
    assert f"{ACCOUNT}:policy/Tools,More" in found
    assert f"{ACCOUNT}:policy/Ours,Too" in json.dumps(policy("dhmc_role", managed_policies=["Ours,Too"]))


def test_only_customer_managed_policies_that_are_named_can_be_edited():
    options = {"other_roles": "Web", "editable_policies": f"Tools,arn:aws:iam::{ACCOUNT}:policy/ops/More"}
    own = [f"arn:aws:iam::{ACCOUNT}:policy/{name}" for name in ("Tools", "ops/More")]
    assert statement("EditThesePolicies", "preflight_permissions", **options)["Resource"] == own
    core, more = (f"arn:aws:iam::aws:policy/AmazonSSM{name}" for name in ("ManagedInstanceCore", "FullAccess"))
    options["managed_policies"] = more
    condition = statement("DetachThesePoliciesAndAttachThemAgain", "preflight_permissions", **options)["Condition"]
    assert condition == {"ArnEquals": {"iam:PolicyARN": [core, more, *own]}}


def test_a_policy_that_may_be_attached_can_not_be_edited():
    # The role of DHMC may have it.
    found = policy("preflight_permissions", other_roles="Web", managed_policies="Ours", editable_policies="")
    assert "PolicyVersion" not in json.dumps(found)


def test_metadata_options_are_changed_in_these_regions_alone():
    found = policy("preflight_metadata", "eu-west-1,us-east-1")["Statement"]
    arns = [f"arn:aws:ec2:{region}:{ACCOUNT}:instance/*" for region in ("eu-west-1", "us-east-1")]
    assert [row["Resource"] for row in found] == [arns, "*"]
    assert found[1]["Condition"] == {"StringEquals": {"aws:RequestedRegion": ["eu-west-1", "us-east-1"]}}
    wide = statement("ChangeInstancesInEveryRegionAsAskedFor", "preflight_metadata", "all")
    assert wide["Resource"] == f"arn:aws:ec2:*:{ACCOUNT}:instance/*"
    assert "Condition" not in statement("ChangeDefaults", "preflight_metadata", "all")


def test_the_report_reads_these_regions_alone():
    regions = ["eu-west-1", "us-east-1"]
    found = policy("readiness", regions)["Statement"]
    assert found[0]["Condition"] == {"StringEquals": {"aws:RequestedRegion": regions}}
    assert found[1]["Resource"] == [f"arn:aws:ssm:{region}:{ACCOUNT}:{SETTING}" for region in regions]
    assert "ec2:DescribeRegions" not in json.dumps(found)
    wide = policy("readiness", "all")
    assert [row for row in wide["Statement"] if "Condition" in row] == []
    assert statement("ReadSettingInEveryRegionAsAskedFor", "readiness", "all")["Resource"].split(":")[3] == "*"
    assert "ec2:DescribeRegions" in json.dumps(wide)


def test_read_only_has_all_that_the_report_reads():
    def grants(feature):
        rows = policy(feature, "eu-west-1", role="/Ours")["Statement"]
        return {(action, arn) for row in rows for action in row["Action"] for arn in as_list(row["Resource"])}

    # The setting may be read in every region there.
    missing = {action for action, _arn in grants("readiness") - grants("read_only")}
    assert missing <= {"ssm:GetServiceSetting"}


def test_read_only_has_nothing_that_writes():
    found = policy("read_only", other_roles="*", s3_attach_to="dhmc_role")
    actions = [action for row in found["Statement"] for action in row["Action"]]
    assert [action for action in actions if not re.match(r"\w+:(Get|List|Describe)", action)] == []


@pytest.mark.parametrize("feature", FEATURES)
@pytest.mark.parametrize("regions", [COMMERCIAL, "all"])
def test_every_feature_fits_with_every_commercial_region(feature, regions):
    policy(feature, regions, other_roles="A,B,C", s3_attach_to="dhmc_role,instance-profile/SSMInstanceProfile")


def test_what_does_not_fit_is_an_error():
    roles = [f"{'x' * 60}{number:04}" for number in range(60)]
    with pytest.raises(
        InputError, match=r"^feature: the policy profile_association for 1 regions has \d+ characters"
    ) as e:
        policy("profile_association", other_roles=roles)
    assert "6144" in str(e.value)


@given(st.sampled_from(FEATURES), st.lists(st.sampled_from(COMMERCIAL), min_size=1, unique=True), st.booleans())
def test_documents_are_such_as_iam_takes(feature, regions, inline):
    found = policy(feature, regions, other_roles="Theirs", s3_attach_to="dhmc_role", inline_policies=inline)
    sids = [row["Sid"] for row in found["Statement"]]
    assert len(set(sids)) == len(sids)
    for row in found["Statement"]:
        assert re.fullmatch("[A-Za-z0-9]+", row["Sid"])
        assert row["Effect"] == "Allow"
        assert row["Action"]
        assert len(set(row["Action"])) == len(row["Action"])
        assert row["Resource"]
        assert "*" not in "".join(row["Action"])
        # No wildcard stands for an account, nor for a region where something is changed.
        for arn in as_list(row["Resource"]):
            parts = arn.split(":")
            assert arn == "*" or parts[4] in (ACCOUNT, "aws")
            assert arn == "*" or parts[3] != "*" or row["Action"] == ["ssm:GetServiceSetting"]
    assert len("".join(json.dumps(found).split())) <= 6144


WRONG = {
    "account": [(None, "''"), ("123", "'123'"), (111122223333.0, "12 digits")],
    "regions": [
        ("", "is empty"),
        ([], "is empty"),
        (None, "is empty"),
        (5, "5 is not a list"),
        ("all,eu-west-1", "mixes 'all'"),
        ("eu-wset-1", "'eu-wset-1' is not an AWS region. Did you mean eu-west-1"),
        ("eu-west-99", "update it"),
        ("*", "'*' is not an AWS region"),
        ("eu-west-1,cn-north-1", "aws, aws-cn"),
    ],
    "partition": [("aws-xx", "'aws-xx' is not one of aws, aws-cn"), ("aws-cn", "eu-west-1 are of aws")],
    "role": [
        ("a b", "'a b' does not name an IAM role"),
        ("*", "'*' does not name"),
        ("x" * 65, "64"),
        ("arn:aws:iam::999999999999:role/R", "is of account 999999999999; the policy is for 111122223333"),
        (f"arn:aws-cn:iam::{ACCOUNT}:role/R", "another partition"),
        (f"arn:aws:iam::{ACCOUNT}:instance-profile/R", "is not the ARN of an IAM role"),
    ],
    "instance_profile": [("a*", "'a*' does not name an instance profile")],
    "other_roles": [({"a": 1}, "is not a list"), ("a?", "'a?' does not name")],
    "s3_attach_to": [("Web", "'Web' is none of dhmc_role, role/NAME")],
    "managed_policies": [("arn:aws:iam::999999999999:policy/P", "is of account 999999999999"), (7, "7 is not a list")],
    "editable_policies": [
        ("arn:aws:iam::999999999999:policy/P", "is of account 999999999999"),
        ("Ours,arn:aws:iam::aws:policy/P", "arn:aws:iam::aws:policy/P is a policy of AWS's own, which nobody can edit"),
        ("*", "'*' does not name a managed policy"),
    ],
    "inline_policies": [("maybe", "'maybe' is not a boolean: give true or false")],
    "permissions_boundary": [("Bounds", "'Bounds' is not the ARN of a managed policy")],
    "name_prefix": [("a*", "'a*' can't begin the name"), ("../x", "'../x' can't begin"), ("x" * 101, "100")],
    "path": [("/a b/", "'/a b/' is not a path"), ("/é/", "is not a path")],
}


@pytest.mark.parametrize(
    ("option", "value", "words"), [(option, *case) for option, cases in WRONG.items() for case in cases]
)
def test_wrong_input_is_one_line_with_option_value_and_what_is_allowed(option, value, words):
    with pytest.raises(InputError) as error:
        policy(**{option: value})
    message = str(error.value)
    assert message.startswith(f"{option}: ") or (option == "regions" and message.startswith("regions "))
    assert words in message
    assert "\n" not in message


def test_wrong_features():
    with pytest.raises(InputError, match=r"^feature: 'dhcm' is not one of settings, .*\. Did you mean dhmc\?$"):
        policy("dhcm")
    for feature in ("profile_association_extend", "preflight_permissions"):
        with pytest.raises(InputError, match=rf"^other_roles: is empty: {feature} needs the roles"):
            policy(feature)
