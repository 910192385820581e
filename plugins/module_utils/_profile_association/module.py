# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Module body of instance_profile_association: select, plan, carry out in every region, report."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from functools import partial
from typing import TYPE_CHECKING, Any

from ansible.module_utils.common.warnings import warn

from ansible_collections.fleet.aws_ssm.plugins.module_utils._profile_association.apply import WRITES, ProfileLost, carry_out
from ansible_collections.fleet.aws_ssm.plugins.module_utils._profile_association.plan import (
    EXTEND,
    SKIP,
    Instance,
    Profile,
    Step,
    backup_of,
    plan_absent,
    plan_present,
    plan_restored,
    read_instance,
)
from ansible_collections.fleet.aws_ssm.plugins.module_utils._clients import Clients
from ansible_collections.fleet.aws_ssm.plugins.module_utils._ec2_api import Associations, find_instances
from ansible_collections.fleet.aws_ssm.plugins.module_utils._errors import Failure, InputError, describe
from ansible_collections.fleet.aws_ssm.plugins.module_utils._fan_out import fan_out
from ansible_collections.fleet.aws_ssm.plugins.module_utils._iam_api import read_profile
from ansible_collections.fleet.aws_ssm.plugins.module_utils._iam_names import PROFILE, IamName, parse_name
from ansible_collections.fleet.aws_ssm.plugins.module_utils._instance_selection import check_found, select_instances
from ansible_collections.fleet.aws_ssm.plugins.module_utils._profile_association.role_extension import Extension
from ansible_collections.fleet.aws_ssm.plugins.module_utils._regional import choose_regions, refuse_disabled

if TYPE_CHECKING:
    from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

# How long EC2 may take to see a new profile: terraform-provider-aws waits 2 minutes for IAM; with room to spare.
_NEW = timedelta(minutes=5)
# Among the regions, the read of the profile: IAM is asked while they are.
_IAM = "iam"


def run(module: AnsibleAWSModule) -> dict[str, Any]:
    """instance_profile_association: puts a profile on instances of many regions, or takes it off."""
    params = module.params
    deadline = time.monotonic() + params["timeout"]
    ids, filters = _selection(params)
    if params["state"] == "restored" and params["regions"] is None:
        params["regions"] = sorted({entry["region"] for entry in params["backup"]})
    name = None if params["state"] == "restored" else _name(params)
    clients = Clients(module)
    regions = choose_regions(module, clients)
    reads: dict[str, Callable[[], Any]] = {
        region: partial(find_instances, clients.client("ec2", region), ids, filters) for region in regions
    }
    if name:
        reads[_IAM] = partial(read_profile, clients.client("iam", clients.region), name.name)
    # A region that does not answer must leave the others time to be changed.
    found, errors = fan_out(lambda key: reads[key](), reads, deadline=deadline - params["timeout"] / 2)
    profile, is_new = None, True
    if name:
        profile, is_new = _profile(module, clients, name, found.pop(_IAM, None), errors.pop(_IAM, None))
    refuse_disabled(clients, errors)
    instances = [read_instance(region, row) for region, rows in found.items() for row in rows]
    if not errors:
        check_found(ids, (instance.id for instance in instances), regions)

    steps = _plan(params, instances, profile)
    extension = Extension(clients, params["policies"], [s.instance.profile for s in steps if s.operation == EXTEND])
    failed: dict[str, Exception] = {}
    if not module.check_mode:
        apis = {region: Associations(clients.client("ec2", region)) for region in found}
        extension.carry_out()
        by_region = {region: [s for s in steps if s.instance.region == region] for region in found}
        outcomes, broken = fan_out(
            lambda region: carry_out(
                apis[region],
                by_region[region],
                deadline=deadline,
                wait=params["wait"],
                try_one_first=is_new,
            ),
            by_region,
            deadline=deadline + 1,
        )
        for region, error in broken.items():
            failed.update(dict.fromkeys((s.instance.id for s in by_region[region] if s.operation in WRITES), error))
        for outcome in outcomes.values():
            failed.update(outcome)
    rows = [_row(step, failed.get(step.instance.id), extension) for step in steps]
    return _finish(rows, steps, errors, extension)


def _selection(params: Mapping[str, Any]) -> tuple[list[str], list[dict[str, Any]]]:
    """Instance ids and EC2 filters; exactly the backup's instances for C(state=restored)."""
    if params["state"] == "restored":
        if not params["backup"]:
            raise InputError("backup: is empty: give the backup that an earlier run returned.")
        return [entry["instance_id"] for entry in params["backup"]], []
    return select_instances(params)


def _name(params: Mapping[str, Any]) -> IamName:
    if not params["instance_profile"]:
        raise InputError("instance_profile: name the instance profile.")
    return parse_name("instance_profile", params["instance_profile"], PROFILE)


def _profile(
    module: AnsibleAWSModule, clients: Clients, name: IamName, found: Any, error: Exception | None
) -> tuple[Profile, bool]:
    """The profile as it was read, and whether it is so new that EC2 may not see it yet."""
    params = module.params
    try:
        if error:
            raise error
        if found is None and (params["state"] == "absent" or module.check_mode):
            return Profile(_arn_of(name, clients)), False
    except Exception as problem:
        detail = describe(problem)
        raise Failure(
            f"The instance profile {name.name} can't be read: {detail['code']}: {detail['message']}"
        ) from problem
    if found is None:
        raise InputError(f"instance_profile: there is no instance profile {name.name}. Create it first.")
    account = found["Arn"].split(":")[4]
    if name.account and name.account != account:
        raise InputError(
            f"instance_profile: the ARN is of account {name.account}, but the credentials are of {account}."
        )
    if not found["Roles"] and params["state"] == "present":
        raise InputError(
            f"instance_profile: {name.name} has no role, so it would give instances nothing. Add one first."
        )
    age = datetime.now(timezone.utc) - found["CreateDate"]
    return Profile(found["Arn"], found["InstanceProfileId"]), age < _NEW


def _arn_of(name: IamName, clients: Clients) -> str:
    """The ARN of a profile that is not there: gone already, or in check mode about to be made by an earlier task."""
    warn(
        f"There is no instance profile {name.name}. It is taken to be one that is going to be made, or is gone already."
    )
    _arn, partition, *_rest, account, _user = (
        clients.client("sts", clients.region).get_caller_identity()["Arn"].split(":")
    )
    return f"arn:{partition}:iam::{account}:instance-profile{name.path or '/'}{name.name}"


def _plan(params: Mapping[str, Any], instances: list[Instance], profile: Profile | None) -> list[Step]:
    if profile is None:
        return plan_restored(instances, params["backup"], force=params["existing"] == "replace")
    if params["state"] == "absent":
        return plan_absent(instances, profile)
    return plan_present(instances, profile, params["existing"])


def _row(step: Step, error: Exception | None, extension: Extension) -> dict[str, Any]:
    instance = step.instance
    why = describe(error) if error else extension.error(instance.profile) if step.operation == EXTEND else None
    lost = isinstance(error, ProfileLost)
    changed = not why and (
        step.operation in WRITES or (step.operation == EXTEND and extension.changed(instance.profile))
    )
    return {
        "instance_id": instance.id,
        "region": instance.region,
        "state": instance.state,
        "operation": step.operation,
        "before": instance.profile,
        "after": None if lost else instance.profile if why else step.after,
        "changed": changed or lost,
        "skipped": step.operation == SKIP,
        "failed": bool(why),
        "reason": step.reason,
        **({"error": why} if why else {}),
    }


def _finish(
    rows: list[dict[str, Any]], steps: list[Step], errors: Mapping[str, Exception], extension: Extension
) -> dict[str, Any]:
    moved = {row["instance_id"]: row for row in rows if row["changed"] and row["operation"] != EXTEND}
    failed = [row for row in rows if row["failed"]]
    result: dict[str, Any] = {
        "changed": any(row["changed"] for row in rows),
        "instances": rows,
        "extended": extension.changes(),
        "backup": backup_of(
            replace(step, after=moved[step.instance.id]["after"]) for step in steps if step.instance.id in moved
        ),
        "failed_regions": [{"region": region, "error": describe(error)} for region, error in errors.items()],
    }
    if result["changed"]:
        result["diff"] = {
            "before_header": "instance profiles before",
            "after_header": "instance profiles after",
            "before": _shown(moved.values(), "before", {}),
            "after": _shown(moved.values(), "after", {"extended": extension.changes()} if extension.changes() else {}),
        }
    if failed or errors:
        why = [f"{r['region']}: {r['error']['code']}: {r['error']['message']}" for r in result["failed_regions"]]
        why += [f"{r['instance_id']} ({r['region']}): {r['error']['code']}: {r['error']['message']}" for r in failed]
        more = f"; and {len(why) - 10} more" if len(why) > 10 else ""
        raise Failure(
            f"{len(failed)} of {len(rows)} instances and {len(errors)} regions failed: {'; '.join(why[:10])}{more}",
            **result,
        )
    return result


def _shown(rows: Iterable[Mapping[str, Any]], when: str, more: dict[str, Any]) -> dict[str, Any]:
    shown: dict[str, Any] = {}
    for row in rows:
        shown.setdefault(row["region"], {})[row["instance_id"]] = row[when]
    return {**shown, **more}
