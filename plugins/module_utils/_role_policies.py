# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Rules: the plan from the policies that a role has to those that it should have. Pure.

Quotas: IAM User Guide, "IAM and AWS STS quotas"; their values are the account's own (GetAccountSummary).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.fleet.aws_ssm.plugins.module_utils._errors import InputError
from ansible_collections.fleet.aws_ssm.plugins.module_utils._iam_policy import as_list

# The Version that IAM takes a document without one to have.
_OLD_VERSION = "2008-10-17"


@dataclass(frozen=True)
class RolePolicies:
    """What hangs on a role: managed policies by ARN with their names, inline policies with their text as stored."""

    managed: Mapping[str, str]
    inline: Mapping[str, str]


@dataclass(frozen=True)
class Change:
    """One call: C(operation) is attach or detach (C(arn)), put or delete (C(before), C(after): the documents' text)."""

    operation: str
    name: str
    arn: str | None = None
    before: str | None = None
    after: str | None = None


@dataclass(frozen=True)
class Request:
    """The policies that a task names: managed ones by ARN with their names, inline ones with their documents' text."""

    managed: Mapping[str, str] = field(default_factory=dict)
    inline: Mapping[str, str] = field(default_factory=dict)


def document_text(option: str, name: str, document: Any) -> str:
    """The text of a policy document that is given as a dict or as text, or InputError if it can't be one.

    Text stays as it is, so that a backup comes back byte for byte.
    """
    text = document if isinstance(document, str) else json.dumps(document)
    if isinstance(document, str):
        try:
            document = json.loads(document)
        except ValueError as error:
            raise InputError(f"{option}: the document of {name!r} is not JSON: {error}.") from error
    if not isinstance(document, Mapping) or not as_list(document.get("Statement")):
        raise InputError(f"{option}: the document of {name!r} has no Statement: give an IAM policy document.")
    for number, statement in enumerate(as_list(document["Statement"]), start=1):
        where = f"{option}: statement {number} of {name!r}"
        if not isinstance(statement, Mapping) or statement.get("Effect") not in ("Allow", "Deny"):
            raise InputError(f"{where} needs an Effect, Allow or Deny.")
        if not ("Action" in statement or "NotAction" in statement):
            raise InputError(f"{where} needs an Action or a NotAction.")
        if not ("Resource" in statement or "NotResource" in statement):
            raise InputError(f"{where} needs a Resource or a NotResource.")
    return text


def plan_present(now: RolePolicies, want: Request, *, purge: bool, differs: Callable[[Any, Any], bool]) -> list[Change]:
    """The changes that put the requested policies on the role, and with C(purge) take all others off.

    C(differs) compares two documents but for formatting and order (amazon.aws's compare_policies).
    """
    changes = [Change("attach", name, arn) for arn, name in want.managed.items() if arn not in now.managed]
    for name, text in want.inline.items():
        before = now.inline.get(name)
        if before is None or differs(_parsed(before), _parsed(text)):
            changes.append(Change("put", name, before=before, after=text))
    if purge:
        changes += _removals(now, set(now.managed) - set(want.managed), set(now.inline) - set(want.inline))
    return changes


def plan_absent(now: RolePolicies, want: Request) -> list[Change]:
    """The changes that take the requested policies off the role."""
    return _removals(now, set(want.managed), set(want.inline))


def _removals(now: RolePolicies, managed: Iterable[str], inline: Iterable[str]) -> list[Change]:
    return [Change("detach", now.managed[arn], arn) for arn in sorted(managed) if arn in now.managed] + [
        Change("delete", name, before=now.inline[name]) for name in sorted(inline) if name in now.inline
    ]


def _parsed(text: str) -> dict[str, Any]:
    return {"Version": _OLD_VERSION, **json.loads(text)}


def ordered(now: RolePolicies, changes: Iterable[Change], quotas: Mapping[str, int], role: str) -> list[Change]:
    """The order to carry the changes out in, or InputError if the account's quotas don't allow the result.

    What grants comes first, so that instances that use the role never have less than both before and after; what takes
    away comes first only where it has to make room. C(quotas) is GetAccountSummary's SummaryMap.
    """
    removals = [change for change in changes if change.operation in ("detach", "delete")]
    grants = [change for change in changes if change not in removals]
    if not grants:
        return removals
    if not _over(apply(now, grants), quotas):
        return grants + removals
    over = _over(apply(now, [*removals, *grants]), quotas)
    if over:
        raise InputError(over.format(role=role))
    return removals + grants


def _over(then: RolePolicies, quotas: Mapping[str, int]) -> str:
    limit = quotas.get("AttachedPoliciesPerRoleQuota")
    if limit is not None and len(then.managed) > limit:
        return (
            f"managed_policies: the role {{role}} would have {len(then.managed)} managed policies attached; the "
            f"account's quota is {limit}. Detach some, put them into one policy, or have the quota raised."
        )
    limit, size = quotas.get("RolePolicySizeQuota"), sum(map(document_size, then.inline.values()))
    if limit is not None and size > limit:
        return (
            f"inline_policies: the inline policies of the role {{role}} would have {size} characters; the quota is "
            f"{limit}. Use managed policies."
        )
    return ""


def document_size(text: str) -> int:
    """A document's size as IAM counts it: without white space."""
    return len("".join(text.split()))


def apply(now: RolePolicies, changes: Iterable[Change]) -> RolePolicies:
    """What the role has after the changes."""
    managed, inline = dict(now.managed), dict(now.inline)
    for change in changes:
        if change.operation == "attach" and change.arn:
            managed[change.arn] = change.name
        elif change.operation == "detach" and change.arn:
            managed.pop(change.arn, None)
        elif change.operation == "put" and change.after:
            inline[change.name] = change.after
        elif change.operation == "delete":
            inline.pop(change.name, None)
    return RolePolicies(managed, inline)
