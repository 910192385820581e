# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Module bodies of ssm_service_setting and ssm_service_setting_info: read, plan, write the backup, apply, report."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from ansible.module_utils.common.warnings import warn

from ansible_collections.fleet.aws_ssm.plugins.module_utils._aws.identity import identity_by
from ansible_collections.fleet.aws_ssm.plugins.module_utils._clients import Clients, Identity
from ansible_collections.fleet.aws_ssm.plugins.module_utils._core.backup import Entry, Original, to_rows
from ansible_collections.fleet.aws_ssm.plugins.module_utils._core.backup_task import BackupTask
from ansible_collections.fleet.aws_ssm.plugins.module_utils._core.fresh import is_stale, read_fresh
from ansible_collections.fleet.aws_ssm.plugins.module_utils._core.text import count
from ansible_collections.fleet.aws_ssm.plugins.module_utils._errors import (
    ChangedMeanwhile,
    Failure,
    InputError,
    describe,
    may_have_happened,
)
from ansible_collections.fleet.aws_ssm.plugins.module_utils._fan_out import fan_out
from ansible_collections.fleet.aws_ssm.plugins.module_utils._regional import (
    choose_regions,
    refuse_disabled,
    set_aside_forbidden,
)
from ansible_collections.fleet.aws_ssm.plugins.module_utils._regions import split_names
from ansible_collections.fleet.aws_ssm.plugins.module_utils._service_setting import (
    MODULE,
    SETTINGS,
    WRITES,
    Setting,
    Step,
    Wanted,
    check_value,
    entries_of,
    plan,
    plan_restored,
    read_setting,
    setting_id,
    wanted_everywhere,
)
from ansible_collections.fleet.aws_ssm.plugins.module_utils._service_setting_api import (
    get_setting,
    reset_setting,
    update_setting,
)

if TYPE_CHECKING:
    from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule


@dataclass
class _Read:
    """What the regions answered, when, and which did not or are closed by the organization."""

    settings: dict[str, Setting]
    at: dict[str, float]
    errors: dict[str, Exception]
    forbidden: list[str]
    identity: Identity | None = None

    def place(self) -> dict[str, str | None]:
        """Partition and account, which the settings' ARNs tell without another call."""
        if self.identity:
            return {"partition": self.identity.partition, "account": self.identity.account}
        arn = next((found.arn for found in self.settings.values() if found.arn), None)
        return {"partition": arn.split(":")[1] if arn else None, "account": arn.split(":")[4] if arn else None}


def run_info(module: AnsibleAWSModule) -> dict[str, Any]:
    """ssm_service_setting_info: every region's setting; fails, with what was read, if a region could not be read."""
    deadline = time.monotonic() + module.params["timeout"]
    clients, setting = Clients(module), _setting(module.params)
    regions = _regions(module, clients)
    read = _read(module, clients, setting, regions, deadline)
    rows: list[dict[str, Any]] = []
    for region in regions:
        if region in read.errors:
            rows.append({"region": region, "failed": True, "error": describe(read.errors[region])})
        elif region in read.settings:
            rows.append({**asdict(read.settings[region]), "failed": False})
    return _finish(rows, changed=False, setting=setting, forbidden_regions=read.forbidden)


def run(module: AnsibleAWSModule) -> dict[str, Any]:
    """ssm_service_setting: brings every region to the wanted value; fails, with what was done, if a region failed."""
    params = module.params
    deadline = time.monotonic() + params["timeout"]
    backup = BackupTask(MODULE, params)
    restoring = params["state"] == "restored"
    if restoring and split_names(params["regions"]) is not None:
        raise InputError("regions and backup are mutually exclusive: the backup names its regions.")
    clients, setting = Clients(module), _setting(params)
    originals: list[Original] = []
    if restoring:
        account = identity_by(clients, [], deadline, partition=backup.partition).account
        originals = _originals(backup, setting, account)
        params["regions"] = list(dict.fromkeys(str(original.region) for original in originals))
    regions = _regions(module, clients)
    wanted = {} if restoring else _wanted(params, setting, regions)
    # A region that does not answer must leave the others time to be written.
    read = _read(module, clients, setting, regions, deadline - params["timeout"] / 2)
    _check_account(params, read.place()["account"])

    planned = (
        plan_restored(setting, read.settings.values(), originals, overwrite=params["overwrite"])
        if restoring
        else plan(setting, read.settings.values(), wanted)
    )
    if any(step.operation in WRITES for step in planned) and not read.place()["account"]:
        # Without it a backup could not tell whose the settings are.
        read.identity = identity_by(clients, regions, deadline)
    errors = dict(read.errors)
    if not module.check_mode:
        if not restoring:
            backup.keep(_entries(setting, read, planned))
        errors.update(_apply(clients, setting, planned, read, deadline))
    return _result(setting, [region for region in regions if region not in read.forbidden], planned, errors, read)


def _entries(setting: str, read: _Read, steps: Iterable[Step]) -> list[Entry]:
    place = read.place()
    return entries_of(setting, str(place["account"]), str(place["partition"]), steps)


def _originals(backup: BackupTask, setting: str, account: str) -> list[Original]:
    found = [original for original in backup.originals(account) if original.resource == setting]
    if not found:
        raise InputError(f"setting: the backup has nothing of {setting} to restore. Nothing was changed.")
    return found


def _wanted(params: Mapping[str, Any], setting: str, regions: list[str]) -> dict[str, Wanted]:
    value = None if params["value"] in (None, "") else check_value(setting, params["value"])
    if params["state"] == "present" and value is None:
        raise InputError("value: state=present needs a value; use state=default to unset the setting.")
    return wanted_everywhere(setting, regions, state=params["state"], value=value, overwrite=params["overwrite"])


def _setting(params: Mapping[str, Any]) -> str:
    setting = setting_id(params["setting"])[0]
    if setting not in SETTINGS:
        warn(f"setting: {setting} is not a documented setting of Systems Manager; it is passed on as it is.")
    return setting


def _regions(module: AnsibleAWSModule, clients: Clients) -> list[str]:
    setting, arn_region, _account = setting_id(module.params["setting"])
    if arn_region and module.params["regions"] is None:
        # The ARN names the region more plainly than the environment does.
        module.params["regions"] = [arn_region]
    regions = choose_regions(module, clients)
    if arn_region and regions != [arn_region]:
        raise InputError(
            f"setting: the ARN is of {arn_region}, but regions names {', '.join(regions)}: give the id {setting}."
        )
    return regions


def _read(module: AnsibleAWSModule, clients: Clients, setting: str, regions: list[str], deadline: float) -> _Read:
    ssm = {region: clients.client("ssm", region) for region in regions}

    def read(region: str) -> tuple[Setting, float]:
        sent = time.monotonic()
        return read_setting(region, get_setting(ssm[region], setting)), sent

    answers, errors = fan_out(read, regions, deadline=deadline)
    refuse_disabled(clients, errors)
    forbidden = set_aside_forbidden(clients, module.params, regions, errors)
    settings = {region: found for region, (found, _at) in answers.items()}
    return _Read(settings, {region: at for region, (_found, at) in answers.items()}, errors, forbidden)


def _check_account(params: Mapping[str, Any], account: str | None) -> None:
    """Raise InputError if an ARN that was given is of another account than the credentials'."""
    for option in ("setting", "value"):
        text = params[option] or ""
        if account and text.startswith("arn:") and text.split(":")[4] != account:
            raise InputError(f"{option}: {text} is of another account; the credentials are of {account}.")


def _apply(clients: Clients, setting: str, steps: Iterable[Step], read: _Read, deadline: float) -> dict[str, Exception]:
    """Make the changes, side by side; returns the errors by region."""
    todo = {step.region: step for step in steps if step.operation in WRITES}
    ssm = {region: clients.client("ssm", region) for region in todo}

    def change(region: str) -> None:
        step = todo[region]
        if is_stale(read.at[region]):
            now = read_setting(region, read_fresh(lambda: get_setting(ssm[region], setting))).value
            if now != step.before:
                raise ChangedMeanwhile(step.before, now)
        if step.operation == "update" and step.after is not None:
            update_setting(ssm[region], setting, step.after)
        else:
            reset_setting(ssm[region], setting)

    return fan_out(change, todo, deadline=deadline)[1]


def _result(
    setting: str, regions: list[str], planned: Iterable[Step], errors: Mapping[str, Exception], read: _Read
) -> dict[str, Any]:
    steps, place = {step.region: step for step in planned}, read.place()
    rows = [_row(region, steps.get(region), errors.get(region)) for region in regions]
    done = [steps[row["region"]] for row in rows if row["changed"]]
    unsure = [
        steps[region]
        for region, error in errors.items()
        if region in steps and steps[region].operation in WRITES and may_have_happened(error)
    ]
    result: dict[str, Any] = {
        "setting": setting,
        "changed": bool(done),
        "backup": to_rows(_entries(setting, read, [*done, *unsure])),
        "forbidden_regions": read.forbidden,
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


def _row(region: str, step: Step | None, error: Exception | None) -> dict[str, Any]:
    row: dict[str, Any] = {"region": region, "changed": False, "failed": False, "before": None, "after": None}
    if step:
        row.update(before=step.before, after=step.before, reason=step.reason)
    if error:
        row.update(failed=True, error=describe(error))
    elif step and step.operation == "refuse":
        row.update(failed=True, error={"code": step.code, "message": step.reason})
    elif step and step.operation in WRITES:
        row.update(changed=True, after=step.after)
    return row


def _finish(rows: list[dict[str, Any]], **result: Any) -> dict[str, Any]:
    if result["forbidden_regions"]:
        warn(f"Closed by a service control policy, and left out: {', '.join(result['forbidden_regions'])}")
    failed = [row for row in rows if row["failed"]]
    if failed:
        why = "; ".join(f"{row['region']}: {row['error']['code']}: {row['error']['message']}" for row in failed)
        raise Failure(f"{len(failed)} of {count(len(rows), 'region')} failed: {why}", regions=rows, **result)
    return {"regions": rows, **result}
