# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Module bodies of ssm_service_setting and ssm_service_setting_info: read, plan, carry out, report."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from ansible.module_utils.common.warnings import warn

from ansible_collections.fleet.aws_ssm.plugins.module_utils._clients import Clients
from ansible_collections.fleet.aws_ssm.plugins.module_utils._errors import Failure, InputError, describe
from ansible_collections.fleet.aws_ssm.plugins.module_utils._fan_out import fan_out
from ansible_collections.fleet.aws_ssm.plugins.module_utils._regional import choose_regions, refuse_disabled
from ansible_collections.fleet.aws_ssm.plugins.module_utils._service_setting import (
    SETTINGS,
    WRITES,
    Setting,
    Step,
    Wanted,
    backup_of,
    check_value,
    plan,
    read_setting,
    setting_id,
    wanted_everywhere,
    wanted_from_backup,
)
from ansible_collections.fleet.aws_ssm.plugins.module_utils._service_setting_api import (
    get_setting,
    reset_setting,
    update_setting,
)

if TYPE_CHECKING:
    from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule


def run_info(module: AnsibleAWSModule) -> dict[str, Any]:
    """ssm_service_setting_info: every region's setting; fails, with what was read, if a region could not be read."""
    deadline = time.monotonic() + module.params["timeout"]
    clients, setting, regions = _prepare(module)
    settings, errors = _read(clients, setting, regions, deadline)
    rows: list[dict[str, Any]] = []
    for region in regions:
        if region in errors:
            rows.append({"region": region, "failed": True, "error": describe(errors[region])})
        else:
            rows.append({**asdict(settings[region]), "failed": False})
    return _finish(rows, changed=False, setting=setting)


def run(module: AnsibleAWSModule) -> dict[str, Any]:
    """ssm_service_setting: brings every region to the wanted value; fails, with what was done, if a region failed."""
    deadline = time.monotonic() + module.params["timeout"]
    params = module.params
    if params["state"] == "restored":
        if params["regions"] is not None:
            raise InputError("regions and backup are mutually exclusive: the backup names its regions.")
        if not params["backup"]:
            raise InputError("backup: is empty: give the backup that an earlier run returned.")
        params["regions"] = [entry["region"] for entry in params["backup"]]
    clients, setting, regions = _prepare(module)
    wanted = _wanted(params, setting, regions)
    # A region that does not answer must leave the others time to be written.
    settings, errors = _read(clients, setting, regions, deadline - params["timeout"] / 2)
    place = _whereabouts(settings)
    _check_account(params, place["account"])

    steps = {step.region: step for step in plan(setting, settings.values(), wanted)}
    if not module.check_mode:
        errors.update(_carry_out(clients, setting, [s for s in steps.values() if s.operation in WRITES], deadline))
    rows = [_row(region, steps.get(region), errors.get(region)) for region in regions]
    done = [steps[row["region"]] for row in rows if row["changed"]]
    result: dict[str, Any] = {
        "setting": setting,
        "changed": bool(done),
        "backup": backup_of(setting, place["account"], done),
        **place,
    }
    if done:
        result["diff"] = {
            "before_header": f"{setting} before",
            "after_header": f"{setting} after",
            "before": {step.region: step.before for step in done},
            "after": {step.region: step.after for step in done},
        }
    return _finish(rows, **result)


def _wanted(params: Mapping[str, Any], setting: str, regions: list[str]) -> dict[str, Wanted]:
    state, overwrite = params["state"], params["overwrite"]
    if state == "restored":
        return wanted_from_backup(setting, params["backup"], overwrite=overwrite)
    value = None if params["value"] in (None, "") else check_value(setting, params["value"])
    if state == "present" and value is None:
        raise InputError("value: state=present needs a value; use state=default to unset the setting.")
    return wanted_everywhere(setting, regions, state=state, value=value, overwrite=overwrite)


def _prepare(module: AnsibleAWSModule) -> tuple[Clients, str, list[str]]:
    setting, arn_region, _account = setting_id(module.params["setting"])
    if setting not in SETTINGS:
        warn(f"setting: {setting} is not a documented setting of Systems Manager; it is passed on as it is.")
    clients = Clients(module)
    if arn_region and module.params["regions"] is None:
        # The ARN names the region more plainly than the environment does.
        module.params["regions"] = [arn_region]
    regions = choose_regions(module, clients)
    if arn_region and regions != [arn_region]:
        raise InputError(
            f"setting: the ARN is of {arn_region}, but regions names {', '.join(regions)}: give the id {setting}."
        )
    return clients, setting, regions


def _read(
    clients: Clients, setting: str, regions: list[str], deadline: float
) -> tuple[dict[str, Setting], dict[str, Exception]]:
    ssm = {region: clients.client("ssm", region) for region in regions}
    answers, errors = fan_out(lambda region: get_setting(ssm[region], setting), regions, deadline=deadline)
    refuse_disabled(clients, errors)
    return {region: read_setting(region, answer) for region, answer in answers.items()}, errors


def _whereabouts(settings: Mapping[str, Setting]) -> dict[str, str | None]:
    """Partition and account, which the settings' ARNs tell without another call."""
    arn = next((found.arn for found in settings.values() if found.arn), None)
    return {"partition": arn.split(":")[1] if arn else None, "account": arn.split(":")[4] if arn else None}


def _check_account(params: Mapping[str, Any], account: str | None) -> None:
    """Raise InputError if an ARN or a backup that was given is of another account than the credentials'."""
    if account is None:
        return
    for option in ("setting", "value"):
        text = params[option] or ""
        if text.startswith("arn:") and text.split(":")[4] != account:
            raise InputError(f"{option}: {text} is of another account; the credentials are of {account}.")
    others = {entry["account"] for entry in params["backup"] or [] if entry["account"]} - {account}
    if others:
        raise InputError(f"backup: is of account {', '.join(sorted(others))}; the credentials are of {account}.")


def _carry_out(clients: Clients, setting: str, steps: list[Step], deadline: float) -> dict[str, Exception]:
    ssm = {step.region: clients.client("ssm", step.region) for step in steps}
    by_region = {step.region: step for step in steps}

    def change(region: str) -> None:
        step = by_region[region]
        if step.operation == "update" and step.after is not None:
            update_setting(ssm[region], setting, step.after)
        else:
            reset_setting(ssm[region], setting)

    return fan_out(change, by_region, deadline=deadline)[1]


def _row(region: str, step: Step | None, error: Exception | None) -> dict[str, Any]:
    row: dict[str, Any] = {"region": region, "changed": False, "failed": False, "before": None, "after": None}
    if step:
        row.update(before=step.before, after=step.before, reason=step.reason)
    if error:
        row.update(failed=True, error=describe(error))
    elif step and step.operation == "refuse":
        row.update(failed=True, error={"code": "AlreadySet", "message": step.reason})
    elif step and step.operation in WRITES:
        row.update(changed=True, after=step.after)
    return row


def _finish(rows: list[dict[str, Any]], **result: Any) -> dict[str, Any]:
    failed = [row for row in rows if row["failed"]]
    if failed:
        why = "; ".join(f"{row['region']}: {row['error']['code']}: {row['error']['message']}" for row in failed)
        raise Failure(f"{len(failed)} of {len(rows)} regions failed: {why}", regions=rows, **result)
    return {"regions": rows, **result}
