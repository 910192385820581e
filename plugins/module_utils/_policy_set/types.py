# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Types: customer managed policies, what they are attached to, and the steps that change them. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Union

# Marks what the collection has made, and by which of its roles.
OWNER_TAG = "fleet.aws_ssm/made-by"

Label = Callable[[str], str]
"""What a message calls an option: a role that hands its own variables over has other names for them."""

Differs = Callable[[Any, Any], bool]
"""Whether two documents differ but for formatting and order (amazon.aws's `compare_policies`)."""


@dataclass(frozen=True, order=True)
class Holder:
    """What a policy is attached to: `kind` is role, user or group."""

    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind}/{self.name}"


@dataclass(frozen=True)
class Policy:
    """A customer managed policy: `document` is the text of its default version, as IAM holds it.

    `versions` are the ids of all versions, the oldest first, with their texts as far as these were read; `holders` is
    what it is attached to. Both are None where they were not asked for.
    """

    name: str
    arn: str
    path: str
    description: str
    tags: Mapping[str, str]
    document: str
    version: str = ""
    boundaries: int = 0
    versions: Mapping[str, str | None] | None = None
    holders: frozenset[Holder] | None = None

    @property
    def owner(self) -> str | None:
        """Which role of the collection made it, if one did."""
        return self.tags.get(OWNER_TAG)

    @property
    def value(self) -> dict[str, Any]:
        """What a backup holds of it."""
        return {
            "name": self.name,
            "path": self.path,
            "description": self.description,
            "tags": dict(self.tags),
            "document": self.document,
        }


@dataclass(frozen=True)
class Target:
    """A role that the policies are to be attached to: as the task names it, and the ARNs attached to it."""

    given: str
    role: str
    attached: frozenset[str]


@dataclass(frozen=True)
class Create:
    """Make the policy."""

    policy: Policy


@dataclass(frozen=True)
class NewVersion:
    """Give the policy another document.

    `reuse` is a version that has it already. `drop` is deleted first, to make room; `surplus` afterwards.
    """

    policy: Policy
    document: str
    reuse: str | None = None
    drop: str | None = None
    surplus: tuple[str, ...] = ()


@dataclass(frozen=True)
class Retag:
    """Give the policy these tags and no others."""

    policy: Policy
    tags: Mapping[str, str]

    @property
    def added(self) -> dict[str, str]:
        """The tags to set."""
        return {key: value for key, value in self.tags.items() if self.policy.tags.get(key) != value}

    @property
    def removed(self) -> list[str]:
        """The keys to take away."""
        return [key for key in self.policy.tags if key not in self.tags]


@dataclass(frozen=True)
class Attach:
    """Attach the policy."""

    policy: Policy
    holder: Holder


@dataclass(frozen=True)
class Detach:
    """Detach the policy."""

    policy: Policy
    holder: Holder


@dataclass(frozen=True)
class Remove:
    """Delete the policy with all its versions. What it is attached to must have been detached before."""

    policy: Policy


@dataclass(frozen=True)
class Refuse:
    """The task can't be done: why, beginning with the option."""

    message: str


Step = Union[Create, NewVersion, Retag, Attach, Detach, Remove]  # noqa: UP007
"""A change."""


@dataclass(frozen=True)
class Now:
    """What an account holds of all that a task is about.

    `names` are the names of all its own policies. `policies` are those that matter, by name. `missing` are targets that
    there are not.
    """

    account: str
    partition: str
    names: tuple[str, ...] = ()
    policies: Mapping[str, Policy] = field(default_factory=dict)
    targets: tuple[Target, ...] = ()
    missing: tuple[str, ...] = ()
    quotas: Mapping[str, int] = field(default_factory=dict)

    def named(self, name: str) -> Policy | None:
        """The policy of the name. IAM does not tell names apart by case."""
        return next((policy for found, policy in self.policies.items() if found.lower() == name.lower()), None)
