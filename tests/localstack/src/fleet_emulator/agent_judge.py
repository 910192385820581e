# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Decides for a simulated SSM Agent whether it is connected, and by whose credentials.

An agent tries in the order of its source (aws/amazon-ssm-agent, common/identity/credentialproviders): the instance
profile's credentials, if they may call ssm:UpdateInstanceInformation; else the role that Default Host Management
Configuration names. Before either it needs the metadata service and a way to Systems Manager.

Two tags of an instance steer its agent: ``fleet:agent`` (running, stopped or none) and ``fleet:agent-version``.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from moto.ec2.models import ec2_backends
from moto.iam.models import iam_backends

from fleet_emulator import ec2_profiles, policy, role_policies, settings
from fleet_emulator.agent_network import Network
from fleet_emulator.regions import partition_of

TAG_STATE = "fleet:agent"
TAG_VERSION = "fleet:agent-version"
LATEST_VERSION = "3.3.3050.0"
# Systems Manager User Guide, "Default Host Management Configuration": the oldest agent that supports it.
MINIMUM_DHMC_VERSION = (3, 2, 582, 0)
PING = "ssm:UpdateInstanceInformation"


class Judge:
    """Decides for the agents of one region; the answer for a role is computed once for all its instances."""

    def __init__(self, account: str, region: str) -> None:
        self.account, self.region = account, region
        self.partition = partition_of(region) or "aws"
        self.backend = ec2_backends[account][region]
        self.iam = iam_backends[account][self.partition]
        self.network = Network(self.backend, account, region)
        self.profile_delay = ec2_profiles.association_delay(account, region)
        self._dhmc: list[Any | None] = []
        self._unconditional: dict[str, bool] = {}

    def instances(self, only: set[str] | None) -> Iterator[Any]:
        """The instances there are, or those named."""
        if only is not None:
            yield from filter(None, map(self.backend.get_instance_by_id, only))
            return
        for reservation in list(self.backend.reservations.values()):
            yield from list(reservation.instances)

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
        number = _version(version)
        if not self.network.reaches(instance, number):
            return None, version
        role = self.profile_role(instance)
        if (
            role is not None
            and self._may_ping(role, instance, tags, "ec2")
            and self._gets_through(instance, number, role)
        ):
            return "profile", version
        dhmc = self.dhmc_role() if number >= MINIMUM_DHMC_VERSION else None
        if (
            dhmc is not None
            and self._may_ping(dhmc, instance, tags, "ssm")
            and self._gets_through(instance, number, dhmc)
        ):
            return "dhmc", version
        return None, version

    def _gets_through(self, instance: Any, version: tuple[int, ...], role: Any) -> bool:
        """Whether the endpoints' policies let the role's calls pass."""
        return self.network.permits(instance, version, role.arn, self._arn_of(instance))

    def _arn_of(self, instance: Any) -> str:
        return f"arn:{self.partition}:ec2:{self.region}:{self.account}:instance/{instance.id}"

    def profile_role(self, instance: Any) -> Any | None:
        """The role whose credentials the metadata service serves, if it can serve any.

        A profile that was deleted and made anew has another id and is not the one attached (IAM User Guide,
        "Troubleshooting IAM roles"); a role that EC2 may not assume gives no credentials.
        """
        association = self.backend.iam_instance_profile_associations.get(instance.id)
        if association is None or ec2_profiles.state_of(association, self.profile_delay) != "associated":
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

    def _may_ping(self, role: Any, instance: Any, tags: dict[str, str], giver: str) -> bool:
        """Whether the role's credentials may call it; the giver of the credentials is EC2 or Systems Manager."""
        arn = self._arn_of(instance)
        sources = role_policies.of_role(role)
        boundary = role_policies.boundary_of(role, self.account, self.partition)
        documents = [*sources, *([boundary] if boundary else [])]
        if not any("Condition" in source.document or "arn:" in source.document for source in documents):
            # Nothing in these documents depends on the instance: one answer serves the whole fleet.
            if role.id not in self._unconditional:
                self._unconditional[role.id] = policy.evaluate(sources, PING, arn, {}, boundary).allowed
            return self._unconditional[role.id]
        now = datetime.now(UTC).isoformat()
        context = {
            "aws:PrincipalAccount": [self.account],
            "aws:PrincipalArn": [role.arn],
            "aws:PrincipalType": ["AssumedRole"],
            "aws:PrincipalIsAWSService": ["false"],
            **{f"aws:PrincipalTag/{tag['Key']}": [tag["Value"]] for tag in role.tags or []},
            "aws:RequestedRegion": [self.region],
            "aws:ResourceAccount": [self.account],
            "aws:SecureTransport": ["true"],
            "aws:ViaAWSService": ["false"],
            "aws:CurrentTime": [now],
            # Credentials are renewed within the hour: in the long run they are new.
            "aws:TokenIssueTime": [now],
            "aws:userid": [f"{role.id}:{instance.id}"],
            # Each of the two has a key of its own, and sets that alone (IAM User Guide, "AWS global condition context
            # keys"; Service Authorization Reference, Systems Manager).
            f"{giver}:SourceInstanceARN": [arn],
            **{f"aws:ResourceTag/{key}": [value] for key, value in tags.items()},
            **{f"ssm:resourceTag/{key}": [value] for key, value in tags.items()},
        }
        return policy.evaluate(sources, PING, arn, context, boundary).allowed


def _version(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in text.split("."))
    except ValueError:
        return ()
