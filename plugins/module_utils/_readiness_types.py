# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Rules: what readiness knows of an instance, of its profile and of its region's DHMC. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ansible_collections.fleet.aws_ssm.plugins.module_utils._iam.profile_access import Target, least, read_target
from ansible_collections.fleet.aws_ssm.plugins.module_utils._iam_policy import Answer


@dataclass(frozen=True)
class Profile:
    """An instance profile, and what it gives to one instance. `known` is False where IAM could not be read.

    `trusted`: whether EC2 may assume its role. `pings`, `messages`: what the role allows on the instance. `unclear` and
    `messages_unclear` name the statements that leave this open.
    """

    name: str
    id: str | None = None
    exists: bool = True
    role: str = ""
    role_exists: bool = True
    pings: Answer = Answer.NO
    messages: Answer = Answer.NO
    created: datetime | None = None
    trusted: Answer = Answer.YES
    unclear: str = ""
    messages_unclear: str = ""
    known: bool = True

    @property
    def registers(self) -> Answer:
        """Whether the agent gets credentials from it that register the instance."""
        return least((self.trusted, self.pings)) if self.known else Answer.MAYBE


@dataclass(frozen=True)
class Dhmc:
    """A region's setting, and what the role that it names gives to the region's instances, or to one of them.

    `known` and `role_known` are False where it could not be read. `unclear` names the statements that leave it open.
    """

    value: str = ""
    changed: datetime | None = None
    known: bool = True
    role_known: bool = True
    role_exists: bool = True
    trusted: Answer = Answer.YES
    permitted: Answer = Answer.YES
    unclear: str = ""

    @property
    def usable(self) -> bool | None:
        """Whether Systems Manager can use the role, by what was read; None where that is unclear or it is off."""
        if not self.known or not self.value or not self.role_known:
            return None
        if not self.role_exists or Answer.NO in (self.trusted, self.permitted):
            return False
        return None if Answer.MAYBE in (self.trusted, self.permitted) else True

    @property
    def problem(self) -> str:
        """Why the role can't be used, or why that is unclear; empty if it can, or if there is none."""
        if not self.known or not self.value or self.usable:
            return ""
        if not self.role_known:
            return "IAM could not be read"
        if not self.role_exists:
            return "it does not exist"
        found = [
            "its trust policy does not trust ssm.amazonaws.com" if self.trusted is Answer.NO else "",
            "it does not allow ssm:UpdateInstanceInformation" if self.permitted is Answer.NO else "",
        ]
        plain = ", and ".join(filter(None, found))
        return plain or self.unclear or "a condition or a resource in its policies decides"


@dataclass(frozen=True, slots=True)
class Machine:
    """An instance as EC2 has it."""

    id: str
    region: str
    state: str = "running"
    name: str = ""
    operator: str = ""
    imds: bool = True
    imdsv2_only: bool = True
    profile_arn: str = ""
    profile_id: str | None = None
    vpc: str = ""
    subnet: str = ""
    groups: tuple[str, ...] = ()
    public: bool = True
    address: str = ""
    ipv6: tuple[str, ...] | None = None
    account: str = ""
    launched: datetime | None = None
    tags: tuple[tuple[str, str], ...] = ()

    @property
    def target(self) -> Target:
        """What a policy may tell it from others by."""
        return Target(self.id, self.tags, self.vpc, self.address, self.imdsv2_only)

    @property
    def profile_name(self) -> str:
        """The name of its instance profile, empty if it has none."""
        return self.profile_arn.rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class Node:
    """A managed node as Systems Manager has it."""

    ping: str = ""
    agent: str = ""
    last_ping: str = ""
    platform: str = ""


@dataclass(frozen=True, slots=True)
class Subject:
    """All that is known of an instance. C(association): the state of one that is not finished."""

    machine: Machine
    dhmc: Dhmc
    node: Node | None = None
    profile: Profile | None = None
    association: str = ""

    @property
    def online(self) -> bool:
        """Whether Systems Manager has it as a node that pings."""
        return self.node is not None and self.node.ping == "Online"

    @property
    def names(self) -> dict[str, str]:
        """What fixes name."""
        machine = self.machine
        return {"region": machine.region, "instance": machine.id, "profile": machine.profile_name}


def read_machine(region: str, found: Mapping[str, Any]) -> Machine:
    """An instance of DescribeInstances."""
    profile = found.get("IamInstanceProfile") or {}
    options = found.get("MetadataOptions") or {}
    operator = found.get("Operator") or {}
    # The primary one, whose groups and subnet the instance's are. It is of the instance's account, its VPC may not be.
    interface: Mapping[str, Any] = next((one for one in found.get("NetworkInterfaces", ()) if _device(one) == 0), {})
    return Machine(
        id=found["InstanceId"],
        region=region,
        state=found["State"]["Name"],
        name=next((tag["Value"] for tag in found.get("Tags", ()) if tag["Key"] == "Name"), ""),
        operator=operator.get("Principal", "an AWS service") if operator.get("Managed") else "",
        imds=options.get("HttpEndpoint", "enabled") == "enabled",
        imdsv2_only=options.get("HttpTokens") == "required",
        profile_arn=profile.get("Arn", ""),
        profile_id=profile.get("Id"),
        vpc=found.get("VpcId", ""),
        subnet=found.get("SubnetId", ""),
        groups=tuple(group["GroupId"] for group in found.get("SecurityGroups", ())),
        public=bool(found.get("PublicIpAddress")),
        address=found.get("PrivateIpAddress", ""),
        ipv6=tuple(one["Ipv6Address"] for one in interface.get("Ipv6Addresses", ())) if interface else None,
        account=interface.get("OwnerId", ""),
        launched=found.get("LaunchTime"),
        tags=tuple(read_target(found).tags),
    )


def _device(interface: Mapping[str, Any]) -> int:
    return (interface.get("Attachment") or {}).get("DeviceIndex", 0)


def read_node(found: Mapping[str, Any]) -> Node:
    """A node of DescribeInstanceProperties, or of DescribeInstanceInformation."""
    pinged = found.get("LastPingDateTime")
    return Node(
        ping=found.get("PingStatus", ""),
        agent=found.get("AgentVersion", ""),
        last_ping=pinged.isoformat() if pinged else "",
        platform=found.get("PlatformType", ""),
    )
