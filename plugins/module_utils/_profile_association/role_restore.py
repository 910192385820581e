# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Rules: which policies that were attached to roles are taken off again. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.fleet.aws_ssm.plugins.module_utils._core.backup import ATTACHMENT, Entry, Original
from ansible_collections.fleet.aws_ssm.plugins.module_utils._errors import describe
from ansible_collections.fleet.aws_ssm.plugins.module_utils._profile_association.plan import KEEP, MODULE, REFUSE

ATTACH = "attach"
DETACH = "detach"

# The code of a policy that stays, because Default Host Management Configuration needs it.
IN_USE = "InUse"


@dataclass(frozen=True)
class RoleStep:
    """The plan for one policy on one role. `before` is whether it is attached, None if that could not be read."""

    role: str
    arn: str
    operation: str
    before: bool | None
    reason: str = ""
    code: str = ""

    @property
    def after(self) -> bool | None:
        """Whether it is attached when the step is carried out."""
        return {ATTACH: True, DETACH: False}.get(self.operation, self.before)

    @property
    def key(self) -> str:
        """As the backup names it."""
        return f"{self.role}/{self.arn}"


def plan_policies(
    originals: Iterable[Original], attached: Mapping[str, Collection[str]], unread: Mapping[str, Exception]
) -> list[RoleStep]:
    """Give roles back what a backup says of their policies. `attached` are the ARNs that a role has now.

    A role that is gone has no policies, so nothing is left to be taken off.
    """
    steps = []
    for original in originals:
        role, _slash, arn = original.resource.partition("/")
        if role in unread:
            why = describe(unread[role])
            steps.append(RoleStep(role, arn, REFUSE, None, why["message"], why["code"]))
            continue
        now = arn in attached.get(role, ())
        operation = KEEP if now is original.before else ATTACH if original.before else DETACH
        steps.append(RoleStep(role, arn, operation, now))
    return steps


def held(steps: Iterable[RoleStep], reasons: Mapping[str, str]) -> list[RoleStep]:
    """The steps without the removals that are not allowed. `reasons` says why, by the step's key."""
    return [
        RoleStep(step.role, step.arn, REFUSE, step.before, reasons[step.key], IN_USE)
        if step.operation == DETACH and step.key in reasons
        else step
        for step in steps
    ]


def entries_of(steps: Iterable[RoleStep], account: str, partition: str) -> list[Entry]:
    """The entries of a backup for these steps."""
    return [
        Entry(MODULE, ATTACHMENT, account, partition, None, step.key, before=step.before, after=step.after)
        for step in steps
        if step.operation in (ATTACH, DETACH)
    ]


def row_of(step: RoleStep, error: Exception | None, *, changed: bool) -> dict[str, Any]:
    """What the module returns for one policy on one role."""
    why = describe(error) if error else {"code": step.code, "message": step.reason} if step.code else None
    return {
        "role": step.role,
        "policy": step.arn,
        "operation": step.operation,
        "before": step.before,
        "after": step.after if changed else step.before,
        "changed": changed,
        "failed": bool(why),
        "reason": step.reason,
        **({"error": why} if why else {}),
    }
