# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Reads instance profiles and roles with all that hangs on them: each once, in as few calls as there can be."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from ansible_collections.fleet.aws_ssm.plugins.module_utils._errors import Failure, code_of, describe
from ansible_collections.fleet.aws_ssm.plugins.module_utils._iam_api import profile_arns_of_role, quotas, read_profile
from ansible_collections.fleet.aws_ssm.plugins.module_utils._iam_fleet_api import (
    AccountDetails,
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
        self._sharing: dict[str, dict[str, str]] = {}
        self._summary: Mapping[str, int] | None = None
        self._account: AccountDetails | None = None

    def begin(self) -> None:
        """Read a small account before it is known which of its roles matter: no more calls than a single role takes."""
        # What fails here is asked again, and told of, where it is needed.
        with contextlib.suppress(Exception):
            self._load(1)

    def profiles(self, names: Collection[str]) -> dict[str, dict[str, Any]]:
        """Those of the profiles that there are, by name; raises Failure if they can't be read."""
        known = self._details(len(names)).profiles
        found = {name: known[name] for name in names if name in known}
        missing = set(names) - set(found)
        try:
            if len(missing) > _FEW:
                every = all_profiles(self._iam)
                found.update({name: every[name] for name in missing if name in every})
            else:
                found.update({name: profile for name in missing if (profile := read_profile(self._iam, name))})
        except Exception as error:
            raise Failure(f"The instance profiles can't be read: {_text(error)}") from error
        return dict(sorted(found.items()))

    def roles(self, names: list[str]) -> tuple[dict[str, RoleFacts], dict[str, Exception]]:
        """Those of the roles that there are, by name, and the errors of those that could not be read."""
        account = self._details(len(names))
        bare: dict[str, BareRole] = account.roles
        errors: dict[str, Exception] = {}
        if not bare:
            bare, errors = read_all(lambda name: read_bare_role(self._iam, name), names, self._deadline)
        bare = {name: bare[name] for name in names if bare.get(name)}
        roles, broken = self._with_policies(bare, account.policies)
        return roles, {**errors, **broken}

    def sharing(self, names: Iterable[str]) -> tuple[dict[str, dict[str, str]], dict[str, Exception]]:
        """The profiles that hold each of the roles: ARNs by name. One call a role where they are not known yet."""
        wanted = list(dict.fromkeys(names))
        asked = [name for name in wanted if name not in self._sharing]
        found, errors = read_all(lambda name: profile_arns_of_role(self._iam, name), asked, self._deadline)
        self._sharing.update(found)
        return {name: self._sharing[name] for name in wanted if name not in errors}, errors

    def everyone(self) -> dict[str, RoleFacts] | None:
        """Every role of the account, or None if GetAccountAuthorizationDetails is not permitted. Raise Failure."""
        self._details(sys.maxsize)
        account = self._account or AccountDetails()
        if not account.roles:
            return None
        roles, errors = self._with_policies(account.roles, account.policies)
        return None if errors else roles

    def _details(self, roles: int) -> AccountDetails:
        """All of the account, where that is cheaper than so many roles one by one, and permitted; else nothing."""
        try:
            if self._account is None and roles > _FEW_ROLES:
                self._load(roles)
        except Exception as error:
            raise Failure(f"The account's roles can't be read: {_text(error)}") from error
        return self._account or AccountDetails()

    def _load(self, roles: int) -> None:
        try:
            if self._summary is None:
                self._summary = quotas(self._iam)
            if one_by_one_is_dearer(roles, self._summary):
                account = account_details(self._iam)
                self._sharing.update(account.sharing())
                self._account = account
        except Exception as error:
            if not code_of(error).startswith("AccessDenied"):
                raise
            self._account = AccountDetails()

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
