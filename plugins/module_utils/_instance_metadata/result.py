# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Rules: what ec2_metadata_options returns, or fails with, from the plan and what became of it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.fleet.aws_ssm.plugins.module_utils._core.backup import to_rows
from ansible_collections.fleet.aws_ssm.plugins.module_utils._core.text import count
from ansible_collections.fleet.aws_ssm.plugins.module_utils._errors import Failure, describe
from ansible_collections.fleet.aws_ssm.plugins.module_utils._instance_metadata.plan import (
    SKIP,
    Defaults,
    Instance,
    Outcome,
    Part,
    Step,
    Target,
    entries_of,
)

_MOST = 10


@dataclass(frozen=True)
class Around:
    """What a result needs beside the plans: the account and its partition, if something changes, and the regions.

    `unread` are the regions whose instances could not be read. `forbidden` are those that the organization closes.
    """

    account: str = ""
    partition: str = ""
    unread: Mapping[str, Exception] = field(default_factory=dict)
    forbidden: Sequence[str] = ()
    restore: bool = False


def report(instances: Part[Instance], defaults: Part[Defaults], around: Around) -> dict[str, Any]:
    """The module's result. Raise a Failure with it if anything failed."""
    done, done_defaults = instances.outcome, defaults.outcome
    by_region = {step.target.region: step for step in defaults.steps}
    changed = [step for step in instances.steps if step.target.id in done.changed]
    changed_defaults = [step for step in defaults.steps if step.target.region in done_defaults.changed]
    result: dict[str, Any] = {
        "changed": bool(changed or changed_defaults),
        "instances": [_instance_row(step, done) for step in instances.steps],
        "account_defaults": [
            _defaults_row(region, by_region.get(region), done_defaults)
            for region in sorted({*by_region, *done_defaults.errors})
        ],
        "backup": _backup(instances, defaults, around),
        "failed_regions": [{"region": region, "error": describe(error)} for region, error in around.unread.items()],
        "forbidden_regions": list(around.forbidden),
    }
    if result["changed"]:
        result["diff"] = {
            "before_header": "metadata options before",
            "after_header": "metadata options after",
            "before": _shown(changed, changed_defaults, after=False),
            "after": _shown(changed, changed_defaults, after=True),
        }
    _raise_failures(result, restore=around.restore)
    return result


def _backup(instances: Part[Instance], defaults: Part[Defaults], around: Around) -> list[dict[str, Any]]:
    """What was changed, and what AWS gave no answer to: restoring looks before it writes."""
    done, done_defaults = instances.outcome, defaults.outcome
    steps = [s for s in instances.to_change if s.target.id in done.changed | done.unknown]
    new = [s for s in defaults.to_change if s.target.region in done_defaults.changed | done_defaults.unknown]
    whose = around.account, around.partition
    return to_rows([*entries_of(steps, *whose), *entries_of(new, *whose)])


def _instance_row(step: Step[Instance], outcome: Outcome) -> dict[str, Any]:
    instance = step.target
    return {
        "instance_id": instance.id,
        "region": instance.region,
        "state": instance.state,
        **_states(step, changed=instance.id in outcome.changed),
        **_error(outcome.errors.get(instance.id), step),
    }


def _defaults_row(region: str, step: Step[Defaults] | None, outcome: Outcome) -> dict[str, Any]:
    error = outcome.errors.get(region)
    if step is None:
        unknown = dict.fromkeys(("before", "after", "managed_by"))
        return {"region": region, **unknown, "changed": False, "skipped": False, "reason": "", **_error(error)}
    states = _states(step, changed=region in outcome.changed)
    return {"region": region, "managed_by": step.target.managed_by, **states, **_error(error, step)}


def _states(step: Step[Target], *, changed: bool) -> dict[str, Any]:
    return {
        "before": dict(step.target.options),
        "after": dict(step.after if changed else step.target.options),
        "changed": changed,
        "skipped": step.operation == SKIP,
        "reason": step.reason,
    }


def _error(error: Exception | None, step: Step[Target] | None = None) -> dict[str, Any]:
    if error:
        return {"failed": True, "error": describe(error)}
    if step and step.code:
        return {"failed": True, "error": {"code": step.code, "message": step.reason}}
    return {"failed": False}


def _shown(
    steps: Iterable[Step[Instance]], defaults: Iterable[Step[Defaults]], *, after: bool
) -> dict[str, dict[str, Any]]:
    """The options that change, by region and instance."""
    shown: dict[str, dict[str, Any]] = {}
    for step in steps:
        options = step.after if after else step.target.options
        shown.setdefault(step.target.region, {})[step.target.id] = {n: options.get(n) for n in step.changes}
    for new in defaults:
        options = new.after if after else new.target.options
        shown.setdefault(new.target.region, {})["account defaults"] = {n: options.get(n) for n in new.changes}
    return shown


def _raise_failures(result: dict[str, Any], *, restore: bool) -> None:
    rows, regions, unread = result["instances"], result["account_defaults"], result["failed_regions"]
    failed, failed_defaults = ([row for row in group if row["failed"]] for group in (rows, regions))
    if not (failed or failed_defaults or unread):
        return
    why = [f"{row['instance_id']} ({row['region']}): {_text(row)}" for row in failed]
    why += [f"account defaults of {row['region']}: {_text(row)}" for row in failed_defaults]
    # A restore has a row for each instance of the backup, whether its region could be read or not.
    counts = [f"{len(failed)} of {count(len(rows), 'instance')}"] if rows or not restore else []
    if not restore:
        why = [f"{row['region']}: {_text(row)}" for row in unread] + why
        counts = [*counts, count(len(unread), "region")] if rows or unread else []
    counts += [f"the account defaults of {len(failed_defaults)} of {count(len(regions), 'region')}"] if regions else []
    more = f"; and {len(why) - _MOST} more" if len(why) > _MOST else ""
    verb = "could not be restored" if restore else "failed"
    raise Failure(f"{' and '.join(counts)} {verb}: {'; '.join(why[:_MOST])}{more}", **result)


def _text(row: Mapping[str, Any]) -> str:
    return f"{row['error']['code']}: {row['error']['message']}"
