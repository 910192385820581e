# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Module body of instance_profile_policy with `state=restored`: every role of the backup, one after the other."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from ansible_collections.amazon.aws.plugins.module_utils.iam import get_iam_role

from ansible_collections.fleet.aws_ssm.plugins.module_utils._clients import Clients
from ansible_collections.fleet.aws_ssm.plugins.module_utils._core.backup_task import BackupTask
from ansible_collections.fleet.aws_ssm.plugins.module_utils._errors import Failure, InputError, describe
from ansible_collections.fleet.aws_ssm.plugins.module_utils._iam_api import read_role_policies
from ansible_collections.fleet.aws_ssm.plugins.module_utils._profile_policy.guard import Guard
from ansible_collections.fleet.aws_ssm.plugins.module_utils._profile_policy.module import (
    TIMEOUT,
    change_if_as_read,
    unreadable,
)
from ansible_collections.fleet.aws_ssm.plugins.module_utils._profile_policy.restore import (
    Restored,
    plan_restored,
    role_of,
)
from ansible_collections.fleet.aws_ssm.plugins.module_utils._role_policies import Change

if TYPE_CHECKING:
    from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule


def run_restored(module: AnsibleAWSModule, backup: BackupTask) -> dict[str, Any]:
    """Fails, with what was done, if something could not be restored."""
    params = module.params
    deadline = time.monotonic() + TIMEOUT
    given = [name for name in ("role", "instance_profile", "instance_id") if params[name]]
    if given:
        raise InputError(f"{given[0]} and backup are mutually exclusive: the backup names its roles.")
    clients = Clients(module)
    rows: list[dict[str, Any]] = []
    try:
        identity = clients.identity(partition=backup.partition)
        originals = backup.originals(identity.account)
        iam = clients.client("iam", clients.global_region(partition=identity.partition))
        names = list(dict.fromkeys(role_of(original) for original in originals))
        read_at = time.monotonic()
        roles = {name: get_iam_role(iam, name) for name in names}
        now = {name: read_role_policies(iam, name) if role else None for name, role in roles.items()}
        guard = Guard(clients, identity.partition, deadline)
        planned: list[tuple[Restored, str]] = []
        # The last role that was changed comes first.
        for name in reversed(names):
            mine = [original for original in originals if role_of(original) == name]
            found = plan_restored(reversed(mine), now, overwrite=params["overwrite"])
            changes, held = [each.change for each in found if each.change], now[name]
            kept = guard.why_kept(roles[name] or {}, held, changes) if held and changes else ""
            planned += [(each, kept) for each in found]
    except Failure:
        raise
    except Exception as error:
        raise Failure(unreadable(error)) from error
    for each, kept in planned:
        rows.append(_row(module, iam, each, kept=kept, read_at=read_at))
    return _result(rows)


def _row(module: AnsibleAWSModule, iam: Any, planned: Restored, *, kept: str, read_at: float) -> dict[str, Any]:
    """Make the change, unless there is a reason not to; what became of it."""
    change, why = planned.change, None
    if planned.code:
        why = {"code": planned.code, "message": planned.reason}
    elif change and kept and change.operation != "attach":
        why = {"code": "InUse", "message": f"the role {planned.role} {kept}: it keeps what lets instances register"}
    elif change and not module.check_mode:
        try:
            change_if_as_read(iam, planned.role, change, read_at)
        except Exception as error:
            why = describe(error)
    return {
        "role": planned.role,
        "policy": planned.policy,
        "operation": change.operation if change else "keep",
        "before": _shown(change, "detach", change.before) if change else None,
        "after": _shown(change, "attach", change.after) if change else None,
        "changed": bool(change) and not why,
        "failed": bool(why),
        **({"error": why} if why else {}),
    }


def _shown(change: Change, operation: str, text: str | None) -> Any:
    """What a diff shows of one side of a change."""
    return json.loads(text) if text else "attached" if change.operation == operation else None


def _result(rows: list[dict[str, Any]]) -> dict[str, Any]:
    changed, failed = [row for row in rows if row["changed"]], [row for row in rows if row["failed"]]
    result: dict[str, Any] = {"changed": bool(changed), "restored": rows}
    if changed:
        result["diff"] = {"before_header": "policies of roles before", "after_header": "policies of roles after"}
        for side in ("before", "after"):
            shown: dict[str, dict[str, Any]] = {}
            for row in changed:
                shown.setdefault(row["role"], {})[row["policy"]] = row[side]
            result["diff"][side] = shown
    if failed:
        why = [f"{row['policy']} of {row['role']}: {row['error']['code']}: {row['error']['message']}" for row in failed]
        more = f"; and {len(why) - 10} more" if len(why) > 10 else ""
        raise Failure(f"{len(failed)} of {len(rows)} could not be restored: {'; '.join(why[:10])}{more}", **result)
    return result
