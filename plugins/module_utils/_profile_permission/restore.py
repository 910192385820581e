# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Module body of instance_profile_permission, state=restored: gives roles back what a backup holds."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from ansible.module_utils.common.warnings import warn

from ansible_collections.fleet.aws_ssm.plugins.module_utils._clients import Clients
from ansible_collections.fleet.aws_ssm.plugins.module_utils._core.backup_task import BackupTask
from ansible_collections.fleet.aws_ssm.plugins.module_utils._errors import Failure, InputError
from ansible_collections.fleet.aws_ssm.plugins.module_utils._iam.policy_edits import read_versions
from ansible_collections.fleet.aws_ssm.plugins.module_utils._iam.policy_state import RoleNow
from ansible_collections.fleet.aws_ssm.plugins.module_utils._iam_api import policy_exists
from ansible_collections.fleet.aws_ssm.plugins.module_utils._iam_fleet_api import read_all, read_bare_role
from ansible_collections.fleet.aws_ssm.plugins.module_utils._profile_permission.apply import Outcome, apply, confirm
from ansible_collections.fleet.aws_ssm.plugins.module_utils._profile_permission.restore_plan import (
    SKIP,
    Now,
    Target,
    Undo,
    plan_restored,
    targets_of,
)
from ansible_collections.fleet.aws_ssm.plugins.module_utils._profile_permission.result import (
    diff,
    finish,
    problem,
    undo_row,
    what,
)
from ansible_collections.fleet.aws_ssm.plugins.module_utils._regions import split_names

if TYPE_CHECKING:
    from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule


def restore(module: AnsibleAWSModule, backup: BackupTask) -> dict[str, Any]:
    """Read what IAM holds of all that the backup names, put back what differs, and wait until IAM shows it."""
    params = module.params
    if split_names(params["regions"]) is not None:
        raise InputError("regions is not for state=restored: IAM has no regions. Nothing was changed.")
    if params["timeout"] < 1:
        raise InputError(f"timeout: {params['timeout']} is not a number of seconds above 0.")
    deadline = time.monotonic() + params["timeout"]
    clients = Clients(module)
    try:
        account = clients.identity(partition=backup.partition).account
    except Exception as error:
        text = problem("Whose credentials these are can't be told", error)
        raise Failure(f"{text}. Nothing was changed.") from error
    targets = targets_of(backup.originals(account))
    iam = clients.client("iam", clients.global_region(partition=backup.partition))
    undone = plan_restored(targets, _read(iam, targets, deadline), overwrite=params["overwrite"])
    steps = {number: undo.step for number, undo in enumerate(undone) if undo.step}
    outcome = Outcome()
    errors: dict[int, Exception] = {}
    if not module.check_mode:
        outcome = apply(iam, steps, deadline, stop=False)
        made = {number: step for number, step in steps.items() if number not in outcome.errors}
        errors = confirm(iam, made, deadline) if params["confirm"] else {}
    return _result(undone, outcome, errors)


def _read(iam: Any, targets: list[Target], deadline: float) -> Now:
    """What IAM holds. What can't be read is kept with its error, so that the rest can be restored."""
    names = sorted({target.role for target in targets if target.role})
    edited = sorted({str(target.arn) for target in targets if not target.role})
    bare, role_errors = read_all(lambda name: read_bare_role(iam, name), names, deadline)
    versions, version_errors = read_all(lambda arn: read_versions(iam, arn), edited, deadline)
    missing = sorted(
        {
            target.arn
            for target in targets
            if target.role and target.arn and bare.get(target.role) and target.arn not in bare[target.role].attached
        }
    )
    exists, policy_errors = read_all(lambda arn: policy_exists(iam, arn), missing, deadline)
    return Now(
        {name: RoleNow(frozenset(role.attached), role.inline) if role else None for name, role in bare.items()},
        versions,
        exists,
        {**role_errors, **version_errors, **policy_errors},
    )


def _result(undone: list[Undo], outcome: Outcome, unconfirmed: dict[int, Exception]) -> dict[str, Any]:
    rows = []
    for number, undo in enumerate(undone):
        changed = bool(undo.step) and number not in outcome.errors and number not in outcome.done_before
        rows.append(undo_row(undo, outcome.errors.get(number) or unconfirmed.get(number), changed=changed))
    skipped = [undo.reason for undo in undone if undo.outcome == SKIP]
    if skipped:
        warn(f"Passed over, since it no longer exists: {'; '.join(skipped)}")
    done = [undo.step for undo, row in zip(undone, rows, strict=True) if row["changed"] and undo.step]
    result: dict[str, Any] = {"changed": bool(done), "changes": rows, **diff(done)}
    why = [problem(what(row), row["error"]) for row in rows if row["failed"]]
    return finish(f"{len(why)} of {len(rows)} could not be restored", why, result)
