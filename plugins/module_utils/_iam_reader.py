# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Reads instance profiles and roles with all that hangs on them: each once, in as few calls as there can be."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from ansible_collections.fleet.aws_ssm.plugins.module_utils._errors import Failure, code_of, describe
from ansible_collections.fleet.aws_ssm.plugins.module_utils._iam_api import profiles_of_role, quotas, read_profile
from ansible_collections.fleet.aws_ssm.plugins.module_utils._iam_fleet_api import (
    BareRole,
    account_details,
    all_profiles,
    assemble,
    read_all,
    read_bare_role,
    read_policy,
)
from ansible_collections.fleet.aws_ssm.plugins.module_utils._permissions import (
    ManagedPolicy,
    RoleFacts,
    one_by_one_is_dearer,
)

# GetInstanceProfile gives one, ListInstanceProfiles up to 1,000.
_FEW = 5
# So few roles are read without asking how large the account is.
_FEW_ROLES = 2


class IamReader:
    """Reads until a deadline, a reading of C(time.monotonic)."""

    def __init__(self, iam: Any, deadline: float) -> None:
        self._iam, self._deadline = iam, deadline
        self._sharing: dict[str, list[str]] = {}

    def profiles(self, names: Collection[str]) -> dict[str, dict[str, Any]]:
        """Those of the profiles that there are, by name; raises Failure if they can't be read."""
        try:
            if len(names) > _FEW:
                every = all_profiles(self._iam)
                return {name: every[name] for name in sorted(names) if name in every}
            return {name: profile for name in sorted(names) if (profile := read_profile(self._iam, name))}
        except Exception as error:
            raise Failure(f"The instance profiles can't be read: {_text(error)}") from error

    def roles(self, names: list[str]) -> tuple[dict[str, RoleFacts], dict[str, Exception]]:
        """Those of the roles that there are, by name, and the errors of those that could not be read."""
        bare, policies = self._details(names)
        errors: dict[str, Exception] = {}
        if not bare:
            bare, errors = read_all(lambda name: read_bare_role(self._iam, name), names, self._deadline)
        bare = {name: bare[name] for name in names if bare.get(name)}
        roles, broken = self._with_policies(bare, policies)
        return roles, {**errors, **broken}

    def sharing(self, names: Iterable[str]) -> tuple[dict[str, list[str]], dict[str, Exception]]:
        """The profiles that hold each of the roles; one call a role where they are not known yet."""
        wanted = list(dict.fromkeys(names))
        asked = [name for name in wanted if name not in self._sharing]
        found, errors = read_all(lambda name: profiles_of_role(self._iam, name), asked, self._deadline)
        self._sharing.update(found)
        return {name: self._sharing[name] for name in wanted if name not in errors}, errors

    def _details(self, names: list[str]) -> tuple[dict[str, BareRole], dict[str, ManagedPolicy]]:
        """All of the account's roles in few calls, where that is cheaper and permitted; else nothing."""
        try:
            if len(names) > _FEW_ROLES and one_by_one_is_dearer(len(names), quotas(self._iam)):
                roles, policies, self._sharing = account_details(self._iam)
                return roles, policies
        except Exception as error:
            if not code_of(error).startswith("AccessDenied"):
                raise Failure(f"The account's roles can't be read: {_text(error)}") from error
        return {}, {}

    def _with_policies(
        self, bare: Mapping[str, BareRole], policies: Mapping[str, ManagedPolicy]
    ) -> tuple[dict[str, RoleFacts], dict[str, Exception]]:
        """The roles with the documents of their managed policies, each of which is read once."""
        missing = {arn for role in bare.values() for arn in role.managed} - set(policies)
        read, broken = read_all(lambda arn: read_policy(self._iam, arn), sorted(missing), self._deadline)
        known = {**policies, **read}
        roles, errors = {}, {}
        for name, role in bare.items():
            if bad := next((arn for arn in role.managed if arn in broken), None):
                errors[name] = broken[bad]
            else:
                roles[name] = assemble(name, role, known)
        return roles, errors


def _text(error: Exception) -> str:
    detail = describe(error)
    return f"{detail['code']}: {detail['message']}"
