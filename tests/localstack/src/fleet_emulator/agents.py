# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The SSM Agents of all EC2 instances, simulated: which of them are managed, and by which way.

An agent tries in the order of its source (aws/amazon-ssm-agent, common/identity/credentialproviders): the instance
profile's credentials, if they may call ssm:UpdateInstanceInformation; else the role that Default Host Management
Configuration names. Agents here notice a change at once; at AWS that takes up to 30 minutes.

Two tags of an instance steer its agent: ``fleet:agent`` (running, stopped or none) and ``fleet:agent-version``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from moto.ec2.models import ec2_backends
from moto.iam.models import iam_backends

from fleet_emulator import policy, role_policies, settings
from fleet_emulator.recorder import Call
from fleet_emulator.regions import partition_of

TAG_STATE = "fleet:agent"
TAG_VERSION = "fleet:agent-version"
LATEST_VERSION = "3.3.3050.0"
# Systems Manager User Guide, "Default Host Management Configuration": the oldest agent that supports it.
MINIMUM_DHMC_VERSION = (3, 2, 582, 0)
PING = "ssm:UpdateInstanceInformation"

# Writes after which an agent may have lost its way in; those that only add things can't take one away.
_EC2_CHANGES = frozenset(
    {
        "CreateTags",
        "DeleteTags",
        "DisassociateIamInstanceProfile",
        "ModifyInstanceMetadataOptions",
        "ReplaceIamInstanceProfileAssociation",
        "StopInstances",
    }
)
_SSM_CHANGES = frozenset({"ResetServiceSetting", "UpdateServiceSetting"})


@dataclass
class Seen:
    """What SSM remembers of a node that has registered."""

    registered: datetime
    last_ping: datetime


@dataclass(frozen=True)
class Agent:
    """One node as SSM lists it; ``way`` is profile, dhmc or None (the connection is lost)."""

    instance: Any
    tags: dict[str, str]
    version: str
    way: str | None
    seen: Seen

    @property
    def ping_status(self) -> str:
        """Systems Manager API Reference, InstanceInformation: Online or ConnectionLost."""
        return "Online" if self.way else "ConnectionLost"


class Memory:
    """Which nodes have ever registered, for each account and region."""

    def __init__(self) -> None:
        self._seen: dict[tuple[str, str], dict[str, Seen]] = {}

    def of(self, account: str, region: str) -> dict[str, Seen]:
        """The nodes of a region."""
        return self._seen.setdefault((account, region), {})

    def reset(self, account: str) -> None:
        """Forget an account."""
        for key in [key for key in self._seen if key[0] == account]:
            self._seen.pop(key, None)


MEMORY = Memory()


def managed(account: str, region: str) -> list[Agent]:
    """The nodes that DescribeInstanceInformation lists: those that registered and are neither stopped nor gone.

    Systems Manager API Reference, "DescribeInstanceInformation": stopped or terminated nodes are not returned.
    """
    return _refresh(account, region)


def observe_before(call: Call) -> None:
    """Let the agents ping before a write that may cut them off: a node is lost only if it was there."""
    if not call.write or call.account not in ec2_backends:
        return
    regions = [region for region, backend in list(ec2_backends[call.account].items()) if backend.reservations]
    if call.service == "iam" and not call.operation.startswith(("Create", "Tag", "Add")):
        for region in regions:
            _refresh(call.account, region)
    elif call.region in regions and call.service == "ssm" and call.operation in _SSM_CHANGES:
        _refresh(call.account, call.region)
    elif call.region in regions and call.service == "ec2" and call.operation in _EC2_CHANGES:
        _refresh(call.account, call.region, _named_instances(call))


def _named_instances(call: Call) -> set[str]:
    params = call.params
    names = {*params.get("InstanceIds", ()), *params.get("Resources", ()), params.get("InstanceId")}
    associations = ec2_backends[call.account][call.region].iam_instance_profile_associations
    names.update(
        instance_id
        for instance_id, association in list(associations.items())
        if association.association_id == params.get("AssociationId")
    )
    return {name for name in names if name}


def _refresh(account: str, region: str, only: set[str] | None = None) -> list[Agent]:
    if account not in ec2_backends or region not in ec2_backends[account].keys():  # noqa: SIM118 - see BackendDict
        return []
    judge = Judge(account, region)
    seen = MEMORY.of(account, region)
    now = datetime.now(UTC)
    found = []
    for instance in judge.instances(only):
        state = instance.state
        if state == "terminated":
            seen.pop(instance.id, None)
        if state != "running":
            continue
        way, version = judge.way_of(instance)
        if way:
            entry = seen.setdefault(instance.id, Seen(now, now))
            entry.last_ping = now
        if instance.id in seen:
            found.append(Agent(instance, judge.tags_of(instance), version, way, seen[instance.id]))
    return found


class Judge:
    """Decides for the agents of one region; the answer for a role is computed once for all its instances."""

    def __init__(self, account: str, region: str) -> None:
        self.account, self.region = account, region
        self.partition = partition_of(region) or "aws"
        self.backend = ec2_backends[account][region]
        self.iam = iam_backends[account][self.partition]
        self._dhmc: list[Any | None] = []
        self._unconditional: dict[str, bool] = {}

    def instances(self, only: set[str] | None) -> Iterator[Any]:
        """The instances there are, or those named."""
        for reservation in list(self.backend.reservations.values()):
            for instance in list(reservation.instances):
                if only is None or instance.id in only:
                    yield instance

    def tags_of(self, instance: Any) -> dict[str, str]:
        """The instance's tags."""
        return dict(self.backend.tags.get(instance.id, {}))

    def way_of(self, instance: Any) -> tuple[str | None, str]:
        """How the agent gets its credentials, and its version."""
        tags = self.tags_of(instance)
        version = tags.get(TAG_VERSION, LATEST_VERSION)
        if tags.get(TAG_STATE, "running") != "running":
            return None, version
        # Without the metadata service the agent knows neither its instance nor any credentials.
        if instance.metadata_options.http_endpoint != "enabled":
            return None, version
        role = self.profile_role(instance)
        if role is not None and self._may_ping(role, instance, tags):
            return "profile", version
        dhmc = self.dhmc_role()
        if dhmc is not None and _version(version) >= MINIMUM_DHMC_VERSION and self._may_ping(dhmc, instance, tags):
            return "dhmc", version
        return None, version

    def profile_role(self, instance: Any) -> Any | None:
        """The role whose credentials the metadata service serves, if it can serve any.

        A profile that was deleted and made anew has another id and is not the one attached (IAM User Guide,
        "Troubleshooting IAM roles"); a role that EC2 may not assume gives no credentials.
        """
        association = self.backend.iam_instance_profile_associations.get(instance.id)
        if association is None:
            return None
        profile = self.iam.instance_profiles.get(association.iam_instance_profile.name)
        if profile is None or profile.id != association.iam_instance_profile.id or not profile.roles:
            return None
        role = profile.roles[0]
        services = ("ec2.amazonaws.com", "ec2.amazonaws.com.cn")
        if role.id not in self.iam.roles or not any(self._trusts(role, service) for service in services):
            return None
        return role

    def dhmc_role(self) -> Any | None:
        """The role that Default Host Management Configuration names, if SSM can use it."""
        if not self._dhmc:
            self._dhmc.append(self._find_dhmc_role())
        return self._dhmc[0]

    def _find_dhmc_role(self) -> Any | None:
        where = settings.Where(self.partition, self.region, self.account)
        value = settings.STORE.get(where, settings.DHMC).value
        if value == settings.UNSET:
            return None
        path, _, name = value.rpartition("/")
        role = role_policies.find_role(self.account, self.partition, name, f"/{path}/" if path else "/")
        return role if role is not None and self._trusts(role, "ssm.amazonaws.com") else None

    def _trusts(self, role: Any, service: str) -> bool:
        source = f"arn:{self.partition}:{service.split('.')[0]}:{self.region}:{self.account}:*"
        context = {"aws:SourceAccount": [self.account], "aws:SourceArn": [source]}
        return policy.trusts(role.assume_role_policy_document, service, context)

    def _may_ping(self, role: Any, instance: Any, tags: dict[str, str]) -> bool:
        arn = f"arn:{self.partition}:ec2:{self.region}:{self.account}:instance/{instance.id}"
        sources = role_policies.of_role(role)
        boundary = role_policies.boundary_of(role, self.account, self.partition)
        documents = [*sources, *([boundary] if boundary else [])]
        if not any("Condition" in source.document or "arn:" in source.document for source in documents):
            # Nothing in these documents depends on the instance: one answer serves the whole fleet.
            if role.id not in self._unconditional:
                self._unconditional[role.id] = policy.evaluate(sources, PING, arn, {}, boundary).allowed
            return self._unconditional[role.id]
        context = {
            "aws:PrincipalAccount": [self.account],
            "aws:RequestedRegion": [self.region],
            "ec2:SourceInstanceARN": [arn],
            "ssm:SourceInstanceARN": [arn],
            **{f"aws:ResourceTag/{key}": [value] for key, value in tags.items()},
            **{f"ssm:resourceTag/{key}": [value] for key, value in tags.items()},
        }
        return policy.evaluate(sources, PING, arn, context, boundary).allowed


def _version(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in text.split("."))
    except ValueError:
        return ()
