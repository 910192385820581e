# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Module body of instance_profile_permission: takes actions from the roles behind profiles, or gives them back."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ansible.module_utils.common.warnings import warn

from ansible_collections.fleet.aws_ssm.plugins.module_utils._clients import Clients
from ansible_collections.fleet.aws_ssm.plugins.module_utils._errors import Failure, InputError, describe
from ansible_collections.fleet.aws_ssm.plugins.module_utils._iam_api import change_role_policy, policy_exists, quotas
from ansible_collections.fleet.aws_ssm.plugins.module_utils._iam_fleet_api import (
    add_version,
    all_or_nothing,
    go_back_to_version,
    policy_versions,
    read_all,
    read_bare_role,
    read_versions,
)
from ansible_collections.fleet.aws_ssm.plugins.module_utils._iam_names import POLICY, parse_name
from ansible_collections.fleet.aws_ssm.plugins.module_utils._permission_info_module import profile_rows
from ansible_collections.fleet.aws_ssm.plugins.module_utils._permission_plan import (
    DENY_NAME,
    DETACH,
    VERSION,
    Plan,
    Request,
    Step,
    backup_of,
    needs_versions,
    plan_absent,
)
from ansible_collections.fleet.aws_ssm.plugins.module_utils._permission_restore import (
    ATTACH,
    DEFAULT,
    KEEP,
    LOST,
    PolicyNow,
    RoleNow,
    Undo,
    check_backup,
    plan_restored,
)
from ansible_collections.fleet.aws_ssm.plugins.module_utils._permissions import (
    RoleFacts,
    checked_actions,
    checked_resources,
    resources_of,
)
from ansible_collections.fleet.aws_ssm.plugins.module_utils._profile_survey import Survey, Surveyor
from ansible_collections.fleet.aws_ssm.plugins.module_utils._role_policies import Change

if TYPE_CHECKING:
    from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

Job = tuple[str, int, Callable[[], None]]
"""What belongs together and is done in order (a role, or a managed policy), the number of the step, and the call."""


def run(module: AnsibleAWSModule) -> dict[str, Any]:
    """instance_profile_permission."""
    return _restore(module) if module.params["state"] == "restored" else _take_away(module)


def _take_away(module: AnsibleAWSModule) -> dict[str, Any]:
    params = module.params
    actions = checked_actions(params["actions"])
    given = checked_resources(params["resources"])
    deny_name = _deny_name(params["deny_policy_name"])
    surveyor = Surveyor(module)
    survey = surveyor.read()
    rows = profile_rows(survey, actions, given)
    allowing = [row["role"] for row in rows if row["answer"] in ("yes", "maybe")]
    resources = {action: resources_of(action, given, survey.partition, survey.account) for action in actions}
    try:
        plan = _plan(
            {**params, "deny_policy_name": deny_name},
            surveyor,
            [survey.roles[name] for name in dict.fromkeys(allowing)],
            resources,
        )
    except Exception as error:
        raise _unreadable(error, profiles=rows) from error
    _warn_of_sharing(surveyor, survey, plan.steps)
    errors: dict[int, Exception] = {}
    if not module.check_mode:
        iam = surveyor.iam
        errors = _carry_out([_job(iam, number, step) for number, step in enumerate(plan.steps)], surveyor.deadline)
    changes = [_change_row(step, errors.get(number), survey) for number, step in enumerate(plan.steps)]
    done = [step for step, row in zip(plan.steps, changes, strict=True) if row["changed"]]
    result: dict[str, Any] = {
        "changed": bool(done),
        "profiles": rows,
        "changes": changes,
        "refused": [
            {"role": role, "instance_profiles": _profiles_of(survey, role), "reason": reason}
            for role, reason in plan.refused.items()
        ],
        "backup": backup_of(survey.account, plan.steps),
        **_diff(done),
    }
    why = [f"the role {entry['role']} keeps it: {entry['reason']}" for entry in result["refused"]]
    why += [f"{_what(row)}: {row['error']['code']}: {row['error']['message']}" for row in changes if row["failed"]]
    for name, unread in {**survey.role_errors, **survey.region_errors}.items():
        detail = describe(unread)
        why.append(f"{name} could not be read: {detail['code']}: {detail['message']}")
    return _finish(f"{', '.join(actions)} could not be taken from all profiles", why, result)


def _deny_name(text: str) -> str:
    name = parse_name("deny_policy_name", text.strip() or DENY_NAME, POLICY)
    if name.path is not None:
        raise InputError(f"deny_policy_name: {text!r}: an inline policy has a name only, without a path or an ARN.")
    return name.name


def _plan(
    params: Mapping[str, Any],
    surveyor: Surveyor,
    roles: list[RoleFacts],
    resources: Mapping[str, list[str]],
) -> Plan:
    """Nothing more is read where there is nothing to do."""
    if not roles:
        return Plan([], {})
    iam = surveyor.iam
    request = Request(resources, params["method"], params["deny_policy_name"], params["allow_shared"], quotas(iam))
    versions = all_or_nothing(lambda arn: policy_versions(iam, arn), needs_versions(roles, request), surveyor.deadline)
    return plan_absent([_with_versions(role, versions) for role in roles], request)


def _unreadable(error: Exception, **result: Any) -> Failure:
    detail = describe(error)
    return Failure(f"IAM can't be read: {detail['code']}: {detail['message']}. Nothing was changed.", **result)


def _with_versions(role: RoleFacts, versions: Mapping[str, tuple[str, ...]]) -> RoleFacts:
    return replace(
        role, managed=tuple(replace(p, versions=versions[p.arn]) if p.arn in versions else p for p in role.managed)
    )


def _warn_of_sharing(surveyor: Surveyor, survey: Survey, steps: Iterable[Step]) -> None:
    """A role that other profiles hold changes for their instances, too."""
    selected = {profile.name for profile in survey.profiles}
    sharing, errors = surveyor.sharing([name for step in steps for name in _holders(step, survey)])
    for role, error in errors.items():
        detail = describe(error)
        warn(f"Which profiles hold the role {role} can't be read: {detail['code']}: {detail['message']}")
    for role, profiles in sharing.items():
        others = [name for name in profiles if name not in selected]
        if others:
            warn(f"The role {role} is also in the instance profiles {', '.join(others)}, which change with it.")


def _job(iam: Any, number: int, step: Step) -> Job:
    if step.operation == VERSION:
        return str(step.arn), number, lambda: add_version(iam, str(step.arn), str(step.after))
    change = Change(step.operation, step.policy, step.arn, step.before, step.after)
    return str(step.role), number, lambda: change_role_policy(iam, str(step.role), change)


def _carry_out(jobs: Iterable[Job], deadline: float) -> dict[int, Exception]:
    """Do the jobs, those of different roles and policies side by side; returns the errors by number.

    The rest of a role's steps is not done after one that failed.
    """
    groups: dict[str, list[tuple[int, Callable[[], None]]]] = {}
    for key, number, call in jobs:
        groups.setdefault(key, []).append((number, call))

    def work(key: str) -> dict[int, Exception]:
        for position, (number, call) in enumerate(groups[key]):
            try:
                call()
            except Exception as error:
                later = RuntimeError("not done, because another change of the same role failed")
                return {number: error, **{rest: later for rest, _call in groups[key][position + 1 :]}}
        return {}

    outcomes, broken = read_all(work, groups, deadline)
    errors = {number: error for outcome in outcomes.values() for number, error in outcome.items()}
    for key, error in broken.items():
        errors.update({number: error for number, _call in groups[key]})
    return errors


def _holders(step: Step, survey: Survey) -> list[str]:
    """The roles that a step changes."""
    if step.role:
        return [step.role]
    return [name for name, role in survey.roles.items() if any(policy.arn == step.arn for policy in role.managed)]


def _change_row(step: Step, error: Exception | None, survey: Survey) -> dict[str, Any]:
    return {
        "operation": step.operation,
        "role": step.role,
        "policy": step.policy,
        "arn": step.arn,
        "instance_profiles": [name for holder in _holders(step, survey) for name in _profiles_of(survey, holder)],
        "reason": step.reason,
        "changed": error is None,
        "failed": error is not None,
        **({"error": describe(error)} if error else {}),
    }


def _profiles_of(survey: Survey, role: str) -> list[str]:
    return [profile.name for profile in survey.profiles if profile.role == role]


def _what(row: Mapping[str, Any]) -> str:
    return f"{row['operation']} of {row['policy']}" + (f" on the role {row['role']}" if row["role"] else "")


def _diff(steps: list[Step]) -> dict[str, Any]:
    if not steps:
        return {}
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}
    for step in steps:
        where = f"role {step.role}" if step.role else "managed policies"
        # A managed and an inline policy of a role may have the same name.
        policy = step.arn or step.policy
        before.setdefault(where, {})[policy] = "attached" if step.operation == DETACH else _document(step.before)
        after.setdefault(where, {})[policy] = "attached" if step.operation == ATTACH else _document(step.after)
    return {
        "diff": {
            "before_header": "policies before",
            "after_header": "policies after",
            "before": before,
            "after": after,
        }
    }


def _document(text: str | None) -> Any:
    return json.loads(text) if text else None


def _finish(message: str, why: list[str], result: dict[str, Any]) -> dict[str, Any]:
    if why:
        more = f"; and {len(why) - 10} more" if len(why) > 10 else ""
        raise Failure(f"{message}: {'; '.join(why[:10])}{more}", **result)
    return result


def _restore(module: AnsibleAWSModule) -> dict[str, Any]:
    params = module.params
    deadline = time.monotonic() + params["timeout"]
    backup = params["backup"]
    if not backup:
        raise InputError("backup: is empty: give the backup that an earlier run returned.")
    clients = Clients(module)
    region = clients.region or clients.partitions()[0].home
    iam = clients.client("iam", region)
    try:
        account = clients.client("sts", region).get_caller_identity()["Account"]
        check_backup(backup, account)
        roles, policies = _now(iam, backup, deadline)
    except Failure:
        raise
    except Exception as error:
        raise _unreadable(error) from error
    undone = plan_restored(backup, roles, policies, overwrite=params["overwrite"])
    errors: dict[int, Exception] = {}
    if not module.check_mode:
        jobs = [_undo_job(iam, n, undo) for n, undo in enumerate(undone) if undo.operation not in (KEEP, LOST)]
        errors = _carry_out(jobs, deadline)
    rows = [_undo_row(undo, errors.get(number)) for number, undo in enumerate(undone)]
    done = [
        Step(
            undo.operation,
            undo.entry["policy"],
            undo.entry["role"],
            undo.entry["arn"],
            before=undo.now,
            after=undo.entry["before"],
        )
        for undo, row in zip(undone, rows, strict=True)
        if row["changed"]
    ]
    result: dict[str, Any] = {"changed": bool(done), "changes": rows, **_diff(done)}
    why = [f"{row['policy']}: {row['reason']}" for row in rows if row["failed"] and row["reason"]]
    why += [f"{_what(row)}: {row['error']['code']}: {row['error']['message']}" for row in rows if "error" in row]
    return _finish(f"{len(why)} of {len(rows)} changes could not be put back", why, result)


def _now(
    iam: Any, backup: list[dict[str, Any]], deadline: float
) -> tuple[dict[str, RoleNow | None], dict[str, PolicyNow | None]]:
    """What IAM holds of all that the backup names; raises if that can't be read."""
    names = {entry["role"] for entry in backup if entry["role"]}
    edited = {entry["arn"] for entry in backup if entry["operation"] == VERSION}
    attached = {entry["arn"] for entry in backup if entry["operation"] == DETACH}
    bare = all_or_nothing(lambda name: read_bare_role(iam, name), sorted(names), deadline)
    versions = all_or_nothing(lambda arn: read_versions(iam, arn), sorted(edited), deadline)
    exists = all_or_nothing(lambda arn: policy_exists(iam, arn), sorted(attached), deadline)
    roles = {name: RoleNow(frozenset(role.attached), role.inline) if role else None for name, role in bare.items()}
    return roles, {**{arn: PolicyNow("", {}) if there else None for arn, there in exists.items()}, **versions}


def _undo_job(iam: Any, number: int, undo: Undo) -> Job:
    entry = undo.entry
    if undo.operation == DEFAULT:
        arn, version = entry["arn"], entry["version"]
        return arn, number, lambda: go_back_to_version(iam, arn, version, undo.surplus)
    change = Change(undo.operation, entry["policy"], entry["arn"], after=entry["before"])
    return entry["role"], number, lambda: change_role_policy(iam, entry["role"], change)


def _undo_row(undo: Undo, error: Exception | None) -> dict[str, Any]:
    return {
        "operation": undo.operation,
        "role": undo.entry["role"],
        "policy": undo.entry["policy"],
        "arn": undo.entry["arn"],
        "reason": undo.reason,
        "replaced": undo.now,
        "changed": undo.operation not in (KEEP, LOST) and error is None,
        "failed": undo.operation == LOST or error is not None,
        **({"error": describe(error)} if error else {}),
    }
