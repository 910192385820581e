# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Module body of operator_policy_info: the documents, for the account and the region of the credentials if need be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible_collections.fleet.aws_ssm.plugins.module_utils._clients import Clients
from ansible_collections.fleet.aws_ssm.plugins.module_utils._errors import InputError
from ansible_collections.fleet.aws_ssm.plugins.module_utils._operator_policies.partitions import partitions
from ansible_collections.fleet.aws_ssm.plugins.module_utils._operator_policy import (
    DEFAULT_PREFIX,
    FEATURES,
    OPTIONS,
    document,
    make_scope,
)
from ansible_collections.fleet.aws_ssm.plugins.module_utils._policy_set.module import label_of, unchanged
from ansible_collections.fleet.aws_ssm.plugins.module_utils._policy_set.read import unreadable
from ansible_collections.fleet.aws_ssm.plugins.module_utils._regions import of_known_partition, split_names

if TYPE_CHECKING:
    from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

# Those that are worked out here where they are not given.
_FROM_CREDENTIALS = ("account", "partition")


def run(module: AnsibleAWSModule) -> dict[str, Any]:
    """operator_policy_info."""
    try:
        return _documents(module)
    except InputError as error:
        raise unchanged(error) from error


def _documents(module: AnsibleAWSModule) -> dict[str, Any]:
    params = module.params
    named = label_of(params)

    def label(option: str) -> str:
        # The rules speak of one feature, as the filter has it.
        return named("features" if option == "feature" else option)

    features = split_names(params["features"]) or []
    if not features:
        raise InputError(f"{label('feature')}: is empty: name at least one of {', '.join(FEATURES)}.")
    place = _place(module)
    scope = make_scope(
        place["regions"],
        partitions(),
        account=place["account"],
        partition=place["partition"],
        label=label,
        **{name: params[name] for name in OPTIONS if name not in _FROM_CREDENTIALS},
    )
    documents = {feature: document(feature, scope, label) for feature in features}
    prefix = str(params["name_prefix"] or "").strip() or DEFAULT_PREFIX
    return {
        "changed": False,
        "account": scope.account,
        "partition": scope.partition,
        "documents": documents,
        "policies": [{"name": f"{prefix}{feature}", "document": found} for feature, found in documents.items()],
    }


def _place(module: AnsibleAWSModule) -> dict[str, Any]:
    """Regions, account and partition. AWS is asked only for what the options don't say."""
    params = module.params
    regions: Any = split_names(params["regions"])
    account, partition = (str(params[name] or "").strip() for name in _FROM_CREDENTIALS)
    if regions and account:
        return {"regions": regions, "account": account, "partition": partition}
    clients = Clients(module)
    if not regions:
        regions = [clients.region] if clients.region else []
    if not account:
        try:
            identity = clients.identity(of_known_partition(regions, clients.partitions()))
        except Exception as error:
            raise unreadable(error) from error
        account, partition = identity.account, partition or identity.partition
    return {"regions": regions, "account": account, "partition": partition}
