# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Module bodies of iam_account_summary_info and iam_managed_policy_info."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible_collections.amazon.aws.plugins.module_utils.iam import (
    get_iam_managed_policy_by_arn,
    get_iam_managed_policy_version,
    list_iam_managed_policies,
)
from ansible_collections.amazon.aws.plugins.module_utils.retries import AWSRetry
from ansible_collections.amazon.aws.plugins.module_utils.tagging import boto3_tag_list_to_ansible_dict

from ansible_collections.fleet.aws_ssm.plugins.module_utils._clients import Clients
from ansible_collections.fleet.aws_ssm.plugins.module_utils._errors import Failure, describe
from ansible_collections.fleet.aws_ssm.plugins.module_utils._iam_api import quotas
from ansible_collections.fleet.aws_ssm.plugins.module_utils._iam_names import POLICY, parse_name
from ansible_collections.fleet.aws_ssm.plugins.module_utils._s3_policy import policy_number

if TYPE_CHECKING:
    from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule


def run_summary(module: AnsibleAWSModule) -> dict[str, Any]:
    """iam_account_summary_info: the account's quotas and what is used of them."""
    clients = Clients(module)
    try:
        identify = AWSRetry.jittered_backoff()(clients.client("sts", clients.region or "us-east-1").get_caller_identity)
        arn = identify()["Arn"]
        summary = dict(quotas(clients.client("iam", clients.region)))
    except Exception as error:
        raise Failure(_unreadable("The account's quotas", error)) from error
    _arn, partition, _service, _region, account, _name = arn.split(":", 5)
    return {
        "changed": False,
        "account": account,
        "partition": partition,
        "region": clients.region,
        "summary": summary,
    }


def run_policies(module: AnsibleAWSModule) -> dict[str, Any]:
    """iam_managed_policy_info: policies of the account with their documents and tags."""
    numbered = module.params["numbered"]
    names = [parse_name("names", text, POLICY).name for text in module.params["names"]]
    clients = Clients(module)
    try:
        client = clients.client("iam", clients.region)
        # Paths are part of an ARN and not of a name, so that only the list can tell which ARN a name has.
        listed = list_iam_managed_policies(client, Scope="Local", PaginationConfig={"PageSize": 1000})
        found = [
            (names.index(name), number, policy["Arn"])
            for policy in listed
            for name in names
            if (number := _number(name, policy["PolicyName"])) == 1 or (number and numbered)
        ]
        policies = [_policy(client, arn) for _index, _number, arn in sorted(found)]
    except Exception as error:
        raise Failure(_unreadable("The managed policies", error)) from error
    return {"changed": False, "policies": policies}


def _number(name: str, policy: str) -> int | None:
    # Two names that differ in case only can't be in one account.
    return policy_number(name.lower(), policy.lower())


def _policy(client: Any, arn: str) -> dict[str, Any]:
    policy = get_iam_managed_policy_by_arn(client, arn)
    version = get_iam_managed_policy_version(client, arn, policy["DefaultVersionId"])
    return {
        "name": policy["PolicyName"],
        "arn": arn,
        "path": policy["Path"],
        "description": policy.get("Description", ""),
        "tags": boto3_tag_list_to_ansible_dict(policy.get("Tags") or []),
        "default_version_id": policy["DefaultVersionId"],
        "attachment_count": policy.get("AttachmentCount", 0),
        "document": version["Document"],
    }


def _unreadable(what: str, error: Exception) -> str:
    detail = describe(error)
    return f"{what} can't be read: {detail['code']}: {detail['message']}"
