# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Gateway: one IAM role and one instance profile, read as a whole and changed part by part.

Documents are the very text that IAM holds. Raises amazon.aws's AnsibleIAMError or botocore's errors; botocore repeats
what IAM throttles.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import unquote

try:
    from botocore.exceptions import ClientError
except ImportError:
    pass  # AnsibleAWSModule says what is missing

from ansible_collections.amazon.aws.plugins.module_utils.iam import (
    get_iam_role,
    list_iam_role_attached_policies,
    list_iam_role_policies,
)
from ansible_collections.amazon.aws.plugins.module_utils.retries import AWSRetry
from ansible_collections.amazon.aws.plugins.module_utils.tagging import (
    ansible_dict_to_boto3_tag_list,
    boto3_tag_list_to_ansible_dict,
)

from ansible_collections.fleet.aws_ssm.plugins.module_utils import _iam_api
from ansible_collections.fleet.aws_ssm.plugins.module_utils._core.backup import (
    ATTACHMENT,
    INLINE_POLICY,
    PROFILE_TAG,
    ROLE_BOUNDARY,
    ROLE_DESCRIPTION,
    ROLE_TAG,
    TRUST_POLICY,
)
from ansible_collections.fleet.aws_ssm.plugins.module_utils._errors import code_of
from ansible_collections.fleet.aws_ssm.plugins.module_utils._iam_names import IamName
from ansible_collections.fleet.aws_ssm.plugins.module_utils._service_role.types import (
    DEFAULT_SESSION,
    Change,
    ProfileState,
    RoleState,
    profile_value_in,
)

# A page of ListRoles and ListInstanceProfiles.
_PAGE = {"PageSize": 1000}


class _Retry(AWSRetry):
    @staticmethod
    def found(response_code: str, catch_extra_error_codes: Any = None) -> bool:
        """Only the codes that are named: botocore has repeated the others, and would do so again for each attempt."""
        return response_code in (catch_extra_error_codes or ())


def _when_seen(call: Callable[..., Any], **parameters: Any) -> Any:
    """The call, repeated while IAM does not know what was made a moment ago (botocore's waiters give it 20 s)."""
    repeated = _Retry.jittered_backoff(retries=8, delay=1, max_delay=8, catch_extra_error_codes=["NoSuchEntity"])
    return repeated(call)(**parameters)


def _unless_gone(call: Callable[..., Any], **parameters: Any) -> None:
    """The call, which has nothing to do if what it takes away is gone."""
    try:
        call(**parameters)
    except ClientError as error:
        if code_of(error) != "NoSuchEntity":
            raise


def _keep_texts(parsed: Any, **_event: Any) -> None:
    # botocore's own handler, which runs after this one, leaves only the decoded documents.
    role = parsed.get("Role")
    if isinstance(role, dict) and isinstance(role.get("AssumeRolePolicyDocument"), str):
        role["TrustText"] = unquote(role["AssumeRolePolicyDocument"])
    if isinstance(parsed.get("PolicyDocument"), str):
        parsed["PolicyText"] = unquote(parsed["PolicyDocument"])


def _with_texts(client: Any) -> None:
    for operation in ("GetRole", "GetRolePolicy"):
        event = f"after-call.iam.{operation}"
        client.meta.events.register_first(event, _keep_texts, unique_id=f"fleet.aws_ssm-role-texts-{operation}")


def read_role(client: Any, name: str) -> RoleState | None:
    """The role, or None. Three calls, and one for each inline policy."""
    role = _bare_role(client, name)
    if role is None:
        return None
    return RoleState(
        name=role.name,
        path=role.path,
        trust=role.trust,
        description=role.description,
        max_session=role.max_session,
        boundary=role.boundary,
        tags=role.tags,
        managed=_attached(client, name),
        inline={policy: _inline_text(client, name, policy) or "" for policy in list_iam_role_policies(client, name)},
    )


def _bare_role(client: Any, name: str) -> RoleState | None:
    """The role without its policies, or None. One call."""
    _with_texts(client)
    found = get_iam_role(client, name)
    if not found:
        return None
    return RoleState(
        name=found["RoleName"],
        path=found["Path"],
        trust=found["TrustText"],
        description=found.get("Description", ""),
        max_session=found.get("MaxSessionDuration", DEFAULT_SESSION),
        boundary=found.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn"),
        tags=boto3_tag_list_to_ansible_dict(found.get("Tags") or []),
    )


def _attached(client: Any, name: str) -> tuple[str, ...]:
    return tuple(sorted(policy["PolicyArn"] for policy in list_iam_role_attached_policies(client, name)))


def _inline_text(client: Any, role: str, policy: str) -> str | None:
    _with_texts(client)
    try:
        return str(client.get_role_policy(RoleName=role, PolicyName=policy)["PolicyText"])
    except ClientError as error:
        if code_of(error) == "NoSuchEntity":
            return None
        raise


def read_profile(client: Any, name: str) -> ProfileState | None:
    """The instance profile, or None. One call."""
    found = _iam_api.read_profile(client, name)
    if not found:
        return None
    return ProfileState(
        name=found["InstanceProfileName"],
        path=found["Path"],
        role=found["Roles"][0]["RoleName"] if found["Roles"] else None,
        tags=boto3_tag_list_to_ansible_dict(found.get("Tags") or []),
    )


def value_now(client: Any, change: Change) -> Any:
    """What IAM holds now of the part that a change is about. One call."""
    if change.of_profile:
        return profile_value_in(read_profile(client, change.name), change.kind, change.part)
    if change.kind == ATTACHMENT:
        return change.part in _attached(client, change.name)
    if change.kind == INLINE_POLICY:
        return _inline_text(client, change.name, change.part)
    role = _bare_role(client, change.name)
    if role is None:
        return None
    if change.kind == ROLE_TAG:
        return role.tags.get(change.part)
    return {TRUST_POLICY: role.trust, ROLE_DESCRIPTION: role.description, ROLE_BOUNDARY: role.boundary}[change.kind]


def every_role_name(client: Any) -> list[str]:
    """The names of all roles."""
    pages = client.get_paginator("list_roles").paginate(PaginationConfig=_PAGE)
    return [role["RoleName"] for page in pages for role in page["Roles"]]


def every_profile_name(client: Any) -> list[str]:
    """The names of all instance profiles."""
    pages = client.get_paginator("list_instance_profiles").paginate(PaginationConfig=_PAGE)
    return [profile["InstanceProfileName"] for page in pages for profile in page["InstanceProfiles"]]


def policy_arn(client: Any, name: IamName, account: str, partition: str) -> str | None:
    """The ARN of a managed policy that is given by its name, or its path and name: the account's own, or AWS's."""
    if name.path is None:
        return _iam_api.policy_arn(client, name.name, account, partition)
    for owner in (account, "aws"):
        arn = f"arn:{partition}:iam::{owner}:policy{name.path}{name.name}"
        if _iam_api.policy_exists(client, arn):
            return arn
    return None


def create_role(client: Any, role: RoleState) -> None:
    """CreateRole with all but the policies; waits until IAM shows it."""
    more = {"PermissionsBoundary": role.boundary} if role.boundary else {}
    client.create_role(
        RoleName=role.name,
        Path=role.path,
        AssumeRolePolicyDocument=role.trust,
        Description=role.description,
        MaxSessionDuration=role.max_session,
        Tags=ansible_dict_to_boto3_tag_list(dict(role.tags)),
        **more,
    )
    client.get_waiter("role_exists").wait(RoleName=role.name, WaiterConfig={"Delay": 1, "MaxAttempts": 40})


def attach(client: Any, role: str, arn: str) -> None:
    """AttachRolePolicy."""
    _when_seen(client.attach_role_policy, RoleName=role, PolicyArn=arn)


def detach(client: Any, role: str, arn: str) -> None:
    """DetachRolePolicy."""
    _unless_gone(client.detach_role_policy, RoleName=role, PolicyArn=arn)


def put_inline(client: Any, role: str, name: str, text: str) -> None:
    """PutRolePolicy."""
    _when_seen(client.put_role_policy, RoleName=role, PolicyName=name, PolicyDocument=text)


def delete_inline(client: Any, role: str, name: str) -> None:
    """DeleteRolePolicy."""
    _unless_gone(client.delete_role_policy, RoleName=role, PolicyName=name)


def update_trust(client: Any, role: str, text: str) -> None:
    """UpdateAssumeRolePolicy."""
    client.update_assume_role_policy(RoleName=role, PolicyDocument=text)


def update_description(client: Any, role: str, text: str) -> None:
    """UpdateRole, which leaves what it is not given."""
    client.update_role(RoleName=role, Description=text)


def set_boundary(client: Any, role: str, arn: str | None) -> None:
    """PutRolePermissionsBoundary, or DeleteRolePermissionsBoundary for None."""
    if arn:
        client.put_role_permissions_boundary(RoleName=role, PermissionsBoundary=arn)
    else:
        _unless_gone(client.delete_role_permissions_boundary, RoleName=role)


def set_tag(client: Any, kind: str, name: str, key: str, value: str | None) -> None:
    """Tag or untag a role or an instance profile."""
    tags, keys = [{"Key": key, "Value": value}], [key]
    if kind == PROFILE_TAG and value is None:
        client.untag_instance_profile(InstanceProfileName=name, TagKeys=keys)
    elif kind == PROFILE_TAG:
        client.tag_instance_profile(InstanceProfileName=name, Tags=tags)
    elif value is None:
        client.untag_role(RoleName=name, TagKeys=keys)
    else:
        client.tag_role(RoleName=name, Tags=tags)


def delete_role(client: Any, name: str) -> None:
    """DeleteRole, of a role that has no policies any more, which IAM may take a moment to see."""
    repeated = _Retry.jittered_backoff(retries=5, delay=1, max_delay=4, catch_extra_error_codes=["DeleteConflict"])
    _unless_gone(repeated(client.delete_role), RoleName=name)


def create_profile(client: Any, profile: ProfileState) -> None:
    """CreateInstanceProfile without the role; waits until IAM shows it."""
    client.create_instance_profile(
        InstanceProfileName=profile.name, Path=profile.path, Tags=ansible_dict_to_boto3_tag_list(dict(profile.tags))
    )
    waiter = client.get_waiter("instance_profile_exists")
    waiter.wait(InstanceProfileName=profile.name, WaiterConfig={"Delay": 1, "MaxAttempts": 40})


def add_role(client: Any, profile: str, role: str) -> None:
    """AddRoleToInstanceProfile."""
    _when_seen(client.add_role_to_instance_profile, InstanceProfileName=profile, RoleName=role)


def remove_role(client: Any, profile: str, role: str) -> None:
    """RemoveRoleFromInstanceProfile."""
    _unless_gone(client.remove_role_from_instance_profile, InstanceProfileName=profile, RoleName=role)


def delete_profile(client: Any, name: str) -> None:
    """DeleteInstanceProfile, of a profile that holds no role any more."""
    _unless_gone(client.delete_instance_profile, InstanceProfileName=name)


def summary(client: Any) -> Mapping[str, int]:
    """GetAccountSummary's map of quotas and usage."""
    return _iam_api.quotas(client)
