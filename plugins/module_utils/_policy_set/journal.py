# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Rules: the entries of a backup for the steps of a plan, and what the entries say. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from ansible_collections.fleet.aws_ssm.plugins.module_utils._core.backup import (
    ATTACHMENT,
    GROUP_ATTACHMENT,
    MANAGED_POLICY,
    USER_ATTACHMENT,
    Entry,
    Original,
)
from ansible_collections.fleet.aws_ssm.plugins.module_utils._errors import InputError
from ansible_collections.fleet.aws_ssm.plugins.module_utils._policy_set.types import (
    OWNER_TAG,
    Attach,
    Create,
    Detach,
    Holder,
    NewVersion,
    Policy,
    Remove,
    Retag,
    Step,
)

MODULE = "iam_policy_set"
_KIND_OF = {"role": ATTACHMENT, "user": USER_ATTACHMENT, "group": GROUP_ATTACHMENT}
_HOLDER_OF = {kind: holder for holder, kind in _KIND_OF.items()}
_ARN = re.compile(r"arn:([\w-]+):iam::(\d{12}):policy/.+")
# The version that was deleted to make room for a new one. The journal keeps its document.
_DROPPED = "deleted_version"


def entry_of(step: Step, account: str, partition: str) -> Entry:
    """What the step changes, before and after."""
    if isinstance(step, (Attach, Detach)):
        attached = isinstance(step, Detach)
        kind, resource = _KIND_OF[step.holder.kind], f"{step.holder.name}/{step.policy.arn}"
        return Entry(MODULE, kind, account, partition, None, resource, attached, not attached)
    before, after = _values(step)
    return Entry(MODULE, MANAGED_POLICY, account, partition, None, step.policy.arn, before, after)


def _values(step: Create | NewVersion | Retag | Remove) -> tuple[Any, Any]:
    value = step.policy.value
    if isinstance(step, Create):
        return None, value
    if isinstance(step, Remove):
        return value, None
    if isinstance(step, Retag):
        return value, {**value, "tags": dict(step.tags)}
    dropped = (step.policy.versions or {}).get(step.drop or "")
    before = {**value, _DROPPED: {"id": step.drop, "document": dropped}} if step.drop else value
    return before, {**value, "document": step.document}


def check_originals(originals: Iterable[Original], name: str) -> None:
    """Raise InputError, which begins with `name`, for what no run of the module can have written."""
    for original in originals:
        if original.kind not in (MANAGED_POLICY, *_HOLDER_OF):
            raise InputError(f"{name}: {MODULE} has no entries of the kind {original.kind}. Nothing was changed.")
        match = _ARN.fullmatch(arn_of(original))
        if not match or (match[1], match[2]) != (original.partition, original.account):
            raise InputError(
                f"{name}: {original.resource!r} is not about a policy of account {original.account}. Use a copy that "
                "is whole. Nothing was changed."
            )
        values = (original.before, *original.ours)
        if original.kind == MANAGED_POLICY and not all(value is None or _is_whole(value) for value in values):
            raise InputError(
                f"{name}: the entry of {original.resource} lacks the policy's name, path, description or tags. Use a "
                "copy that is whole. Nothing was changed."
            )


def _is_whole(value: Mapping[str, Any]) -> bool:
    tags = value.get("tags")
    return (
        all(isinstance(value.get(key), str) for key in ("name", "path", "description"))
        and isinstance(tags, Mapping)
        and all(isinstance(text, str) for text in tags.values())
    )


def comparable(original: Original) -> Original:
    """The original with values that can be compared with what IAM holds."""
    return replace(original, before=_plain(original.before), ours=tuple(map(_plain, original.ours)))


def _plain(value: Any) -> Any:
    return {k: v for k, v in value.items() if k != _DROPPED} if isinstance(value, Mapping) else value


def arn_of(original: Original) -> str:
    """The policy that an original is about."""
    return original.resource if original.kind == MANAGED_POLICY else original.resource.partition("/")[2]


def holder_of(original: Original) -> Holder | None:
    """What an original says of, whether the policy was attached to it; None for an original of a policy itself."""
    if original.kind == MANAGED_POLICY:
        return None
    return Holder(_HOLDER_OF[original.kind], original.resource.partition("/")[0])


def policy_of(arn: str, value: Mapping[str, Any]) -> Policy:
    """The policy that a value of a backup describes."""
    name = arn.rpartition("/")[2]
    return Policy(
        name=name,
        arn=arn,
        path=arn.partition(":policy")[2].removesuffix(name) or "/",
        description=value["description"],
        tags=value["tags"],
        document=value["document"],
    )


def of_owner(originals: Iterable[Original], policies: Mapping[str, Policy | None], owner: str) -> Iterator[Original]:
    """Those that are about policies of the owner.

    That is told by the tag in a value of the policy, or by the one that it has now. What nothing is known of belongs to
    everyone.
    """
    found = list(originals)
    owners: dict[str, set[str]] = {}
    for original in found:
        if original.kind == MANAGED_POLICY:
            values = [value for value in (original.before, *original.ours) if value]
            owners.setdefault(arn_of(original), set()).update(
                value["tags"][OWNER_TAG] for value in values if OWNER_TAG in value["tags"]
            )
    for original in found:
        now = policies.get(arn_of(original))
        known = owners.get(arn_of(original)) or ({now.owner} if now and now.owner else set())
        if not known or owner in known:
            yield original
