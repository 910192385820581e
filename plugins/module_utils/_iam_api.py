# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Gateway: IAM roles, instance profiles and their policies, through amazon.aws's IAM calls where it has them.

Everything here raises amazon.aws's AnsibleIAMError or botocore's errors.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from ansible_collections.amazon.aws.plugins.module_utils.iam import (
    get_iam_managed_policy_by_arn,
    list_iam_instance_profiles,
    list_iam_managed_policies,
    list_iam_role_attached_policies,
    list_iam_role_policies,
)
from ansible_collections.amazon.aws.plugins.module_utils.retries import AWSRetry

from ansible_collections.fleet.aws_ssm.plugins.module_utils._errors import code_of
from ansible_collections.fleet.aws_ssm.plugins.module_utils._role_policies import Change, RolePolicies


def read_role_policies(client: Any, role: str) -> RolePolicies:
    """What is on the role; an inline policy as the very text that IAM stores, so that it can be put back the same."""
    client.meta.events.register_first("after-call.iam.GetRolePolicy", _keep_text, unique_id="fleet.aws_ssm-keep-text")
    read = client.get_role_policy
    return RolePolicies(
        managed={policy["PolicyArn"]: policy["PolicyName"] for policy in list_iam_role_attached_policies(client, role)},
        inline={
            policy: read(RoleName=role, PolicyName=policy)["PolicyText"]
            for policy in list_iam_role_policies(client, role)
        },
    )


def read_inline_policy(client: Any, role: str, policy: str) -> str | None:
    """The text of one inline policy as IAM stores it; None if there is none, or no such role."""
    client.meta.events.register_first("after-call.iam.GetRolePolicy", _keep_text, unique_id="fleet.aws_ssm-keep-text")
    try:
        return str(client.get_role_policy(RoleName=role, PolicyName=policy)["PolicyText"])
    except Exception as error:
        if code_of(error) != "NoSuchEntity":
            raise
        return None


def _keep_text(parsed: dict[str, Any], **_event: Any) -> None:
    # botocore's own handler, which runs after this one, leaves only the decoded document.
    if isinstance(parsed.get("PolicyDocument"), str):
        parsed["PolicyText"] = unquote(parsed["PolicyDocument"])


def change_role_policy(client: Any, role: str, change: Change) -> None:
    """Make one change. A role or policy that was made a moment ago may not be seen yet, so that is waited for.

    What is gone already counts as taken away: someone else did it, or an earlier attempt whose answer was lost.
    botocore has repeated what IAM throttles.
    """
    repeat = _RetryOnly.jittered_backoff(retries=8, delay=1, max_delay=10, catch_extra_error_codes=["NoSuchEntity"])
    if change.operation == "attach":
        repeat(client.attach_role_policy)(RoleName=role, PolicyArn=change.arn)
    elif change.operation == "put":
        repeat(client.put_role_policy)(RoleName=role, PolicyName=change.name, PolicyDocument=change.after)
    else:
        try:
            if change.operation == "detach":
                client.detach_role_policy(RoleName=role, PolicyArn=change.arn)
            else:
                client.delete_role_policy(RoleName=role, PolicyName=change.name)
        except Exception as error:
            if code_of(error) != "NoSuchEntity":
                raise


def attached_policies(client: Any, role: str) -> list[str]:
    """The ARNs of the managed policies on the role; none if there is no such role."""
    return [policy["PolicyArn"] for policy in list_iam_role_attached_policies(client, role)]


class _RetryOnly(AWSRetry):
    @staticmethod
    def found(response_code: str, catch_extra_error_codes: Any = None) -> bool:
        """Only the codes that are named: botocore has repeated the others, and would do so again for each attempt."""
        return response_code in (catch_extra_error_codes or ())


def read_profile(client: Any, name: str) -> dict[str, Any] | None:
    """GetInstanceProfile's answer, or None."""
    profiles = list_iam_instance_profiles(client, name=name)
    return profiles[0] if profiles else None


def profiles_of_role(client: Any, role: str) -> list[str]:
    """The names of the instance profiles that hold the role."""
    return sorted(profile["InstanceProfileName"] for profile in list_iam_instance_profiles(client, role=role))


def quotas(client: Any) -> Mapping[str, int]:
    """GetAccountSummary's map of quotas and usage."""
    return client.get_account_summary()["SummaryMap"]


def profile_arns_of_role(client: Any, role: str) -> dict[str, str]:
    """The ARNs of the instance profiles that hold the role, by name."""
    return {profile["InstanceProfileName"]: profile["Arn"] for profile in list_iam_instance_profiles(client, role=role)}


def policy_exists(client: Any, arn: str) -> bool:
    """Whether there is a managed policy of this ARN."""
    try:
        get_iam_managed_policy_by_arn(client, arn)
    except Exception as error:
        if code_of(error) != "NoSuchEntity":
            raise
        return False
    return True


def policy_arn(client: Any, name: str, account: str, partition: str) -> str | None:
    """The ARN of a managed policy that is given by its name: the account's own first, as the console lists them.

    Asks for the likely ARNs before it lists all 1,500 policies to find one in another path.
    """
    for owner, path in ((account, "/"), ("aws", "/"), ("aws", "/service-role/")):
        arn = f"arn:{partition}:iam::{owner}:policy{path}{name}"
        if policy_exists(client, arn):
            return arn
    return next((policy["Arn"] for policy in list_iam_managed_policies(client) if policy["PolicyName"] == name), None)
