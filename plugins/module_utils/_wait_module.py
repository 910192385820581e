# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Module body of ssm_managed_instance_wait: one look. The action plugin of the same name repeats it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible_collections.fleet.aws_ssm.plugins.module_utils._core.text import count
from ansible_collections.fleet.aws_ssm.plugins.module_utils._errors import Failure, describe
from ansible_collections.fleet.aws_ssm.plugins.module_utils._managed_instance_module import Look
from ansible_collections.fleet.aws_ssm.plugins.module_utils._waiting import (
    check_numbers,
    missing_of,
    outlook,
    refused,
    region_counts,
    totals_of,
    unless_none,
)

if TYPE_CHECKING:
    from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

# What the action plugin needs of the options, as the argument spec has read them.
_PACING = ("wait_timeout", "interval", "max_interval", "fail_on_timeout", "stop_when_hopeless", "timeout")


def run_look(module: AnsibleAWSModule) -> dict[str, Any]:
    """Count. It only fails where the next look would too: a region that can't be read is an entry with its error."""
    params = module.params
    check_numbers(params)
    look = Look(module)
    # Not those of networks, on which no count depends.
    errors = {
        region: describe(facts.error)
        for region, facts in look.facts.items()
        if facts.error and region not in look.forbidden
    }
    rows = look.rows()
    regions = region_counts(look.regions, rows, errors, look.forbidden)
    if refused(regions):
        region, error = next(iter(errors.items()))
        more = f"; and so in all {count(len(errors), 'region')}" if len(errors) > 1 else ""
        raise Failure(f"No region could be read: {region}: {error['code']}: {error['message']}{more}")
    missing = missing_of(rows)
    found = outlook(
        regions,
        missing,
        coverage=params["coverage"],
        min_managed=params["min_managed"],
        all_known=not look.iam.unread,
    )
    return {
        "changed": False,
        "regions": regions,
        "totals": totals_of(regions),
        "missing": missing,
        "outlook": found if params["allow_none"] else unless_none(found, regions),
        "pacing": {name: params[name] for name in _PACING},
    }
