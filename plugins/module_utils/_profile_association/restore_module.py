# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Module body of instance_profile_association for state=restored: profiles of instances, then policies of roles."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timezone
from functools import partial
from typing import TYPE_CHECKING, Any

from ansible_collections.amazon.aws.plugins.module_utils.iam import get_iam_role

from ansible_collections.fleet.aws_ssm.plugins.module_utils._aws.identity import identity_by
from ansible_collections.fleet.aws_ssm.plugins.module_utils._clients import Clients
from ansible_collections.fleet.aws_ssm.plugins.module_utils._core.backup import ASSOCIATION, Original
from ansible_collections.fleet.aws_ssm.plugins.module_utils._core.backup_task import BackupTask
from ansible_collections.fleet.aws_ssm.plugins.module_utils._ec2_api import Associations, find_instances
from ansible_collections.fleet.aws_ssm.plugins.module_utils._errors import describe, may_have_happened
from ansible_collections.fleet.aws_ssm.plugins.module_utils._fan_out import fan_out
from ansible_collections.fleet.aws_ssm.plugins.module_utils._iam_api import (
    attached_policies,
    change_role_policy,
    read_profile,
    read_role_policies,
)
from ansible_collections.fleet.aws_ssm.plugins.module_utils._profile_association.apply import NEW, Outcome, change
from ansible_collections.fleet.aws_ssm.plugins.module_utils._profile_association.plan import (
    WRITES,
    plan_restored,
    read_instance,
    without_profiles,
)
from ansible_collections.fleet.aws_ssm.plugins.module_utils._profile_association.result import Around, report_restored
from ansible_collections.fleet.aws_ssm.plugins.module_utils._profile_association.role_restore import (
    ATTACH,
    DETACH,
    RoleStep,
    entries_of,
    held,
    plan_policies,
    row_of,
)
from ansible_collections.fleet.aws_ssm.plugins.module_utils._profile_policy.guard import Guard
from ansible_collections.fleet.aws_ssm.plugins.module_utils._regional import choose_regions, refuse_disabled
from ansible_collections.fleet.aws_ssm.plugins.module_utils._regions import refuse_regions
from ansible_collections.fleet.aws_ssm.plugins.module_utils._role_policies import Change

if TYPE_CHECKING:
    from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

# What is read: a region's instances, a profile of the backup by its ARN, a role's policies by its name.
_REGION, _PROFILE, _ROLE = "region ", "profile ", "role "


def run_restored(module: AnsibleAWSModule, backup: BackupTask, deadline: float) -> dict[str, Any]:
    """Give instances back the profiles that they had, and take off roles the policies that were attached to them."""
    params = module.params
    refuse_regions(params["regions"])
    # A region that does not answer must leave the others time to be changed.
    half = deadline - params["timeout"] / 2
    clients = Clients(module)
    whose = identity_by(clients, backup.regions, half, partition=backup.partition)
    originals = backup.originals(whose.account)
    of_instances = [original for original in originals if original.kind == ASSOCIATION]
    of_roles = [original for original in originals if original.kind != ASSOCIATION]
    params["regions"] = sorted({original.region for original in of_instances if original.region})
    regions = choose_regions(module, clients) if params["regions"] else []
    iam = clients.client("iam", clients.global_region(partition=whose.partition))
    found, errors = _read(clients, iam, of_instances, of_roles, half)
    unread = _of(_REGION, errors)
    refuse_disabled(clients, unread)

    instances = [read_instance(region, row) for region, rows in _of(_REGION, found).items() for row in rows]
    profiles = _of(_PROFILE, found)
    missing = {arn: why for arn, profile in profiles.items() if (why := _unusable(arn, profile))}
    steps = without_profiles(plan_restored(instances, of_instances, unread, overwrite=params["overwrite"]), missing)
    policies = plan_policies(of_roles, _of(_ROLE, found), _of(_ROLE, errors))
    policies = held(policies, _held(Guard(clients, whose.partition, deadline), iam, policies))
    writes = [step for step in steps if step.operation in WRITES]
    outcome = Outcome(changed={step.instance.id for step in writes})
    errors_of_roles: dict[str, Exception] = {}
    if not module.check_mode:
        # Its creation is long ago, so a profile that EC2 does not take is not waited for.
        new = any(_is_new(profile) for profile in profiles.values())
        apis = {region: Associations(clients.client("ec2", region), new_profiles=new) for region in regions}
        outcome = change(apis, writes, deadline=deadline, wait=params["wait"], try_one_first=new)
        errors_of_roles = _change_roles(iam, policies)
    unsure = [p for p in policies if p.key not in errors_of_roles or may_have_happened(errors_of_roles[p.key])]
    rows = [
        row_of(
            step,
            errors_of_roles.get(step.key),
            changed=step.operation in (ATTACH, DETACH) and step.key not in errors_of_roles,
        )
        for step in policies
    ]
    entries = entries_of(unsure, whose.account, whose.partition)
    return report_restored(steps, outcome, rows, entries, Around(whose.account, whose.partition, unread))


def _read(
    clients: Clients, iam: Any, of_instances: list[Original], of_roles: list[Original], deadline: float
) -> tuple[dict[str, Any], dict[str, Exception]]:
    """Read all that the backup is about, side by side."""
    ids: dict[str, list[str]] = {}
    reads: dict[str, Callable[[], Any]] = {}
    for original in of_instances:
        ids.setdefault(original.region or "", []).append(original.resource)
        if original.before:
            name = original.before.rpartition("/")[2]
            reads[_PROFILE + original.before] = partial(read_profile, iam, name)
    for region, wanted in ids.items():
        reads[_REGION + region] = partial(find_instances, clients.client("ec2", region), wanted, [])
    for original in of_roles:
        role = original.resource.partition("/")[0]
        reads[_ROLE + role] = partial(attached_policies, iam, role)
    return fan_out(lambda key: reads[key](), reads, deadline=deadline)


def _of(kind: str, by_key: dict[str, Any]) -> dict[str, Any]:
    return {key[len(kind) :]: value for key, value in by_key.items() if key.startswith(kind)}


def _unusable(arn: str, profile: dict[str, Any] | None) -> str:
    """Why an instance can't have the profile again; empty if it can."""
    if profile is None:
        return f"the instance profile {arn} that it had no longer exists. Make it again, and run this again"
    if profile["Arn"] != arn:
        return f"the instance profile {arn} that it had no longer exists; that name is {profile['Arn']} now"
    if not profile["Roles"]:
        return f"the instance profile {arn} that it had has no role any more. Add one, and run this again"
    return ""


def _is_new(profile: dict[str, Any] | None) -> bool:
    return bool(profile and datetime.now(timezone.utc) - profile["CreateDate"] < NEW)


def _held(guard: Guard, iam: Any, steps: Iterable[RoleStep]) -> dict[str, str]:
    """Why policies must stay, by the key of their step: a role that DHMC uses must be able to register instances."""
    by_role: dict[str, list[RoleStep]] = {}
    for step in steps:
        if step.operation == DETACH:
            by_role.setdefault(step.role, []).append(step)
    reasons: dict[str, str] = {}
    for name, removals in by_role.items():
        try:
            reasons.update(_held_on(guard, iam, name, removals))
        except Exception as error:
            detail = describe(error)
            why = f"it is unclear whether the role {name} can do without it: {detail['code']}: {detail['message']}"
            reasons.update(dict.fromkeys((step.key for step in removals), why))
    return reasons


def _held_on(guard: Guard, iam: Any, name: str, removals: list[RoleStep]) -> dict[str, str]:
    role = get_iam_role(iam, name)
    if not role:
        return {}
    now = read_role_policies(iam, name)
    changes = {step.key: _change(step) for step in removals}
    if not guard.why_kept(role, now, list(changes.values())):
        return {}
    reasons: dict[str, str] = {}
    gone: list[Change] = []
    for key, removal in changes.items():
        why = guard.why_kept(role, now, [*gone, removal])
        if why:
            reasons[key] = f"the role {name} {why}: it keeps what lets instances register"
        else:
            gone.append(removal)
    return reasons


def _change(step: RoleStep) -> Change:
    return Change(step.operation, step.arn.rpartition("/")[2], step.arn)


def _change_roles(iam: Any, steps: Iterable[RoleStep]) -> dict[str, Exception]:
    """Attach and detach, and return the errors by the key of the step."""
    errors: dict[str, Exception] = {}
    for step in steps:
        if step.operation in (ATTACH, DETACH):
            try:
                change_role_policy(iam, step.role, _change(step))
            except Exception as error:
                errors[step.key] = error
    return errors
