# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Rules: what instance_profile_association returns, or fails with, from the plan and what became of it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.fleet.aws_ssm.plugins.module_utils._core.backup import Entry, to_rows
from ansible_collections.fleet.aws_ssm.plugins.module_utils._core.text import count
from ansible_collections.fleet.aws_ssm.plugins.module_utils._errors import Failure, describe
from ansible_collections.fleet.aws_ssm.plugins.module_utils._profile_association.apply import Outcome
from ansible_collections.fleet.aws_ssm.plugins.module_utils._profile_association.plan import (
    EXTEND,
    SKIP,
    WRITES,
    Step,
    entries_of,
)
from ansible_collections.fleet.aws_ssm.plugins.module_utils._profile_association.role_extension import Extensions

_MOST = 10

Row = dict[str, Any]


@dataclass(frozen=True)
class Around:
    """What a result needs beside the plan: the account and its partition, if something changes, and the regions.

    `unread` are the regions that could not be read. `forbidden` are those that the organization closes.
    """

    account: str = ""
    partition: str = ""
    unread: Mapping[str, Exception] = field(default_factory=dict)
    forbidden: Sequence[str] = ()


def report(steps: Sequence[Step], outcome: Outcome, extensions: Extensions, around: Around) -> Row:
    """The result of state=present and state=absent. Raise a Failure with it if anything failed."""
    rows = rows_of(steps, outcome, extensions)
    whose = around.account, around.partition
    result = {
        **_result(rows, around),
        "extended": extensions.changes(),
        "backup": to_rows([*_entries(steps, outcome, around), *extensions.entries(*whose)]),
    }
    _add_diff(result, {"extended": extensions.changes()} if extensions.changes() else {})
    failed, unread = [row for row in rows if row["failed"]], result["failed_regions"]
    if failed or unread:
        why = [f"{row['region']}: {_text(row)}" for row in unread] + [_named(row) for row in failed]
        counts = f"{len(failed)} of {count(len(rows), 'instance')} and {count(len(unread), 'region')}"
        raise Failure(f"{counts} failed: {_first(why)}", **result)
    return result


def report_restored(
    steps: Sequence[Step], outcome: Outcome, policies: list[Row], policy_entries: Iterable[Entry], around: Around
) -> Row:
    """The result of state=restored, where each instance of the backup has a row. `policies` are the rows of roles."""
    rows = rows_of(steps, outcome, Extensions())
    result = {
        **_result(rows, around),
        "role_policies": policies,
        "backup": to_rows([*_entries(steps, outcome, around), *policy_entries]),
    }
    result["changed"] = result["changed"] or any(row["changed"] for row in policies)
    changed = {f"{row['role']}/{row['policy']}": row for row in policies if row["changed"]}
    shown = {when: {"policies": {key: row[when] for key, row in changed.items()}} for when in ("before", "after")}
    _add_diff(result, shown["after"] if changed else {}, shown["before"] if changed else {})
    failed = [_named(row) for row in rows if row["failed"]]
    failed += [f"{row['policy']} on the role {row['role']}: {_text(row)}" for row in policies if row["failed"]]
    if failed:
        every = len(rows) + len(policies)
        raise Failure(f"{len(failed)} of {every} could not be restored: {_first(failed)}", **result)
    return result


def rows_of(steps: Iterable[Step], outcome: Outcome, extensions: Extensions) -> list[Row]:
    """A row for each instance."""
    return [_row(step, outcome, extensions) for step in steps]


def _row(step: Step, outcome: Outcome, extensions: Extensions) -> Row:
    instance, extends = step.instance, step.operation == EXTEND
    error = outcome.errors.get(instance.id)
    why = describe(error) if error else extensions.error(instance.profile) if extends else None
    if step.code:
        why = {"code": step.code, "message": step.reason}
    moved = step.operation in WRITES and instance.id in outcome.changed
    now = None if instance.id in outcome.lost else step.after if moved else instance.profile
    return {
        "instance_id": instance.id,
        "region": instance.region,
        "state": instance.state,
        "operation": step.operation,
        "before": instance.profile,
        "after": now,
        "changed": moved or (extends and extensions.changed(instance.profile)),
        "skipped": step.operation == SKIP,
        "failed": bool(why),
        "reason": step.reason,
        **({"error": why} if why else {}),
    }


def _result(rows: list[Row], around: Around) -> Row:
    return {
        "changed": any(row["changed"] for row in rows),
        "instances": rows,
        "failed_regions": [{"region": region, "error": describe(error)} for region, error in around.unread.items()],
        "forbidden_regions": list(around.forbidden),
    }


def _entries(steps: Iterable[Step], outcome: Outcome, around: Around) -> list[Entry]:
    """What was changed, and what AWS gave no answer to: restoring looks before it writes."""
    done = outcome.changed | outcome.unknown
    return entries_of((step for step in steps if step.instance.id in done), around.account, around.partition)


def _add_diff(result: Row, after: Row, before: Row | None = None) -> None:
    if not result["changed"]:
        return
    moved = [row for row in result["instances"] if row["changed"] and row["operation"] != EXTEND]
    result["diff"] = {
        "before_header": "instance profiles before",
        "after_header": "instance profiles after",
        "before": {**_shown(moved, "before"), **(before or {})},
        "after": {**_shown(moved, "after"), **after},
    }


def _shown(rows: Iterable[Row], when: str) -> Row:
    shown: Row = {}
    for row in rows:
        shown.setdefault(row["region"], {})[row["instance_id"]] = row[when]
    return shown


def _named(row: Row) -> str:
    return f"{row['instance_id']} ({row['region']}): {_text(row)}"


def _text(row: Row) -> str:
    return f"{row['error']['code']}: {row['error']['message']}"


def _first(why: Sequence[str]) -> str:
    more = f"; and {len(why) - _MOST} more" if len(why) > _MOST else ""
    return f"{'; '.join(why[:_MOST])}{more}"
