# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Adds policies to the roles behind instance profiles that are there already: each profile and role once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ansible_collections.amazon.aws.plugins.module_utils.policy import compare_policies

from ansible_collections.fleet.aws_ssm.plugins.module_utils._clients import Clients
from ansible_collections.fleet.aws_ssm.plugins.module_utils._errors import describe
from ansible_collections.fleet.aws_ssm.plugins.module_utils._iam_api import (
    change_role_policy,
    quotas,
    read_profile,
    read_role_policies,
)
from ansible_collections.fleet.aws_ssm.plugins.module_utils._profile_policy.module import (
    check_managed,
    managed_arns,
    parse_managed,
)
from ansible_collections.fleet.aws_ssm.plugins.module_utils._role_policies import (
    Change,
    Request,
    ordered,
    plan_present,
)


@dataclass
class _Work:
    role: str
    changes: list[Change]
    error: Exception | None = None


class Extension:
    """The plan for the profiles, made when it is built; I(carry_out) writes.

    A profile that can't be extended has its error kept for its instances, and does not stop the others.
    """

    def __init__(self, clients: Clients, policies: Iterable[str], profiles: Iterable[str | None]) -> None:
        """Read the roles behind the profiles (ARNs). Raises InputError for a policy that does not exist."""
        self._works: dict[str, _Work] = {}
        wanted = list(dict.fromkeys(profile for profile in profiles if profile))
        if not wanted:
            return
        names = parse_managed("policies", policies)
        self._iam = clients.client("iam", clients.region)
        limits = quotas(self._iam)
        for profile in wanted:
            self._works[profile] = self._plan(profile, names, limits)

    def _plan(self, profile: str, names: Any, limits: Any) -> _Work:
        found = read_profile(self._iam, profile.rpartition("/")[2])
        if not found or not found["Roles"]:
            return _Work("", [], LookupError(f"the profile {profile} {'has no role' if found else 'does not exist'}"))
        role = found["Roles"][0]
        now = read_role_policies(self._iam, role["RoleName"])
        request = Request(managed_arns(self._iam, "policies", names, role["Arn"]))
        check_managed(self._iam, "policies", set(request.managed) - set(now.managed))
        try:
            changes = plan_present(now, request, purge=False, differs=compare_policies)
            return _Work(role["RoleName"], ordered(now, changes, limits, role["RoleName"]))
        except Exception as error:
            return _Work(role["RoleName"], [], error)

    def carry_out(self) -> None:
        """Attach what is missing, once for each role, however many profiles hold it."""
        done: set[str] = set()
        for work in self._works.values():
            if work.role in done:
                continue
            done.add(work.role)
            try:
                for change in work.changes:
                    change_role_policy(self._iam, work.role, change)
            except Exception as error:
                for other in self._works.values():
                    if other.role == work.role:
                        other.error = error

    def changed(self, profile: str | None) -> bool:
        """Whether the role behind the profile gets policies."""
        work = self._works.get(profile or "")
        return bool(work and work.changes and not work.error)

    def error(self, profile: str | None) -> dict[str, str] | None:
        """Why the profile could not be extended."""
        work = self._works.get(profile or "")
        return describe(work.error) if work and work.error else None

    def changes(self) -> list[dict[str, Any]]:
        """What was attached, or would be in check mode: profile, role and ARNs of the policies."""
        return [
            {"instance_profile": profile, "role": work.role, "attached": [change.arn for change in work.changes]}
            for profile, work in self._works.items()
            if work.changes and not work.error
        ]
