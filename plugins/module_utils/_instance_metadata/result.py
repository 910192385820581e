# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Rules: what ec2_metadata_options returns, or fails with, from the plan and what became of it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.fleet.aws_ssm.plugins.module_utils._errors import Failure, describe
from ansible_collections.fleet.aws_ssm.plugins.module_utils._instance_metadata.plan import (
    REFUSE,
    SKIP,
    Defaults,
    Instance,
    Outcome,
    Part,
    Step,
    Target,
    backup_of,
)


def report(
    instances: Part[Instance], defaults: Part[Defaults], unread: Mapping[str, Exception], account: str | None
) -> dict[str, Any]:
    """The module's result; a Failure with it if anything failed. C(unread): regions whose instances were not read."""
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
        "backup": {
            "account": account,
            "instances": backup_of(s for s in instances.steps if _may_be_changed(s.target.id, done)),
            "account_defaults": backup_of(s for s in defaults.steps if _may_be_changed(s.target.region, done_defaults)),
        },
        "failed_regions": [{"region": region, "error": describe(error)} for region, error in unread.items()],
    }
    if result["changed"]:
        result["diff"] = {
            "before_header": "metadata options before",
            "after_header": "metadata options after",
            "before": _shown(changed, changed_defaults, after=False),
            "after": _shown(changed, changed_defaults, after=True),
        }
    _raise_failures(result)
    return result


def _may_be_changed(key: str, outcome: Outcome) -> bool:
    """Also where AWS gave no answer: the change may have been made, and restoring looks before it writes."""
    error = outcome.errors.get(key)
    return key in outcome.changed or (error is not None and not hasattr(error, "response"))


def _instance_row(step: Step[Instance], outcome: Outcome) -> dict[str, Any]:
    instance, error = step.target, outcome.errors.get(step.target.id)
    return {
        "instance_id": instance.id,
        "region": instance.region,
        "state": instance.state,
        **_states(step, changed=instance.id in outcome.changed),
        **_error(describe(error) if error else None),
    }


def _defaults_row(region: str, step: Step[Defaults] | None, outcome: Outcome) -> dict[str, Any]:
    error = outcome.errors.get(region)
    why = describe(error) if error else None
    if step is None:
        unknown = dict.fromkeys(("before", "after", "managed_by"))
        return {"region": region, **unknown, "changed": False, "skipped": False, "reason": "", **_error(why)}
    if step.operation == REFUSE:
        why = {"code": "ManagedByDeclarativePolicy", "message": step.reason}
    states = _states(step, changed=region in outcome.changed)
    return {"region": region, "managed_by": step.target.managed_by, **states, **_error(why)}


def _states(step: Step[Target], *, changed: bool) -> dict[str, Any]:
    return {
        "before": dict(step.target.options),
        "after": dict(step.after if changed else step.target.options),
        "changed": changed,
        "skipped": step.operation == SKIP,
        "reason": step.reason,
    }


def _error(why: dict[str, str] | None) -> dict[str, Any]:
    return {"failed": True, "error": why} if why else {"failed": False}


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


def _raise_failures(result: dict[str, Any]) -> None:
    rows, regions, unread = result["instances"], result["account_defaults"], result["failed_regions"]
    failed, failed_defaults = ([row for row in group if row["failed"]] for group in (rows, regions))
    why = [f"{row['region']}: {_text(row)}" for row in unread]
    why += [f"{row['instance_id']} ({row['region']}): {_text(row)}" for row in failed]
    why += [f"account defaults of {row['region']}: {_text(row)}" for row in failed_defaults]
    if not why:
        return
    counts = [f"{len(failed)} of {len(rows)} instances", f"{len(unread)} regions"] if rows or unread else []
    counts += [f"the account defaults of {len(failed_defaults)} of {len(regions)} regions"] if regions else []
    more = f"; and {len(why) - 10} more" if len(why) > 10 else ""
    raise Failure(f"{' and '.join(counts)} failed: {'; '.join(why[:10])}{more}", **result)


def _text(row: Mapping[str, Any]) -> str:
    return f"{row['error']['code']}: {row['error']['message']}"
