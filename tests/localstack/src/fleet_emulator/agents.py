# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The SSM Agents of all EC2 instances, simulated: which of them are managed, and by which way.

Agents here notice a change at once; at AWS that takes up to 30 minutes. What one agent decides is in
fleet_emulator.agent_judge.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from moto.ec2.models import ec2_backends

from fleet_emulator.agent_judge import Judge
from fleet_emulator.recorder import Call
from fleet_emulator.watch import Watches

# Writes after which an agent may have lost its way in; those that only add things can't take one away.
_INSTANCE_CHANGES = frozenset(
    {
        "CreateTags",
        "DeleteTags",
        "DisassociateIamInstanceProfile",
        "ModifyInstanceAttribute",
        "ModifyInstanceMetadataOptions",
        "ReplaceIamInstanceProfileAssociation",
    }
)
# Those that may cut off agents other than the named ones': an instance may be the way of others.
_NETWORK_CHANGES = frozenset(
    {
        "AssociateRouteTable",
        "DeleteNatGateway",
        "DeleteRoute",
        "DeleteTransitGateway",
        "DeleteVpcEndpoints",
        "DeleteVpcPeeringConnection",
        "DeleteVpnGateway",
        "DetachInternetGateway",
        "DetachNetworkInterface",
        "DetachVpnGateway",
        "DisassociateAddress",
        "DisassociateRouteTable",
        "ModifyNetworkInterfaceAttribute",
        "ModifySecurityGroupRules",
        "ModifyVpcAttribute",
        "ModifyVpcEndpoint",
        "ReleaseAddress",
        "ReplaceRoute",
        "ReplaceRouteTableAssociation",
        "RevokeSecurityGroupEgress",
        "StopInstances",
        "TerminateInstances",
    }
)
_SSM_CHANGES = frozenset({"ResetServiceSetting", "UpdateServiceSetting"})
# How long a look at a region's agents may serve several calls between which nothing was written.
_SECONDS_KEPT = 1.0


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

    def take(self, account: str) -> dict[str, Any]:
        """All that is remembered of an account, by region."""
        return {region: seen for (owner, region), seen in list(self._seen.items()) if owner == account}

    def put(self, account: str, taken: Mapping[str, Any]) -> None:
        """Remember that instead."""
        self.reset(account)
        self._seen.update({(account, region): seen for region, seen in taken.items()})


class Looks:
    """The last look at each region's agents, for the many pages of one list.

    Every write of an account makes its looks worthless, when it comes in and again when it is answered.
    """

    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self._writes: dict[str, int] = {}
        self._kept: dict[tuple[str, str], tuple[int, float, list[Agent]]] = {}

    def get(self, account: str, region: str) -> list[Agent]:
        """The nodes of a region, looked at again if need be."""
        writes, now = self._writes.get(account, 0), time.monotonic()
        kept = self._kept.get((account, region))
        if kept is None or kept[0] != writes or now - kept[1] > _SECONDS_KEPT:
            kept = (writes, now, _refresh(account, region))
            self._kept[account, region] = kept
        return kept[2]

    def spoil(self, account: str) -> None:
        """Something in the account changes."""
        self._writes[account] = next(self._numbers)


MEMORY = Memory()
LOOKS = Looks()


def online(account: str) -> set[str]:
    """The instances of all regions that have a way in."""
    if account not in ec2_backends:
        return set()
    regions = [region for region, backend in list(ec2_backends[account].items()) if backend.reservations]
    return {agent.instance.id for region in regions for agent in LOOKS.get(account, region) if agent.way}


WATCHES = Watches(online)


def managed(account: str, region: str) -> list[Agent]:
    """The nodes that DescribeInstanceInformation lists: those that registered and are neither stopped nor gone.

    Systems Manager API Reference, "DescribeInstanceInformation": stopped or terminated nodes are not returned.
    """
    return LOOKS.get(account, region)


def observe_before(call: Call) -> None:
    """Let the agents ping before a write that may cut them off: a node is lost only if it was there."""
    if not call.write or call.account not in ec2_backends:
        return
    regions = [region for region, backend in list(ec2_backends[call.account].items()) if backend.reservations]
    if call.service == "iam" and not call.operation.startswith(("Create", "Tag", "Add")):
        for region in regions:
            LOOKS.get(call.account, region)
    elif call.region not in regions:
        return
    elif (call.service == "ssm" and call.operation in _SSM_CHANGES) or (
        call.service == "ec2" and call.operation in _NETWORK_CHANGES
    ):
        LOOKS.get(call.account, call.region)
    elif call.service == "ec2" and call.operation in _INSTANCE_CHANGES:
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
