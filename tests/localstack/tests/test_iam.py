# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""IAM: quotas, names, documents, pages and the policy simulator; STS AssumeRole."""

from __future__ import annotations

import json

import pytest
from conftest import EC2_TRUST, SSM_TRUST

from fleet_emulator.boto import session

PING = "ssm:UpdateInstanceInformation"


def document(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(actions, **more):
    return {"Effect": "Allow", "Action": actions, "Resource": "*", **more}


def large(size):
    """A policy document of that many characters, white space not counted."""
    shell = document(allow(["s3:GetObject"], Sid="")).replace(" ", "")
    return shell.replace('"Sid":""', f'"Sid":"{"x" * (size - len(shell))}"')


@pytest.fixture
def iam(aws):
    return aws.iam


def test_attached_policies_quota(aws, iam, account, control, refused):
    """IAM User Guide, quotas: 20 managed policies for a role by default, as GetAccountSummary says; accounts differ."""
    role = aws.role("R")
    quota = iam.get_account_summary()["SummaryMap"]["AttachedPoliciesPerRoleQuota"]
    assert quota == 20
    arns = [policy["Arn"] for policy in iam.list_policies(Scope="AWS", MaxItems=25)["Policies"]]
    for arn in arns[:quota]:
        iam.attach_role_policy(RoleName=role, PolicyArn=arn)
    error = refused("LimitExceeded", iam.attach_role_policy, RoleName=role, PolicyArn=arns[quota])
    assert "Cannot exceed quota for PoliciesPerRole: 20" in str(error)
    assert error.response["ResponseMetadata"]["HTTPStatusCode"] == 409
    iam.attach_role_policy(RoleName=role, PolicyArn=arns[0])
    control.set_quotas({"AttachedPoliciesPerRoleQuota": 10}, account)
    assert iam.get_account_summary()["SummaryMap"]["AttachedPoliciesPerRoleQuota"] == 10
    iam.detach_role_policy(RoleName=role, PolicyArn=arns[0])
    refused("LimitExceeded", iam.attach_role_policy, RoleName=role, PolicyArn=arns[0])


def test_what_is_done_twice_changes_nothing(aws, iam):
    """IAM API Reference, AttachRolePolicy, SetDefaultPolicyVersion."""
    arn = iam.create_policy(PolicyName="p", PolicyDocument=document(allow(["s3:GetObject"])))["Policy"]["Arn"]
    role = aws.role("R")
    for _twice in range(2):
        iam.attach_role_policy(RoleName=role, PolicyArn=arn)
        iam.set_default_policy_version(PolicyArn=arn, VersionId="v1")
    assert iam.get_policy(PolicyArn=arn)["Policy"]["AttachmentCount"] == 1
    assert [one["IsDefaultVersion"] for one in iam.list_policy_versions(PolicyArn=arn)["Versions"]] == [True]


def test_document_sizes(aws, iam, refused):
    """IAM User Guide, quotas: managed 6,144, inline of a role 10,240 in total, trust 2,048; white space is free."""
    role = aws.role("R")
    iam.create_policy(PolicyName="fits", PolicyDocument=large(6144).replace(",", ",\n   "))
    refused("LimitExceeded", iam.create_policy, PolicyName="large", PolicyDocument=large(6145))
    arn = iam.create_policy(PolicyName="p", PolicyDocument=large(100))["Policy"]["Arn"]
    refused("LimitExceeded", iam.create_policy_version, PolicyArn=arn, PolicyDocument=large(6145))
    put = {"RoleName": role, "PolicyDocument": large(5120)}
    iam.put_role_policy(PolicyName="a", **put)
    iam.put_role_policy(PolicyName="b", **put)
    iam.put_role_policy(PolicyName="b", **put)
    refused("LimitExceeded", iam.put_role_policy, PolicyName="c", RoleName=role, PolicyDocument=large(100))
    trust = json.loads(SSM_TRUST)
    trust["Statement"][0]["Sid"] = "x" * 2048
    refused("LimitExceeded", iam.create_role, RoleName="T", AssumeRolePolicyDocument=json.dumps(trust))
    refused("LimitExceeded", iam.update_assume_role_policy, RoleName=role, PolicyDocument=json.dumps(trust))


def test_policy_versions(iam, refused):
    """IAM User Guide, quotas: 5 versions; CreatePolicyVersion needs one deleted first."""
    arn = iam.create_policy(PolicyName="p", PolicyDocument=large(100))["Policy"]["Arn"]
    for _ in range(4):
        iam.create_policy_version(PolicyArn=arn, PolicyDocument=large(100))
    refused("LimitExceeded", iam.create_policy_version, PolicyArn=arn, PolicyDocument=large(100))


def test_delete_policy_order(aws, iam, refused):
    """IAM API Reference, DeletePolicy: detach it and delete its versions first, else DeleteConflict."""
    role = aws.role("R")
    arn = iam.create_policy(PolicyName="p", PolicyDocument=large(100))["Policy"]["Arn"]
    iam.attach_role_policy(RoleName=role, PolicyArn=arn)
    refused("DeleteConflict", iam.delete_policy, PolicyArn=arn)
    iam.detach_role_policy(RoleName=role, PolicyArn=arn)
    iam.create_policy_version(PolicyArn=arn, PolicyDocument=large(110))
    refused("DeleteConflict", iam.delete_policy, PolicyArn=arn)
    iam.delete_policy_version(PolicyArn=arn, VersionId="v2")
    iam.delete_policy(PolicyArn=arn)
    refused("NoSuchEntity", iam.get_policy, PolicyArn=arn)


@pytest.mark.parametrize("name", ["x" * 65, "has space", "ümlaut", "a/b"])
def test_role_names(iam, refused, name):
    """IAM API Reference, CreateRole: 1 to 64 of [\\w+=,.@-]."""
    refused("ValidationError", iam.create_role, RoleName=name, AssumeRolePolicyDocument=SSM_TRUST)


def test_other_names(iam, refused):
    """IAM API Reference, CreateInstanceProfile, CreatePolicy: 128; paths begin and end with a slash."""
    iam.create_instance_profile(InstanceProfileName="x" * 128)
    refused("ValidationError", iam.create_instance_profile, InstanceProfileName="x" * 129)
    refused("ValidationError", iam.create_policy, PolicyName="x" * 129, PolicyDocument=large(100))
    refused("ValidationError", iam.create_role, RoleName="R", Path="/no-end", AssumeRolePolicyDocument=SSM_TRUST)
    refused("ValidationError", iam.list_roles, MaxItems=1001)


def test_names_are_unique_whatever_case_and_path(aws, iam, refused):
    """IAM User Guide, quotas: names are unique in an account and not distinguished by case."""
    aws.role("Role", path="/service-role/")
    refused("EntityAlreadyExists", iam.create_role, RoleName="ROLE", AssumeRolePolicyDocument=SSM_TRUST)
    refused("EntityAlreadyExists", iam.create_role, RoleName="Role", AssumeRolePolicyDocument=SSM_TRUST)


def test_malformed_documents(aws, iam, refused):
    """IAM User Guide, JSON policy elements: a trust policy names a principal, an identity policy never."""
    role = aws.role("R")
    trust = json.loads(SSM_TRUST)
    del trust["Statement"][0]["Principal"]
    create = {"RoleName": "T", "AssumeRolePolicyDocument": json.dumps(trust)}
    refused("MalformedPolicyDocument", iam.create_role, **create)
    refused("MalformedPolicyDocument", iam.update_assume_role_policy, RoleName=role, PolicyDocument=json.dumps(trust))
    with_resource = json.loads(SSM_TRUST)
    with_resource["Statement"][0]["Resource"] = "*"
    create["AssumeRolePolicyDocument"] = json.dumps(with_resource)
    refused("MalformedPolicyDocument", iam.create_role, **create)
    for text in ("{", SSM_TRUST, "[]", document({"Effect": "Allow", "Resource": "*"})):
        refused("MalformedPolicyDocument", iam.create_policy, PolicyName="p", PolicyDocument=text)
        refused("MalformedPolicyDocument", iam.put_role_policy, RoleName=role, PolicyName="p", PolicyDocument=text)


def test_pages(aws, iam, refused):
    """IAM API Reference, ListRoles and others: MaxItems, Marker, IsTruncated, PathPrefix."""
    for number in range(7):
        aws.role(f"r{number}", path="/a/" if number < 3 else "/b/")
        iam.create_instance_profile(InstanceProfileName=f"p{number}", Path="/a/" if number < 3 else "/b/")
    first = iam.list_roles(MaxItems=5)
    assert (first["IsTruncated"], len(first["Roles"])) == (True, 5)
    second = iam.list_roles(MaxItems=5, Marker=first["Marker"])
    assert (second["IsTruncated"], len(second["Roles"])) == (False, 2)
    assert first["Roles"][0]["AssumeRolePolicyDocument"] == json.loads(SSM_TRUST)
    assert [role["RoleName"] for role in iam.list_roles(PathPrefix="/a/")["Roles"]] == ["r0", "r1", "r2"]
    pages = iam.get_paginator("list_instance_profiles").paginate(PaginationConfig={"PageSize": 3})
    assert [len(page["InstanceProfiles"]) for page in pages] == [3, 3, 1]
    assert len(iam.list_instance_profiles(PathPrefix="/b/")["InstanceProfiles"]) == 4
    refused("ValidationError", iam.list_roles, Marker="x")


def test_authorization_details(aws, iam):
    """IAM API Reference, GetAccountAuthorizationDetails: pages over all kinds, and a filter on the kind."""
    for number in range(3):
        aws.role(f"r{number}")
    pages = list(
        iam.get_paginator("get_account_authorization_details").paginate(
            Filter=["Role", "LocalManagedPolicy"], PaginationConfig={"PageSize": 2}
        )
    )
    assert [len(page["RoleDetailList"]) for page in pages] == [2, 1]
    first = iam.get_account_authorization_details(MaxItems=2)
    assert first["IsTruncated"] is True
    assert len(first["RoleDetailList"]) == 2


def test_policies_say_their_names_and_how_many_roles_they_bound(aws, iam):
    """IAM API Reference, ManagedPolicyDetail and Policy: PolicyName, PermissionsBoundaryUsageCount."""
    arn = iam.create_policy(PolicyName="Edge", Path="/team/", PolicyDocument=document(allow("s3:*")))["Policy"]["Arn"]
    iam.put_role_permissions_boundary(RoleName=aws.role("bounded"), PermissionsBoundary=arn)
    (listed,) = iam.get_account_authorization_details(Filter=["LocalManagedPolicy"])["Policies"]
    read = iam.get_policy(PolicyArn=arn)["Policy"]
    for policy in (listed, read):
        assert (policy["PolicyName"], policy["PermissionsBoundaryUsageCount"]) == ("Edge", 1)


def decisions(iam, role, actions, **kwargs):
    arn = iam.get_role(RoleName=role)["Role"]["Arn"]
    results = iam.simulate_principal_policy(PolicySourceArn=arn, ActionNames=actions, **kwargs)["EvaluationResults"]
    return {result["EvalActionName"]: result["EvalDecision"] for result in results}


def test_simulate_decisions(aws, iam, refused, account):
    """IAM API Reference, EvaluationResult: allowed, implicitDeny, explicitDeny."""
    role = aws.role("R", EC2_TRUST, actions=["s3:Get*", "s3:Delete*"])
    aws.inline(role, "deny", {"Effect": "Deny", "Action": "s3:DeleteObject", "Resource": "*"})
    assert decisions(iam, role, ["s3:GetObject", "s3:DeleteObject", "iam:CreateUser", "S3:getobject"]) == {
        "s3:GetObject": "allowed",
        "S3:getobject": "allowed",
        "s3:DeleteObject": "explicitDeny",
        "iam:CreateUser": "implicitDeny",
    }
    simulate = iam.simulate_principal_policy
    missing = f"arn:aws:iam::{account}:role/None"
    refused("NoSuchEntity", simulate, PolicySourceArn=missing, ActionNames=["s3:GetObject"])
    session = f"arn:aws:sts::{account}:assumed-role/R/me"
    refused("InvalidInput", simulate, PolicySourceArn=session, ActionNames=["s3:GetObject"])


def test_simulate_with_the_core_policy(aws, iam):
    """IAM API Reference, Statement: SourcePolicyId names the policy that decided."""
    role = aws.role("R", EC2_TRUST)
    arn = "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"
    iam.attach_role_policy(RoleName=role, PolicyArn=arn)
    source = iam.get_role(RoleName=role)["Role"]["Arn"]
    result = iam.simulate_principal_policy(PolicySourceArn=source, ActionNames=[PING])["EvaluationResults"][0]
    assert result["EvalDecision"] == "allowed"
    matched = result["MatchedStatements"][0]
    assert (matched["SourcePolicyId"], matched["SourcePolicyType"]) == ("AmazonSSMManagedInstanceCore", "aws-managed")


def test_simulate_boundary(aws, iam):
    """IAM API Reference, PermissionsBoundaryDecisionDetail: both the policies and the boundary must allow."""
    role = aws.role("R", EC2_TRUST, actions="*")
    iam.put_role_permissions_boundary(
        RoleName=role, PermissionsBoundary="arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"
    )
    assert decisions(iam, role, ["s3:GetObject", PING]) == {"s3:GetObject": "allowed", PING: "implicitDeny"}
    arn = iam.get_role(RoleName=role)["Role"]["Arn"]
    result = iam.simulate_principal_policy(PolicySourceArn=arn, ActionNames=[PING])["EvaluationResults"][0]
    assert result["PermissionsBoundaryDecisionDetail"] == {"AllowedByPermissionsBoundary": False}


def test_simulate_resources(aws, iam, account):
    """IAM API Reference, SimulatePrincipalPolicy: one result an action, the most restrictive decision at the top."""
    role = aws.role("R", EC2_TRUST)
    ours = f"arn:aws:ec2:us-east-1:{account}:instance/i-00000000000000001"
    other = ours[:-1] + "2"
    aws.inline(role, "a", {"Effect": "Allow", "Action": PING, "Resource": ours})
    arn = iam.get_role(RoleName=role)["Role"]["Arn"]
    results = iam.simulate_principal_policy(PolicySourceArn=arn, ActionNames=[PING], ResourceArns=[ours, other])
    (result,) = results["EvaluationResults"]
    assert result["EvalDecision"] == "implicitDeny"
    assert {r["EvalResourceName"]: r["EvalResourceDecision"] for r in result["ResourceSpecificResults"]} == {
        ours: "allowed",
        other: "implicitDeny",
    }


def test_simulate_conditions(aws, iam):
    """IAM API Reference, MissingContextValues: the keys a policy asked for and the request did not give."""
    role = aws.role("R", EC2_TRUST)
    aws.inline(role, "a", allow(PING, Condition={"StringEquals": {"aws:ResourceTag/Ssm": "yes"}}))
    arn = iam.get_role(RoleName=role)["Role"]["Arn"]
    ask = {"PolicySourceArn": arn, "ActionNames": [PING]}
    result = iam.simulate_principal_policy(**ask)["EvaluationResults"][0]
    assert (result["EvalDecision"], result["MissingContextValues"]) == ("implicitDeny", ["aws:ResourceTag/Ssm"])
    entry = {"ContextKeyName": "aws:ResourceTag/Ssm", "ContextKeyValues": ["yes"], "ContextKeyType": "string"}
    result = iam.simulate_principal_policy(**ask, ContextEntries=[entry])["EvaluationResults"][0]
    assert (result["EvalDecision"], result["MissingContextValues"]) == ("allowed", [])


def test_simulate_input_policy_and_pages(aws, iam):
    """IAM API Reference, SimulatePrincipalPolicy: PolicyInputList counts as attached; pages by MaxItems."""
    role = aws.role("R", EC2_TRUST)
    extra = [document(allow("s3:*"))]
    assert decisions(iam, role, ["s3:GetObject"], PolicyInputList=extra) == {"s3:GetObject": "allowed"}
    arn = iam.get_role(RoleName=role)["Role"]["Arn"]
    actions = [f"s3:Get{number}" for number in range(5)]
    pages = iam.get_paginator("simulate_principal_policy").paginate(
        PolicySourceArn=arn, ActionNames=actions, PaginationConfig={"PageSize": 2}
    )
    assert [len(page["EvaluationResults"]) for page in pages] == [2, 2, 1]


def test_assume_role_needs_a_role(aws, client, account, refused, emulator):
    """STS API Reference, AssumeRole: AccessDenied for a role that does not exist, in one's own or another account."""
    sts = client("sts")
    for target in (account, "123456789012"):
        arn = f"arn:aws:iam::{target}:role/None"
        error = refused("AccessDenied", sts.assume_role, RoleArn=arn, RoleSessionName="me")
        assert f"is not authorized to perform: sts:AssumeRole on resource: {arn}" in str(error)
    aws.role("Here", path="/team/")
    assert sts.assume_role(RoleArn=f"arn:aws:iam::{account}:role/team/Here", RoleSessionName="me")["Credentials"]
    refused("AccessDenied", sts.assume_role, RoleArn=f"arn:aws:iam::{account}:role/Here", RoleSessionName="me")


def test_access_role_of_a_member_account(client, emulator):
    """Organizations User Guide, Accessing member accounts: CreateAccount makes OrganizationAccountAccessRole."""
    organizations = client("organizations")
    organizations.create_organization(FeatureSet="ALL")
    made = organizations.create_account(AccountName="m", Email="m@example.com")["CreateAccountStatus"]
    arn = f"arn:aws:iam::{made['AccountId']}:role/OrganizationAccountAccessRole"
    key = client("sts").assume_role(RoleArn=arn, RoleSessionName="me")["Credentials"]
    member = session(emulator.endpoint, key["AccessKeyId"], "us-east-1", key["SessionToken"])
    assert member.client("sts").get_caller_identity()["Account"] == made["AccountId"]
    role = member.client("iam").get_role(RoleName="OrganizationAccountAccessRole")["Role"]
    assert role["Arn"] == arn
