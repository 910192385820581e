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
from ansible_collections.fleet.aws_ssm.plugins.module_utils._dhmc.in_use import DhmcInUse, why_protected
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


def may_take_away(changes: Iterable[Change], documents: Mapping[str, ManagedPolicy]) -> bool:
    """Whether the changes may take the registration away: a document that comes, goes or changes speaks of it.

    `documents` are those of the managed policies that are attached or detached, by ARN.
    """
    texts = [text for change in changes for text in (change.before, change.after) if text is not None]
    texts += [documents[change.arn].text for change in changes if change.arn]
    return any(action_matches(statement, PING) for text in texts for _name, statement in statements(json.loads(text)))


def takes_away(
    now: RolePolicies, changes: Iterable[Change], documents: Mapping[str, ManagedPolicy], partition: str, account: str
) -> bool:
    """Whether the role lets instances register less than now. Its boundary stays as it is."""
    before, after = (_allows(each, documents, partition, account) for each in (now, apply(now, changes)))
    return after.is_less_than(before)


def _allows(policies: RolePolicies, documents: Mapping[str, ManagedPolicy], partition: str, account: str) -> Answer:
    role = RoleFacts("", {}, tuple(documents[arn] for arn in policies.managed), policies.inline)
    return may(role, PING, resources_of(PING, [], partition, account)).answer


class Guard:
    """Says why roles must keep what they have. It reads each managed policy and each region once."""

    def __init__(self, clients: Clients, partition: str, deadline: float) -> None:
        """`deadline` is a reading of `time.monotonic`, for the account's regions."""
        self._clients, self._deadline = clients, deadline
        self._region = clients.global_region(partition=partition)
        self._documents: dict[str, ManagedPolicy] = {}
        self._dhmc: DhmcInUse | None = None

    def _read(self, arns: Iterable[str]) -> None:
        iam = self._clients.client("iam", self._region)
        for arn in arns:
            if arn not in self._documents:
                self._documents[arn] = read_policy(iam, arn)

    def why_kept(self, role: Mapping[str, Any], now: RolePolicies, changes: list[Change]) -> str:
        """Why the role (as GetRole gives it) must not be changed so, in words that follow its name; empty if it may."""
        self._read(change.arn for change in changes if change.arn)
        if not may_take_away(changes, self._documents):
            return ""
        self._read(now.managed)
        _arn, partition, _iam, _region, account, _name = role["Arn"].split(":", 5)
        if not takes_away(now, changes, self._documents, partition, account):
            return ""
        if self._dhmc is None:
            self._dhmc = read_dhmc_in_use(self._clients, [self._region], self._deadline)
        return why_protected(role["RoleName"], role["AssumeRolePolicyDocument"], self._dhmc)
