# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Rules: the result of instance_profile_permission, from steps and their errors. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from ansible_collections.fleet.aws_ssm.plugins.module_utils._errors import Failure, describe
from ansible_collections.fleet.aws_ssm.plugins.module_utils._profile_permission.restore_plan import (
    KEEP,
    LOST,
    SKIP,
    Undo,
)
from ansible_collections.fleet.aws_ssm.plugins.module_utils._profile_permission.steps import ATTACH, DETACH, Step

if TYPE_CHECKING:
    from ansible_collections.fleet.aws_ssm.plugins.module_utils._profile_survey import Survey

# So many reasons are in a message; all are in the result.
_TOLD = 10


def holders(step: Step, survey: Survey) -> list[str]:
    """The selected roles that a step changes."""
    if step.role:
        return [step.role]
    return [name for name, role in survey.roles.items() if any(policy.arn == step.arn for policy in role.managed)]


def profiles_of(survey: Survey, role: str) -> list[str]:
    """The selected profiles with the role."""
    return [profile.name for profile in survey.profiles if profile.role == role]


def change_row(step: Step, error: Exception | None, survey: Survey, *, done_before: bool) -> dict[str, Any]:
    """What became of a step that takes something away."""
    return {
        "operation": step.operation,
        "role": step.role,
        "policy": step.policy,
        "arn": step.arn,
        "instance_profiles": [name for holder in holders(step, survey) for name in profiles_of(survey, holder)],
        "reason": "it was done already" if done_before else step.reason,
        "changed": error is None and not done_before,
        "failed": error is not None,
        **({"error": describe(error)} if error else {}),
    }


def kept_rows(survey: Survey, reasons: Mapping[str, str]) -> list[dict[str, Any]]:
    """The roles that keep the actions, and why."""
    return [
        {"role": role, "instance_profiles": profiles_of(survey, role), "reason": reason}
        for role, reason in reasons.items()
    ]


def undo_row(undo: Undo, error: Exception | None, *, changed: bool) -> dict[str, Any]:
    """What became of one resource of a backup."""
    target, error = undo.target, error or undo.error
    detail = describe(error) if error else {"code": undo.code, "message": undo.reason}
    failed = undo.outcome == LOST or error is not None
    return {
        "operation": undo.outcome,
        "role": target.role,
        "policy": target.policy,
        "arn": target.arn,
        "reason": undo.reason,
        "replaced": undo.step.before if undo.step else None,
        "changed": changed,
        "failed": failed,
        **({"error": detail} if failed else {}),
    }


def what(row: Mapping[str, Any]) -> str:
    """A row's change, in words."""
    if row["operation"] in (KEEP, LOST, SKIP):
        return str(row["policy"])
    return f"{row['operation']} of {row['policy']}" + (f" on the role {row['role']}" if row["role"] else "")


def problem(name: str, error: Exception | Mapping[str, str]) -> str:
    """An error in one line."""
    detail = describe(error) if isinstance(error, Exception) else error
    return f"{name}: {detail['code']}: {detail['message']}"


def diff(steps: Iterable[Step]) -> dict[str, Any]:
    """What `--diff` shows of the changes."""
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}
    for step in steps:
        where = f"role {step.role}" if step.role else "managed policies"
        # A managed and an inline policy of a role may have the same name.
        policy = step.arn or step.policy
        before.setdefault(where, {})[policy] = "attached" if step.operation == DETACH else _document(step.before)
        after.setdefault(where, {})[policy] = "attached" if step.operation == ATTACH else _document(step.after)
    if not before:
        return {}
    headers = {"before_header": "policies before", "after_header": "policies after"}
    return {"diff": {**headers, "before": before, "after": after}}


def _document(text: str | None) -> Any:
    return json.loads(text) if text else None


def finish(message: str, why: list[str], result: dict[str, Any]) -> dict[str, Any]:
    """The result, or a Failure with it and with the reasons if there are any."""
    if not why:
        return result
    more = f"; and {len(why) - _TOLD} more" if len(why) > _TOLD else ""
    raise Failure(f"{message}: {'; '.join(why[:_TOLD])}{more}", **result)
