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
from ansible_collections.fleet.aws_ssm.plugins.module_utils._profile_permission.apply import Outcome, apply, confirm
from ansible_collections.fleet.aws_ssm.plugins.module_utils._profile_permission.read_now import read_now
from ansible_collections.fleet.aws_ssm.plugins.module_utils._profile_permission.restore_plan import (
    SKIP,
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
        text = problem("The account of the credentials can't be read", error)
        raise Failure(f"{text}. Nothing was changed.") from error
    targets = targets_of(backup.originals(account))
    iam = clients.client("iam", clients.global_region(partition=backup.partition))
    undone = plan_restored(targets, read_now(iam, targets, deadline), overwrite=params["overwrite"])
    steps = {number: undo.step for number, undo in enumerate(undone) if undo.step}
    outcome = Outcome()
    errors: dict[int, Exception] = {}
    if not module.check_mode:
        outcome = apply(iam, steps, deadline, stop=False)
        made = {number: step for number, step in steps.items() if number not in outcome.errors}
        errors = confirm(iam, made, deadline) if params["confirm"] else {}
    return _result(undone, outcome, errors)


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
