# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Rules: whether an interface endpoint takes the calls of an instance. Pure.

AWS PrivateLink User Guide, "Access an AWS service using an interface VPC endpoint" and "Control access to VPC endpoints
using endpoint policies". Where private DNS is on, the service's name leads to the endpoint in the whole VPC, whatever
the routes are.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ansible_collections.fleet.aws_ssm.plugins.module_utils._iam.conditions import Context
from ansible_collections.fleet.aws_ssm.plugins.module_utils._iam_policy import (
    Answer,
    Policy,
    as_list,
    decide,
    statements,
)
from ansible_collections.fleet.aws_ssm.plugins.module_utils._network.groups import egress_of, ingress_of
from ansible_collections.fleet.aws_ssm.plugins.module_utils._network.types import (
    Blocked,
    Endpoint,
    Network,
    Place,
    Reachable,
    Unknown,
    Verdict,
)

# One action of each service without which an agent gets nowhere.
ACTIONS = {
    "ssm": "ssm:UpdateInstanceInformation",
    "ssmmessages": "ssmmessages:CreateControlChannel",
    "ec2messages": "ec2messages:GetMessages",
}


def judge_endpoint(place: Place, network: Network, endpoint: Endpoint) -> Verdict:
    """Whether calls of the instance's agent to an endpoint with private DNS are answered."""
    named = f"the VPC endpoint {endpoint.id} for {endpoint.service}"
    names = {"endpoint": endpoint.id}
    if endpoint.addresses is not None and not endpoint.addresses:
        words = f"Private DNS leads to {named}, which has no network interface in any subnet."
        return Blocked("endpoint_not_ready", words, names, "no_subnet")
    if by_groups := _by_groups(place, network, endpoint, named):
        return by_groups
    action = ACTIONS[endpoint.service]
    answer = policy_answer(place, endpoint, action)
    if answer is Answer.NO:
        words = f"The policy of {named} does not allow {action}."
        return Blocked("endpoint_policy_denies", words, names)
    if answer is Answer.MAYBE:
        what = f"The policy of {named} allows {action} for some callers or by a condition."
        return Unknown(what, f"the policy of {endpoint.id}", names=names)
    return Reachable()


def _by_groups(place: Place, network: Network, endpoint: Endpoint, named: str) -> Verdict | None:
    """What keeps the packets away; None if nothing does."""
    names = {"endpoint": endpoint.id}
    theirs = endpoint.groups or ()
    both = f"the rules of {', '.join(dict.fromkeys([*place.groups, *theirs]))}"
    unclear = Unknown(f"It is unclear whether the instance reaches {named}.", both, names=names)
    own = [*([place.address] if place.address else []), *(place.ipv6 or ())]
    if endpoint.addresses and own and {":" in one for one in own}.isdisjoint(":" in one for one in endpoint.addresses):
        return unclear
    leaves = egress_of(place, network).of(endpoint.addresses, endpoint.groups) if place.groups else Answer.YES
    if leaves is Answer.NO:
        where = f"{named} ({', '.join([*(endpoint.addresses or ()), *theirs])})"
        words = f"No security group of it ({', '.join(place.groups)}) lets TCP 443 out to {where}."
        return Blocked("no_egress", words, names, "groups")
    enters = ingress_of(endpoint, network).of(own or None, place.groups)
    if enters is Answer.NO:
        # One group may be that of several endpoints, and is opened once.
        by = f"The VPC endpoint of {{services}} has no security group ({', '.join(theirs)})"
        words = f"{by} that lets TCP 443 in from it ({', '.join([*own, *place.groups])})."
        groups = {"group": next(iter(place.groups), ""), "endpoint_group": next(iter(theirs), "")}
        return Blocked("endpoint_group_closed", words, groups)
    return unclear if Answer.MAYBE in (leaves, enters) else None


def policy_answer(place: Place, endpoint: Endpoint, action: str) -> Answer:
    """Whether an endpoint's policy lets the instance's agent do the action; without a policy everything is allowed."""
    if not endpoint.policy:
        return Answer.YES
    try:
        document = json.loads(endpoint.policy)
    except ValueError:
        return Answer.MAYBE
    if not isinstance(document, Mapping):
        return Answer.MAYBE
    concerned = [found for _name, one in statements(document) if (found := _for_caller(place, one)) is not None]
    policy = Policy("endpoint policy", "endpoint", {**document, "Statement": concerned})
    resource = "*"
    if action == ACTIONS["ssm"]:
        # An agent calls it on its own instance. Wildcards stand for what is not known.
        resource = f"arn:{_partition(place.region)}:ec2:{place.region}:{place.account or '*'}:instance/{place.instance}"
    return decide(action, [policy], resources=[resource], context=_context(place, endpoint)).answer


def _context(place: Place, endpoint: Endpoint) -> Context:
    """What is known of a call by the endpoint."""
    keys = {"aws:requestedregion": place.region, "aws:sourcevpc": place.vpc, "aws:sourcevpce": endpoint.id}
    if place.account:
        keys["aws:principalaccount"] = place.account
    return Context({key: (value,) for key, value in keys.items()})


def _for_caller(place: Place, statement: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The statement, with a condition where it is for some callers only; None if it is for none of this account."""
    principal = statement.get("Principal")
    if principal is None or "NotPrincipal" in statement:
        return _conditional(statement, "*")
    if principal == "*":
        return statement
    callers = as_list(principal.get("AWS")) if isinstance(principal, Mapping) else []
    if "*" in callers:
        return statement
    ours = [one for one in callers if not place.account or _account_of(one) in (place.account, "*", "")]
    if place.account and any(one == place.account or one.endswith(f":{place.account}:root") for one in ours):
        return statement
    return _conditional(statement, ours) if ours else None


def _conditional(statement: Mapping[str, Any], callers: Any) -> Mapping[str, Any]:
    condition = {**(statement.get("Condition") or {}), "ArnLike": {"aws:PrincipalArn": callers}}
    return {**statement, "Condition": condition}


def _account_of(principal: str) -> str:
    """The account of an ARN, or the id that stands alone; empty for an id that IAM put in for a deleted role."""
    parts = principal.split(":")
    if len(parts) > 4:
        return parts[4]
    return principal if principal.isdigit() else ""


def _partition(region: str) -> str:
    return next(
        (name for start, name in (("cn-", "aws-cn"), ("us-gov-", "aws-us-gov")) if region.startswith(start)), "aws"
    )
