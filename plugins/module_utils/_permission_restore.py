# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Rules: putting back what was taken from roles. Pure.

A backup is made from the plan, so that a step of it may never have been done, or by half: what decides is what IAM
holds now. What somebody else has changed since is left alone.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.fleet.aws_ssm.plugins.module_utils._errors import InputError
from ansible_collections.fleet.aws_ssm.plugins.module_utils._permission_plan import DELETE, DETACH, PUT, VERSION

ATTACH = "attach"
DEFAULT = "default"
KEEP = "keep"
LOST = "lost"


@dataclass(frozen=True)
class RoleNow:
    """What hangs on a role: ARNs, and inline policies with their text."""

    attached: frozenset[str]
    inline: Mapping[str, str]


@dataclass(frozen=True)
class PolicyNow:
    """A managed policy: the id of its default version, and the text of every version."""

    default: str
    texts: Mapping[str, str]


@dataclass(frozen=True)
class Undo:
    """What becomes of one entry of the backup.

    C(operation): attach, put, delete, default (make C(version) the default, then delete C(surplus)), keep (it is as it
    was), or lost (it can't be put back).
    """

    entry: Mapping[str, Any]
    operation: str
    reason: str = ""
    surplus: tuple[str, ...] = ()
    now: str | None = None
    """The document that it replaces."""


def check_backup(backup: Iterable[Mapping[str, Any]], account: str) -> None:
    """Raise InputError for a backup of another account, or one that lacks what an entry needs, or has no documents."""
    for number, entry in enumerate(backup, start=1):
        if entry["account"] != account:
            raise InputError(
                f"backup: is of account {entry['account']}, but the credentials are of {account}. Nothing was changed."
            )
        needed = {DETACH: ("role", "arn"), VERSION: ("arn", "before", "after", "version"), DELETE: ("role", "before")}
        missing = [name for name in needed.get(entry["operation"], ("role", "after")) if not entry.get(name)]
        if missing:
            raise InputError(f"backup: entry {number} has no {', '.join(missing)}: give the backup as it was returned.")
        wrong = [name for name in ("before", "after") if entry.get(name) and not _is_document(entry[name])]
        if wrong:
            raise InputError(
                f"backup: entry {number}: {', '.join(wrong)} is not a policy document as text: give the backup as it "
                "was returned."
            )


def _is_document(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False


def plan_restored(
    backup: Iterable[Mapping[str, Any]],
    roles: Mapping[str, RoleNow | None],
    policies: Mapping[str, PolicyNow | None],
    *,
    overwrite: bool,
) -> list[Undo]:
    """One Undo for each entry, the last change first. C(overwrite): also over what was changed since."""
    return [_undo(entry, roles, policies, overwrite=overwrite) for entry in reversed(list(backup))]


def _undo(
    entry: Mapping[str, Any],
    roles: Mapping[str, RoleNow | None],
    policies: Mapping[str, PolicyNow | None],
    *,
    overwrite: bool,
) -> Undo:
    if entry["operation"] == VERSION:
        return _undo_version(entry, policies.get(entry["arn"]), overwrite=overwrite)
    role = roles.get(entry["role"])
    if role is None:
        return Undo(entry, LOST, f"the role {entry['role']} is gone")
    if entry["operation"] == DETACH:
        if entry["arn"] in role.attached:
            return Undo(entry, KEEP)
        if policies.get(entry["arn"]) is None:
            return Undo(entry, LOST, f"the policy {entry['arn']} is gone")
        return Undo(entry, ATTACH)
    return _undo_inline(entry, role, overwrite=overwrite)


def _undo_inline(entry: Mapping[str, Any], role: RoleNow, *, overwrite: bool) -> Undo:
    # "": what null may have become on its way through files and surveys.
    now, before, after = role.inline.get(entry["policy"]), entry.get("before") or None, entry.get("after") or None
    if now == before:
        return Undo(entry, KEEP)
    if now != after and not overwrite:
        what = "was removed" if now is None else "was changed"
        return Undo(entry, LOST, f"the inline policy {entry['policy']} {what} since (overwrite restores it)")
    return Undo(entry, PUT if before is not None else DELETE, now=now)


def _undo_version(entry: Mapping[str, Any], now: PolicyNow | None, *, overwrite: bool) -> Undo:
    if now is None:
        return Undo(entry, LOST, f"the policy {entry['arn']} is gone")
    version = entry["version"]
    known = set(entry.get("versions") or ()) | {version}
    surplus = tuple(name for name, text in now.texts.items() if name not in known and text == entry["after"])
    if now.texts.get(version) != entry["before"]:
        return Undo(entry, LOST, f"the version {version} of the policy {entry['policy']} is gone")
    if now.default == version:
        return Undo(entry, DEFAULT if surplus else KEEP, surplus=surplus)
    if now.texts.get(now.default) != entry["after"] and not overwrite:
        reason = (
            f"the policy {entry['policy']} has another default version since, {now.default} (overwrite restores it)"
        )
        return Undo(entry, LOST, reason)
    return Undo(entry, DEFAULT, surplus=surplus, now=now.texts.get(now.default))
