# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Module body of ec2_metadata_options: read, plan, carry out in every region, report."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from ansible.module_utils.common.warnings import warn

from ansible_collections.fleet.aws_ssm.plugins.module_utils._aws.identity import identity_by
from ansible_collections.fleet.aws_ssm.plugins.module_utils._clients import Clients
from ansible_collections.fleet.aws_ssm.plugins.module_utils._core.backup_task import BackupTask
from ansible_collections.fleet.aws_ssm.plugins.module_utils._ec2_api import find_instances
from ansible_collections.fleet.aws_ssm.plugins.module_utils._errors import InputError, may_have_happened
from ansible_collections.fleet.aws_ssm.plugins.module_utils._fan_out import fan_out
from ansible_collections.fleet.aws_ssm.plugins.module_utils._instance_metadata.api import (
    MODIFY_DEFAULTS,
    MODIFY_INSTANCE,
    MetadataOptions,
    unknown_to_botocore,
)
from ansible_collections.fleet.aws_ssm.plugins.module_utils._instance_metadata.apply import carry_out, change_defaults
from ansible_collections.fleet.aws_ssm.plugins.module_utils._instance_metadata.plan import (
    MEMBERS,
    MODULE,
    Defaults,
    Instance,
    Outcome,
    Part,
    Step,
    entries_of,
    read_defaults,
    read_instance,
)
from ansible_collections.fleet.aws_ssm.plugins.module_utils._instance_metadata.request import (
    Request,
    request_of,
    request_to_restore,
)
from ansible_collections.fleet.aws_ssm.plugins.module_utils._instance_metadata.result import Around, report
from ansible_collections.fleet.aws_ssm.plugins.module_utils._instance_selection import check_found
from ansible_collections.fleet.aws_ssm.plugins.module_utils._regional import (
    check_timeout,
    choose_regions,
    refuse_disabled,
    set_aside_forbidden,
)
from ansible_collections.fleet.aws_ssm.plugins.module_utils._regions import refuse_regions

if TYPE_CHECKING:
    from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

# The calls for a region's instances and for its defaults go side by side.
_INSTANCES, _DEFAULTS = "instances ", "defaults "


@dataclass
class _Found:
    """What was read: when (`time.monotonic`) and what, by region; and the regions that could not be read."""

    instances: dict[str, tuple[float, list[dict[str, Any]]]]
    defaults: dict[str, tuple[float, dict[str, Any]]]
    unread: dict[str, Exception]
    no_defaults: dict[str, Exception]
    forbidden: list[str]


def run(module: AnsibleAWSModule) -> dict[str, Any]:
    """ec2_metadata_options: brings instances, and regions' defaults for new ones, to the wanted options."""
    params = module.params
    check_timeout(params)
    backup = BackupTask(MODULE, params)
    deadline = time.monotonic() + params["timeout"]
    # A region that does not answer must leave the others time to be changed.
    half = deadline - params["timeout"] / 2
    if params["state"] == "restored":
        refuse_regions(params["regions"])
        clients = Clients(module)
        account = identity_by(clients, backup.regions, half).account
        request = request_to_restore(backup.originals(account), overwrite=params["overwrite"])
        params["regions"] = request.regions
    else:
        request = request_of(params)
        _warn_of_disabling(request)
        clients = Clients(module)
    regions = choose_regions(module, clients)
    ec2 = {region: clients.client("ec2", region) for region in regions}
    _check_botocore(request, ec2[regions[0]])
    apis = {region: MetadataOptions(client) for region, client in ec2.items()}
    found = _read(params, request, clients, apis, half)
    instances = [read_instance(region, row) for region, (_at, rows) in found.instances.items() for row in rows]
    if not found.unread:
        check_found(request.ids, (instance.id for instance in instances), found.instances)

    part = Part(request.plan_instances(instances, found.unread))
    defaults = Part(request.plan_defaults(read_defaults(region, row) for region, (_at, row) in found.defaults.items()))
    around = Around(unread=found.unread, forbidden=found.forbidden, restore=request.restore)
    if part.to_change or defaults.to_change:
        whose = identity_by(clients, regions, deadline)
        around = Around(whose.account, whose.partition, found.unread, found.forbidden, request.restore)
    if module.check_mode:
        part.outcome.changed = {step.target.id for step in part.to_change}
        defaults.outcome.changed = {step.target.region for step in defaults.to_change}
    else:
        if not request.restore:
            whose_ids = around.account, around.partition
            backup.keep([*entries_of(part.to_change, *whose_ids), *entries_of(defaults.to_change, *whose_ids)])
        _carry_out(apis, found, (part, defaults), deadline=deadline, wait=params["wait"])
    defaults.outcome.errors.update(found.no_defaults)
    return report(part, defaults, around)


def _warn_of_disabling(request: Request) -> None:
    if "disabled" in (request.options.get("http_endpoint"), request.defaults.get("http_endpoint")):
        warn(
            "http_endpoint: the SSM Agent needs the instance metadata service, so Systems Manager can't manage an "
            "instance that has it disabled."
        )


def _check_botocore(request: Request, client: Any) -> None:
    """Raise InputError if an option that is used came to AWS after the installed botocore."""
    of_instances, of_defaults = request.options_used()
    used = [("", MODIFY_INSTANCE, of_instances), ("account_defaults.", MODIFY_DEFAULTS, of_defaults)]
    for prefix, operation, options in used:
        missing = unknown_to_botocore(client, operation, [MEMBERS[name] for name in options]) if options else []
        if missing:
            names = [name for name in options if MEMBERS[name] in missing] or options
            raise InputError(
                f"{', '.join(prefix + name for name in names)}: the installed botocore does not know "
                f"{', '.join(missing)} ({operation}): install a newer boto3 where the module runs."
            )


def _read(
    params: Mapping[str, Any], request: Request, clients: Clients, apis: Mapping[str, MetadataOptions], deadline: float
) -> _Found:
    """Read the instances and the defaults that the request is about, in every region. Raise InputError."""
    reads: dict[str, Callable[[], Any]] = {}
    for region, api in apis.items():
        selection = request.instances_in(region)
        if selection:
            reads[_INSTANCES + region] = partial(find_instances, clients.client("ec2", region), *selection)
        if request.defaults_in(region):
            reads[_DEFAULTS + region] = api.defaults

    def timed(key: str) -> tuple[float, Any]:
        return time.monotonic(), reads[key]()

    found, errors = fan_out(timed, reads, deadline=deadline)
    refuse_disabled(clients, {key.split()[1]: error for key, error in errors.items()})
    # A region is closed if nothing of it could be read.
    open_regions = {key.split()[1] for key in found}
    closed = {key.split()[1]: error for key, error in errors.items() if key.split()[1] not in open_regions}
    forbidden = set_aside_forbidden(clients, params, list(apis), closed)
    errors = {key: error for key, error in errors.items() if key.split()[1] not in forbidden}
    return _Found(
        _of(_INSTANCES, found), _of(_DEFAULTS, found), _of(_INSTANCES, errors), _of(_DEFAULTS, errors), forbidden
    )


def _of(kind: str, by_key: Mapping[str, Any]) -> dict[str, Any]:
    return {key[len(kind) :]: value for key, value in by_key.items() if key.startswith(kind)}


def _carry_out(
    apis: Mapping[str, MetadataOptions],
    found: _Found,
    plans: tuple[Part[Instance], Part[Defaults]],
    *,
    deadline: float,
    wait: bool,
) -> None:
    """Carry out both plans side by side, and note what became of them."""
    part, defaults = plans
    by_region: dict[str, list[Step[Instance]]] = {}
    for step in part.to_change:
        by_region.setdefault(step.target.region, []).append(step)
    writes: dict[str, Callable[[], Any]] = {}
    for region, steps in by_region.items():
        read_at = found.instances[region][0]
        writes[_INSTANCES + region] = partial(
            carry_out, apis[region], steps, read_at=read_at, deadline=deadline, wait=wait
        )
    for new in defaults.to_change:
        region = new.target.region
        writes[_DEFAULTS + region] = partial(change_defaults, apis[region], new, found.defaults[region][0])
    done, errors = fan_out(lambda key: writes[key](), writes, deadline=deadline + 1)
    broken = _of(_DEFAULTS, errors)
    unknown = {region for region, error in broken.items() if may_have_happened(error)}
    defaults.outcome = Outcome(set(_of(_DEFAULTS, done)), unknown, broken)
    for outcome in _of(_INSTANCES, done).values():
        part.outcome.changed |= outcome.changed
        part.outcome.unknown |= outcome.unknown
        part.outcome.errors.update(outcome.errors)
    for region, error in _of(_INSTANCES, errors).items():
        late = {step.target.id for step in by_region[region]}
        part.outcome.unknown |= late
        part.outcome.errors.update(dict.fromkeys(late, error))
