# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Rules: which roles would lose what keeps their instances managed. Pure.

Default Host Management Configuration (DHMC) gives the instances of a region the permissions of one role. Without
`ssm:UpdateInstanceInformation` they are no longer managed, so such a role must keep it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Optional

from ansible_collections.fleet.aws_ssm.plugins.module_utils._iam_policy import (
    Answer,
    Policy,
    concerns,
    decide,
    statements,
)
from ansible_collections.fleet.aws_ssm.plugins.module_utils._permissions import PING, RoleFacts, resources_of
from ansible_collections.fleet.aws_ssm.plugins.module_utils._policy_set.types import (
    Attach,
    Create,
    Detach,
    Holder,
    NewVersion,
    Remove,
    Retag,
    Step,
)

Change = tuple[Optional[str], Optional[str]]  # noqa: UP045
"""The text of a policy's document that a role has before and after; None where it has not got the policy."""


def may_take(before: str | None, after: str | None) -> bool:
    """Whether the change of a policy can take the permission from a role: an allow that was, or a deny that will be."""
    return _speaks("Allow", before) or _speaks("Deny", after)


def _speaks(effect: str, text: str | None) -> bool:
    return text is not None and any(
        statement.get("Effect") == effect and concerns(statement, PING, ("*",))
        for _name, statement in statements(json.loads(text))
    )


def takes_from_holders(step: Step) -> bool:
    """Whether the step can take the permission from the roles that have the policy."""
    if isinstance(step, NewVersion):
        return may_take(step.policy.document, step.document)
    if isinstance(step, Attach):
        return may_take(None, step.policy.document)
    return isinstance(step, Detach) and may_take(step.policy.document, None)


def holders_of(step: Step) -> frozenset[Holder]:
    """Whom the step concerns. Nothing holds any more what is removed."""
    if isinstance(step, NewVersion):
        return step.policy.holders or frozenset()
    return frozenset({step.holder}) if isinstance(step, (Attach, Detach)) else frozenset()


def changes_by_role(steps: Iterable[Step]) -> dict[str, dict[str, Change]]:
    """The policies by ARN that the steps change for each role, if one of these changes can take the permission.

    Who holds a policy has to be known where the change of its document can take it.
    """
    found: dict[str, dict[str, Change]] = {}
    for step in steps:
        if isinstance(step, (Create, Retag, Remove)):
            continue
        arn = step.policy.arn
        if isinstance(step, NewVersion):
            for holder in step.policy.holders or ():
                _note(found, holder, arn, (step.policy.document, step.document))
        elif isinstance(step, Attach):
            _note(found, step.holder, arn, (None, step.policy.document))
        elif isinstance(step, Detach):
            _note(found, step.holder, arn, (step.policy.document, None))
    return {role: changes for role, changes in found.items() if any(may_take(*change) for change in changes.values())}


def _note(found: dict[str, dict[str, Change]], holder: Holder, arn: str, change: Change) -> None:
    if holder.kind == "role":
        earlier = found.setdefault(holder.name, {}).get(arn)
        found[holder.name][arn] = (earlier[0], change[1]) if earlier else change


def loses(role: RoleFacts, changes: Mapping[str, Change], partition: str, account: str) -> bool:
    """Whether the role allows the permission less after the changes than before."""
    resources = resources_of(PING, (), partition, account)
    others = [policy for policy in role.policies if policy.arn not in changes]

    def answer(number: int) -> Answer:
        changed = [
            Policy(arn.rpartition("/")[2], "managed", json.loads(text), arn)
            for arn, change in changes.items()
            if (text := change[number]) is not None
        ]
        return decide(PING, [*others, *changed], role.boundary_policy, resources).answer

    return answer(1).is_less_than(answer(0))
