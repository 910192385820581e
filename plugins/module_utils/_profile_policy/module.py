# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Module body of instance_profile_policy: find the role, read, plan, write the backup, apply, report."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ansible.module_utils.common.warnings import warn

from ansible_collections.amazon.aws.plugins.module_utils.iam import get_iam_role
from ansible_collections.amazon.aws.plugins.module_utils.policy import compare_policies

from ansible_collections.fleet.aws_ssm.plugins.module_utils._clients import Clients
from ansible_collections.fleet.aws_ssm.plugins.module_utils._core.backup import Entry, to_rows
from ansible_collections.fleet.aws_ssm.plugins.module_utils._core.backup_task import BackupTask
from ansible_collections.fleet.aws_ssm.plugins.module_utils._core.fresh import is_stale, read_fresh
from ansible_collections.fleet.aws_ssm.plugins.module_utils._errors import (
    ChangedMeanwhile,
    Failure,
    InputError,
    describe,
    may_have_happened,
)
from ansible_collections.fleet.aws_ssm.plugins.module_utils._iam_api import (
    change_role_policy,
    policy_arn,
    policy_exists,
    profiles_of_role,
    quotas,
    read_inline_policy,
    read_profile,
    read_role_policies,
)
from ansible_collections.fleet.aws_ssm.plugins.module_utils._iam_names import POLICY, PROFILE, ROLE, IamName, parse_name
from ansible_collections.fleet.aws_ssm.plugins.module_utils._profile_policy.guard import Guard
from ansible_collections.fleet.aws_ssm.plugins.module_utils._profile_policy.restore import (
    entries_of,
)
from ansible_collections.fleet.aws_ssm.plugins.module_utils._role_policies import (
    Change,
    Request,
    RolePolicies,
    apply,
    document_text,
    ordered,
    plan_absent,
    plan_present,
)

if TYPE_CHECKING:
    from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule


# Seconds that guarding a role and reading it may take. A module of one role has no timeout of its own.
TIMEOUT = 300.0


@dataclass(frozen=True)
class Target:
    """The role to work on (as IAM shows it), the profile it was found through, and the others that hold it."""

    role: Mapping[str, Any]
    profile: str | None = None
    shared: tuple[str, ...] = ()
    read_at: float = 0.0
    """When its policies were asked for, by `time.monotonic`."""

    @property
    def name(self) -> str:
        """The role's name."""
        return str(self.role["RoleName"])

    @property
    def arn(self) -> str:
        """The role's ARN."""
        return str(self.role["Arn"])


def run(module: AnsibleAWSModule, backup: BackupTask) -> dict[str, Any]:
    """`state=present` and `state=absent`: puts policies on the role behind an instance profile, or takes them off."""
    clients = Clients(module)
    deadline = time.monotonic() + TIMEOUT
    inline, names = _requested(module.params)
    try:
        iam = clients.client("iam", clients.global_region())
        target = _target(module.params, clients, iam)
        shared = tuple(name for name in profiles_of_role(iam, target.name) if name != target.profile)
        target = replace(target, shared=shared, read_at=time.monotonic())
        now = read_role_policies(iam, target.name)
        request = Request(managed_arns(iam, "managed_policies", names, target.arn), inline)
        if module.params["state"] == "present":
            check_managed(iam, "managed_policies", set(request.managed) - set(now.managed))
        changes = _plan(module.params, now, request)
        if changes:
            changes = ordered(now, changes, quotas(iam), target.name)
        kept = Guard(clients, target.arn.split(":")[1], deadline).why_kept(target.role, now, changes)
    except Failure:
        raise
    except Exception as error:
        raise Failure(unreadable(error)) from error
    if kept:
        raise Failure(f"The role {target.name} {kept}. It must keep what lets instances register. Nothing was changed.")
    profiles = [*([target.profile] if target.profile else []), *target.shared]
    if changes and len(profiles) > 1:
        warn(f"The role {target.name} is in the instance profiles {', '.join(profiles)}: all of them change with it.")
    if not module.check_mode:
        backup.keep(_entries(changes, target.arn))
    return _apply(module, iam, target, now, changes)


def _requested(params: Mapping[str, Any]) -> tuple[dict[str, str], list[tuple[str, IamName]]]:
    """The inline documents as text, and the managed policies parsed; InputError for what can't be one."""
    if not (params["role"] or params["instance_profile"] or params["instance_id"]):
        raise InputError("one of role, instance_profile and instance_id is needed: name the role to work on.")
    inline = dict.fromkeys(params["inline_policies"] or {}, "")
    for name, document in (params["inline_policies"] or {}).items():
        parse_name("inline_policies", name, POLICY)
        if params["state"] == "present":
            inline[name] = document_text("inline_policies", name, document)
    return inline, parse_managed("managed_policies", params["managed_policies"] or [])


def _entries(changes: Iterable[Change], role_arn: str) -> list[Entry]:
    _arn, partition, _iam, _region, account, role = role_arn.split(":", 5)
    return entries_of(changes, role.rpartition("/")[2], account, partition)


def _plan(params: Mapping[str, Any], now: RolePolicies, request: Request) -> list[Change]:
    if params["state"] == "absent":
        return plan_absent(now, request)
    return plan_present(now, request, purge=params["purge"], differs=compare_policies)


def change_if_as_read(iam: Any, role: str, change: Change, read_at: float) -> None:
    """Make the change, unless the inline document that it replaces has become another one since it was read."""
    if change.operation in ("put", "delete") and is_stale(read_at):
        now = read_fresh(lambda: read_inline_policy(iam, role, change.name))
        if now != change.before:
            raise ChangedMeanwhile(change.before, now)
    change_role_policy(iam, role, change)


def _apply(
    module: AnsibleAWSModule, iam: Any, target: Target, now: RolePolicies, changes: list[Change]
) -> dict[str, Any]:
    done: list[Change] = []
    unsure: list[Change] = []
    failure = ""
    for change in changes:
        try:
            if not module.check_mode:
                change_if_as_read(iam, target.name, change, target.read_at)
            done.append(change)
        except Exception as error:
            detail = describe(error)
            unsure = [change] if may_have_happened(error) else []
            failure = (
                f"{change.operation} of {change.name} on the role {target.name} failed: {detail['code']}: "
                f"{detail['message']} ({len(done)} of {len(changes)} changes were made)"
            )
            break
    then = apply(now, done)
    result: dict[str, Any] = {
        "changed": bool(done),
        "role": {"name": target.name, "arn": target.arn},
        "instance_profile": target.profile,
        "other_profiles": list(target.shared),
        "changes": [{"operation": change.operation, "policy": change.name, "arn": change.arn} for change in done],
        "backup": to_rows(_entries([*done, *unsure], target.arn)),
        "managed_policies": sorted(then.managed),
        "inline_policies": sorted(then.inline),
    }
    if done:
        result["diff"] = {
            "before_header": f"policies of the role {target.name} before",
            "after_header": f"policies of the role {target.name} after",
            "before": _shown(now, changes),
            "after": _shown(then, changes),
        }
    if failure:
        raise Failure(failure, **result)
    return result


def _shown(policies: RolePolicies, changes: Iterable[Change]) -> dict[str, Any]:
    """What a diff shows: every attached policy, and the documents of those inline policies that change."""
    changed = {change.name for change in changes if change.operation in ("put", "delete")}
    return {
        "managed_policies": sorted(policies.managed),
        "inline_policies": {
            name: json.loads(text) if name in changed else "(unchanged)"
            for name, text in sorted(policies.inline.items())
        },
    }


def _target(params: Mapping[str, Any], clients: Clients, iam: Any) -> Target:
    """The role behind O(role), O(instance_profile) or O(instance_id)."""
    if params["role"]:
        name = parse_name("role", params["role"], ROLE)
        found = get_iam_role(iam, name.name)
        if not found:
            raise InputError(f"role: there is no IAM role {name.name}.")
        _check_account("role", name, found["Arn"])
        return Target(found)
    if params["instance_profile"]:
        option, text = "instance_profile", params["instance_profile"]
    else:
        option, text = "instance_id", _profile_of_instance(clients, params["instance_id"])
    name = parse_name(option, text, PROFILE)
    profile = read_profile(iam, name.name)
    if profile is None:
        raise InputError(f"{option}: there is no instance profile {name.name}.")
    _check_account(option, name, profile["Arn"])
    if not profile["Roles"]:
        raise InputError(
            f"{option}: the instance profile {name.name} has no role. Add one, with amazon.aws.iam_instance_profile."
        )
    return Target(profile["Roles"][0], profile["InstanceProfileName"])


def _check_account(option: str, name: IamName, arn: str) -> None:
    account = arn.split(":")[4]
    if name.account and name.account != account:
        raise InputError(f"{option}: the ARN is of account {name.account}, but the credentials are of {account}.")


def _profile_of_instance(clients: Clients, instance: str) -> str:
    if not clients.region:
        raise InputError(f"instance_id: set region, the region of {instance}.")
    answer = clients.client("ec2", clients.region).describe_instances(
        Filters=[{"Name": "instance-id", "Values": [instance]}]
    )
    found = [instance for reservation in answer["Reservations"] for instance in reservation["Instances"]]
    if not found:
        raise InputError(f"instance_id: there is no instance {instance} in {clients.region}.")
    if "IamInstanceProfile" not in found[0]:
        raise InputError(f"instance_id: {instance} has no instance profile. Associate one first.")
    return found[0]["IamInstanceProfile"]["Arn"]


def parse_managed(option: str, policies: Iterable[str]) -> list[tuple[str, IamName]]:
    """The managed policies that a task names, each as given and parsed."""
    return [(text, parse_name(option, text, POLICY)) for text in policies]


def managed_arns(iam: Any, option: str, names: Iterable[tuple[str, IamName]], role_arn: str) -> dict[str, str]:
    """The names of managed policies by ARN, in the account and partition of a role; InputError for unknown ones."""
    _arn, partition, _iam, _region, account, _role = role_arn.split(":", 5)
    found = {}
    for text, name in names:
        arn = text.strip() if name.account else policy_arn(iam, name.name, account, partition)
        if arn is None:
            raise InputError(f"{option}: there is no managed policy {text!r}, in the account or of AWS.")
        found[arn] = name.name
    return found


def check_managed(iam: Any, option: str, arns: Iterable[str]) -> None:
    """Raise InputError for policies that do not exist; IAM would say so only when they are attached."""
    missing = [arn for arn in sorted(arns) if not policy_exists(iam, arn)]
    if missing:
        raise InputError(
            f"{option}: there is no managed policy {', '.join(missing)}. Correct the ARN or create the policy."
        )


def unreadable(error: Exception) -> str:
    """The message for a read that failed, before anything was changed."""
    detail = describe(error)
    return f"Reading the role and its policies failed: {detail['code']}: {detail['message']}"
