# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Gateway: the role, the profile and the policies of a task, each read once, and every error as one line."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from ansible_collections.fleet.aws_ssm.plugins.module_utils._errors import Failure, InputError, code_of, describe
from ansible_collections.fleet.aws_ssm.plugins.module_utils._iam import service_roles
from ansible_collections.fleet.aws_ssm.plugins.module_utils._iam_api import profiles_of_role
from ansible_collections.fleet.aws_ssm.plugins.module_utils._iam_fleet_api import read_all, read_policy
from ansible_collections.fleet.aws_ssm.plugins.module_utils._iam_names import IamName
from ansible_collections.fleet.aws_ssm.plugins.module_utils._permissions import ManagedPolicy
from ansible_collections.fleet.aws_ssm.plugins.module_utils._service_role.request import Home, Request
from ansible_collections.fleet.aws_ssm.plugins.module_utils._service_role.types import ProfileState, RoleState

_T = TypeVar("_T")


def read_or_fail(what: str, call: Callable[..., _T], *parameters: Any) -> _T:
    """The call's answer, or a Failure that says what can't be read."""
    try:
        return call(*parameters)
    except Failure:
        raise
    except Exception as error:
        raise _unreadable(what, error) from error


def _unreadable(what: str, error: Exception) -> Failure:
    detail = describe(error)
    return Failure(f"{what} can't be read: {detail['code']}: {detail['message']}. Nothing was changed.")


class Reader:
    """Reads for one task, until a deadline (a reading of `time.monotonic`)."""

    def __init__(self, iam: Any, home: Home, deadline: float) -> None:
        self.iam, self.home, self._deadline = iam, home, deadline
        self.policies: dict[str, ManagedPolicy] = {}

    def role(self, name: str) -> RoleState | None:
        """The role of this name."""
        return read_or_fail(f"The IAM role {name}", service_roles.read_role, self.iam, name)

    def profile(self, name: str) -> ProfileState | None:
        """The instance profile of this name."""
        return read_or_fail(f"The instance profile {name}", service_roles.read_profile, self.iam, name)

    def holders(self, role: RoleState | None) -> list[str]:
        """The instance profiles that hold the role."""
        if role is None:
            return []
        return read_or_fail(f"The instance profiles of {role.name}", profiles_of_role, self.iam, role.name)

    def quotas(self) -> Mapping[str, int]:
        """The account's quotas, and what is used of them."""
        return read_or_fail("The account's quotas", service_roles.summary, self.iam)

    def every_role_name(self) -> list[str]:
        """The names of all roles."""
        return read_or_fail("The names of the roles", service_roles.every_role_name, self.iam)

    def every_profile_name(self) -> list[str]:
        """The names of all instance profiles."""
        return read_or_fail("The names of the instance profiles", service_roles.every_profile_name, self.iam)

    def resolved(self, request: Request) -> dict[str, str]:
        """The ARNs of the policies that the task names, with the option that named each. Raise InputError."""
        found = {self.home.aws_policy(name): request.option("aws_policies") for name in request.aws_policies}
        option = request.option("managed_policies")
        for given in request.managed:
            arn = given.text if given.name.account else self._arn(given.name)
            if arn is None:
                raise InputError(
                    f"{option}: there is no managed policy {given.text!r}, in the account or of AWS. Correct the name "
                    "or create the policy."
                )
            found.setdefault(arn, option)
        return found

    def _arn(self, name: IamName) -> str | None:
        what = f"The managed policy {name.name}"
        return read_or_fail(what, service_roles.policy_arn, self.iam, name, self.home.account, self.home.partition)

    def documents(self, arns: Iterable[str], options: Mapping[str, str]) -> None:
        """Read managed policies with their documents. Raise InputError if one that an option names does not exist."""
        wanted = sorted(set(arns) - set(self.policies))
        read, errors = read_all(lambda arn: read_policy(self.iam, arn), wanted, self._deadline)
        for arn, error in errors.items():
            if code_of(error) == "NoSuchEntity" and arn in options:
                raise InputError(
                    f"{options[arn]}: there is no managed policy {arn}. Correct the ARN{self._likely(arn)} or create "
                    "the policy."
                )
            raise _unreadable(f"The managed policy {arn}", error)
        self.policies.update(read)

    def _likely(self, arn: str) -> str:
        """A policy of that name in another path, as a hint."""
        try:
            found = self._arn(IamName(arn.rpartition("/")[2]))
        except Failure:
            return ""
        return f" ({found} exists)" if found else ""
