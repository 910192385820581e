# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Module body of ec2_metadata_options: read, plan, carry out in every region, report."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from ansible.module_utils.common.warnings import warn

from ansible_collections.fleet.aws_ssm.plugins.module_utils._clients import Clients
from ansible_collections.fleet.aws_ssm.plugins.module_utils._ec2_api import find_instances
from ansible_collections.fleet.aws_ssm.plugins.module_utils._instance_metadata.api import (
    MODIFY_DEFAULTS,
    MODIFY_INSTANCE,
    MetadataOptions,
    unknown_to_botocore,
)
from ansible_collections.fleet.aws_ssm.plugins.module_utils._errors import InputError, describe
from ansible_collections.fleet.aws_ssm.plugins.module_utils._fan_out import fan_out
from ansible_collections.fleet.aws_ssm.plugins.module_utils._instance_selection import check_found
from ansible_collections.fleet.aws_ssm.plugins.module_utils._instance_metadata.plan import (
    MEMBERS,
    Defaults,
    Instance,
    Outcome,
    Part,
    Step,
    read_defaults,
    read_instance,
)
from ansible_collections.fleet.aws_ssm.plugins.module_utils._instance_metadata.apply import carry_out
from ansible_collections.fleet.aws_ssm.plugins.module_utils._instance_metadata.result import report
from ansible_collections.fleet.aws_ssm.plugins.module_utils._instance_metadata.request import Task, task_of
from ansible_collections.fleet.aws_ssm.plugins.module_utils._regional import choose_regions, refuse_disabled

if TYPE_CHECKING:
    from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

# The calls for a region's instances and for its defaults go side by side.
_INSTANCES, _DEFAULTS = "instances ", "defaults "
# Seconds for the account's id: a backup that does not name it is better than instances that are left as they are.
_ACCOUNT = 15


def run(module: AnsibleAWSModule) -> dict[str, Any]:
    """ec2_metadata_options: brings instances, and regions' defaults for new ones, to the wanted options."""
    params = module.params
    deadline = time.monotonic() + params["timeout"]
    task = task_of(params)
    if task.restore:
        if not task.regions:
            return report(Part(), Part(), {}, None)
        params["regions"] = task.regions
    if "disabled" in (task.options.get("http_endpoint"), task.defaults.get("http_endpoint")):
        warn(
            "http_endpoint: the SSM Agent needs the instance metadata service, so Systems Manager can't manage an "
            "instance that has it disabled."
        )
    clients = Clients(module)
    regions = choose_regions(module, clients)
    ec2 = {region: clients.client("ec2", region) for region in regions}
    _check_botocore(task, ec2[regions[0]])
    apis = {region: MetadataOptions(client) for region, client in ec2.items()}

    reads: dict[str, Callable[[], Any]] = {}
    for region in regions:
        selection = task.instances_in(region)
        if selection:
            reads[_INSTANCES + region] = partial(find_instances, ec2[region], *selection)
        if task.defaults_in(region):
            reads[_DEFAULTS + region] = apis[region].defaults
    # A region that does not answer must leave the others time to be changed.
    found, errors = fan_out(lambda key: reads[key](), reads, deadline=deadline - params["timeout"] / 2)
    refuse_disabled(clients, {key.split()[1]: error for key, error in errors.items()})
    unread = _of(_INSTANCES, errors)
    rows = _of(_INSTANCES, found)
    instances = [read_instance(region, row) for region, answer in rows.items() for row in answer]
    if not unread:
        check_found(task.ids, (instance.id for instance in instances), regions)

    part = Part(task.plan_instances(instances, rows))
    defaults = Part(task.plan_defaults(read_defaults(region, row) for region, row in _of(_DEFAULTS, found).items()))
    account = None
    if task.account or part.to_change or defaults.to_change:
        account = _account(task, clients, regions, min(deadline, time.monotonic() + _ACCOUNT))
    if module.check_mode:
        part.outcome.changed = {step.target.id for step in part.to_change}
        defaults.outcome.changed = {step.target.region for step in defaults.to_change}
    else:
        _carry_out(apis, part, defaults, deadline=deadline, wait=params["wait"])
    defaults.outcome.errors.update(_of(_DEFAULTS, errors))
    return report(part, defaults, unread, account)


def _of(kind: str, by_key: Mapping[str, Any]) -> dict[str, Any]:
    return {key[len(kind) :]: value for key, value in by_key.items() if key.startswith(kind)}


def _check_botocore(task: Task, client: Any) -> None:
    """Raise InputError if an option that is used came to AWS after the installed botocore."""
    of_instances, of_defaults = task.options_used()
    used = [("", MODIFY_INSTANCE, of_instances), ("account_defaults.", MODIFY_DEFAULTS, of_defaults)]
    for prefix, operation, options in used:
        missing = unknown_to_botocore(client, operation, [MEMBERS[name] for name in options]) if options else []
        if missing:
            names = [name for name in options if MEMBERS[name] in missing] or options
            raise InputError(
                f"{', '.join(prefix + name for name in names)}: the installed botocore does not know "
                f"{', '.join(missing)} ({operation}): install a newer boto3 where the module runs."
            )


def _account(task: Task, clients: Clients, regions: list[str], deadline: float) -> str | None:
    """The credentials' account, for the backup; InputError if the one that is to be restored is of another account."""
    sts = clients.client("sts", clients.region or regions[0])
    found, errors = fan_out(lambda _key: sts.get_caller_identity()["Account"], ["sts"], deadline=deadline)
    account = found.get("sts")
    if task.account and account != task.account:
        detail = describe(errors["sts"]) if errors else None
        whose = f"can't be told: {detail['code']}: {detail['message']}" if detail else f"is {account}"
        raise InputError(f"backup: is of account {task.account}; the credentials' account {whose}.")
    return account


def _carry_out(
    apis: Mapping[str, MetadataOptions], part: Part[Instance], defaults: Part[Defaults], *, deadline: float, wait: bool
) -> None:
    """Carry out both plans side by side, and note what became of them."""
    by_region: dict[str, list[Step[Instance]]] = {}
    for step in part.to_change:
        by_region.setdefault(step.target.region, []).append(step)
    writes: dict[str, Callable[[], Any]] = {
        _INSTANCES + region: partial(carry_out, apis[region], steps, deadline=deadline, wait=wait)
        for region, steps in by_region.items()
    }
    for new in defaults.to_change:
        request = {MEMBERS[name]: value for name, value in new.changes.items()}
        writes[_DEFAULTS + new.target.region] = partial(apis[new.target.region].modify_defaults, request)
    done, errors = fan_out(lambda key: writes[key](), writes, deadline=deadline + 1)
    defaults.outcome = Outcome(set(_of(_DEFAULTS, done)), _of(_DEFAULTS, errors))
    for outcome in _of(_INSTANCES, done).values():
        part.outcome.changed |= outcome.changed
        part.outcome.errors.update(outcome.errors)
    for region, error in _of(_INSTANCES, errors).items():
        part.outcome.errors.update(dict.fromkeys((step.target.id for step in by_region[region]), error))
