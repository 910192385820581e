# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Gateway: Systems Manager's nodes and EC2's networks of one region, by the largest pages that the APIs have.

Raises botocore's errors; botocore repeats what AWS throttles.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any, TypeVar

from ansible_collections.fleet.aws_ssm.plugins.module_utils._ec2_api import chunks
from ansible_collections.fleet.aws_ssm.plugins.module_utils._errors import code_of

T = TypeVar("T")

# The largest pages: AWS Systems Manager API Reference, "DescribeInstanceProperties", "DescribeInstanceInformation".
_PROPERTIES_PAGE = 1000
_INFORMATION_PAGE = 50
_EC2_PAGE = 1000
# Few instances are asked for by their ids: no more than one call of DescribeInstanceInformation answers.
FEW = 50
# The largest pages of prefix lists and of their entries: Amazon EC2 API Reference.
_ENTRIES_PAGE = 100
_REFUSED = ("UnauthorizedOperation", "AccessDenied", "AccessDeniedException")
_DENIED = ("AccessDeniedException", "AccessDenied", "UnknownOperationException", "InvalidAction")


def each_node(ssm: Any, ids: Sequence[str] = ()) -> Iterator[dict[str, Any]]:
    """The region's managed nodes, or those of the (few) ids.

    DescribeInstanceProperties, which the console uses, has pages twenty times as large; where botocore does not know
    it, or it is not permitted, DescribeInstanceInformation.
    """
    if not ids and hasattr(ssm, "describe_instance_properties"):
        try:
            yield from _properties(ssm)
        except Exception as error:
            if code_of(error) not in _DENIED:
                raise
        else:
            return
    filters = [{"Key": "InstanceIds", "Values": list(ids)}] if ids else []
    pages = ssm.get_paginator("describe_instance_information").paginate(
        Filters=filters, PaginationConfig={"PageSize": _INFORMATION_PAGE}
    )
    for page in pages:
        yield from page["InstanceInformationList"]


def _properties(ssm: Any) -> Iterator[dict[str, Any]]:
    more: dict[str, str] = {}
    while True:
        answer = ssm.describe_instance_properties(MaxResults=_PROPERTIES_PAGE, **more)
        yield from answer["InstanceProperties"]
        if not answer.get("NextToken"):
            return
        more = {"NextToken": answer["NextToken"]}


def unfinished_associations(ec2: Any) -> dict[str, str]:
    """The state of each association that is not in effect yet, or not gone yet, by instance."""
    pages = ec2.get_paginator("describe_iam_instance_profile_associations").paginate(
        Filters=[{"Name": "state", "Values": ["associating", "disassociating"]}],
        PaginationConfig={"PageSize": _EC2_PAGE},
    )
    return {row["InstanceId"]: row["State"] for page in pages for row in page["IamInstanceProfileAssociations"]}


def vpc_endpoints(ec2: Any, vpcs: Iterable[str]) -> list[dict[str, Any]]:
    """The interface endpoints of the VPCs."""
    return _all(ec2, "describe_vpc_endpoints", "VpcEndpoints", "vpc-id", vpcs)


def route_tables(ec2: Any, vpcs: Iterable[str]) -> list[dict[str, Any]]:
    """The route tables of the VPCs."""
    return _all(ec2, "describe_route_tables", "RouteTables", "vpc-id", vpcs)


def security_groups(ec2: Any, groups: Iterable[str]) -> list[dict[str, Any]]:
    """The security groups."""
    return _all(ec2, "describe_security_groups", "SecurityGroups", "group-id", groups)


def subnets(ec2: Any, ids: Iterable[str]) -> list[dict[str, Any]]:
    """The subnets; nothing where that is not permitted, so that nothing is concluded from them."""
    return _permitted(lambda: _all(ec2, "describe_subnets", "Subnets", "subnet-id", ids)) or []


def network_interfaces(ec2: Any, ids: Iterable[str]) -> list[dict[str, Any]] | None:
    """The network interfaces; None where that is not permitted."""
    operation = "describe_network_interfaces"
    return _permitted(lambda: _all(ec2, operation, "NetworkInterfaces", "network-interface-id", ids))


def prefix_lists(ec2: Any, ids: Iterable[str]) -> dict[str, list[str]]:
    """The entries of the prefix lists that may be read. AWS's own stand without any: none is of Systems Manager."""
    wanted = sorted(ids)
    found = _permitted(
        lambda: _all(ec2, "describe_managed_prefix_lists", "PrefixLists", "prefix-list-id", wanted) if wanted else []
    )
    lists: dict[str, list[str]] = {}
    for row in found or ():
        name = row["PrefixListId"]
        entries = [] if row.get("OwnerId") == "AWS" else _permitted(partial(_entries, ec2, name))
        if entries is not None:
            lists[name] = entries
    return lists


def _entries(ec2: Any, prefix_list: str) -> list[str]:
    pages = ec2.get_paginator("get_managed_prefix_list_entries").paginate(
        PrefixListId=prefix_list, PaginationConfig={"PageSize": _ENTRIES_PAGE}
    )
    return [entry["Cidr"] for page in pages for entry in page["Entries"]]


def _permitted(read: Callable[[], T]) -> T | None:
    """What is read; None where the caller may not."""
    try:
        return read()
    except Exception as error:
        if code_of(error) not in _REFUSED:
            raise
        return None


def _all(ec2: Any, operation: str, key: str, name: str, values: Iterable[str]) -> list[dict[str, Any]]:
    paginator = ec2.get_paginator(operation)
    members = ec2.meta.service_model.operation_model(ec2.meta.method_to_api_mapping[operation]).input_shape.members
    # 100 for route tables, 1,000 where botocore's model names no limit.
    largest = members["MaxResults"].metadata.get("max", _EC2_PAGE)
    return [
        item
        for filters in chunks(sorted(values), name)
        for page in paginator.paginate(Filters=filters, PaginationConfig={"PageSize": largest})
        for item in page[key]
    ]


def vpc_dns(ec2: Any, vpc: str) -> bool:
    """Whether names resolve in the VPC, which endpoints need for private DNS: two calls."""
    return all(
        ec2.describe_vpc_attribute(VpcId=vpc, Attribute=attribute)[attribute[0].upper() + attribute[1:]]["Value"]
        for attribute in ("enableDnsSupport", "enableDnsHostnames")
    )
