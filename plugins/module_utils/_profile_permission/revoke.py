# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Module body of instance_profile_permission, state=absent: takes actions from the roles behind profiles."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ansible.module_utils.common.warnings import warn

from ansible_collections.fleet.aws_ssm.plugins.module_utils._core.backup import to_rows
from ansible_collections.fleet.aws_ssm.plugins.module_utils._core.backup_task import BackupTask
from ansible_collections.fleet.aws_ssm.plugins.module_utils._errors import (
    Failure,
    InputError,
    describe,
    may_have_happened,
)
from ansible_collections.fleet.aws_ssm.plugins.module_utils._iam.policy_edits import version_ids
from ansible_collections.fleet.aws_ssm.plugins.module_utils._iam_api import quotas
from ansible_collections.fleet.aws_ssm.plugins.module_utils._iam_fleet_api import all_or_nothing
from ansible_collections.fleet.aws_ssm.plugins.module_utils._iam_names import POLICY, parse_name
from ansible_collections.fleet.aws_ssm.plugins.module_utils._permission_info_module import failed_regions
from ansible_collections.fleet.aws_ssm.plugins.module_utils._permissions import (
    PING,
    RoleFacts,
    checked_actions,
    checked_resources,
    resources_of,
)
from ansible_collections.fleet.aws_ssm.plugins.module_utils._profile_permission.apply import NotDone, Outcome, apply
from ansible_collections.fleet.aws_ssm.plugins.module_utils._profile_permission.decided import (
    allowing_roles,
    profile_rows,
)
from ansible_collections.fleet.aws_ssm.plugins.module_utils._profile_permission.protection import (
    Protection,
    Protector,
    Terms,
)
from ansible_collections.fleet.aws_ssm.plugins.module_utils._profile_permission.result import (
    change_row,
    diff,
    finish,
    holders,
    kept_rows,
    problem,
    what,
)
from ansible_collections.fleet.aws_ssm.plugins.module_utils._profile_permission.revoke_plan import (
    DENY_NAME,
    Plan,
    Request,
    needs_versions,
    plan_absent,
)
from ansible_collections.fleet.aws_ssm.plugins.module_utils._profile_permission.second_look import look_again
from ansible_collections.fleet.aws_ssm.plugins.module_utils._profile_permission.steps import Step, entries_of
from ansible_collections.fleet.aws_ssm.plugins.module_utils._profile_survey import Survey, Surveyor

if TYPE_CHECKING:
    from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule


def take_away(module: AnsibleAWSModule, backup: BackupTask) -> dict[str, Any]:
    """Read, decide who keeps the actions, plan, write the backup, and make the changes."""
    params = module.params
    actions = checked_actions(params["actions"])
    given = checked_resources(params["resources"])
    deny_name = _deny_name(params["deny_policy_name"])
    surveyor = Surveyor(module)
    survey = surveyor.read()
    resources = {action: resources_of(action, given, survey.partition, survey.account) for action in actions}
    rows = profile_rows(survey, actions, given)
    names = allowing_roles(rows)
    allowing = [role for name, role in survey.roles.items() if name in names]
    try:
        protector = Protector(surveyor, survey, _terms(module, actions))
        protection = protector.protection(allowing)
        todo = [role for role in allowing if role.name not in protection.roles]
        plan = _plan({**params, "deny_policy_name": deny_name}, surveyor, todo, resources, protection)
    except InputError:
        raise
    except Exception as error:
        text = str(error) if isinstance(error, Failure) else problem("IAM can't be read", error)
        raise Failure(f"{text}. Nothing was changed.", profiles=rows) from error
    _warn_of_sharing(surveyor, survey, plan.steps)
    outcome = Outcome()
    if not module.check_mode:
        backup.keep(entries_of(plan.steps, survey.account, survey.partition))
        outcome = apply(surveyor.iam, dict(enumerate(plan.steps)), surveyor.deadline, stop=True)
        look_again(surveyor, survey, protector, {role.name: role for role in todo}, outcome)
    return _result(survey, rows, plan, protection, outcome)


def _terms(module: AnsibleAWSModule, actions: Iterable[str]) -> Terms:
    params = module.params
    return Terms(
        pings=PING.lower() in (action.lower() for action in actions),
        allow_shared=params["allow_shared"],
        elsewhere=params["elsewhere"],
        planned=params["dhmc_planned"] and module.check_mode,
        patient=not module.check_mode,
    )


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
    protection: Protection,
) -> Plan:
    """Nothing more is read where there is nothing to do."""
    if not roles:
        return Plan([], {})
    iam = surveyor.iam
    request = Request(
        resources,
        params["method"],
        params["deny_policy_name"],
        params["allow_shared"],
        quotas(iam),
        protection.policies,
    )
    versions = all_or_nothing(lambda arn: version_ids(iam, arn), needs_versions(roles, request), surveyor.deadline)
    return plan_absent([_with_versions(role, versions) for role in roles], request)


def _with_versions(role: RoleFacts, versions: Mapping[str, tuple[str, ...]]) -> RoleFacts:
    return replace(
        role, managed=tuple(replace(p, versions=versions[p.arn]) if p.arn in versions else p for p in role.managed)
    )


def _warn_of_sharing(surveyor: Surveyor, survey: Survey, steps: Iterable[Step]) -> None:
    """A role that other profiles hold changes for their instances, too."""
    selected = {profile.name for profile in survey.profiles}
    sharing, errors = surveyor.sharing([name for step in steps for name in holders(step, survey)])
    for role, error in errors.items():
        detail = describe(error)
        warn(f"Which profiles hold the role {role} can't be read: {detail['code']}: {detail['message']}")
    for role, profiles in sharing.items():
        others = [name for name in profiles if name not in selected]
        if others:
            warn(f"The role {role} is also in the instance profiles {', '.join(others)}, which change with it.")


def _result(
    survey: Survey,
    rows: list[dict[str, Any]],
    plan: Plan,
    protection: Protection,
    outcome: Outcome,
) -> dict[str, Any]:
    steps, errors = dict(enumerate(plan.steps)), outcome.errors
    changes = [
        change_row(step, errors.get(number), survey, done_before=number in outcome.done_before)
        for number, step in steps.items()
    ]
    done = [step for number, step in steps.items() if changes[number]["changed"]]
    unsure = [
        steps[number] for number, error in errors.items() if may_have_happened(error) and not isinstance(error, NotDone)
    ]
    result: dict[str, Any] = {
        "changed": bool(done),
        "profiles": rows,
        "changes": changes,
        "held": kept_rows(survey, protection.roles),
        "refused": kept_rows(survey, plan.refused),
        "failed_regions": failed_regions(survey),
        "forbidden_regions": survey.forbidden,
        "backup": to_rows(entries_of([*done, *unsure], survey.account, survey.partition)),
        **diff(done),
    }
    why = [f"left alone: the role {entry['role']}: {entry['reason']}" for entry in result["held"]]
    why += [f"the role {entry['role']} keeps it: {entry['reason']}" for entry in result["refused"]]
    why += [problem(what(row), row["error"]) for row in changes if row["failed"]]
    unread = {**survey.role_errors, **survey.region_errors}
    why += [problem(f"{name} could not be read", error) for name, error in unread.items()]
    return finish("The actions could not be taken from all profiles", why, result)
