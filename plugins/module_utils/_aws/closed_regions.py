# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Gateway: which regions the organization closes, as far as this caller can tell.

A policy that closes a region denies EC2 and Systems Manager there alike. One that only denies a single action, such as
`ssm:GetServiceSetting`, closes nothing: instances may be there, and what could not be read stays unknown.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from ansible_collections.fleet.aws_ssm.plugins.module_utils._clients import Clients
from ansible_collections.fleet.aws_ssm.plugins.module_utils._errors import forbidden_by_organization
from ansible_collections.fleet.aws_ssm.plugins.module_utils._fan_out import fan_out

# Any setting will do: that the call is denied is all that counts.
_SETTING = "/ssm/managed-instance/default-ec2-instance-management-role"
# Seconds for two calls in each region that a service control policy has denied something in, which are few.
_PATIENCE = 20.0


def closed_regions(clients: Clients, regions: Iterable[str]) -> list[str]:
    """Those of the regions where a service control policy denies both EC2 and Systems Manager to the caller."""
    asked = list(regions)
    calls: dict[str, Callable[[], Any]] = {}
    for region in asked:
        calls[f"ec2 {region}"] = partial(clients.client("ec2", region).describe_instances, MaxResults=5)
        calls[f"ssm {region}"] = partial(clients.client("ssm", region).get_service_setting, SettingId=_SETTING)
    _answers, errors = fan_out(lambda key: calls[key](), calls, deadline=time.monotonic() + _PATIENCE)
    denied = {key for key, error in errors.items() if forbidden_by_organization(error)}
    return [region for region in asked if {f"ec2 {region}", f"ssm {region}"} <= denied]
