# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Rules: the removal of a role and a profile that were made here. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

from ansible_collections.fleet.aws_ssm.plugins.module_utils._core.backup import PROFILE, ROLE
from ansible_collections.fleet.aws_ssm.plugins.module_utils._service_role.plan import new_role
from ansible_collections.fleet.aws_ssm.plugins.module_utils._service_role.request import Home, Request
from ansible_collections.fleet.aws_ssm.plugins.module_utils._service_role.restore import (
    CHANGED_SINCE,
    IN_USE,
    Now,
    Outcome,
    others_in,
)
from ansible_collections.fleet.aws_ssm.plugins.module_utils._service_role.types import Change, ProfileState, RoleState

# Why something is kept that nobody asked to be removed.
FOREIGN = "was not made by fleet.aws_ssm"
Differs = Callable[[Any, Any], bool]


def plan_absent(request: Request, home: Home, now: Now, differs: Differs) -> list[Outcome]:
    """What becomes of the profile and of the role. `now` has no others."""
    outcomes = []
    if request.profile:
        outcomes.append(_profile(request, next(iter(now.profiles.values()), None)))
    for role in now.roles.values():
        going = [outcome.name for outcome in outcomes if outcome.changes]
        holders = [name for name in now.holders.get(role.name if role else "", []) if name not in going]
        if role:
            outcomes.append(_role(request, home, role, holders, differs))
    return outcomes


def _profile(request: Request, profile: ProfileState | None) -> Outcome:
    if profile is None:
        name = request.profile.name.name if request.profile else ""
        return Outcome(PROFILE, name, reason="does not exist")
    outcome = Outcome(PROFILE, profile.name)
    if not profile.made_by(request.owner):
        return replace(outcome, reason=FOREIGN)
    return replace(outcome, changes=(Change(PROFILE, profile.name, profile.to_journal(), None),))


def _role(request: Request, home: Home, role: RoleState, holders: Sequence[str], differs: Differs) -> Outcome:
    outcome = Outcome(ROLE, role.name)
    if not role.made_by(request.owner):
        return replace(outcome, reason=FOREIGN)
    if holders:
        return outcome.refused(IN_USE, f"the instance profile {', '.join(holders)} holds it")
    arns = [home.aws_policy(name) for name in request.aws_policies]
    arns += [given.text for given in request.managed if given.name.account]
    names = [given.name.name for given in request.managed if not given.name.account]
    wanted = request.role.name if request.role else request.profile.name  # type: ignore[union-attr]
    said = as_said(role, new_role(request, home, wanted, arns), names, differs)
    other = others_in(role, [said], [], request.owner)
    if other and not request.overwrite:
        return outcome.refused(
            CHANGED_SINCE,
            f"someone has changed it, or it was made with other options: {', '.join(other)}. Take that away, give the "
            f"options that it was made with, or set {request.option('overwrite')} to true",
        )
    return replace(outcome, changes=(Change(ROLE, role.name, role.to_journal(), None),))


def as_said(now: RoleState, said: RoleState, names: Iterable[str], differs: Callable[[Any, Any], bool]) -> RoleState:
    """The role that a task describes, in the spelling of the one that is there: `names` are policies without ARNs."""
    same_trust = not differs(now.trust_policy, said.trust_policy)
    inline = {
        name: now.inline[name]
        for name, text in said.inline.items()
        if name in now.inline and not differs(json.loads(now.inline[name]), json.loads(text))
    }
    wanted = set(names)
    managed = [arn for arn in now.managed if arn in said.managed or arn.rpartition("/")[2] in wanted]
    return replace(said, trust=now.trust if same_trust else said.trust, managed=tuple(managed), inline=inline)
