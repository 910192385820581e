# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A model of IAM's managed policies, which refuses what IAM refuses, and the reading that a plan takes."""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass, field, replace

from ansible_collections.fleet.aws_ssm.plugins.module_utils._policy_set.plan import concerned
from ansible_collections.fleet.aws_ssm.plugins.module_utils._policy_set.restore_plan import Found
from ansible_collections.fleet.aws_ssm.plugins.module_utils._policy_set.types import Now, Policy, Target

ACCOUNT, PARTITION = "111122223333", "aws"


def arn_of(name, path="/"):
    return f"arn:{PARTITION}:iam::{ACCOUNT}:policy{path}{name}"


def document(*actions):
    """The text of a document, with white space of its own, which has to survive."""
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]}, indent=1)


class IamRefuses(Exception):
    """What IAM does not do."""

    def __init__(self, code):
        super().__init__(code)
        self.response = {"Error": {"Code": code, "Message": code}}


@dataclass
class Held:
    """A policy in IAM."""

    name: str
    path: str = "/"
    description: str = ""
    tags: dict = field(default_factory=dict)
    versions: dict = field(default_factory=dict)
    default: str = "v1"
    holders: set = field(default_factory=set)
    boundaries: int = 0


class Iam:
    """Has the methods of PolicyGateway."""

    def __init__(self, held, quotas=None, holders=()):
        self.held = {arn_of(one.name, one.path): one for one in held}
        self.quotas_map = {"VersionsPerPolicyQuota": 5, "PoliciesQuota": 1500, **(quotas or {})}
        self.known_holders = set(holders) | {holder for one in held for holder in one.holders}
        self.writes = []
        self._numbers = itertools.count(10)

    def state(self):
        """All that a restore has to bring back."""
        return {
            arn: (one.path, one.description, dict(one.tags), one.versions[one.default], frozenset(one.holders))
            for arn, one in self.held.items()
        }

    def policy(self, arn):
        one = self.held.get(arn)
        return one and Policy(
            one.name,
            arn,
            one.path,
            one.description,
            dict(one.tags),
            one.versions[one.default],
            one.default,
            one.boundaries,
        )

    def versions(self, arn):
        return sorted(self.held[arn].versions, key=lambda version: int(version[1:]))

    def holders(self, arn):
        return frozenset(self.held[arn].holders)

    def detailed(self, arn):
        policy = self.policy(arn)
        texts = {version: self.held[arn].versions[version] for version in self.versions(arn)} if policy else {}
        return policy and replace(policy, versions=texts, holders=self.holders(arn))

    def now(self, request, targets=()):
        names = [one.name for one in self.held.values()]
        by_name = {one.name: arn for arn, one in self.held.items()}
        return Now(
            account=ACCOUNT,
            partition=PARTITION,
            names=tuple(names),
            policies={name: self.detailed(by_name[name]) for name in concerned(request, names)},
            targets=tuple(
                Target(
                    str(holder), holder.name, frozenset(arn for arn, one in self.held.items() if holder in one.holders)
                )
                for holder in targets
            ),
            quotas={**self.quotas_map, "Policies": len(names)},
        )

    def found(self, arns):
        policies = {arn: self.detailed(arn) if arn in self.held else None for arn in arns}
        every = {holder for one in self.held.values() for holder in one.holders} | self.known_holders
        return Found(policies, every - self.known_holders, self.quotas_map["VersionsPerPolicyQuota"])

    # Writing, as IAM does it.

    def _note(self, what, arn):
        self.writes.append((what, arn.rpartition("/")[2]))

    def create(self, policy, *, wait=False):
        self._note("create", policy.arn)
        if policy.name.lower() in (one.name.lower() for one in self.held.values()):
            raise IamRefuses("EntityAlreadyExists")
        if len(self.held) >= self.quotas_map["PoliciesQuota"]:
            raise IamRefuses("LimitExceeded")
        self.held[policy.arn] = Held(
            policy.name, policy.path, policy.description, dict(policy.tags), {"v1": policy.document}
        )

    def add_version(self, arn, text):
        self._note("version", arn)
        one = self.held[arn]
        if len(one.versions) >= self.quotas_map["VersionsPerPolicyQuota"]:
            raise IamRefuses("LimitExceeded")
        one.default = f"v{next(self._numbers)}"
        one.versions[one.default] = text

    def use_version(self, arn, version):
        self._note("default", arn)
        if version not in self.held[arn].versions:
            raise IamRefuses("NoSuchEntity")
        self.held[arn].default = version

    def delete_version(self, arn, version):
        self._note("delete version", arn)
        if version == self.held[arn].default:
            raise IamRefuses("DeleteConflict")
        self.held[arn].versions.pop(version, None)

    def tag(self, arn, tags):
        self._note("tag", arn)
        self.held[arn].tags |= tags

    def untag(self, arn, keys):
        self._note("untag", arn)
        for key in keys:
            self.held[arn].tags.pop(key, None)

    def attach(self, arn, holder):
        self._note("attach", arn)
        if arn not in self.held:
            raise IamRefuses("NoSuchEntity")
        self.held[arn].holders.add(holder)

    def detach(self, arn, holder):
        self._note("detach", arn)
        if arn in self.held:
            self.held[arn].holders.discard(holder)

    def delete(self, arn):
        self._note("delete", arn)
        one = self.held[arn]
        if one.holders or len(one.versions) > 1 or one.boundaries:
            raise IamRefuses("DeleteConflict")
        del self.held[arn]
