# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Module body of instance_profile_association: put a profile on instances of many regions, or take it off."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from functools import partial
from typing import TYPE_CHECKING, Any

from ansible.module_utils.common.warnings import warn

from ansible_collections.fleet.aws_ssm.plugins.module_utils._aws.identity import identity_by
from ansible_collections.fleet.aws_ssm.plugins.module_utils._clients import Clients, Identity
from ansible_collections.fleet.aws_ssm.plugins.module_utils._core.backup_task import BackupTask
from ansible_collections.fleet.aws_ssm.plugins.module_utils._ec2_api import Associations, find_instances
from ansible_collections.fleet.aws_ssm.plugins.module_utils._errors import Failure, InputError, describe
from ansible_collections.fleet.aws_ssm.plugins.module_utils._fan_out import fan_out
from ansible_collections.fleet.aws_ssm.plugins.module_utils._iam_api import read_profile
from ansible_collections.fleet.aws_ssm.plugins.module_utils._iam_names import PROFILE, IamName, parse_name
from ansible_collections.fleet.aws_ssm.plugins.module_utils._instance_selection import check_found, select_instances
from ansible_collections.fleet.aws_ssm.plugins.module_utils._profile_association import role_extension
from ansible_collections.fleet.aws_ssm.plugins.module_utils._profile_association.apply import NEW, Outcome, change
from ansible_collections.fleet.aws_ssm.plugins.module_utils._profile_association.plan import (
    EXTEND,
    MODULE,
    WRITES,
    Instance,
    Profile,
    entries_of,
    plan_absent,
    plan_present,
    read_instance,
)
from ansible_collections.fleet.aws_ssm.plugins.module_utils._profile_association.restore_module import run_restored
from ansible_collections.fleet.aws_ssm.plugins.module_utils._profile_association.result import Around, report
from ansible_collections.fleet.aws_ssm.plugins.module_utils._profile_policy.guard import Guard
from ansible_collections.fleet.aws_ssm.plugins.module_utils._regional import (
    check_timeout,
    choose_regions,
    refuse_disabled,
    set_aside_forbidden,
)

if TYPE_CHECKING:
    from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

# Among the regions, the read of the profile: IAM is asked while they are.
_IAM = "iam"


@dataclass
class _Found:
    """The regions' instances, and the profile that they are to get or to lose."""

    instances: list[Instance]
    profile: Profile
    is_new: bool
    regions: list[str]
    unread: dict[str, Exception] = field(default_factory=dict)
    forbidden: list[str] = field(default_factory=list)


def run(module: AnsibleAWSModule) -> dict[str, Any]:
    """instance_profile_association: puts a profile on instances of many regions, or takes it off."""
    params = module.params
    check_timeout(params)
    backup = BackupTask(MODULE, params)
    deadline = time.monotonic() + params["timeout"]
    if params["state"] == "restored":
        return run_restored(module, backup, deadline)
    ids, filters = select_instances(params)
    name = _name(params["instance_profile"])
    clients = Clients(module)
    regions = choose_regions(module, clients)
    found = _Reader(module, clients, name, deadline).read(regions, ids, filters)
    if not found.unread:
        check_found(ids, (instance.id for instance in found.instances), found.regions)

    if params["state"] == "absent":
        steps = plan_absent(found.instances, found.profile)
    else:
        steps = plan_present(found.instances, found.profile, params["existing"])
    iam = clients.client("iam", clients.global_region(regions))
    extended = [step.instance.profile for step in steps if step.operation == EXTEND]
    extensions = role_extension.plan_extensions(
        iam, params["policies"], extended, lambda partition: Guard(clients, partition, deadline)
    )
    whose = Identity("", "", "")
    if any(step.operation in WRITES for step in steps) or any(plan.changes for plan in extensions.plans.values()):
        whose = identity_by(clients, regions, deadline)
    outcome = Outcome(changed={step.instance.id for step in steps if step.operation in WRITES})
    if module.check_mode:
        role_extension.pretend(extensions)
    else:
        account = whose.account, whose.partition
        backup.keep([*entries_of(steps, *account), *extensions.planned(*account)])
        role_extension.carry_out(iam, extensions)
        apis = {region: Associations(clients.client("ec2", region)) for region in found.regions}
        outcome = change(apis, steps, deadline=deadline, wait=params["wait"], try_one_first=found.is_new)
    return report(steps, outcome, extensions, Around(whose.account, whose.partition, found.unread, found.forbidden))


class _Reader:
    """Reads the instances of every region, and the profile."""

    def __init__(self, module: AnsibleAWSModule, clients: Clients, name: IamName, deadline: float) -> None:
        self._params, self._check_mode = module.params, module.check_mode
        self._clients, self._name, self._deadline = clients, name, deadline

    def read(self, regions: list[str], ids: list[str], filters: list[dict[str, Any]]) -> _Found:
        """Read all of it side by side. Raise InputError or Failure."""
        clients = self._clients
        reads: dict[str, Callable[[], Any]] = {
            region: partial(find_instances, clients.client("ec2", region), ids, filters) for region in regions
        }
        reads[_IAM] = partial(read_profile, clients.client("iam", clients.global_region(regions)), self._name.name)
        # A region that does not answer must leave the others time to be changed.
        half = self._deadline - self._params["timeout"] / 2
        found, errors = fan_out(lambda key: reads[key](), reads, deadline=half)
        no_profile, profile = errors.pop(_IAM, None), found.pop(_IAM, None)
        if no_profile:
            detail = describe(no_profile)
            raise Failure(
                f"The instance profile {self._name.name} can't be read: {detail['code']}: {detail['message']}. "
                "Nothing was changed."
            )
        refuse_disabled(clients, errors)
        forbidden = set_aside_forbidden(clients, self._params, regions, errors)
        instances = [read_instance(region, row) for region, rows in found.items() for row in rows]
        if profile is None:
            one, is_new = self._missing(regions), False
        else:
            self._check(profile)
            one = Profile(profile["Arn"], profile["InstanceProfileId"])
            is_new = datetime.now(timezone.utc) - profile["CreateDate"] < NEW
        return _Found(instances, one, is_new, list(found), errors, forbidden)

    def _missing(self, regions: list[str]) -> Profile:
        """A profile that is not there: gone already, or in check mode about to be made by an earlier task."""
        name = self._name
        if self._params["state"] == "present" and not self._check_mode:
            raise InputError(f"instance_profile: there is no instance profile {name.name}. Create it first.")
        warn(
            f"There is no instance profile {name.name}. Assuming that an earlier task will create it (check mode), or "
            "that it is already gone."
        )
        whose = identity_by(self._clients, regions, self._deadline)
        return Profile(f"arn:{whose.partition}:iam::{whose.account}:instance-profile{name.path or '/'}{name.name}")

    def _check(self, found: Mapping[str, Any]) -> None:
        name, account = self._name, found["Arn"].split(":")[4]
        if name.account and name.account != account:
            raise InputError(
                f"instance_profile: the ARN is of account {name.account}, but the credentials are of {account}."
            )
        if not found["Roles"] and self._params["state"] == "present":
            raise InputError(
                f"instance_profile: {name.name} has no role, so it would give instances nothing. Add one first."
            )


def _name(instance_profile: str | None) -> IamName:
    if not instance_profile:
        raise InputError("instance_profile: name the instance profile. Nothing was changed.")
    return parse_name("instance_profile", instance_profile, PROFILE)
