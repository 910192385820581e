# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Gateway: single reads and writes of roles' policies and of managed policies' versions.

Raises botocore's errors; botocore repeats what IAM throttles. What is gone already is no error for a removal.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

try:
    from botocore.exceptions import ClientError
except ImportError:
    pass  # AnsibleAWSModule says what is missing

from ansible_collections.fleet.aws_ssm.plugins.module_utils._errors import code_of
from ansible_collections.fleet.aws_ssm.plugins.module_utils._iam.policy_state import PolicyNow
from ansible_collections.fleet.aws_ssm.plugins.module_utils._iam_fleet_api import keep_texts

# IAM may take a version for the default for a moment longer, and then refuses to delete it.
_TRIES = 6


def inline_policy(client: Any, role: str, policy: str) -> str | None:
    """The text of an inline policy, None if the role has none of that name."""
    keep_texts(client)
    try:
        return client.get_role_policy(RoleName=role, PolicyName=policy)["Text"]
    except ClientError as error:
        _unless_gone(error)
        return None


def put_inline_policy(client: Any, role: str, policy: str, text: str) -> None:
    """Make or replace an inline policy."""
    client.put_role_policy(RoleName=role, PolicyName=policy, PolicyDocument=text)


def delete_inline_policy(client: Any, role: str, policy: str) -> None:
    """Delete an inline policy."""
    try:
        client.delete_role_policy(RoleName=role, PolicyName=policy)
    except ClientError as error:
        _unless_gone(error)


def is_attached(client: Any, role: str, arn: str) -> bool:
    """Whether the role has the managed policy; False also for a role that is gone."""
    try:
        pages = list(client.get_paginator("list_attached_role_policies").paginate(RoleName=role))
    except ClientError as error:
        _unless_gone(error)
        return False
    return any(policy["PolicyArn"] == arn for page in pages for policy in page["AttachedPolicies"])


def attach(client: Any, role: str, arn: str) -> None:
    """Attach a managed policy."""
    client.attach_role_policy(RoleName=role, PolicyArn=arn)


def detach(client: Any, role: str, arn: str) -> None:
    """Detach a managed policy."""
    try:
        client.detach_role_policy(RoleName=role, PolicyArn=arn)
    except ClientError as error:
        _unless_gone(error)


def default_version(client: Any, arn: str) -> tuple[str, str] | None:
    """The id and the text of a managed policy's default version, None if the policy is gone. Two calls."""
    keep_texts(client)
    try:
        name = client.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
        return name, client.get_policy_version(PolicyArn=arn, VersionId=name)["PolicyVersion"]["Text"]
    except ClientError as error:
        _unless_gone(error)
        return None


def version_ids(client: Any, arn: str) -> tuple[str, ...]:
    """The ids of a managed policy's versions, the newest first."""
    pages = client.get_paginator("list_policy_versions").paginate(PolicyArn=arn)
    return tuple(version["VersionId"] for page in pages for version in page["Versions"])


def read_versions(client: Any, arn: str) -> PolicyNow | None:
    """A managed policy's default version and the text of every version, or None. A call, and one for each version."""
    keep_texts(client)
    try:
        pages = list(client.get_paginator("list_policy_versions").paginate(PolicyArn=arn))
    except ClientError as error:
        _unless_gone(error)
        return None
    versions = [version for page in pages for version in page["Versions"]]
    return PolicyNow(
        default=next(version["VersionId"] for version in versions if version["IsDefaultVersion"]),
        texts={
            version["VersionId"]: client.get_policy_version(PolicyArn=arn, VersionId=version["VersionId"])[
                "PolicyVersion"
            ]["Text"]
            for version in versions
        },
    )


def add_version(client: Any, arn: str, text: str) -> None:
    """Add a version of a managed policy, as its default."""
    client.create_policy_version(PolicyArn=arn, PolicyDocument=text, SetAsDefault=True)


def go_back_to_version(client: Any, arn: str, version: str, surplus: Iterable[str]) -> None:
    """Make an old version the default again, and delete those that came after it."""
    client.set_default_policy_version(PolicyArn=arn, VersionId=version)
    for name in surplus:
        _delete_version(client, arn, name)


def _delete_version(client: Any, arn: str, version: str) -> None:
    for left in range(_TRIES - 1, -1, -1):
        try:
            client.delete_policy_version(PolicyArn=arn, VersionId=version)
        except ClientError as error:
            if code_of(error) == "NoSuchEntity":
                return
            if code_of(error) != "DeleteConflict" or not left:
                raise
            time.sleep(2.0 ** (_TRIES - 1 - left) / 4)
        else:
            return


def _unless_gone(error: Exception) -> None:
    """Raise the error again unless it says that there is no such thing."""
    if code_of(error) != "NoSuchEntity":
        raise error
