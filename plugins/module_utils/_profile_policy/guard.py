# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Keeps a change from taking the registration away from a role that Default Host Management Configuration (DHMC) uses.

Hardly any change does, so IAM's documents are read only for one that may, and the account's regions only for one that
does.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.fleet.aws_ssm.plugins.module_utils._clients import Clients
from ansible_collections.fleet.aws_ssm.plugins.module_utils._dhmc.in_use import why_protected
from ansible_collections.fleet.aws_ssm.plugins.module_utils._dhmc.read_in_use import read_dhmc_in_use
from ansible_collections.fleet.aws_ssm.plugins.module_utils._iam_fleet_api import read_policy
from ansible_collections.fleet.aws_ssm.plugins.module_utils._iam_policy import Answer, action_matches, statements
from ansible_collections.fleet.aws_ssm.plugins.module_utils._permissions import (
    PING,
    ManagedPolicy,
    RoleFacts,
    may,
    resources_of,
)
from ansible_collections.fleet.aws_ssm.plugins.module_utils._role_policies import Change, RolePolicies, apply


def may_take_away(changes: Iterable[Change]) -> bool:
    """Whether the changes may take the registration away: a managed policy goes, or an inline document speaks of it."""
    return any(
        change.operation == "detach" or _speaks_of_it(change.before) or _speaks_of_it(change.after)
        for change in changes
        if change.operation != "attach"
    )


def _speaks_of_it(text: str | None) -> bool:
    return text is not None and any(
        action_matches(statement, PING) for _name, statement in statements(json.loads(text))
    )


def takes_away(
    now: RolePolicies, changes: Iterable[Change], documents: Mapping[str, ManagedPolicy], partition: str, account: str
) -> bool:
    """Whether the role allows instances to register now, and would not any more. Its boundary stays as it is."""
    before, after = (_allows(each, documents, partition, account) for each in (now, apply(now, changes)))
    return before is not Answer.NO and after is not Answer.YES and before is not after


def _allows(policies: RolePolicies, documents: Mapping[str, ManagedPolicy], partition: str, account: str) -> Answer:
    role = RoleFacts("", {}, tuple(documents[arn] for arn in policies.managed), policies.inline)
    return may(role, PING, resources_of(PING, [], partition, account)).answer


def why_kept(
    clients: Clients, role: Mapping[str, Any], now: RolePolicies, changes: list[Change], *, deadline: float
) -> str:
    """Why the role (as GetRole gives it) must not be changed so, in words that follow its name; empty if it may be."""
    if not may_take_away(changes):
        return ""
    _arn, partition, _iam, _region, account, _name = role["Arn"].split(":", 5)
    arns = {*now.managed, *apply(now, changes).managed}
    region = clients.global_region(partition=partition)
    documents = {arn: read_policy(clients.client("iam", region), arn) for arn in sorted(arns)}
    if not takes_away(now, changes, documents, partition, account):
        return ""
    dhmc = read_dhmc_in_use(clients, [region], deadline)
    return why_protected(role["RoleName"], role["AssumeRolePolicyDocument"], dhmc)
