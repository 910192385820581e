# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Reads what a task of iam_policy_set is about: policies, the roles to attach them to, and what DHMC needs of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, TypeVar

from ansible_collections.fleet.aws_ssm.plugins.module_utils._clients import Clients
from ansible_collections.fleet.aws_ssm.plugins.module_utils._dhmc.in_use import why_protected
from ansible_collections.fleet.aws_ssm.plugins.module_utils._dhmc.read_in_use import read_dhmc_in_use
from ansible_collections.fleet.aws_ssm.plugins.module_utils._errors import Failure, InputError, describe
from ansible_collections.fleet.aws_ssm.plugins.module_utils._fan_out import fan_out
from ansible_collections.fleet.aws_ssm.plugins.module_utils._iam.policy_sets import PolicyGateway
from ansible_collections.fleet.aws_ssm.plugins.module_utils._iam_names import ROLE
from ansible_collections.fleet.aws_ssm.plugins.module_utils._iam_reader import IamReader
from ansible_collections.fleet.aws_ssm.plugins.module_utils._policy_set.plan import (
    changes_document,
    concerned,
    to_remove,
)
from ansible_collections.fleet.aws_ssm.plugins.module_utils._policy_set.protection import (
    changes_by_role,
    loses,
    may_take,
)
from ansible_collections.fleet.aws_ssm.plugins.module_utils._policy_set.request import Named, Request
from ansible_collections.fleet.aws_ssm.plugins.module_utils._policy_set.types import (
    Differs,
    Now,
    Policy,
    Step,
    Target,
)

# More calls to IAM at once than this are soon throttled.
_WORKERS = 8
# Seconds for which a role that an earlier task has made may be unknown to IAM's other servers.
_PATIENCE = 6.0

T = TypeVar("T")


def read_each(read: Callable[[str], T], keys: Iterable[str], deadline: float) -> dict[str, T]:
    """`read` for each key, side by side; raises the first error."""
    found, errors = fan_out(read, keys, deadline=deadline, max_workers=_WORKERS)
    if errors:
        raise next(iter(errors.values()))
    return found


def unreadable(error: Exception) -> Failure:
    """What a task fails with that could not read something before its first change."""
    if isinstance(error, Failure):
        return error
    detail = describe(error)
    return Failure(f"IAM can't be read: {detail['code']}: {detail['message']}. Nothing was changed.")


class Reader:
    """Reads for one task."""

    def __init__(self, clients: Clients, region: str, deadline: float) -> None:
        """Ask IAM in the region."""
        self._clients, self._region, self._deadline = clients, region, deadline
        self._iam = clients.client("iam", region)
        self.gateway = PolicyGateway(self._iam, deadline)

    def now(self, request: Request, differs: Differs, *, wait: bool) -> Now:
        """All that the plan takes. `wait`: whether a target that is not there may still show up."""
        identity = self._clients.identity([self._region])
        calls: dict[str, Callable[[], Any]] = {
            "names": self.gateway.names,
            "quotas": self.gateway.quotas,
            **{named.given: self._target(request, named, identity, wait=wait) for named in request.attach_to},
        }
        found = read_each(lambda key: calls[key](), calls, self._deadline)
        names, quotas = found.pop("names"), found.pop("quotas")
        policies = read_each(lambda name: self._required(names[name]), concerned(request, names), self._deadline)
        now = Now(
            account=identity.account,
            partition=identity.partition,
            names=tuple(names),
            policies=policies,
            targets=_each_once(target for target in found.values() if target),
            missing=tuple(given for given, target in found.items() if target is None),
            quotas=quotas,
        )
        return replace(now, policies=self._with_details(request, now, differs))

    def _required(self, arn: str) -> Policy:
        policy = self.gateway.policy(arn)
        if policy is None:
            raise Failure(f"{arn} was removed while it was read: run again. Nothing was changed.")
        return policy

    def _with_details(self, request: Request, now: Now, differs: Differs) -> dict[str, Policy]:
        """The policies with versions where a new one is due, and with holders where one is removed."""
        removed = {policy.name for policy in to_remove(request, now)}
        changed = {
            found.name: text
            for name, text in request.policies.items()
            if text and (found := now.named(name)) and changes_document(found, text, differs)
        }

        def detail(name: str) -> Policy:
            policy = now.policies[name]
            if name in changed:
                policy = self._with_versions(policy, now.quotas)
            if name in removed or (name in changed and may_take(policy.document, changed[name])):
                policy = replace(policy, holders=self.gateway.holders(policy.arn))
            return policy

        return {**now.policies, **read_each(detail, sorted(removed | set(changed)), self._deadline)}

    def _with_versions(self, policy: Policy, quotas: Mapping[str, int]) -> Policy:
        """The ids of all versions, and the text of the one that may have to make way."""
        versions: dict[str, str | None] = dict.fromkeys(self.gateway.versions(policy.arn))
        if len(versions) >= quotas.get("VersionsPerPolicyQuota", 5):
            oldest = next(version for version in versions if version != policy.version)
            versions[oldest] = self.gateway.version_text(policy.arn, oldest)
        return replace(policy, versions=versions)

    def _target(self, request: Request, named: Named, identity: Any, *, wait: bool) -> Callable[[], Target | None]:
        option = request.label("attach_to")
        if named.name.account not in (None, identity.account) or named.partition not in (None, identity.partition):
            raise InputError(
                f"{option}: {named.given} is not of account {identity.account} in the partition {identity.partition}, "
                "which the credentials are of."
            )

        def read() -> Target | None:
            end = time.monotonic() + (_PATIENCE if wait else 0.0)
            while True:
                role = self._role(option, named)
                if role is not None or time.monotonic() > end:
                    return Target(named.given, role, self.gateway.attached(role)) if role else None
                time.sleep(1)

        return read

    def _role(self, option: str, named: Named) -> str | None:
        """The name of the role that is meant, or None; InputError for a profile without a role, or another path."""
        name = named.name.name
        found = self.gateway.role(name) if named.kind == ROLE else self.gateway.profile(name)
        if found is None:
            return None
        if named.name.path not in (None, found["Path"]):
            raise InputError(
                f"{option}: {named.given}: {name} has the path {found['Path']}: give that, or the name alone."
            )
        if named.kind == ROLE:
            return found["RoleName"]
        if not found["Roles"]:
            raise InputError(f"{option}: the instance profile {name} has no role: add one first.")
        return found["Roles"][0]["RoleName"]

    def versions_with_texts(self, policy: Policy) -> Policy:
        """The policy with the texts of all its versions."""
        texts = {
            version: policy.document if version == policy.version else self.gateway.version_text(policy.arn, version)
            for version in self.gateway.versions(policy.arn)
        }
        return replace(policy, versions=texts)

    def protected(self, steps: Iterable[Step]) -> dict[str, str]:
        """Why roles that would lose what keeps their instances managed must keep it, by name.

        DHMC's settings and roles are read only if a document speaks of the permission. What can't be read protects.
        """
        planned = list(steps)
        changes = changes_by_role(planned)
        if not changes:
            return {}
        identity = self._clients.identity([self._region])
        roles, errors = IamReader(self._iam, self._deadline).roles(sorted(changes))
        losing = {
            name: role
            for name, role in roles.items()
            if loses(role, changes[name], identity.partition, identity.account)
        }
        held = {name: f"could not be read ({describe(error)['message']})" for name, error in errors.items()}
        if losing:
            dhmc = read_dhmc_in_use(self._clients, [self._region], self._deadline)
            held |= {
                name: why_protected(name, role.detail["AssumeRolePolicyDocument"], dhmc)
                for name, role in losing.items()
            }
        return {name: why for name, why in held.items() if why}


def _each_once(targets: Iterable[Target]) -> tuple[Target, ...]:
    """A role may be given by itself and by a profile."""
    return tuple({target.role: target for target in targets}.values())
