# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Module body of iam_role_access_info."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

try:
    from botocore.exceptions import BotoCoreError, ClientError
except ImportError:
    pass  # AnsibleAWSModule says what is missing

from ansible_collections.amazon.aws.plugins.module_utils.exceptions import AnsibleAWSError
from ansible_collections.amazon.aws.plugins.module_utils.tagging import boto3_tag_list_to_ansible_dict

from ansible_collections.fleet.aws_ssm.plugins.module_utils._clients import Clients
from ansible_collections.fleet.aws_ssm.plugins.module_utils._errors import Failure, InputError, describe
from ansible_collections.fleet.aws_ssm.plugins.module_utils._iam_api import Role, read_role
from ansible_collections.fleet.aws_ssm.plugins.module_utils._iam_names import IamName, parse_name
from ansible_collections.fleet.aws_ssm.plugins.module_utils._iam_policy import Decision, check_action, decide, trusts
from ansible_collections.fleet.aws_ssm.plugins.module_utils._regions import ALL, split_names

if TYPE_CHECKING:
    from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule


def run_info(module: AnsibleAWSModule) -> dict[str, Any]:
    """Read the role, and answer whom it trusts and what it allows."""
    name = parse_name("role_name", module.params["role_name"])
    actions = [check_action(action) for action in module.params["actions"]]
    if not module.params["resources"]:
        raise InputError("resources: is an empty list: name at least one ARN, or * for any.")
    clients = Clients(module)
    try:
        regions = [name for name in split_names(module.params["regions"]) or [] if name.lower() != ALL]
        role = read_role(clients.client("iam", clients.global_region(regions)), name.name)
    except (AnsibleAWSError, BotoCoreError, ClientError) as error:
        detail = describe(error)
        raise Failure(f"The IAM role {name.name} can't be read: {detail['code']}: {detail['message']}") from error
    result = {"changed": False, "requested": asdict(name)}
    if role is None:
        return {**result, "role": None, "trust": None, "permissions": []}
    _check_account(name, role)
    service = module.params["service"]
    return {
        **result,
        "role": _role_result(role),
        "trust": {"service": service, **_decision(trusts(role.role["AssumeRolePolicyDocument"], service))},
        "permissions": [
            {"action": action, **_decision(decide(action, role.policies, role.boundary, module.params["resources"]))}
            for action in actions
        ],
    }


def _check_account(name: IamName, role: Role) -> None:
    account = role.role["Arn"].split(":")[4]
    if name.account and name.account != account:
        raise InputError(f"role_name: the ARN is of account {name.account}, but the credentials are of {account}.")


def _decision(decision: Decision) -> dict[str, Any]:
    return {"answer": decision.answer.value, "reasons": [asdict(reason) for reason in decision.reasons]}


def _role_result(role: Role) -> dict[str, Any]:
    found = role.role
    return {
        "name": found["RoleName"],
        "path": found["Path"],
        "arn": found["Arn"],
        "setting_value": IamName(found["RoleName"], found["Path"]).value,
        "description": found.get("Description", ""),
        "tags": boto3_tag_list_to_ansible_dict(found.get("Tags", [])),
        "permissions_boundary": role.boundary.arn if role.boundary else None,
        "max_session_duration": found.get("MaxSessionDuration"),
        "trust_policy": found["AssumeRolePolicyDocument"],
        "managed_policies": [policy.arn for policy in role.policies if policy.kind == "managed"],
        "inline_policies": {policy.name: policy.document for policy in role.policies if policy.kind == "inline"},
    }
