# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Module body of iam_service_role: read, plan, write the backup, apply, report."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from ansible.module_utils.common.warnings import warn

from ansible_collections.amazon.aws.plugins.module_utils.policy import compare_policies

from ansible_collections.fleet.aws_ssm.plugins.module_utils._clients import Clients
from ansible_collections.fleet.aws_ssm.plugins.module_utils._core.backup import PROFILE, ROLE
from ansible_collections.fleet.aws_ssm.plugins.module_utils._core.backup_task import BackupTask
from ansible_collections.fleet.aws_ssm.plugins.module_utils._errors import (
    ChangedMeanwhile,
    Failure,
    InputError,
    describe,
)
from ansible_collections.fleet.aws_ssm.plugins.module_utils._iam.profile_access import SSM_SERVICE
from ansible_collections.fleet.aws_ssm.plugins.module_utils._regional import all_regions
from ansible_collections.fleet.aws_ssm.plugins.module_utils._regions import ALL, split_names
from ansible_collections.fleet.aws_ssm.plugins.module_utils._service_role.guard import is_weaker, why_role_stays
from ansible_collections.fleet.aws_ssm.plugins.module_utils._service_role.plan import (
    Found,
    Plan,
    check_quotas,
    check_spelling,
    plan_present,
    role_name,
)
from ansible_collections.fleet.aws_ssm.plugins.module_utils._service_role.reader import Reader, read_or_fail
from ansible_collections.fleet.aws_ssm.plugins.module_utils._service_role.removal import run_absent, run_restored
from ansible_collections.fleet.aws_ssm.plugins.module_utils._service_role.request import (
    Home,
    Request,
    check_home,
    parse_request,
)
from ansible_collections.fleet.aws_ssm.plugins.module_utils._service_role.result import (
    entries_of,
    first_ten,
    profile_view,
    role_view,
)
from ansible_collections.fleet.aws_ssm.plugins.module_utils._service_role.survey import Survey
from ansible_collections.fleet.aws_ssm.plugins.module_utils._service_role.task import Task, attempt
from ansible_collections.fleet.aws_ssm.plugins.module_utils._service_role.types import Change, RoleState

if TYPE_CHECKING:
    from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

MODULE = "iam_service_role"
_NOTHING = "Nothing was changed."


def run(module: AnsibleAWSModule) -> dict[str, Any]:
    """iam_service_role: brings the role and its profile to the wanted state; fails with what was done."""
    try:
        return _run(module)
    except InputError as error:
        text = str(error)
        raise InputError(text if text.endswith(_NOTHING) else f"{text} {_NOTHING}", **error.result) from error


def _run(module: AnsibleAWSModule) -> dict[str, Any]:
    params = module.params
    if params["timeout"] < 1:
        raise InputError(f"timeout: {params['timeout']} is not a number of seconds above 0.")
    deadline = time.monotonic() + params["timeout"]
    label = f"{MODULE}/{params['owner']}"
    backup = BackupTask(label, params)
    request = None if params["state"] == "restored" else parse_request(params)
    clients = Clients(module)
    regions = [name for name in split_names(params["regions"]) or [] if name.lower() != ALL]
    identity = read_or_fail("Whose credentials these are", clients.identity, regions, backup.partition)
    home = Home(identity.account, identity.partition)
    if request:
        check_home(request, home)
    region = clients.global_region(regions, home.partition)
    reset_in = split_names(params["dhmc_reset_in"]) or [] if module.check_mode else []
    task = Task(
        label=label,
        home=home,
        reader=Reader(clients.client("iam", region), home, deadline),
        survey=Survey(clients, [region], deadline, reset_in),
        backup=backup,
        check_mode=module.check_mode,
        overwrite=params["overwrite"],
        read_at=time.monotonic(),
    )
    if request is None:
        return run_restored(task, params["owner"], only_missing=params["only_missing"])
    if params["state"] == "absent":
        return run_absent(task, request)
    every = len(regions) < len(split_names(params["regions"]) or [])
    if not regions and not every and clients.region and request.service == SSM_SERVICE:
        # Systems Manager uses a role in a region; an instance profile serves in all of them.
        regions = [clients.region]
    return _present(task, request, regions, partial(all_regions, clients, [region]) if every else None)


def _present(
    task: Task, request: Request, regions: Sequence[str], every: Callable[[], list[str]] | None
) -> dict[str, Any]:
    """`every` asks for the account's regions, if the role is to serve in all of them."""
    reader = task.reader
    profile = reader.profile(request.profile.name.name) if request.profile else None
    role = reader.role(role_name(request, profile).name)
    arns = reader.resolved(request)
    _read_documents(reader, request, role, arns)
    found = Found(role, profile, tuple(arns), reader.policies, tuple(regions))
    plan = plan_present(request, task.home, found, compare_policies)
    if plan.notes and every:
        # What holds for whatever region needs no look at which there are.
        with suppress(InputError):
            found = replace(found, regions=tuple(every()))
        plan = plan_present(request, task.home, found, compare_policies)
    if plan.changes:
        _check_room(reader, request, plan)
    if role:
        _check_protected(task, request, role, plan)
    for note in plan.notes:
        warn(f"{request.option('name')}: {note}.")
    return _make(task, plan, _shared(reader, role, plan) if request.profile else [])


def _read_documents(reader: Reader, request: Request, role: RoleState | None, arns: dict[str, str]) -> None:
    options, wanted = dict(arns), set(arns)
    if request.boundary:
        options.setdefault(request.boundary.text, request.option("permissions_boundary"))
        wanted.add(request.boundary.text)
    if role:
        wanted |= {*role.managed, *([role.boundary] if role.boundary else [])}
    reader.documents(wanted, options)


def _check_room(reader: Reader, request: Request, plan: Plan) -> None:
    """Quotas, and names that differ in case only from those that exist."""
    check_quotas(request, plan, reader.quotas())
    if plan.creates(ROLE):
        check_spelling(request.option("name"), "the IAM role", plan.role.name, reader.every_role_name())
    if plan.creates(PROFILE) and plan.profile:
        every = reader.every_profile_name()
        check_spelling(request.option("instance_profile"), "the instance profile", plan.profile.name, every)


def _check_protected(task: Task, request: Request, role: RoleState, plan: Plan) -> None:
    """Raise InputError if a role that DHMC uses would serve it less."""
    if not is_weaker(role, plan.role, task.reader.policies, task.home):
        return
    why = why_role_stays(role, *task.survey.dhmc())
    if why:
        raise InputError(
            f"{request.option('name')}: the IAM role {role.name} {why}: these options would take from it what lets "
            "instances register. Use another role, or give options that keep that."
        )


def _shared(reader: Reader, role: RoleState | None, plan: Plan) -> list[str]:
    """The other profiles that hold the role."""
    own = plan.profile.name if plan.profile else ""
    others = [name for name in reader.holders(role) if name != own]
    if others and any(not change.of_profile for change in plan.changes):
        profiles = ", ".join(sorted({*others, own}))
        warn(f"The role {plan.role.name} is in the instance profiles {profiles}: all of them change with it.")
    return others


def _make(task: Task, plan: Plan, shared: list[str]) -> dict[str, Any]:
    done: list[Change] = []
    failures: list[str] = []
    applier = task.applier()
    if not task.check_mode:
        task.backup.keep(entries_of(task.label, task.home, plan.changes))
    for change in plan.changes:
        error = None if task.check_mode else attempt(applier, change)
        if error is None:
            done.append(change)
            continue
        detail = describe(error)
        failures.append(f"{change.operation} of {change.resource}: {detail['code']}: {detail['message']}")
        if not isinstance(error, ChangedMeanwhile):
            break  # what follows builds on it
    result = {
        **task.result(done, applier),
        "role": role_view(plan.role, task.home),
        "setting_value": plan.role.setting_value,
        "instance_profile": profile_view(plan.profile, task.home),
        "other_profiles": shared,
        "managed_policies": list(plan.role.managed),
        "inline_policies": sorted(plan.role.inline),
    }
    if failures:
        raise Failure(f"{first_ten(failures)} ({len(done)} of {len(plan.changes)} changes were made)", **result)
    return result
