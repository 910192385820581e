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

    @property
    def usable(self) -> bool:
        """Whether it can give credentials at all."""
        return self.exists and bool(self.role) and self.role_exists


@dataclass(frozen=True)
class Dhmc:
    """A region's setting, and the role that it names. C(known) is False where it could not be read."""

    value: str = ""
    changed: datetime | None = None
    known: bool = True
    role_exists: bool = True
    trusted: Answer = Answer.YES
    permitted: Answer = Answer.YES


@dataclass(frozen=True)
class Machine:
    """An instance as EC2 has it, and how Systems Manager knows it (C(ping) is empty if it does not)."""

    id: str
    region: str
    state: str = "running"
    name: str = ""
    operator: str = ""
    imds: bool = True
    imdsv2_only: bool = True
    profile_name: str = ""
    profile_id: str | None = None
    association: str = ""
    vpc: str = ""
    subnet: str = ""
    groups: tuple[str, ...] = ()
    public: bool = True
    launched: datetime | None = None
    ping: str = ""
    agent: str = ""
    last_ping: str = ""
    platform: str = ""


@dataclass(frozen=True)
class Assessment:
    """The answer for an instance, the gravest reason first."""

    verdict: str
    way: str = ""
    reasons: list[Reason] = field(default_factory=list)


def read_machine(region: str, found: Mapping[str, Any], node: Mapping[str, Any], association: str) -> Machine:
    """From DescribeInstances, DescribeInstanceProperties or -Information, and an unfinished association's state."""
    profile = found.get("IamInstanceProfile") or {}
    options = found.get("MetadataOptions") or {}
    operator = found.get("Operator") or {}
    pinged = node.get("LastPingDateTime")
    return Machine(
        id=found["InstanceId"],
        region=region,
        state=found["State"]["Name"],
        name=next((tag["Value"] for tag in found.get("Tags", ()) if tag["Key"] == "Name"), ""),
        operator=operator.get("Principal", "an AWS service") if operator.get("Managed") else "",
        imds=options.get("HttpEndpoint", "enabled") == "enabled",
        imdsv2_only=options.get("HttpTokens") == "required",
        profile_name=profile.get("Arn", "").rpartition("/")[2],
        profile_id=profile.get("Id"),
        association=association,
        vpc=found.get("VpcId", ""),
        subnet=found.get("SubnetId", ""),
        groups=tuple(group["GroupId"] for group in found.get("SecurityGroups", ())),
        public=bool(found.get("PublicIpAddress")),
        launched=found.get("LaunchTime"),
        ping=node.get("PingStatus", ""),
        agent=node.get("AgentVersion", ""),
        last_ping=pinged.isoformat() if pinged else "",
        platform=node.get("PlatformType", ""),
    )


def assess(machine: Machine, profile: Profile | None, dhmc: Dhmc, network: Network | None, now: datetime) -> Assessment:
    """The verdict on one instance. The network is needed only where nothing else is wrong; None if it was not read."""
    names = {"region": machine.region, "instance": machine.id, "profile": machine.profile_name}
    if machine.operator:
        why = reason("service_managed", INFO, f"It is operated by {machine.operator}.", **names)
        return Assessment(OUT_OF_SCOPE, reasons=[why])
    if machine.state != "running":
        return Assessment(OUT_OF_SCOPE, reasons=[reason("not_running", INFO, f"It is {machine.state}.", **names)])
    online = machine.ping == "Online"
    found = [*_metadata(machine, names), *_credentials(machine, profile, dhmc, online=online, names=names)]
    if online:
        return Assessment(MANAGED, _way(machine, profile, dhmc), _sorted(found))
    if not any(one.severity == BLOCKING for one in found):
        if network:
            found += network_reasons(
                network,
                vpc=machine.vpc,
                subnet=machine.subnet,
                groups=machine.groups,
                public=machine.public,
                **names,
            )
        if not any(one.severity == BLOCKING for one in found):
            changes = {
                "the instance was launched": machine.launched,
                "Default Host Management Configuration was set": dhmc.changed if dhmc.value else None,
                "the instance profile was made": profile.created if profile else None,
            }
            return _unexplained(machine, _recent(changes, now), found, names)
    return Assessment(LOST if machine.ping else NOT_MANAGED, reasons=_sorted(found))


def _sorted(reasons: list[Reason]) -> list[Reason]:
    return sorted(reasons, key=lambda one: SEVERITIES.index(one.severity))


def _recent(changes: Mapping[str, datetime | None], now: datetime) -> tuple[str, datetime] | None:
    """The last change that may not have had its effect yet."""
    recent = [(what, when) for what, when in changes.items() if when and now - when < SETTLING]
    return max(recent, key=lambda pair: pair[1], default=None)


def _unexplained(
    machine: Machine, recent: tuple[str, datetime] | None, found: list[Reason], names: dict[str, str]
) -> Assessment:
    """Nothing is wrong that an API shows: either it takes its time, or the agent does not run."""
    if recent:
        what, when = recent
        message = f"At {when:%H:%M} UTC {what}; look again after {when + SETTLING:%H:%M} UTC."
        return Assessment(PENDING, reasons=_sorted([*found, reason("changed_recently", INFO, message, **names)]))
    seen = f"Its agent was last seen at {machine.last_ping}." if machine.ping else "Its agent was never seen."
    message = f"{seen} Whether it is installed and running can't be seen from outside."
    why = reason("agent_silent", BLOCKING, message, **names)
    return Assessment(LOST if machine.ping else NOT_MANAGED, reasons=_sorted([*found, why]))


def _metadata(machine: Machine, names: dict[str, str]) -> list[Reason]:
    if not machine.imds:
        message = "HttpEndpoint=disabled, so that the agent gets no credentials."
        return [reason("imds_off", BLOCKING, message, **names)]
    if not machine.imdsv2_only:
        message = "HttpTokens=optional. DHMC supports IMDSv2 only; the agent asks with it first."
        return [reason("imdsv1_allowed", INFO, message, **names)]
    return []


def _credentials(
    machine: Machine, profile: Profile | None, dhmc: Dhmc, *, online: bool, names: dict[str, str]
) -> list[Reason]:
    """What is wrong with the instance profile, and, where the agent needs DHMC, with that."""
    found = []
    if machine.profile_name and profile:
        unfit = _unfit(machine, profile, names)
        if not unfit and profile.pings is not Answer.NO:
            return _of_profile(profile, dhmc, online=online, names=names)
        found += unfit
    return [*found, *([] if online and not dhmc.value else _of_dhmc(machine, dhmc, names))]


def _unfit(machine: Machine, profile: Profile, names: dict[str, str]) -> list[Reason]:
    """Why the profile gives no credentials. With DHMC the agent can do without them, so none of it blocks by itself."""
    if machine.association:
        message = f"The association with {profile.name} is {machine.association}."
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


def _of_profile(profile: Profile, dhmc: Dhmc, *, online: bool, names: dict[str, str]) -> list[Reason]:
    found = []
    if profile.pings is Answer.YES and profile.messages is Answer.NO:
        message = f"{profile.name} allows ssm:UpdateInstanceInformation, but not all of {', '.join(MESSAGING)}."
        found.append(reason("profile_half_grants", WARNING, message, **names))
    if dhmc.value:
        by = "allows" if profile.pings is Answer.YES else "may allow, by a condition,"
        message = f"{profile.name} {by} ssm:UpdateInstanceInformation, so that the agent uses its credentials."
        found.append(reason("profile_blocks_dhmc", INFO if online and not found else WARNING, message, **names))
    return found


def _of_dhmc(machine: Machine, dhmc: Dhmc, names: dict[str, str]) -> list[Reason]:
    if not dhmc.known:
        return []
    has = (
        f"its instance profile {machine.profile_name} does not let it in"
        if machine.profile_name
        else "it has no profile"
    )
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
    if machine.agent and version_of(machine.agent) < OLDEST_AGENT:
        message = f"It was last seen with {machine.agent}; 3.2.582.0 is needed."
        found.append(reason("agent_too_old", BLOCKING, message, **names))
    if dhmc.value.rpartition("/")[2] != _OUR_ROLE:
        who = "Systems Manager Quick Setup" if dhmc.value.startswith("AWS-QuickSetup-SSM-") else "somebody else"
        found.append(reason("dhmc_role_foreign", INFO, f"{machine.region} names {dhmc.value}, set by {who}.", **names))
    return found


def _way(machine: Machine, profile: Profile | None, dhmc: Dhmc) -> str:
    """How a managed instance gets in; empty where that can't be told. No API says it."""
    usable = profile and profile.usable and not machine.association and profile.id in (None, machine.profile_id)
    pings = profile.pings if profile and usable else Answer.NO
    if pings is Answer.NO:
        return DHMC if dhmc.value else ""
    return PROFILE if pings is Answer.YES or not dhmc.value else ""


def version_of(text: str) -> tuple[int, ...]:
    """A version as numbers; one that is none is taken for new."""
    try:
        return tuple(int(part) for part in text.split("."))
    except ValueError:
        return (999,)
