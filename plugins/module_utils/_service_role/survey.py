# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Gateway: who uses a role or a profile, in every region of the account. Read when it is asked for, and then once."""

from __future__ import annotations

import time
from collections.abc import Sequence

from ansible_collections.fleet.aws_ssm.plugins.module_utils._aws.closed_regions import closed_regions
from ansible_collections.fleet.aws_ssm.plugins.module_utils._clients import Clients
from ansible_collections.fleet.aws_ssm.plugins.module_utils._dhmc.in_use import DhmcInUse
from ansible_collections.fleet.aws_ssm.plugins.module_utils._dhmc.read_in_use import read_dhmc_in_use
from ansible_collections.fleet.aws_ssm.plugins.module_utils._ec2_api import find_instances
from ansible_collections.fleet.aws_ssm.plugins.module_utils._errors import describe, forbidden_by_organization
from ansible_collections.fleet.aws_ssm.plugins.module_utils._fan_out import fan_out
from ansible_collections.fleet.aws_ssm.plugins.module_utils._regional import all_regions
from ansible_collections.fleet.aws_ssm.plugins.module_utils._service_role.guard import Users, without

# They have no profile any more.
_GONE = ("terminated",)


class Survey:
    """What the account's regions say, until a deadline (a reading of `time.monotonic`)."""

    def __init__(self, clients: Clients, known: Sequence[str], deadline: float, reset_in: Sequence[str] = ()) -> None:
        """`known` are regions of the partition; `reset_in` those in which DHMC counts as off, for check mode."""
        self._clients, self._known, self._deadline, self._reset_in = clients, list(known), deadline, reset_in
        self._dhmc: tuple[DhmcInUse | None, str] | None = None
        self._users: dict[str, Users] = {}
        self.at = time.monotonic()

    def forget(self) -> None:
        """Have all of it read again."""
        self._dhmc, self._users, self.at = None, {}, time.monotonic()

    def dhmc(self) -> tuple[DhmcInUse | None, str]:
        """Which roles DHMC uses, or None and why that could not be read."""
        if self._dhmc is None:
            try:
                self._dhmc = without(read_dhmc_in_use(self._clients, self._known, self._deadline), self._reset_in), ""
            except Exception as error:  # whatever the cause: what is unknown is not unused
                self._dhmc = None, describe(error)["message"]
        return self._dhmc

    def users(self, profile: str) -> Users:
        """The instances that have the profile of this ARN."""
        if profile not in self._users:
            self._users[profile] = self._read_users(profile)
        return self._users[profile]

    def _read_users(self, profile: str) -> Users:
        try:
            regions = all_regions(self._clients, self._known)
        except Exception as error:
            return Users(unread={"every region": error})
        ec2 = {region: self._clients.client("ec2", region) for region in regions}
        wanted = [{"Name": "iam-instance-profile.arn", "Values": [profile]}]
        found, errors = fan_out(
            lambda region: find_instances(ec2[region], [], wanted), regions, deadline=self._deadline
        )
        # A region that the organization closes has no instance that could lose anything.
        denied = [region for region, error in errors.items() if forbidden_by_organization(error)]
        closed = closed_regions(self._clients, denied) if denied else []
        return Users(
            [
                f"{region}/{instance['InstanceId']}"
                for region, instances in found.items()
                for instance in instances
                if instance["State"]["Name"] not in _GONE
            ],
            {region: error for region, error in errors.items() if region not in closed},
        )
