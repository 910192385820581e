# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""DescribeRegions as EC2 answers it (Amazon EC2 API Reference, "DescribeRegions")."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any

from fleet_emulator.ec2_errors import invalid_value
from fleet_emulator.regions import OPT_INS, by_partition

_SUFFIXES = {"aws-cn": "amazonaws.com.cn", "aws-eusc": "amazonaws.eu"}
_FILTERS = {"region-name": "RegionName", "opt-in-status": "OptInStatus", "endpoint": "Endpoint"}


def describe(account: str, partition: str, request: Mapping[str, Any]) -> list[dict[str, str]]:
    """The partition's regions: those enabled for the account, or with AllRegions all of them."""
    names = by_partition()[partition]
    wanted = request.get("RegionNames") or []
    unknown = [name for name in wanted if name not in names]
    if unknown:
        raise invalid_value(f"Invalid value '{', '.join(unknown)}' for regionName.")
    suffix = _SUFFIXES.get(partition, "amazonaws.com")
    views = [
        {
            "RegionName": name,
            "Endpoint": f"ec2.{name}.{suffix}",
            "OptInStatus": OPT_INS.ec2_status(account, name),
        }
        for name in names
        if not wanted or name in wanted
    ]
    if not request.get("AllRegions"):
        views = [view for view in views if view["OptInStatus"] != "not-opted-in"]
    for item in request.get("Filters") or []:
        field = _FILTERS.get(item.get("Name", ""))
        if field is None:
            raise invalid_value(f"The filter '{item.get('Name')}' is invalid")
        values = item.get("Values") or []
        views = [view for view in views if any(fnmatchcase(view[field], value) for value in values)]
    return views
