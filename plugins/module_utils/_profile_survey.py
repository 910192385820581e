# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Reads instance profiles, the instances that use them and the roles behind them, each role and document once."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ansible_collections.fleet.aws_ssm.plugins.module_utils._clients import Clients
from ansible_collections.fleet.aws_ssm.plugins.module_utils._ec2_api import chunks, find_instances
from ansible_collections.fleet.aws_ssm.plugins.module_utils._errors import InputError
from ansible_collections.fleet.aws_ssm.plugins.module_utils._fan_out import fan_out
from ansible_collections.fleet.aws_ssm.plugins.module_utils._iam.profile_access import read_target
from ansible_collections.fleet.aws_ssm.plugins.module_utils._iam_names import PROFILE, IamName, parse_name
from ansible_collections.fleet.aws_ssm.plugins.module_utils._iam_reader import IamReader
from ansible_collections.fleet.aws_ssm.plugins.module_utils._instance_selection import (
    check_found,
    instance_filters,
    instance_ids,
)
from ansible_collections.fleet.aws_ssm.plugins.module_utils._permissions import PING, RoleFacts
from ansible_collections.fleet.aws_ssm.plugins.module_utils._regional import (
    choose_regions,
    refuse_disabled,
    set_aside_forbidden,
)
from ansible_collections.fleet.aws_ssm.plugins.module_utils._regions import split_names

if TYPE_CHECKING:
    from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

SURVEY_SPEC: dict[str, dict[str, Any]] = {
    "actions": {"type": "list", "elements": "str", "default": [PING]},
    "resources": {"type": "list", "elements": "str"},
    "instance_profiles": {"type": "list", "elements": "str"},
    "instance_ids": {"type": "list", "elements": "raw"},
    "filters": {"type": "dict"},
}


@dataclass
class Profile:
    """An instance profile and the instances that use it; `role` is its name.

    The instances are as EC2 lists them, with their `Region`, and with `Target`, which is what policies tell them by.
    """

    name: str
    arn: str
    exists: bool
    role: str | None = None
    instances: list[dict[str, Any]] = field(default_factory=list)


@dataclass
class Survey:
    """What was read in the `regions`. Errors are by role name and by region.

    `forbidden` are regions that the organization closes.
    """

    profiles: list[Profile]
    roles: dict[str, RoleFacts]
    role_errors: dict[str, Exception]
    region_errors: dict[str, Exception]
    forbidden: list[str] = field(default_factory=list)
    regions: list[str] = field(default_factory=list)

    @property
    def partition(self) -> str:
        """That of the profiles."""
        return self.profiles[0].arn.split(":")[1] if self.profiles else ""

    @property
    def account(self) -> str:
        """That of the profiles."""
        return self.profiles[0].arn.split(":")[4] if self.profiles else ""


class Surveyor:
    """Reads for one task. Bad input is raised before anything is read where that is possible."""

    def __init__(self, module: AnsibleAWSModule) -> None:
        """Take the selection from the module; raises InputError."""
        params = module.params
        self.deadline = time.monotonic() + params["timeout"]
        self._timeout = params["timeout"]
        self._names = [parse_name("instance_profiles", text, PROFILE) for text in _given(params)]
        self._ids = instance_ids(params["instance_ids"]) or []
        self._check_selection(params)
        self._filters = instance_filters(params["filters"])
        self.clients = Clients(module)
        self._params = params
        self.regions = choose_regions(module, self.clients)
        self.iam = self.clients.client("iam", self.clients.global_region(self.regions))
        self.reader = IamReader(self.iam, self.deadline)
        self.sharing = self.reader.sharing

    def _check_selection(self, params: Mapping[str, Any]) -> None:
        # Not by the argument spec, to which the empty text of an unanswered survey question is a value like any other.
        ways = {"instance_profiles": self._names, "instance_ids": self._ids, "filters": params["filters"]}
        given = [name for name, value in {**ways, "all_in_use": params.get("all_in_use")}.items() if value]
        if len(given) > 1:
            raise InputError(f"{', '.join(given)} are mutually exclusive: give one of them.")
        if not given and "all_in_use" in params:
            raise InputError("Which profiles: set instance_profiles, instance_ids, filters, or all_in_use to true.")

    def read(self) -> Survey:
        """Read all of it; raises Failure if IAM's profiles can't be read."""
        named = self.reader.profiles({name.name for name in self._names}) if self._names else {}
        for name in self._names:
            _check_profile(name, named.get(name.name))
        instances, region_errors, forbidden = self._instances([profile["Arn"] for profile in named.values()])
        used: dict[str, list[dict[str, Any]]] = {}
        for instance in instances:
            if arn := instance.get("IamInstanceProfile", {}).get("Arn"):
                used.setdefault(arn, []).append(instance)
        found = named or self.reader.profiles({arn.rpartition("/")[2] for arn in used})
        arns = [profile["Arn"] for profile in named.values()] if named else sorted(used)
        profiles = [_profile(arn, found.get(arn.rpartition("/")[2]), used.get(arn, [])) for arn in arns]
        roles, role_errors = self.reader.roles(sorted({profile.role for profile in profiles if profile.role}))
        return Survey(profiles, roles, role_errors, region_errors, forbidden, list(self.regions))

    def _instances(self, arns: list[str]) -> tuple[list[dict[str, Any]], dict[str, Exception], list[str]]:
        """The instances of the selection, each with its `Region`; errors by region, and the regions left out."""
        clients = {region: self.clients.client("ec2", region) for region in self.regions}

        def read(region: str) -> list[dict[str, Any]]:
            filters = [] if self._ids else self._filters
            groups = list(chunks(arns, "iam-instance-profile.arn")) or [[]]
            return [row for group in groups for row in find_instances(clients[region], self._ids, [*filters, *group])]

        # A region that does not answer must leave time for IAM.
        rows, errors = fan_out(read, self.regions, deadline=self.deadline - self._timeout / 2)
        refuse_disabled(self.clients, errors)
        forbidden = set_aside_forbidden(self.clients, self._params, self.regions, errors)
        # All else of an instance is let go: a fleet has many.
        kept = ("InstanceId", "State", "IamInstanceProfile")
        found = [
            {"Region": region, "Target": read_target(row), **{key: row[key] for key in kept if key in row}}
            for region, these in rows.items()
            for row in these
        ]
        if not errors:
            check_found(self._ids, (row["InstanceId"] for row in found), self.regions)
        return found, errors, forbidden


def _given(params: Mapping[str, Any]) -> list[str]:
    names = split_names(params["instance_profiles"], "instance_profiles", in_lists=False)
    if names is None:
        return []
    if not names:
        raise InputError("instance_profiles: is an empty list: name at least one, or leave it out.")
    return names


def _check_profile(name: IamName, found: Mapping[str, Any] | None) -> None:
    if found is None:
        raise InputError(f"instance_profiles: there is no instance profile {name.name}. Correct the name.")
    account = found["Arn"].split(":")[4]
    if name.account and name.account != account:
        raise InputError(
            f"instance_profiles: the ARN is of account {name.account}, but the credentials are of {account}."
        )


def _profile(arn: str, found: Mapping[str, Any] | None, instances: list[dict[str, Any]]) -> Profile:
    roles = found["Roles"] if found else []
    return Profile(arn.rpartition("/")[2], arn, bool(found), roles[0]["RoleName"] if roles else None, instances)
