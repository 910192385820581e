# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Module body of iam_role_access_info."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Sequence
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
from ansible_collections.fleet.aws_ssm.plugins.module_utils._iam.profile_access import (
    EC2_SERVICE,
    SSM_SERVICE,
    RoleAccess,
    bounded,
    strictest,
)
from ansible_collections.fleet.aws_ssm.plugins.module_utils._iam_fleet_api import simulate
from ansible_collections.fleet.aws_ssm.plugins.module_utils._iam_names import IamName, parse_name
from ansible_collections.fleet.aws_ssm.plugins.module_utils._iam_policy import Answer, Decision, check_action
from ansible_collections.fleet.aws_ssm.plugins.module_utils._iam_reader import IamReader
from ansible_collections.fleet.aws_ssm.plugins.module_utils._permissions import (
    PING,
    RoleFacts,
    checked_resources,
    may,
    resources_of,
)
from ansible_collections.fleet.aws_ssm.plugins.module_utils._regional import all_regions
from ansible_collections.fleet.aws_ssm.plugins.module_utils._regions import ALL, split_names

if TYPE_CHECKING:
    from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

# Seconds for reading the role.
_TIMEOUT = 300


def run_info(module: AnsibleAWSModule) -> dict[str, Any]:
    """Read the role, and answer whom it trusts and what it allows."""
    params = module.params
    name = parse_name("role_name", params["role_name"])
    actions = [check_action(action) for action in params["actions"]]
    resources = checked_resources(params["resources"])
    clients = Clients(module)
    given = split_names(params["regions"]) or []
    regions = [name for name in given if name.lower() != ALL]
    try:
        iam = clients.client("iam", clients.global_region(regions))
        roles, errors = IamReader(iam, time.monotonic() + _TIMEOUT).roles([name.name])
        for error in errors.values():
            raise error
    except (AnsibleAWSError, BotoCoreError, ClientError) as error:
        detail = describe(error)
        raise Failure(f"The IAM role {name.name} can't be read: {detail['code']}: {detail['message']}") from error
    role = roles.get(name.name)
    result = {"changed": False, "requested": asdict(name)}
    if role is None:
        return {**result, "role": None, "trust": None, "permissions": []}
    _check_account(name, role)
    judge = _Judge(role, params["service"], resources, regions)
    if len(regions) < len(given) and judge.by_region(actions):
        judge = _Judge(role, params["service"], resources, all_regions(clients, regions))
    permissions = [judge.permission(action) for action in actions]
    if params["simulate"]:
        for entry in permissions:
            _add_simulated(iam, role, judge, entry)
    return {
        **result,
        "role": _role_result(role),
        "trust": {"service": params["service"], **_decision(judge.trust)},
        "permissions": permissions,
    }


class _Judge:
    """Answers for one role, by the rule that every module asks."""

    def __init__(self, role: RoleFacts, service: str, resources: Sequence[str], regions: Sequence[str]) -> None:
        self._role, self._service, self._given, self.regions = role, service, resources, regions
        _arn, self._partition, _iam, _region, self._account, _name = role.detail["Arn"].split(":", 5)
        self._access = RoleAccess(role, service, self._partition, self._account)

    @property
    def trust(self) -> Decision:
        """Whether the service may assume the role."""
        return self._access.trust

    def by_region(self, actions: Iterable[str]) -> bool:
        """Whether an answer may depend on which regions there are."""
        return any(self._by_agents(action) and self._pings().answer is Answer.MAYBE for action in actions)

    def permission(self, action: str) -> dict[str, Any]:
        """Whether the role allows the action."""
        decision = self._pings() if self._by_agents(action) else may(self._role, action, self.resources(action))
        return {"action": action, "resources": self.resources(action), **_decision(decision)}

    def resources(self, action: str, region: str = "") -> list[str]:
        """What an action is decided for; with a region, in that region."""
        if not self._by_agents(action):
            return resources_of(action, self._given, self._partition, self._account)
        where = [region] if region else self.regions or ["*"]
        return [f"arn:{self._partition}:ec2:{name}:{self._account}:instance/*" for name in where]

    def _by_agents(self, action: str) -> bool:
        return action.lower() == PING.lower() and not self._given and self._service in (EC2_SERVICE, SSM_SERVICE)

    def _pings(self) -> Decision:
        return self._access.anywhere(self.regions).pings


def _add_simulated(iam: Any, role: RoleFacts, judge: _Judge, entry: dict[str, Any]) -> None:
    """Ask IAM itself, in each of the regions, and let service control policies bound the answer."""
    action = entry["action"]
    try:
        found = [
            simulate(iam, role.detail["Arn"], [action], judge.resources(action, region), region)[action]
            for region in judge.regions or [""]
        ]
    except (BotoCoreError, ClientError) as error:
        detail = describe(error)
        raise Failure(f"IAM can't be asked to simulate {action}: {detail['code']}: {detail['message']}") from error
    entry["simulated"] = strictest(found)
    entry["answer"] = bounded(Answer(entry["answer"]), found).value


def _check_account(name: IamName, role: RoleFacts) -> None:
    account = role.detail["Arn"].split(":")[4]
    if name.account and name.account != account:
        raise InputError(f"role_name: the ARN is of account {name.account}, but the credentials are of {account}.")


def _decision(decision: Decision) -> dict[str, Any]:
    return {"answer": decision.answer.value, "reasons": [asdict(reason) for reason in decision.reasons]}


def _role_result(role: RoleFacts) -> dict[str, Any]:
    found = role.detail
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
        "managed_policies": [policy.arn for policy in role.managed],
        "inline_policies": {name: json.loads(text) for name, text in role.inline.items()},
    }
