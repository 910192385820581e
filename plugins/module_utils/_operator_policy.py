# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Rules: what an operator may do, by the options of dhmc_operator_policy, and the policy documents from that. Pure."""

from __future__ import annotations

import difflib
import inspect
import json
import re
from collections.abc import Iterable, Mapping
from itertools import product
from typing import Any

from ansible_collections.fleet.aws_ssm.plugins.module_utils._errors import InputError
from ansible_collections.fleet.aws_ssm.plugins.module_utils._iam_names import POLICY, PROFILE, ROLE, IamName, parse_name
from ansible_collections.fleet.aws_ssm.plugins.module_utils._iam_policy import as_list, glob_matches
from ansible_collections.fleet.aws_ssm.plugins.module_utils._operator_scope import Scope, Statement, allow, is_reading
from ansible_collections.fleet.aws_ssm.plugins.module_utils._operator_statements import STATEMENTS
from ansible_collections.fleet.aws_ssm.plugins.module_utils._regions import (
    ALL,
    Partition,
    partition_of,
    split_names,
    unknown_region,
    unlisted,
)

READ_ONLY = "read_only"
# Those that change roles which the collection has not made, so that they have to be named.
ON_OTHER_ROLES = ("profile_association_extend", "preflight_permissions")
FEATURES = (*STATEMENTS, READ_ONLY)
DEFAULT_ROLE = "service-role/AWSSystemsManagerDefaultEC2InstanceManagementRole"
DEFAULT_PROFILE = "SSMInstanceProfile"
DEFAULT_S3_POLICY = "SSMInstanceProfileS3Policy"
DEFAULT_PREFIX = "FleetSSMOperator-"

# Characters of a managed policy, without white space: IAM User Guide, "IAM and AWS STS quotas". AWS doesn't raise it.
POLICY_SIZE = 6144

_ANY_ROLE = "*"
# Where AWS keeps its own policies that a name alone may mean.
_AWS_PATHS = ("/", "/service-role/")
_TARGET = re.compile(r"^(?:arn:[\w-]+:iam::\d{12}:)?(role|instance-profile)/.")


def document(feature: str, scope: Scope) -> dict[str, Any]:
    """The policy document of a feature, or InputError if there is no such feature or it does not fit into a policy."""
    if feature not in FEATURES:
        near = difflib.get_close_matches(str(feature), FEATURES, n=1)
        hint = f" Did you mean {near[0]}?" if near else ""
        raise InputError(f"feature: {feature!r} is not one of {', '.join(FEATURES)}.{hint}")
    if feature in ON_OTHER_ROLES and not scope.other_roles:
        raise InputError(f"other_roles: is empty: {feature} needs the roles that it may change; '*' stands for all.")
    statements = _reading(scope) if feature == READ_ONLY else STATEMENTS[feature](scope)
    found = {"Version": "2012-10-17", "Statement": statements}
    size = len(json.dumps(found, separators=(",", ":")))
    if size > POLICY_SIZE:
        raise InputError(
            f"feature: the policy {feature} for {len(scope.regions)} regions has {size} characters; IAM allows "
            f"{POLICY_SIZE}. Name fewer regions, roles or policies, or set regions to all."
        )
    return found


def _reading(scope: Scope) -> list[Statement]:
    """What check mode of every feature calls: the reading actions of all of them, each kind of resource once."""
    grants: dict[tuple[str, str, str], None] = {}
    for feature, statements in STATEMENTS.items():
        if feature in ON_OTHER_ROLES and not scope.other_roles:
            continue
        for statement in statements(scope):
            condition = json.dumps(statement.get("Condition", {}))
            for action, resource in product(statement["Action"], as_list(statement["Resource"])):
                if is_reading(action):
                    grants[action, resource, condition] = None
    actions: dict[tuple[str, str], list[str]] = {}
    for action, resource, condition in sorted(grants):
        if not any(_covers(other, (action, resource, condition)) for other in grants):
            actions.setdefault((resource, condition), []).append(action)
    resources: dict[tuple[tuple[str, ...], str], list[str]] = {}
    for (resource, condition), names in actions.items():
        resources.setdefault((tuple(names), condition), []).append(resource)
    return [
        allow(f"Read{number}", names, found, json.loads(condition))
        for number, ((names, condition), found) in enumerate(resources.items(), start=1)
    ]


def _covers(wide: tuple[str, str, str], narrow: tuple[str, str, str]) -> bool:
    """Whether one grant of a reading action makes another one needless."""
    (action, resource, condition), (other_action, other_resource, other_condition) = wide, narrow
    return (
        wide != narrow
        and action == other_action
        and condition in ("{}", other_condition)
        and glob_matches(resource, other_resource)
    )


def make_scope(  # noqa: PLR0913
    regions: Any,
    partitions: list[Partition],
    *,
    account: Any,
    partition: Any = None,
    role: Any = None,
    instance_profile: Any = None,
    instance_role: Any = None,
    other_roles: Any = None,
    s3_policy: Any = None,
    s3_attach_to: Any = None,
    managed_policies: Any = None,
    editable_policies: Any = None,
    inline_policies: Any = None,
    permissions_boundary: Any = None,
    name_prefix: Any = None,
) -> Scope:
    """The options, checked. Every one may be a string, as AWX hands it over, and nothing means the default."""
    account = _account(account)
    names, home = _regions(regions, partitions, _text(partition))
    arns = _Arns(home, account)
    # As the role dhmc has it: a name alone is at /service-role/.
    dhmc = arns.path_and_name("role", _text(role) or DEFAULT_ROLE, ROLE, "/service-role/")
    profile = arns.path_and_name("instance_profile", _text(instance_profile) or DEFAULT_PROFILE, PROFILE)
    behind = arns.path_and_name("instance_role", _text(instance_role) or profile, ROLE)
    policies = arns.managed("managed_policies", managed_policies)
    boundary = _text(permissions_boundary)
    if boundary and not parse_name("permissions_boundary", boundary, POLICY).account:
        raise InputError(f"permissions_boundary: {boundary!r} is not the ARN of a managed policy.")
    roles, profiles = _targets(arns, s3_attach_to, dhmc, profile, behind)
    return Scope(
        partition=home,
        account=account,
        regions=names,
        role=dhmc,
        instance_profile=profile,
        instance_role=behind,
        other_roles=_others(arns, other_roles),
        s3_policy=arns.path_and_name("s3_policy", _text(s3_policy) or DEFAULT_S3_POLICY, POLICY),
        s3_roles=roles,
        s3_profiles=profiles,
        managed_policies=policies,
        editable_policies=_editable(arns, editable_policies),
        inline_policies=_boolean("inline_policies", inline_policies),
        permissions_boundary=boundary,
        name_prefix=arns.path_and_name("name_prefix", _text(name_prefix) or DEFAULT_PREFIX, POLICY),
    )


OPTIONS = tuple(inspect.signature(make_scope).parameters)[2:]
"""The names of the options, as an error lists them."""


def _text(value: Any) -> str:
    return "" if value is None else str(value).strip()


def _names(option: str, values: Any) -> list[str]:
    if values is not None and (isinstance(values, Mapping) or not isinstance(values, Iterable)):
        raise InputError(f"{option}: {values!r} is not a list: give a list, or a string with commas.")
    return split_names(values) or []


def _account(value: Any) -> str:
    account = _text(value)
    if not re.fullmatch(r"[0-9]{12}", account):
        # YAML reads an id without quotes as a number, and one that begins with 0 as another number.
        raise InputError(f"account: {account!r} is not an account id: give its 12 digits, in quotes.")
    return account


def _boolean(option: str, value: Any) -> bool:
    text = _text(value).lower()
    if text in ("true", "yes", "on", "1"):
        return True
    if text in ("false", "no", "off", "0", ""):
        return False
    raise InputError(f"{option}: {value!r} is not a boolean: give true or false.")


def _regions(regions: Any, partitions: list[Partition], partition: str) -> tuple[tuple[str, ...], str]:
    """The names, none for C(all), and the partition."""
    known = [entry.name for entry in partitions]
    if partition and partition not in known:
        raise InputError(f"partition: {partition!r} is not one of {', '.join(known)}.")
    names = _names("regions", regions)
    if not names:
        raise InputError("regions: is empty: name at least one region, or give all for every region.")
    if ALL in (name.lower() for name in names):
        if len(names) > 1:
            raise InputError(f"regions: mixes 'all' with region names ({', '.join(names)}): give one or the other.")
        return (), partition or "aws"
    home = partition_of(names, partitions)
    new = unlisted(names, home)
    if new:
        raise InputError(
            f"{unknown_region(new[0], home.regions)} For a region that is newer than the installed botocore, update it."
        )
    if partition and partition != home.name:
        raise InputError(f"partition: is {partition}, but {', '.join(names)} are of {home.name}: leave it out.")
    return tuple(names), home.name


class _Arns:
    """Names of the account and partition."""

    def __init__(self, partition: str, account: str) -> None:
        self._partition, self._account = partition, account

    def path_and_name(self, option: str, text: str, kind: str, path: str = "/") -> str:
        """Path and name as an ARN has them; C(path) is that of a name that is given without one."""
        name = parse_name(option, text, kind)
        self.check(option, text, name)
        return IamName(name.name, name.path or path).value

    def check(self, option: str, text: str, name: IamName) -> None:
        """Raise InputError for an ARN of another account or partition."""
        if name.account and name.account not in (self._account, "aws"):
            raise InputError(f"{option}: {text} is of account {name.account}; the policy is for {self._account}.")
        if name.account and text.split(":")[1] != self._partition:
            raise InputError(f"{option}: {text} is of another partition; the policy is for {self._partition}.")

    def managed(self, option: str, values: Any) -> tuple[str, ...]:
        """The ARNs that managed policies may have; of a name all those at which the modules look for it."""
        found = []
        for text in _names(option, values):
            name = parse_name(option, text, POLICY)
            self.check(option, text, name)
            if name.account:
                found.append(text)
                continue
            paths = (name.path,) if name.path else _AWS_PATHS
            found += [f"arn:{self._partition}:iam::aws:policy{path}{name.name}" for path in paths]
            found.append(f"arn:{self._partition}:iam::{self._account}:policy{name.path or '/'}{name.name}")
        return tuple(dict.fromkeys(found))


def _others(arns: _Arns, values: Any) -> tuple[str, ...]:
    names = _names("other_roles", values)
    if _ANY_ROLE in names:
        return (_ANY_ROLE,)
    return tuple(arns.path_and_name("other_roles", text, ROLE) for text in names)


def _editable(arns: _Arns, values: Any) -> tuple[str, ...]:
    option, found = "editable_policies", []
    for text in _names(option, values):
        if parse_name(option, text, POLICY).account == "aws":
            raise InputError(f"{option}: {text} is a policy of AWS's own, which nobody can edit: leave it out.")
        found.append(arns.path_and_name(option, text, POLICY))
    return tuple(found)


def _targets(arns: _Arns, values: Any, dhmc: str, profile: str, behind: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The roles and the instance profiles that are meant by what the role s3_policy attaches to."""
    roles, profiles = [], []
    for text in _names("s3_attach_to", values):
        match = _TARGET.match(text)
        if text == "none":
            continue
        if text == "dhmc_role":
            roles.append(dhmc)
        elif not match:
            raise InputError(
                f"s3_attach_to: {text!r} is none of dhmc_role, role/NAME and instance-profile/NAME (or their ARNs)."
            )
        elif match[1] == ROLE:
            roles.append(_same(arns.path_and_name("s3_attach_to", _plain(text), ROLE), dhmc, behind))
        else:
            found = _same(arns.path_and_name("s3_attach_to", _plain(text), PROFILE), profile)
            profiles.append(found)
            roles.append(behind if found == profile else found.rpartition("/")[2])
    return tuple(dict.fromkeys(roles)), tuple(dict.fromkeys(profiles))


def _plain(text: str) -> str:
    return text if text.startswith("arn:") else text.partition("/")[2]


def _same(found: str, *known: str) -> str:
    """A name is unique in its account, so one that is known has the path that is known."""
    return next((name for name in known if name.rpartition("/")[2] == found), found)
