# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Gateway: instances of one region, calls paced at EC2's token buckets, and instance profile associations."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.amazon.aws.plugins.module_utils.retries import AWSRetry

from ansible_collections.fleet.aws_ssm.plugins.module_utils._errors import code_of
from ansible_collections.fleet.aws_ssm.plugins.module_utils._pace import EC2_BUCKETS, Bucket

# The most values that a filter takes, and the largest page: Amazon EC2 API Reference, "DescribeInstances".
_FILTER_VALUES = 200
_PAGE = 1000


class _Retry(AWSRetry):
    @staticmethod
    def status_code_from_exception(error: Any) -> str:
        """AWS's code; a made-up one for a profile that EC2 can't see yet.

        EC2 answers InvalidParameterValue for a new profile and for one that does not exist alike (the texts are those
        that hashicorp/terraform-provider-aws repeats on), so callers have looked it up in IAM before.
        """
        detail = error.response["Error"]
        message = detail.get("Message", "")
        if detail["Code"] == "InvalidParameterValue" and (
            "Invalid IAM Instance Profile" in message or "no associated IAM Roles" in message
        ):
            return "ProfileNotVisible"
        return detail["Code"]

    @staticmethod
    def found(response_code: str, catch_extra_error_codes: Any = None) -> bool:
        """Only the codes that are named: botocore has repeated the others, and would do so again for each attempt."""
        return response_code in (catch_extra_error_codes or ())


def find_instances(client: Any, ids: Sequence[str], filters: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """DescribeInstances: those of the ids that are in this region, or all that the filters let through."""
    return list(each_instance(client, ids, filters))


def each_instance(client: Any, ids: Sequence[str], filters: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """I(find_instances) one by one, for who keeps little of each."""
    members = client.meta.service_model.operation_model("DescribeInstances").input_shape.members
    # Without it, instances that an AWS service operates may be missing, by a setting of the account.
    extra = {"IncludeManagedResources": True} if "IncludeManagedResources" in members else {}
    for more in chunks(ids, "instance-id") if ids else [[]]:
        pages = client.get_paginator("describe_instances").paginate(
            Filters=[*filters, *more], PaginationConfig={"PageSize": _PAGE}, **extra
        )
        for page in pages:
            for row in page["Reservations"]:
                yield from row["Instances"]


class PacedEc2:
    """One region's client, whose writing calls keep to EC2's token buckets; safe to use from many threads."""

    def __init__(self, client: Any, *, new_profiles: bool = True) -> None:
        """`new_profiles`: a profile may be so new that EC2 does not see it yet, so wait for it."""
        self._client = client
        self._repeated = ["RequestLimitExceeded", *(["ProfileNotVisible"] if new_profiles else [])]
        self._buckets = {operation: Bucket(burst, rate) for operation, (burst, rate) in EC2_BUCKETS.items()}

    def _call(self, operation: str, method: Callable[..., Any], **parameters: Any) -> dict[str, Any]:
        bucket = self._buckets[operation]

        def paced() -> Any:
            bucket.take()
            try:
                return method(**parameters)
            except Exception as error:
                if code_of(error) == "RequestLimitExceeded":
                    bucket.drain()
                raise

        # IAM's changes reach EC2 within two minutes; the whole task has its own deadline.
        repeat = _Retry.jittered_backoff(retries=30, delay=1, max_delay=8, catch_extra_error_codes=self._repeated)
        return repeat(paced)()


class Associations(PacedEc2):
    """One region's associations of instances and profiles."""

    def of_instances(self, ids: Iterable[str]) -> dict[str, list[dict[str, Any]]]:
        """DescribeIamInstanceProfileAssociations of the instances, by instance id."""
        rows: dict[str, list[dict[str, Any]]] = {}
        for filters in chunks(list(ids), "instance-id"):
            pages = self._client.get_paginator("describe_iam_instance_profile_associations").paginate(
                Filters=filters, PaginationConfig={"PageSize": _PAGE}
            )
            for page in pages:
                for row in page["IamInstanceProfileAssociations"]:
                    rows.setdefault(row["InstanceId"], []).append(row)
        return rows

    def associate(self, instance: str, profile: str) -> dict[str, Any]:
        """AssociateIamInstanceProfile; waits for a profile that was made a moment ago."""
        return self._call(
            "AssociateIamInstanceProfile",
            self._client.associate_iam_instance_profile,
            InstanceId=instance,
            IamInstanceProfile={"Arn": profile},
        )["IamInstanceProfileAssociation"]

    def replace(self, association: str, profile: str) -> dict[str, Any]:
        """ReplaceIamInstanceProfileAssociation."""
        return self._call(
            "ReplaceIamInstanceProfileAssociation",
            self._client.replace_iam_instance_profile_association,
            AssociationId=association,
            IamInstanceProfile={"Arn": profile},
        )["IamInstanceProfileAssociation"]

    def disassociate(self, association: str) -> dict[str, Any]:
        """DisassociateIamInstanceProfile."""
        return self._call(
            "DisassociateIamInstanceProfile",
            self._client.disassociate_iam_instance_profile,
            AssociationId=association,
        )["IamInstanceProfileAssociation"]


def chunks(values: Sequence[str], name: str) -> Iterator[list[dict[str, Any]]]:
    """EC2 filters of that name for the values, no more in each than a filter takes."""
    for start in range(0, len(values), _FILTER_VALUES):
        yield [{"Name": name, "Values": list(values[start : start + _FILTER_VALUES])}]
