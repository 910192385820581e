# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Gateway: reads DHMC's setting in every region of the account."""

from __future__ import annotations

from collections.abc import Iterable

from ansible_collections.fleet.aws_ssm.plugins.module_utils._aws.closed_regions import closed_regions
from ansible_collections.fleet.aws_ssm.plugins.module_utils._clients import Clients
from ansible_collections.fleet.aws_ssm.plugins.module_utils._dhmc.in_use import DhmcInUse
from ansible_collections.fleet.aws_ssm.plugins.module_utils._errors import forbidden_by_organization
from ansible_collections.fleet.aws_ssm.plugins.module_utils._fan_out import fan_out
from ansible_collections.fleet.aws_ssm.plugins.module_utils._regional import all_regions
from ansible_collections.fleet.aws_ssm.plugins.module_utils._service_setting import DHMC, read_setting
from ansible_collections.fleet.aws_ssm.plugins.module_utils._service_setting_api import get_setting


def read_dhmc_in_use(clients: Clients, known: Iterable[str], deadline: float) -> DhmcInUse:
    """DHMC's role in every enabled region of the account: one call for the regions, and one in each.

    `known` are regions of the account's partition, to ask which others there are. Raise InputError if the regions can't
    be listed. `deadline` is a reading of `time.monotonic`.
    """
    regions = all_regions(clients, list(known))
    ssm = {region: clients.client("ssm", region) for region in regions}
    answers, errors = fan_out(lambda region: get_setting(ssm[region], DHMC), regions, deadline=deadline)
    denied = [region for region, error in errors.items() if forbidden_by_organization(error)]
    forbidden = tuple(sorted(closed_regions(clients, denied))) if denied else ()
    values = {region: read_setting(region, answer).value for region, answer in answers.items()}
    return DhmcInUse(
        {region: value.rpartition("/")[2] if value else None for region, value in values.items()},
        {region: error for region, error in errors.items() if region not in forbidden},
        forbidden,
        {region: value for region, value in values.items() if value},
    )
