# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The documented token buckets of the EC2 API (Amazon EC2 API Reference, "Request throttling for the Amazon EC2 API").

Other services publish no numbers for the calls that matter here, so the preset does not slow them down.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# name of the bucket, bucket size, refill a second
Limit = tuple[str, float, float]

_NAMED: dict[str, tuple[float, float]] = {
    "AssociateIamInstanceProfile": (100, 5),
    "DisassociateIamInstanceProfile": (100, 5),
    "ModifyInstanceMetadataOptions": (100, 5),
    "ModifyInstanceMetadataDefaults": (2, 2),
    "CreateVpcEndpoint": (4, 0.3),
}
_NON_MUTATING = (100, 20)
_UNFILTERED = (50, 10)
_MUTATING = (50, 5)
_UNFILTERED_OPERATIONS = ("DescribeInstances", "DescribeInstanceStatus")
_UNFILTERED_UNLESS = ("Filters", "InstanceIds", "MaxResults", "NextToken")


def limit_for(service: str, operation: str, params: Mapping[str, Any]) -> Limit | None:
    """The bucket that a call takes its token from; None when AWS publishes none."""
    if service != "ec2":
        return None
    if operation in _NAMED:
        return (operation, *_NAMED[operation])
    if operation in _UNFILTERED_OPERATIONS and not any(params.get(name) for name in _UNFILTERED_UNLESS):
        return (f"{operation} unfiltered", *_UNFILTERED)
    if operation.startswith(("Describe", "Get", "List", "Search")):
        return (operation, *_NON_MUTATING)
    return (operation, *_MUTATING)
