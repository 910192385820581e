# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How SSM shows its nodes: fields, filters and pages of the two Describe calls.

AWS Systems Manager API Reference, "DescribeInstanceInformation", "InstanceInformation",
"DescribeInstanceProperties".
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from localstack.aws.api import CommonServiceException
from localstack.aws.api.ssm import InvalidFilterKey, InvalidInstanceInformationFilterValue, InvalidNextToken

from fleet_emulator.agent_judge import LATEST_VERSION
from fleet_emulator.agents import Agent
from fleet_emulator.ec2_instances import launch_time
from fleet_emulator.settings import ValidationException

# Filter key -> field of the answer.
FILTER_FIELDS = {
    "ActivationIds": "ActivationId",
    "AgentVersion": "AgentVersion",
    "AssociationStatus": "AssociationStatus",
    "IamRole": "IamRole",
    "InstanceIds": "InstanceId",
    "PingStatus": "PingStatus",
    "PlatformType": "PlatformType",
    "PlatformTypes": "PlatformType",
    "ResourceType": "ResourceType",
    "SourceIds": "SourceId",
    "SourceTypes": "SourceType",
}


def information(agent: Agent) -> dict[str, Any]:
    """An InstanceInformation. An EC2 node has no IamRole and no ActivationId: those belong to hybrid nodes."""
    instance = agent.instance
    windows = str(instance.platform or "").lower() == "windows"
    return {
        "InstanceId": instance.id,
        "PingStatus": agent.ping_status,
        "LastPingDateTime": agent.seen.last_ping,
        "AgentVersion": agent.version,
        "IsLatestVersion": agent.version == LATEST_VERSION,
        "PlatformType": "Windows" if windows else "Linux",
        "PlatformName": "Microsoft Windows Server 2022 Datacenter" if windows else "Amazon Linux",
        "PlatformVersion": "10.0.20348" if windows else "2023",
        "ResourceType": "EC2Instance",
        "IPAddress": instance.private_ip,
        "ComputerName": instance.private_dns_name,
        "SourceId": instance.id,
        "SourceType": "AWS::EC2::Instance",
    }


def properties(agent: Agent) -> dict[str, Any]:
    """An InstanceProperty: the same node with what EC2 knows of it."""
    instance = agent.instance
    view = information(agent)
    del view["IsLatestVersion"]
    view.update(
        InstanceType=instance.instance_type,
        InstanceState=instance.state,
        Architecture=instance.architecture,
        LaunchTime=launch_time(instance, agent.tags),
        KeyName=instance.key_name,
    )
    return {key: value for key, value in view.items() if value is not None}


def merged_filters(request: Mapping[str, Any]) -> list[tuple[str, list[str]]]:
    """The filters of a DescribeInstanceInformation request, in whichever of the two forms it uses."""
    new, old = request.get("Filters") or [], request.get("InstanceInformationFilterList") or []
    if new and old:
        raise ValidationException("Filters and InstanceInformationFilterList can not be used together.")
    filters = [(item["Key"], item["Values"]) for item in new] + [(item["key"], item["valueSet"]) for item in old]
    tags = [key for key, _ in filters if key == "tag-key" or key.startswith("tag:")]
    if tags and len(tags) != len(filters):
        raise InvalidFilterKey("Tag filters can not be combined with other filters.")
    for key, values in filters:
        if key not in FILTER_FIELDS and key not in tags:
            raise InvalidFilterKey(f"The specified filter key {key} is not valid.")
        if not values or len(values) > 100 or not all(values):
            raise InvalidInstanceInformationFilterValue(f"The values of filter {key} are not valid.")
    return filters


def matches(view: Mapping[str, Any], tags: Mapping[str, str], filters: Sequence[tuple[str, list[str]]]) -> bool:
    """Whether a node passes all filters; within one filter any value will do."""
    for key, values in filters:
        if key == "tag-key":
            fits = any(name in values for name in tags)
        elif key.startswith("tag:"):
            fits = tags.get(key[4:]) in values
        elif key == "AgentVersion":
            fits = any(fnmatchcase(str(view["AgentVersion"]), value) for value in values)
        else:
            fits = str(view.get(FILTER_FIELDS[key], "")) in values
        if not fits:
            return False
    return True


def page(
    agents: Sequence[Agent],
    show: Callable[[Agent], dict[str, Any]],
    filters: Sequence[tuple[str, list[str]]],
    request: Mapping[str, Any],
    bounds: tuple[int, int, int],
) -> tuple[list[dict[str, Any]], str | None]:
    """One page of those that pass the filters, and the token of the next; *bounds* are least, most and default size.

    Without a filter only the page's own nodes are written out: a list of 10,000 has 200 pages.
    """
    low, high, default = bounds
    size = request.get("MaxResults")
    if size is not None and not low <= size <= high:
        relation, bound = ("greater", low) if size < low else ("less", high)
        raise CommonServiceException(
            "ValidationException",
            f"1 validation error detected: Value '{size}' at 'maxResults' failed to satisfy constraint: "
            f"Member must have value {relation} than or equal to {bound}",
            400,
            True,
        )
    start = _start(request.get("NextToken"))
    end = start + (size or default)
    for key, values in filters:
        if key == "InstanceIds":
            # Before any view is made: a wait for one node of 10,000 asks for it again and again.
            agents = [agent for agent in agents if agent.instance.id in values]
    if filters:
        views = [view for agent in agents if matches(view := show(agent), agent.tags, filters)]
        found, count = views[start:end], len(views)
    else:
        found, count = [show(agent) for agent in agents[start:end]], len(agents)
    return found, base64.urlsafe_b64encode(f"fleet:{end}".encode()).decode() if end < count else None


def _start(token: str | None) -> int:
    if not token:
        return 0
    try:
        marker, _, number = base64.urlsafe_b64decode(token).decode().partition(":")
        if marker == "fleet":
            return int(number)
    except (ValueError, binascii.Error):
        pass
    raise InvalidNextToken("The specified token is not valid.")
