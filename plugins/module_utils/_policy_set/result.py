# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Result: what a task of iam_policy_set returns of its steps, and what a diff shows. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from ansible_collections.fleet.aws_ssm.plugins.module_utils._errors import describe
from ansible_collections.fleet.aws_ssm.plugins.module_utils._policy_set.types import (
    Attach,
    Create,
    Detach,
    NewVersion,
    Remove,
    Retag,
    Step,
)

_OPERATION = {
    Create: "create",
    NewVersion: "update",
    Retag: "tag",
    Attach: "attach",
    Detach: "detach",
    Remove: "remove",
}


def row(step: Step, error: Exception | None) -> dict[str, Any]:
    """A step with what became of it."""
    return {
        "operation": _OPERATION[type(step)],
        "policy": step.policy.name,
        "arn": step.policy.arn,
        "attached_to": str(step.holder) if isinstance(step, (Attach, Detach)) else None,
        "changed": error is None,
        "failed": error is not None,
        **({"error": describe(error)} if error else {}),
    }


def what(entry: dict[str, Any]) -> str:
    """A row in words."""
    where = (
        f" {'to' if entry['operation'] == 'attach' else 'from'} {entry['attached_to']}" if entry["attached_to"] else ""
    )
    return f"{entry['operation']} {entry['policy']}{where}"


def first_ten(parts: list[str]) -> str:
    """Parts of a message in one line."""
    more = f"; and {len(parts) - 10} more" if len(parts) > 10 else ""
    return "; ".join(parts[:10]) + more


def diff(steps: Iterable[Step]) -> dict[str, Any]:
    """Each policy that changes, before and after."""
    before: dict[str, dict[str, Any]] = {}
    after: dict[str, dict[str, Any]] = {}
    for step in steps:
        name = step.policy.name
        old, new = before.setdefault(name, {}), after.setdefault(name, {})
        if isinstance(step, (Attach, Detach)):
            attached, other = (new, old) if isinstance(step, Attach) else (old, new)
            attached.setdefault("attached_to", []).append(str(step.holder))
            other.setdefault("attached_to", [])
        elif isinstance(step, Retag):
            old["tags"], new["tags"] = dict(step.policy.tags), dict(step.tags)
        elif isinstance(step, NewVersion):
            old["document"], new["document"] = json.loads(step.policy.document), json.loads(step.document)
        else:
            kept = old if isinstance(step, Remove) else new
            kept |= {**step.policy.value, "document": json.loads(step.policy.document)}
    if not before:
        return {}
    return {
        "diff": {
            "before_header": "policies before",
            "after_header": "policies after",
            "before": before,
            "after": after,
        }
    }
