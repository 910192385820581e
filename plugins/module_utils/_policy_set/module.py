# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Module body of iam_policy_set: read, plan, keep the backup, carry out, report."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ansible.module_utils.common.warnings import warn

from ansible_collections.amazon.aws.plugins.module_utils.policy import compare_policies

from ansible_collections.fleet.aws_ssm.plugins.module_utils._clients import Clients
from ansible_collections.fleet.aws_ssm.plugins.module_utils._core.backup import Original, to_rows
from ansible_collections.fleet.aws_ssm.plugins.module_utils._core.backup_task import BackupTask
from ansible_collections.fleet.aws_ssm.plugins.module_utils._errors import Failure, InputError
from ansible_collections.fleet.aws_ssm.plugins.module_utils._policy_set.apply import Outcome, apply
from ansible_collections.fleet.aws_ssm.plugins.module_utils._policy_set.journal import (
    MODULE,
    arn_of,
    check_originals,
    comparable,
    entry_of,
    holder_of,
    of_owner,
)
from ansible_collections.fleet.aws_ssm.plugins.module_utils._policy_set.plan import others, plan
from ansible_collections.fleet.aws_ssm.plugins.module_utils._policy_set.protection import (
    holders_of,
    takes_from_holders,
)
from ansible_collections.fleet.aws_ssm.plugins.module_utils._policy_set.read import (
    Reader,
    read_each,
    unreadable,
)
from ansible_collections.fleet.aws_ssm.plugins.module_utils._policy_set.request import Request, parse_request
from ansible_collections.fleet.aws_ssm.plugins.module_utils._policy_set.restore_plan import (
    IN_USE,
    Found,
    Undo,
    ordered,
    plan_restored,
)
from ansible_collections.fleet.aws_ssm.plugins.module_utils._policy_set.result import diff, first_ten, row, what
from ansible_collections.fleet.aws_ssm.plugins.module_utils._policy_set.types import (
    Holder,
    Label,
    Policy,
    Refuse,
    Remove,
    Step,
)
from ansible_collections.fleet.aws_ssm.plugins.module_utils._regions import ALL, split_names

if TYPE_CHECKING:
    from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

LABELS_SPEC: dict[str, Any] = {"labels": {"type": "dict", "default": {}}}
_NOTHING = "Nothing was changed."


def label_of(params: Mapping[str, Any]) -> Label:
    """What messages call the options."""
    labels = params["labels"] or {}
    return lambda option: str(labels.get(option) or option)


def unchanged(error: InputError) -> InputError:
    """The error with the assurance that it came before the first change."""
    text = str(error)
    return error if text.endswith(_NOTHING) else InputError(f"{text} {_NOTHING}", **error.result)


def run(module: AnsibleAWSModule) -> dict[str, Any]:
    """iam_policy_set: bring a set of policies to the wanted state."""
    try:
        task = BackupTask(MODULE, module.params)
        deadline = time.monotonic() + module.params["timeout"]
        if module.params["state"] == "restored":
            return _restore(module, task, deadline)
        return _bring_about(module, task, parse_request(module.params, label_of(module.params)), deadline)
    except InputError as error:
        raise unchanged(error) from error


def _reader(module: AnsibleAWSModule, task: BackupTask, deadline: float) -> tuple[Reader, str, str]:
    """The reader, the account and the partition."""
    params, label = module.params, label_of(module.params)
    clients = Clients(module)
    names = [name for name in split_names(params["regions"]) or [] if name.lower() != ALL]
    region = clients.global_region(names, task.partition)
    try:
        identity = clients.identity([region])
    except Exception as error:
        raise unreadable(error) from error
    account = str(params["account"] or "").strip()
    if account not in ("", identity.account):
        raise InputError(
            f"{label('account')}: is {account}, and the credentials are of {identity.account}: use the account's own."
        )
    return Reader(clients, region, deadline), identity.account, identity.partition


def _bring_about(module: AnsibleAWSModule, task: BackupTask, request: Request, deadline: float) -> dict[str, Any]:
    reader, account, partition = _reader(module, task, deadline)
    try:
        now = reader.now(request, compare_policies, wait=not module.check_mode)
        planned = plan(request, now, compare_policies)
        steps = [step for step in planned if not isinstance(step, Refuse)]
        held = reader.protected(steps) if len(steps) == len(planned) else {}
    except Exception as error:
        raise unreadable(error) from error
    refusals = [step.message for step in planned if isinstance(step, Refuse)]
    refusals += [f"{request.label('policies')}: {_why_held(role, why, steps)}" for role, why in held.items()]
    if now.missing and not module.check_mode:
        refusals.append(
            f"{request.label('attach_to')}: there is no {', '.join(now.missing)}: create it, or leave it out."
        )
    if refusals:
        raise InputError(" ".join(refusals))
    for given in now.missing:
        warn(
            f"{request.label('attach_to')}: there is no {given} yet. "
            "Once it is made, the policies would be attached to it."
        )
    if not module.check_mode:
        task.keep([entry_of(step, account, partition) for step in steps])
    outcomes = _outcomes(module, steps, reader, deadline, all_grants_first=module.params["state"] == "present")
    done = [outcome.step for outcome in outcomes if outcome.done]
    rows = [row(outcome.step, outcome.error) for outcome in outcomes]
    result = {
        "changed": bool(done),
        "changes": rows,
        "arns": [
            found.arn if (found := now.named(name)) else request.arn(name, account, partition)
            for name, text in request.policies.items()
            if text
        ],
        "kept": [policy.arn for policy in others(request, now) if not request.policies.get(policy.name)],
        "missing": list(now.missing),
        "backup": _backup(outcomes, account, partition),
        **diff(done),
    }
    why = [f"{what(entry)}: {entry['error']['code']}: {entry['error']['message']}" for entry in rows if entry["failed"]]
    if why:
        raise Failure(f"{len(why)} of {len(rows)} changes failed: {first_ten(why)}", **result)
    return result


def _why_held(role: str, why: str, steps: Iterable[Step]) -> str:
    names = dict.fromkeys(step.policy.name for step in steps if Holder("role", role) in holders_of(step))
    return (
        f"by the change of {', '.join(names)} the IAM role {role} would lose ssm:UpdateInstanceInformation. It {why}. "
        "Its instances would no longer be managed. Leave these policies as they are, or name another role there first."
    )


def _outcomes(
    module: AnsibleAWSModule, steps: list[Step], reader: Reader, deadline: float, *, all_grants_first: bool
) -> list[Outcome]:
    if module.check_mode:
        return [Outcome(step) for step in steps]
    return apply(steps, reader.gateway, deadline, all_grants_first=all_grants_first)


def _backup(outcomes: Iterable[Outcome], account: str, partition: str) -> list[dict[str, Any]]:
    return to_rows(entry_of(outcome.step, account, partition) for outcome in outcomes if outcome.may_be_done)


def _restore(module: AnsibleAWSModule, task: BackupTask, deadline: float) -> dict[str, Any]:
    params = module.params
    reader, account, partition = _reader(module, task, deadline)
    given = task.originals(account)
    check_originals(given, "backup_file" if params["backup_file"] else "backup")
    try:
        originals, found = _found(reader, given, str(params["owner"] or "").strip(), deadline)
        undone = plan_restored(originals, found, overwrite=params["overwrite"])
        undone = _without_protected(reader, undone)
    except Exception as error:
        raise unreadable(error) from error
    pairs = ordered(undone)
    outcomes = _outcomes(module, [step for _undo, step in pairs], reader, deadline, all_grants_first=False)
    errors: dict[tuple[str, ...], Exception] = {}
    for (undo, _step), outcome in zip(pairs, outcomes, strict=True):
        if outcome.error:
            errors.setdefault(undo.original.key, outcome.error)
    rows = [_undo_row(undo, errors.get(undo.original.key)) for undo in undone]
    done = [outcome.step for outcome in outcomes if outcome.done]
    result = {"changed": bool(done), "changes": rows, "backup": _backup(outcomes, account, partition), **diff(done)}
    why = [
        f"{_shown(entry)}: {entry['error']['code']}: {entry['error']['message']}" for entry in rows if entry["failed"]
    ]
    if why:
        raise Failure(f"{len(why)} of {len(rows)} could not be restored: {first_ten(why)}", **result)
    return result


def _found(reader: Reader, given: list[Original], owner: str, deadline: float) -> tuple[list[Original], Found]:
    """What is to be restored, and what IAM holds of it."""
    originals = [comparable(original) for original in given]
    if owner:
        # What is known to be another owner's need not even be readable.
        originals = list(of_owner(originals, {}, owner))
    arns = sorted({arn_of(original) for original in originals})
    policies = read_each(reader.gateway.policy, arns, deadline)
    if owner:
        originals = list(of_owner(originals, policies, owner))
        if not originals:
            raise InputError(f"The backup has nothing of {owner} to restore.")
    there = {arn_of(original) for original in originals if policies[arn_of(original)]}

    def detail(arn: str) -> Policy:
        policy = policies[arn]
        if policy is None:
            raise LookupError(f"{arn} was not read")
        policy = replace(policy, holders=reader.gateway.holders(arn))
        texts = {o.before["document"] for o in originals if o.resource == arn and o.before}
        return reader.versions_with_texts(policy) if texts - {policy.document} else policy

    policies |= read_each(detail, sorted(there), deadline)
    unattached = {
        str(holder): holder
        for original in originals
        if (holder := holder_of(original)) and original.before and not _has(policies[arn_of(original)], holder)
    }
    exist = read_each(lambda key: reader.gateway.exists(unattached[key]), unattached, deadline)
    quota = reader.gateway.quotas().get("VersionsPerPolicyQuota", 5) if there else 5
    return originals, Found(policies, [unattached[key] for key, found in exist.items() if not found], quota)


def _has(policy: Policy | None, holder: Any) -> bool:
    return policy is not None and holder in (policy.holders or ())


def _without_protected(reader: Reader, undone: list[Undo]) -> list[Undo]:
    """The plan without what would take from roles of DHMC what keeps their instances managed."""
    # What is given at the same time does not count: it may fail.
    taking = [step for undo in undone for step in undo.steps if takes_from_holders(step)]
    held = reader.protected(taking)
    roles = {Holder("role", name): f"{name} {why}" for name, why in held.items()}
    by_arn = {step.policy.arn: roles[holder] for step in taking for holder in holders_of(step) if holder in roles}
    return [_blocked(undo, roles, by_arn) for undo in undone]


def _blocked(undo: Undo, roles: Mapping[Holder, str], by_arn: Mapping[str, str]) -> Undo:
    why = [roles[holder] for step in undo.steps for holder in holders_of(step) if holder in roles]
    if any(isinstance(step, Remove) for step in undo.steps) and not why:
        # It stays attached there.
        why = [text for arn, text in by_arn.items() if arn == arn_of(undo.original)]
    if not why or not any(step.policy.arn in by_arn for step in undo.steps):
        return undo
    reason = f"the IAM role {why[0]}, and would lose ssm:UpdateInstanceInformation"
    return Undo(undo.original, code=IN_USE, reason=reason)


def _undo_row(undo: Undo, error: Exception | None) -> dict[str, Any]:
    original = undo.original
    holder = holder_of(original)
    steps = [row(step, None)["operation"] for step in undo.steps]
    failure = row(undo.steps[0], error)["error"] if error else {"code": undo.code, "message": undo.reason}
    failed = bool(error or undo.code)
    return {
        "operation": "+".join(steps) or "keep",
        "policy": arn_of(original).rpartition("/")[2],
        "arn": arn_of(original),
        "attached_to": str(holder) if holder else None,
        "reason": undo.reason,
        "changed": bool(steps) and not failed,
        "failed": failed,
        **({"error": failure} if failed else {}),
    }


def _shown(entry: Mapping[str, Any]) -> str:
    return f"{entry['policy']} on {entry['attached_to']}" if entry["attached_to"] else str(entry["policy"])
