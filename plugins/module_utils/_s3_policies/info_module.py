# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Module body of ssm_s3_policies_info: reads what the packing of the policies takes, and packs them."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ansible_collections.fleet.aws_ssm.plugins.module_utils._clients import Clients
from ansible_collections.fleet.aws_ssm.plugins.module_utils._errors import InputError
from ansible_collections.fleet.aws_ssm.plugins.module_utils._iam.policy_sets import PolicyGateway
from ansible_collections.fleet.aws_ssm.plugins.module_utils._policy_set.module import label_of, unchanged
from ansible_collections.fleet.aws_ssm.plugins.module_utils._policy_set.plan import members
from ansible_collections.fleet.aws_ssm.plugins.module_utils._policy_set.read import read_each, unreadable
from ansible_collections.fleet.aws_ssm.plugins.module_utils._regions import (
    ALL,
    enabled_regions,
    of_known_partition,
    split_names,
)
from ansible_collections.fleet.aws_ssm.plugins.module_utils._s3_options import base_name, boolean
from ansible_collections.fleet.aws_ssm.plugins.module_utils._s3_policy import policies_for

if TYPE_CHECKING:
    from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule


def run(module: AnsibleAWSModule) -> dict[str, Any]:
    """ssm_s3_policies_info."""
    try:
        return _policies(module)
    except InputError as error:
        raise unchanged(error) from error


def _policies(module: AnsibleAWSModule) -> dict[str, Any]:
    params, label = module.params, label_of(module.params)
    deadline = time.monotonic() + params["timeout"]
    family = base_name(params["name"], label)
    endpoints = boolean(label("vpc_endpoints"), params["vpc_endpoints"], default=True)
    clients = Clients(module)
    names = split_names(params["regions"]) or []
    if not names and clients.region:
        names = [clients.region]
    # A name that is none is refused with the others, by what its buckets are looked up with.
    region = clients.global_region(of_known_partition(names, clients.partitions()))
    try:
        if endpoints and ALL in (name.lower() for name in names):
            if len(names) > 1:
                raise InputError(f"{label('regions')}: mixes all with the names of regions: give one or the other.")
            names = enabled_regions(clients.region_opt_in(region))
        found = _read(clients, region, family, params["owner"], deadline)
    except Exception as error:
        raise unreadable(error) from error
    quotas = found["quotas"]
    policies = policies_for(
        names if endpoints else [],
        partition=found["identity"].partition,
        bucket_set=params["bucket_set"] or "current",
        extra_region_buckets=params["extra_region_buckets"],
        vpc_endpoints=endpoints,
        buckets=params["buckets"],
        name=family,
        existing=[{"name": policy.name, "document": policy.document} for policy in found["ours"]],
        size_limit=quotas.get("PolicySizeQuota", 6144),
        max_policies=quotas.get("AttachedPoliciesPerRoleQuota", 20),
        label=label,
    )
    return {
        "changed": False,
        "account": found["identity"].account,
        "partition": found["identity"].partition,
        "regions": names,
        "policies": policies,
    }


def _read(clients: Clients, region: str, family: str, owner: str, deadline: float) -> dict[str, Any]:
    """The credentials' account, its quotas, and the policies of the family that the owner has made."""
    gateway = PolicyGateway(clients.client("iam", region), deadline)
    clients.client("sts", region)
    calls: dict[str, Callable[[], Any]] = {
        "identity": lambda: clients.identity([region]),
        "quotas": gateway.quotas,
        "names": gateway.names,
    }
    found = read_each(lambda key: calls[key](), calls, deadline)
    arns = found["names"]
    policies = read_each(lambda name: gateway.policy(arns[name]), members(arns, family), deadline)
    # IAM does not tell names apart by case, but a policy of another spelling is refused later on.
    found["ours"] = [policy for policy in policies.values() if policy and policy.owner == owner]
    return found
