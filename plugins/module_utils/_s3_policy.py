# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Rules: the policies with which instances reach the S3 buckets that Systems Manager uses. Pure.

The statements are those of the AWS Systems Manager User Guide, "Configure instance permissions required for Systems
Manager", "Create a custom policy for S3 bucket access"; a policy's size counts as in the IAM User Guide, "IAM and AWS
STS quotas".
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.fleet.aws_ssm.plugins.module_utils import _s3_options as options
from ansible_collections.fleet.aws_ssm.plugins.module_utils._errors import InputError
from ansible_collections.fleet.aws_ssm.plugins.module_utils._iam_policy import as_list
from ansible_collections.fleet.aws_ssm.plugins.module_utils._packing import Item, lower_bound, pack
from ansible_collections.fleet.aws_ssm.plugins.module_utils._policy_set.family import policy_number
from ansible_collections.fleet.aws_ssm.plugins.module_utils._policy_set.types import Label
from ansible_collections.fleet.aws_ssm.plugins.module_utils._s3_options import OwnBucket, policy_name

_EMPTY = {"Version": "2012-10-17", "Statement": []}
_KMS_ACTIONS = ("kms:GenerateDataKey", "kms:Decrypt")


@dataclass(frozen=True)
class Grant:
    """Actions on some resources. Grants that have a C(group) in common share a statement where they meet."""

    key: str
    actions: str | tuple[str, ...]
    resources: tuple[str, ...]
    group: str = ""

    def statement(self, resources: Iterable[str]) -> dict[str, Any]:
        """The statement with these resources."""
        actions = self.actions if isinstance(self.actions, str) else list(self.actions)
        return {"Effect": "Allow", "Action": actions, "Resource": list(resources)}


def minified(document: Any) -> str:
    """JSON without white space, which is what IAM counts."""
    return json.dumps(document, separators=(",", ":"))


def region_grants(buckets: Mapping[str, Sequence[str]], partition: str) -> list[Grant]:
    """Statement 1 of the page, once for each region."""
    return [
        Grant(region, "s3:GetObject", tuple(f"arn:{partition}:s3:::{name}/*" for name in names))
        for region, names in buckets.items()
    ]


def own_grants(buckets: Iterable[OwnBucket], partition: str) -> list[Grant]:
    """Statement 2 of the page, with what each bucket needs (its footnotes 3 to 5), and the keys of the buckets."""
    found = list(buckets)
    grants = []
    for bucket in found:
        actions = ["s3:GetObject", "s3:PutObject"]
        arn = f"arn:{partition}:s3:::{bucket.name}"
        resources = [f"{arn}/*"]
        if bucket.cross_account:
            actions.append("s3:PutObjectAcl")
        if bucket.encrypted:
            actions.append("s3:GetEncryptionConfiguration")
            resources.append(arn)
        grants.append(Grant(arn, tuple(actions), tuple(resources), group=" ".join(actions)))
    keys = dict.fromkeys(key for bucket in found for key in bucket.kms_key_arns)
    return grants + [Grant(key, _KMS_ACTIONS, (key,), group=" ".join(_KMS_ACTIONS)) for key in keys]


def build(  # noqa: PLR0913
    grants: Sequence[Grant],
    *,
    name: str,
    existing: Iterable[Mapping[str, Any]] = (),
    size_limit: int = 6144,
    max_policies: int = 20,
    label: Label = str,
) -> list[dict[str, Any]]:
    """The policies that hold all the grants, each a C(name) and a C(document)."""
    where = f"{label('regions')}, {label('buckets')}"
    capacity = size_limit - len(minified(_EMPTY)) + 1
    items = [_item(grant) for grant in grants]
    for item in items:
        if item.weight + item.setup > capacity:
            raise InputError(
                f"{where}: the statement for {item.key} alone has {item.weight + item.setup - 1} characters, "
                f"and a policy of {size_limit} has room for {capacity - 1}: name fewer buckets."
            )
    number = lower_bound(items, capacity)
    if number <= max_policies:
        packed = pack(items, capacity, _homes(grants, name, existing))
        number = len(packed)
    if number > max_policies:
        raise InputError(
            f"{where}: {number} policies of at most {size_limit} characters are needed, and the account's "
            f"quota allows {max_policies} on a role: name fewer regions or buckets, or have the quota raised."
        )
    by_key = {grant.key: grant for grant in grants}
    return [
        {"name": policy_name(name, index, label), "document": _document([by_key[item.key] for item in part])}
        for index, part in enumerate(packed, start=1)
    ]


def policies_for(  # noqa: PLR0913
    regions: Any,
    *,
    partition: str,
    bucket_set: str,
    extra_region_buckets: Any,
    vpc_endpoints: Any,
    buckets: Any,
    name: str,
    existing: Any,
    size_limit: Any,
    max_policies: Any,
    label: Label = str,
) -> list[dict[str, Any]]:
    """The policies, each a name and a document, or InputError, which calls the options as `label` does."""
    options.partition_name(partition, label)
    grants = region_grants(
        options.region_buckets(
            regions,
            partition=partition,
            bucket_set=bucket_set,
            extra=extra_region_buckets,
            vpc_endpoints=vpc_endpoints,
            label=label,
        ),
        partition,
    )
    grants += own_grants(options.own_buckets(buckets, partition, label), partition)
    if not grants:
        raise InputError(
            f"{label('buckets')}: nothing to allow: name buckets of your own, or regions with VPC endpoints."
        )
    return build(
        grants,
        name=options.base_name(name, label),
        existing=options.existing_policies(existing),
        size_limit=options.positive("size_limit", size_limit),
        max_policies=options.positive("max_policies", max_policies),
        label=label,
    )


def _item(grant: Grant) -> Item:
    """What a grant takes of a policy. Every statement and every resource counts the comma behind it, too."""
    if not grant.group:
        return Item(grant.key, len(minified(grant.statement(grant.resources))) + 1)
    resources = sum(len(minified(resource)) + 1 for resource in grant.resources)
    return Item(grant.key, resources, grant.group, len(minified(grant.statement(()))))


def _document(grants: Iterable[Grant]) -> dict[str, Any]:
    """One document, in an order of its own, so that options in another order don't change it."""
    found = sorted(grants, key=lambda grant: (grant.group.startswith("kms:"), grant.group, grant.key))
    statements: list[dict[str, Any]] = []
    shared: dict[str, dict[str, Any]] = {}
    for grant in found:
        if grant.group in shared:
            shared[grant.group]["Resource"] += grant.resources
            continue
        statements.append(grant.statement(grant.resources))
        if grant.group:
            shared[grant.group] = statements[-1]
    return {**_EMPTY, "Statement": statements}


def _homes(grants: Iterable[Grant], name: str, existing: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """The number, from 0, of the policy in which each grant is now: the first that names one of its resources."""
    number_of: dict[str, int] = {}
    for policy in existing:
        number = policy_number(name, str(policy.get("name", "")))
        if number is None:
            continue
        for resource in _resources(policy.get("document")):
            number_of[resource] = min(number - 1, number_of.get(resource, number))
    homes = {}
    for grant in grants:
        numbers = [number_of[resource] for resource in grant.resources if resource in number_of]
        if numbers:
            homes[grant.key] = min(numbers)
    return homes


def _resources(document: Any) -> list[str]:
    if isinstance(document, str):
        try:
            document = json.loads(document)
        except ValueError as error:
            raise InputError(f"existing: a document is not JSON: {error}.") from error
    if document is None:
        return []
    if not isinstance(document, Mapping):
        raise InputError("existing: a document is not a policy document: give a list of {name, document}.")
    return [
        str(resource)
        for statement in as_list(document.get("Statement"))
        if isinstance(statement, Mapping)
        for resource in as_list(statement.get("Resource"))
    ]
