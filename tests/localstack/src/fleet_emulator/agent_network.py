# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether an agent's calls arrive at Systems Manager: at a public address, or at an endpoint in some VPC.

AWS Systems Manager User Guide, "Troubleshooting managed node availability" and "Improve the security of EC2 instances
by using VPC endpoints for Systems Manager"; AWS PrivateLink User Guide, "Control access to VPC endpoints using endpoint
policies". As on an instance, a name is resolved first, and then each of its addresses is tried.

Nothing of this is the collection's: the two must be able to disagree in a test.
"""

from __future__ import annotations

import json
from typing import Any

from fleet_emulator import policy
from fleet_emulator.agent_names import Names
from fleet_emulator.agent_paths import Paths

SERVICES = ("ssm", "ssmmessages")
# aws/amazon-ssm-agent, release notes: since this version ec2messages is not needed where ssmmessages is reached.
LAST_WITH_EC2MESSAGES = (3, 3, 40, 0)
# What an agent calls first of each service.
_CALLS = {
    "ssm": "ssm:UpdateInstanceInformation",
    "ssmmessages": "ssmmessages:CreateControlChannel",
    "ec2messages": "ec2messages:GetMessages",
}
TAG_DUAL_STACK = "fleet:agent-dual-stack"


class Network:
    """The ways of one region, as they are now; an answer is computed once for all instances that are placed alike."""

    def __init__(self, backend: Any, account: str, region: str) -> None:
        self.backend, self.account, self.region = backend, account, region
        self._names, self._paths = Names(backend, account, region), Paths(backend)
        self._answers: dict[tuple[Any, ...], dict[str, Any] | None] = {}

    def reaches(self, instance: Any, version: tuple[int, ...]) -> bool:
        """Whether the instance's agent, of this version, can call all services it needs."""
        return self._ways(instance, version) is not None

    def permits(self, instance: Any, version: tuple[int, ...], role: str, arn: str) -> bool:
        """Whether the policies of the endpoints on the way let the role (an ARN) call from the instance (an ARN)."""
        ways = self._ways(instance, version) or {}
        return all(
            endpoint is None or self._policy_allows(endpoint.policy_document, _CALLS[service], role, arn)
            for service, endpoint in ways.items()
        )

    def _ways(self, instance: Any, version: tuple[int, ...]) -> dict[str, Any] | None:
        """The endpoint that each service is reached by, or None for its public address; None if one is not reached."""
        primary = instance.nics.get(0)
        if primary is None:
            return None
        old = version < LAST_WITH_EC2MESSAGES
        dual_stack = self.backend.tags.get(instance.id, {}).get(TAG_DUAL_STACK) == "true"
        # Who is let in by its address is not placed like any other.
        own = primary.private_ip_address if self._names.is_private(primary.vpc_id) else ""
        groups = tuple(group.id for group in primary.group_set)
        key = (primary.subnet.id, groups, bool(primary.public_ip), bool(primary.ipv6_addresses), old, dual_stack, own)
        if key not in self._answers:
            services = (*SERVICES, "ec2messages") if old else SERVICES
            self._answers[key] = self._compute(primary, services, dual_stack=dual_stack)
        return self._answers[key]

    def _compute(self, primary: Any, services: tuple[str, ...], *, dual_stack: bool) -> dict[str, Any] | None:
        ways: dict[str, Any] = {}
        for service in services:
            for address in self._names.resolve(service, primary.subnet, dual_stack=dual_stack):
                arrived, interface = self._paths.arrives(primary, address)
                endpoint = self._endpoint_of(interface)
                if arrived and (interface is None or endpoint is not None):
                    ways[service] = endpoint
                    break
            else:
                return None
        return ways

    def _endpoint_of(self, interface: Any | None) -> Any | None:
        if interface is None:
            return None
        endpoints = list(self.backend.vpc_end_points.values())
        return next((endpoint for endpoint in endpoints if interface.id in endpoint.network_interface_ids), None)

    def _policy_allows(self, document: str, action: str, role: str, arn: str) -> bool:
        # Of these calls UpdateInstanceInformation alone is about a resource.
        resource = arn if action == _CALLS["ssm"] else "*"
        context = {
            "aws:PrincipalAccount": [self.account],
            "aws:PrincipalArn": [role],
            "aws:RequestedRegion": [self.region],
        }
        meant = [one for one in policy.statements(document) if _is_for(one.get("Principal"), role, self.account)]
        text = json.dumps({"Version": "2012-10-17", "Statement": meant})
        return policy.evaluate([policy.Source("endpoint", "endpoint", text)], action, resource, context).allowed


def _is_for(principal: Any, role: str, account: str) -> bool:
    """IAM User Guide, "AWS JSON policy elements: Principal"."""
    named = [principal] if isinstance(principal, str) else policy.listed((principal or {}).get("AWS"))
    return any(one in ("*", role, account) or one.endswith(f"::{account}:root") for one in named)
