# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Rules: what an operator may do, by the options of operator_policy_document, and the documents from that. Pure."""

from __future__ import annotations

import difflib
import inspect
import json
import re
from collections.abc import Iterable, Mapping
from itertools import product
from typing import Any

from ansible_collections.fleet.aws_ssm.plugins.module_utils._errors import InputError
from ansible_collections.fleet.aws_ssm.plugins.module_utils._iam.arn_patterns import glob_matches
from ansible_collections.fleet.aws_ssm.plugins.module_utils._iam_names import POLICY, PROFILE, ROLE, IamName, parse_name
from ansible_collections.fleet.aws_ssm.plugins.module_utils._iam_policy import as_list
from ansible_collections.fleet.aws_ssm.plugins.module_utils._operator_scope import Scope, Statement, allow, is_reading
from ansible_collections.fleet.aws_ssm.plugins.module_utils._operator_statements import STATEMENTS
from ansible_collections.fleet.aws_ssm.plugins.module_utils._policy_set.request import check_path
from ansible_collections.fleet.aws_ssm.plugins.module_utils._policy_set.types import Label
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

_PREFIX = re.compile(r"[\w+=,.@-]+", re.ASCII)
# A name has 128 characters, and the longest feature's name 26.
_PREFIX_LENGTH = 100

_ANY_ROLE = "*"
# Where AWS keeps its own policies that a name alone may mean.
_AWS_PATHS = ("/", "/service-role/")
_TARGET = re.compile(r"^(?:arn:[\w-]+:iam::\d{12}:)?(role|instance-profile)/.")


def document(feature: str, scope: Scope, label: Label = str) -> dict[str, Any]:
    """The policy document of a feature, or InputError if there is no such feature or it does not fit into a policy."""
    if feature not in FEATURES:
        near = difflib.get_close_matches(str(feature), FEATURES, n=1)
        hint = f" Did you mean {near[0]}?" if near else ""
        raise InputError(f"{label('feature')}: {feature!r} is not one of {', '.join(FEATURES)}.{hint}")
    if feature in ON_OTHER_ROLES and not scope.other_roles:
        raise InputError(
            f"{label('other_roles')}: is empty: {feature} needs the roles that it may change; '*' stands for all."
        )
    statements = _reading(scope) if feature == READ_ONLY else STATEMENTS[feature](scope)
    found = {"Version": "2012-10-17", "Statement": statements}
    size = len(json.dumps(found, separators=(",", ":")))
    if size > POLICY_SIZE:
        raise InputError(
            f"{label('feature')}: the policy {feature} for {len(scope.regions)} regions has {size} characters; IAM "
            f"allows {POLICY_SIZE}. Name fewer regions, roles or policies, or set regions to all."
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
    path: Any = None,
    label: Label = str,
) -> Scope:
    """The options, checked. Every one may be a string, as AWX hands it over, and nothing means the default."""
    account = _account(label("account"), account)
    names, home = _regions(regions, partitions, _text(partition), label)
    arns = _Arns(home, account)
    # As the role dhmc has it: a name alone is at /service-role/.
    dhmc = arns.path_and_name(label("role"), _text(role) or DEFAULT_ROLE, ROLE, "/service-role/")
    profile = arns.path_and_name(label("instance_profile"), _text(instance_profile) or DEFAULT_PROFILE, PROFILE)
    behind = arns.path_and_name(label("instance_role"), _text(instance_role) or profile, ROLE)
    policies = arns.managed(label("managed_policies"), managed_policies)
    boundary = _text(permissions_boundary)
    option = label("permissions_boundary")
    if boundary and not parse_name(option, boundary, POLICY).account:
        raise InputError(f"{option}: {boundary!r} is not the ARN of a managed policy.")
    roles, profiles = _targets(arns, label("s3_attach_to"), s3_attach_to, (dhmc, profile, behind))
    return Scope(
        partition=home,
        account=account,
        regions=names,
        role=dhmc,
        instance_profile=profile,
        instance_role=behind,
        other_roles=_others(arns, label("other_roles"), other_roles),
        s3_policy=arns.path_and_name(label("s3_policy"), _text(s3_policy) or DEFAULT_S3_POLICY, POLICY),
        s3_roles=roles,
        s3_profiles=profiles,
        managed_policies=policies,
        editable_policies=_editable(arns, label("editable_policies"), editable_policies),
        inline_policies=_boolean(label("inline_policies"), inline_policies),
        permissions_boundary=boundary,
        name_prefix=_name_prefix(label, name_prefix, path),
    )


OPTIONS = tuple(name for name in inspect.signature(make_scope).parameters if name != "label")[2:]
"""The names of the options, as an error lists them."""


def _text(value: Any) -> str:
    return "" if value is None else str(value).strip()


def _names(option: str, values: Any, *, in_lists: bool = False) -> list[str]:
    if values is not None and (isinstance(values, Mapping) or not isinstance(values, Iterable)):
        raise InputError(f"{option}: {values!r} is not a list: give a list, or a string with commas.")
    # A name of IAM in a list may have a comma.
    return split_names(values, option, in_lists=in_lists) or []


def _account(option: str, value: Any) -> str:
    account = _text(value)
    if not re.fullmatch(r"[0-9]{12}", account):
        # YAML reads an id without quotes as a number, and one that begins with 0 as another number.
        raise InputError(f"{option}: {account!r} is not an account id: give its 12 digits, in quotes.")
    return account


def _boolean(option: str, value: Any) -> bool:
    text = _text(value).lower()
    if text in ("true", "yes", "on", "1"):
        return True
    if text in ("false", "no", "off", "0", ""):
        return False
    raise InputError(f"{option}: {value!r} is not a boolean: give true or false.")


def _regions(regions: Any, partitions: list[Partition], partition: str, label: Label) -> tuple[tuple[str, ...], str]:
    """The names, none for C(all), and the partition."""
    option = label("regions")
    known = [entry.name for entry in partitions]
    if partition and partition not in known:
        raise InputError(f"{label('partition')}: {partition!r} is not one of {', '.join(known)}.")
    names = _names(option, regions, in_lists=True)
    if not names:
        raise InputError(f"{option}: is empty: name at least one region, or give all for every region.")
    if ALL in (name.lower() for name in names):
        if len(names) > 1:
            raise InputError(f"{option}: mixes 'all' with region names ({', '.join(names)}): give one or the other.")
        return (), partition or "aws"
    home = partition_of(names, partitions, option)
    new = unlisted(names, home)
    if new:
        raise InputError(
            f"{unknown_region(new[0], home.regions, option)} For a region that is newer than the installed botocore, "
            "update it."
        )
    if partition and partition != home.name:
        raise InputError(
            f"{label('partition')}: is {partition}, but {', '.join(names)} are of {home.name}: leave it out."
        )
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


def _name_prefix(label: Label, prefix: Any, path: Any) -> str:
    """What names begin with, with the path that the policies have. It also begins the names of files."""
    text = _text(prefix) or DEFAULT_PREFIX
    if not _PREFIX.fullmatch(text) or len(text) > _PREFIX_LENGTH:
        raise InputError(
            f"{label('name_prefix')}: {text!r} can't begin the name of a policy: give up to {_PREFIX_LENGTH} letters, "
            "digits and _+=,.@- only."
        )
    return f"{check_path(label('path'), path)}{text}".lstrip("/")


def _others(arns: _Arns, option: str, values: Any) -> tuple[str, ...]:
    names = _names(option, values)
    if _ANY_ROLE in names:
        return (_ANY_ROLE,)
    return tuple(arns.path_and_name(option, text, ROLE) for text in names)


def _editable(arns: _Arns, option: str, values: Any) -> tuple[str, ...]:
    found = []
    for text in _names(option, values):
        if parse_name(option, text, POLICY).account == "aws":
            raise InputError(f"{option}: {text} is a policy of AWS's own, which nobody can edit: leave it out.")
        found.append(arns.path_and_name(option, text, POLICY))
    return tuple(found)


def _targets(
    arns: _Arns, option: str, values: Any, known: tuple[str, str, str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The roles and the instance profiles that are meant by what the role s3_policy attaches to.

    `known` are the role of DHMC, the instance profile, and the role behind it.
    """
    dhmc, profile, behind = known
    roles, profiles = [], []
    for text in _names(option, values):
        match = _TARGET.match(text)
        if text == "none":
            continue
        if text == "dhmc_role":
            roles.append(dhmc)
        elif not match:
            raise InputError(
                f"{option}: {text!r} is none of dhmc_role, role/NAME and instance-profile/NAME (or their ARNs)."
            )
        elif match[1] == ROLE:
            roles.append(_same(arns.path_and_name(option, _plain(text), ROLE), dhmc, behind))
        else:
            found = _same(arns.path_and_name(option, _plain(text), PROFILE), profile)
            profiles.append(found)
            roles.append(behind if found == profile else found.rpartition("/")[2])
    return tuple(dict.fromkeys(roles)), tuple(dict.fromkeys(profiles))


def _plain(text: str) -> str:
    return text if text.startswith("arn:") else text.partition("/")[2]


def _same(found: str, *known: str) -> str:
    """A name is unique in its account, so one that is known has the path that is known."""
    return next((name for name in known if name.rpartition("/")[2] == found), found)
