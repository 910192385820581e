# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Rules: whether an instance is managed, by which way, or why not, from what AWS says of it. Pure.

Follows the order in which the SSM Agent looks for credentials (aws/amazon-ssm-agent, ec2roleprovider): the instance
profile's, if they may call ssm:UpdateInstanceInformation; else Default Host Management Configuration (DHMC), if the
agent is new enough. What no API shows, above all whether the agent is installed and running, is said to be just that.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from ansible_collections.fleet.aws_ssm.plugins.module_utils._iam_policy import Answer
from ansible_collections.fleet.aws_ssm.plugins.module_utils._reachability import Network, network_reasons
from ansible_collections.fleet.aws_ssm.plugins.module_utils._readiness_reasons import (
    BLOCKING,
    INFO,
    SEVERITIES,
    WARNING,
    Reason,
    reason,
)

MANAGED = "managed"
PENDING = "pending"
LOST = "connection_lost"
NOT_MANAGED = "not_managed"
OUT_OF_SCOPE = "out_of_scope"
VERDICTS = (NOT_MANAGED, LOST, PENDING, MANAGED, OUT_OF_SCOPE)

DHMC, PROFILE = "dhmc", "profile"

# Agents look for other credentials within 30 minutes, and ping every 5 (Systems Manager User Guide, "Default Host
# Management Configuration"; amazon-ssm-agent's default).
SETTLING = timedelta(minutes=35)
# The oldest agent that knows DHMC: Systems Manager User Guide, "Default Host Management Configuration".
OLDEST_AGENT = (3, 2, 582, 0)
# What an agent needs beside registering, to receive commands and sessions (the same page's default policy).
MESSAGING = (
    "ssmmessages:CreateControlChannel",
    "ssmmessages:CreateDataChannel",
    "ssmmessages:OpenControlChannel",
    "ssmmessages:OpenDataChannel",
)
_OUR_ROLE = "AWSSystemsManagerDefaultEC2InstanceManagementRole"


@dataclass(frozen=True)
class Profile:
    """An instance profile as IAM has it. C(pings), C(messages): what its role allows, from its documents."""

    name: str
    id: str | None = None
    exists: bool = True
    role: str = ""
    role_exists: bool = True
    pings: Answer = Answer.NO
    messages: Answer = Answer.NO
    created: datetime | None = None


@dataclass(frozen=True)
class Dhmc:
    """A region's setting, and the role that it names: `known` and `role_known` are False where it could not be read."""

    value: str = ""
    changed: datetime | None = None
    known: bool = True
    role_known: bool = True
    role_exists: bool = True
    trusted: Answer = Answer.YES
    permitted: Answer = Answer.YES

    @property
    def usable(self) -> bool | None:
        """Whether Systems Manager can use the role, by what was read; None where that can't be told, or it is off."""
        if not self.known or not self.value or not self.role_known:
            return None
        if not self.role_exists or Answer.NO in (self.trusted, self.permitted):
            return False
        return None if Answer.MAYBE in (self.trusted, self.permitted) else True

    @property
    def problem(self) -> str:
        """Why the role can't be used, or why that can't be told; empty if it can, or if there is none."""
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
        return ", and ".join(filter(None, found)) or "a condition or a resource in its policies decides"


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


@dataclass(frozen=True)
class Assessment:
    """The answer for an instance, the gravest reason first."""

    verdict: str
    way: str = ""
    reasons: list[Reason] = field(default_factory=list)


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


def assess(subject: Subject, network: Network | None, now: datetime) -> Assessment:
    """The verdict on one instance. The network is needed only where nothing else is wrong; None if it was not read."""
    machine = subject.machine
    if machine.operator:
        why = reason("service_managed", INFO, f"It is operated by {machine.operator}.", **subject.names)
        return Assessment(OUT_OF_SCOPE, reasons=[why])
    if machine.state != "running":
        why = reason("not_running", INFO, f"It is {machine.state}.", **subject.names)
        return Assessment(OUT_OF_SCOPE, reasons=[why])
    found = [*_metadata(subject), *_credentials(subject)]
    if subject.online:
        return Assessment(MANAGED, _way(subject), _sorted(found))
    if not _blocking(found) and network:
        found += network_reasons(
            network,
            vpc=machine.vpc,
            subnet=machine.subnet,
            groups=machine.groups,
            public=machine.public,
            address=machine.address,
            ipv6=machine.ipv6,
            account=machine.account,
            agent=version_of(subject.node.agent) if subject.node and subject.node.agent else (),
            **subject.names,
        )
    if _blocking(found):
        return Assessment(LOST if subject.node else NOT_MANAGED, reasons=_sorted(found))
    return _unexplained(subject, found, now)


def needs_network(found: Assessment) -> bool:
    """Whether an assessment without the network leaves the question open why the instance is not managed."""
    return found.verdict == PENDING or any(one.reason == "agent_silent" for one in found.reasons)


def _blocking(reasons: list[Reason]) -> bool:
    return any(one.severity == BLOCKING for one in reasons)


def _sorted(reasons: list[Reason]) -> list[Reason]:
    return sorted(reasons, key=lambda one: SEVERITIES.index(one.severity))


def _unexplained(subject: Subject, found: list[Reason], now: datetime) -> Assessment:
    """Nothing is wrong that an API shows: either it takes its time, or the agent does not run."""
    changes = {
        "the instance was launched": subject.machine.launched,
        "Default Host Management Configuration was set": subject.dhmc.changed if subject.dhmc.value else None,
        "the instance profile was made": subject.profile.created if subject.profile else None,
    }
    recent = [(when, what) for what, when in changes.items() if when and now - when < SETTLING]
    if recent:
        when, what = max(recent)
        message = f"At {when:%H:%M} UTC {what}; look again after {when + SETTLING:%H:%M} UTC."
        why = reason("changed_recently", INFO, message, **subject.names)
        return Assessment(PENDING, reasons=_sorted([*found, why]))
    node = subject.node
    seen = f"Its agent was last seen at {node.last_ping}." if node else "Its agent was never seen."
    message = f"{seen} Whether it is installed and running can't be seen from outside."
    why = reason("agent_silent", BLOCKING, message, **subject.names)
    return Assessment(LOST if node else NOT_MANAGED, reasons=_sorted([*found, why]))


def _metadata(subject: Subject) -> list[Reason]:
    if not subject.machine.imds:
        message = "HttpEndpoint=disabled, so that the agent gets no credentials."
        return [reason("imds_off", BLOCKING, message, **subject.names)]
    if not subject.machine.imdsv2_only:
        message = "HttpTokens=optional. DHMC supports IMDSv2 only; the agent asks with it first."
        return [reason("imdsv1_allowed", INFO, message, **subject.names)]
    return []


def _credentials(subject: Subject) -> list[Reason]:
    """What is wrong with the instance profile, and, where the agent needs DHMC, with that."""
    unfit = []
    if subject.profile:
        unfit = _unfit(subject, subject.profile)
        if not unfit and subject.profile.pings is not Answer.NO:
            return _of_profile(subject, subject.profile)
    # A node that is online has a way in; what else could be wrong with a setting that is off does not concern it.
    return unfit if subject.online and not subject.dhmc.value else [*unfit, *_of_dhmc(subject)]


def _unfit(subject: Subject, profile: Profile) -> list[Reason]:
    """Why the profile gives no credentials. With DHMC the agent can do without them, so none of it blocks by itself."""
    machine, names = subject.machine, subject.names
    if subject.association:
        message = f"The association with {profile.name} is {subject.association}."
        return [reason("association_stuck", WARNING, message, **names)]
    if not profile.exists:
        return [reason("profile_without_role", WARNING, f"The instance profile {profile.name} was deleted.", **names)]
    if profile.id and machine.profile_id and profile.id != machine.profile_id:
        message = f"The instance has the id {machine.profile_id} of {profile.name}, which has the id {profile.id} now."
        return [reason("profile_recreated", WARNING, message, **names)]
    if not profile.role:
        return [reason("profile_without_role", WARNING, f"The instance profile {profile.name} has no role.", **names)]
    if not profile.role_exists:
        return [reason("profile_without_role", WARNING, f"The role {profile.role} is gone.", **names)]
    return []


def _of_profile(subject: Subject, profile: Profile) -> list[Reason]:
    names = subject.names
    found = []
    if profile.pings is Answer.YES and profile.messages is Answer.NO:
        message = f"{profile.name} allows ssm:UpdateInstanceInformation, but not all of {', '.join(MESSAGING)}."
        found.append(reason("profile_half_grants", WARNING, message, **names))
    if subject.dhmc.value:
        by = "allows" if profile.pings is Answer.YES else "may allow, by a condition,"
        message = f"{profile.name} {by} ssm:UpdateInstanceInformation, so that the agent uses its credentials."
        found.append(reason("profile_blocks_dhmc", INFO if subject.online and not found else WARNING, message, **names))
    return found


def _of_dhmc(subject: Subject) -> list[Reason]:
    machine, dhmc, names = subject.machine, subject.dhmc, subject.names
    if not dhmc.known:
        return []
    has = f"its profile {machine.profile_name} does not let it in" if machine.profile_arn else "it has no profile"
    if not dhmc.value:
        return [reason("dhmc_off", BLOCKING, f"It is off in {machine.region}, and {has}.", **names)]
    names = {**names, "role": dhmc.value}
    if not dhmc.role_exists:
        return [reason("dhmc_role_missing", BLOCKING, f"{machine.region} names {dhmc.value}.", **names)]
    found = []
    if dhmc.trusted is Answer.NO:
        message = f"{dhmc.value} does not trust ssm.amazonaws.com."
        found.append(reason("dhmc_role_untrusted", BLOCKING, message, **names))
    if dhmc.permitted is Answer.NO:
        message = f"{dhmc.value} does not allow ssm:UpdateInstanceInformation."
        found.append(reason("dhmc_role_unpermitted", BLOCKING, message, **names))
    agent = subject.node.agent if subject.node else ""
    if agent and version_of(agent) < OLDEST_AGENT:
        message = f"It was last seen with {agent}; 3.2.582.0 is needed."
        found.append(reason("agent_too_old", BLOCKING, message, **names))
    if dhmc.value.rpartition("/")[2] != _OUR_ROLE:
        who = "Systems Manager Quick Setup" if dhmc.value.startswith("AWS-QuickSetup-SSM-") else "someone else"
        found.append(reason("dhmc_role_foreign", INFO, f"{machine.region} names {dhmc.value}, set by {who}.", **names))
    return found


def _way(subject: Subject) -> str:
    """How a managed instance gets in; empty where that can't be told. No API says it."""
    dhmc = DHMC if subject.dhmc.value else ""
    profile = subject.profile
    if not profile or profile.pings is Answer.NO or _unfit(subject, profile):
        return dhmc
    return PROFILE if profile.pings is Answer.YES or not dhmc else ""


def version_of(text: str) -> tuple[int, ...]:
    """A version as numbers; one that is none is taken for new."""
    try:
        return tuple(int(part) for part in text.split("."))
    except ValueError:
        return (999,)
