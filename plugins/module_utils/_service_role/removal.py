# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Module bodies of iam_service_role with `state=absent` and `state=restored`: each resource by itself."""

from __future__ import annotations

from typing import Any

from ansible.module_utils.common.warnings import warn

from ansible_collections.amazon.aws.plugins.module_utils.policy import compare_policies

from ansible_collections.fleet.aws_ssm.plugins.module_utils._core.backup import (
    ATTACHMENT,
    INLINE_POLICY,
    PROFILE,
    PROFILE_ROLE,
    ROLE,
    ROLE_BOUNDARY,
    TRUST_POLICY,
)
from ansible_collections.fleet.aws_ssm.plugins.module_utils._errors import Failure, describe
from ansible_collections.fleet.aws_ssm.plugins.module_utils._service_role.absent import FOREIGN, plan_absent
from ansible_collections.fleet.aws_ssm.plugins.module_utils._service_role.guard import (
    removes_role,
    weakening,
    why_role_stays,
)
from ansible_collections.fleet.aws_ssm.plugins.module_utils._service_role.request import Request
from ansible_collections.fleet.aws_ssm.plugins.module_utils._service_role.restore import (
    IN_USE,
    NOT_READ,
    Now,
    Outcome,
    check_values,
    in_order,
    names_in,
    plan_restored,
)
from ansible_collections.fleet.aws_ssm.plugins.module_utils._service_role.result import (
    KIND_NAMES,
    entries_of,
    first_ten,
    outcome_row,
    role_view,
)
from ansible_collections.fleet.aws_ssm.plugins.module_utils._service_role.task import Task, attempt
from ansible_collections.fleet.aws_ssm.plugins.module_utils._service_role.types import Change, RoleState, changed

# The kinds that decide what a role allows, and whom it trusts.
_PERMISSIONS = (TRUST_POLICY, ROLE_BOUNDARY, ATTACHMENT, INLINE_POLICY)


def run_absent(task: Task, request: Request) -> dict[str, Any]:
    """`state=absent`: removes what was made here, and keeps it in the backup."""
    reader = task.reader
    profile = reader.profile(request.profile.name.name) if request.profile else None
    given = request.role or request.profile
    role = reader.role((profile.role if profile else None) or (given.name.name if given else ""))
    now = Now(
        {role.name: role} if role else {},
        {profile.name: profile} if profile else {},
        {role.name: reader.holders(role)} if role else {},
    )
    outcomes = _guarded(task, plan_absent(request, task.home, now, compare_policies), now)
    result = _carry_out(task, outcomes, keep=True)
    for outcome in outcomes:
        if outcome.reason == FOREIGN:
            warn(f"The {KIND_NAMES[outcome.kind]} {outcome.resource} is kept: it {FOREIGN}.")
    gone = any(row["kind"] == ROLE and row["changed"] for row in result["resources"])
    result.update(
        role=None if gone else role_view(role, task.home), removed_role=role_view(role, task.home) if gone else None
    )
    return _finished(result, "removed")


def run_restored(task: Task, owner: str, *, only_missing: bool) -> dict[str, Any]:
    """`state=restored`: puts back what the backup holds of this owner, or only what was removed."""
    originals = task.backup.originals(task.home.account)
    check_values(originals)
    reader, (role_names, profile_names) = task.reader, names_in(originals)
    roles = {name: reader.role(name) for name in role_names}
    now = Now(
        roles,
        {name: reader.profile(name) for name in profile_names},
        {name: reader.holders(role) for name, role in roles.items()},
    )
    planned = plan_restored(originals, now, owner=owner, overwrite=task.overwrite)
    if only_missing:
        planned = [outcome for outcome in planned if outcome.makes_anew]
    return _finished(_carry_out(task, _guarded(task, planned, now), keep=False), "restored")


def _guarded(task: Task, outcomes: list[Outcome], now: Now) -> list[Outcome]:
    """The same without what instances depend on."""
    found = [_in_use(task, outcome, now) for outcome in outcomes]
    kept = {outcome.name for outcome in found if outcome.kind in (PROFILE, PROFILE_ROLE) and outcome.error}
    held = {profile.role for name, profile in now.profiles.items() if profile and name in kept}
    found = [
        outcome.refused(IN_USE, "an instance profile that is kept holds it")
        if outcome.name in held and any(map(removes_role, outcome.changes))
        else outcome
        for outcome in found
    ]
    for role in now.roles.values():
        if role:
            found = _without_losses(task, role, found)
    return found


def _in_use(task: Task, outcome: Outcome, now: Now) -> Outcome:
    for change in outcome.changes:
        why = task.why_kept(change, now.roles.get(change.name), now.profiles.get(change.name))
        if why:
            return outcome.refused(IN_USE, f"{why}: left alone")
    return outcome


def _without_losses(task: Task, role: RoleState, outcomes: list[Outcome]) -> list[Outcome]:
    """Hold what would take from a role that DHMC uses what it serves it by."""
    every = [change for outcome in outcomes for change in outcome.changes]
    parts = [each for each in every if each.name == role.name and each.kind in _PERMISSIONS]
    if not parts:
        return outcomes
    then = changed(role, parts)
    try:
        task.reader.documents({*role.managed, *then.managed, *filter(None, (role.boundary, then.boundary))}, {})
    except Failure as error:
        return _refused(outcomes, [each for each in parts if each.takes_away], NOT_READ, str(error))
    held = weakening(role, parts, task.reader.policies, task.home)
    why = why_role_stays(role, *task.survey.dhmc()) if held else ""
    return (
        _refused(outcomes, held, IN_USE, f"the role {why}: it keeps what lets instances register") if why else outcomes
    )


def _refused(outcomes: list[Outcome], held: list[Change], code: str, message: str) -> list[Outcome]:
    """The same, without the changes that are held."""
    return [
        outcome.refused(code, message) if any(change in held for change in outcome.changes) else outcome
        for outcome in outcomes
    ]


def _carry_out(task: Task, outcomes: list[Outcome], *, keep: bool) -> dict[str, Any]:
    errors = {
        outcome.resource + outcome.kind: {"code": outcome.error[0], "message": outcome.error[1]}
        for outcome in outcomes
        if outcome.error
    }
    applier, done, todo = task.applier(), [], in_order(outcomes)
    if keep and not task.check_mode:
        task.backup.keep(entries_of(task.label, task.home, [change for _outcome, change in todo]))
    for outcome, change in todo:
        error = None if task.check_mode else attempt(applier, change)
        if error is None:
            done.append(change)
        else:
            errors[outcome.resource + outcome.kind] = describe(error)
    rows = [outcome_row(outcome, errors.get(outcome.resource + outcome.kind)) for outcome in outcomes]
    return {**task.result(done, applier), "resources": rows}


def _finished(result: dict[str, Any], what: str) -> dict[str, Any]:
    failed = [row for row in result["resources"] if row["failed"]]
    if failed:
        why = [
            f"{KIND_NAMES[row['kind']]} {row['resource']}: {row['error']['code']}: {row['error']['message']}"
            for row in failed
        ]
        count = f"{len(failed)} of {len(result['resources'])} could not be {what}"
        raise Failure(f"{count}: {first_ten(why)}", **result)
    return result
