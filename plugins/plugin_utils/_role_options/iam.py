# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Rules: the variables that name things of IAM: roles, profiles, policies, paths, tags, documents. Pure.

Limits: IAM API Reference, CreateRole, PutRolePolicy and Tag, and the IAM User Guide, "IAM and AWS STS quotas".
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from ansible_collections.fleet.aws_ssm.plugins.module_utils._errors import InputError
from ansible_collections.fleet.aws_ssm.plugins.module_utils._iam_names import POLICY, parse_name
from ansible_collections.fleet.aws_ssm.plugins.module_utils._s3_options import base_name, own_buckets
from ansible_collections.fleet.aws_ssm.plugins.plugin_utils._role_options.values import (
    Parser,
    dictionary,
    shown,
    split,
    text,
)

_PATH = re.compile(r"/([\x21-\x7e]+/)?")
_POLICY_NAME = re.compile(r"[\w+=,.@-]{1,128}", re.ASCII)
_TAG = re.compile(r"[\w\s+=.:/@-]*")
# 50 tags, one of which is the collection's own.
_MOST_TAGS, _LONGEST_KEY, _LONGEST_VALUE = 49, 128, 256
_TARGET = re.compile(r"(arn:[\w-]+:iam::[0-9]{12}:)?(role|instance-profile)/\S+", re.ASCII)
_PARTITION_OF_ARN = re.compile(r"arn:(aws[a-z-]*):")

description = text(1000, r"[\t\n\r\x20-\x7e\xa1-\xff]*", "text that IAM takes: letters of Latin-1 only")
policy_name = text(128, r"[\w+=,.@-]+", "the name of a policy: a name has letters, digits and _+=,.@- only")
partition = text(20, r"aws(-[a-z]+)*", "a partition: give aws, aws-cn or aws-us-gov, for example")
name_prefix = text(100, r"[\w+=,.@-]+", "the beginning of policy names: it has letters, digits and _+=,.@- only")


def iam_name(kind: str) -> Parser:
    """Return a parser of a role's, a profile's or a policy's name, its path and name, or its ARN."""

    def parse(name: str, value: Any) -> str:
        line = str(text(2048)(name, value))
        parse_name(name, line, kind)
        return line

    return parse


def iam_names(kind: str, what: str, *, wildcard: bool = False) -> Parser:
    """Return a parser of a list of such names; `*` stands for all of them where that is allowed."""

    def parse(name: str, value: Any) -> list[str]:
        # A policy too many is put on every instance, so what may be a slip of the hand is not taken for a list.
        if isinstance(value, str) and len(value.splitlines()) > value.count(",") + 1:
            raise InputError(f"{name}: {shown(value)} has {what} without a comma between them: give a list, or commas.")
        found = split(name, value, what, in_lists=False)
        for one in found:
            if not (wildcard and one == "*"):
                parse_name(name, one, kind)
        return found

    return parse


def iam_path(name: str, value: Any) -> str:
    """Return a path with a slash at both ends."""
    line = str(text(512)(name, value)).strip("/")
    found = f"/{line}/" if line else "/"
    if not _PATH.fullmatch(found) or len(found) > 512:
        raise InputError(
            f"{name}: {shown(value)} is not a path of IAM: give / or names between slashes, such as /service-role/."
        )
    return found


def policy_arn(name: str, value: Any) -> str:
    """Return the ARN of a managed policy."""
    line = str(text(2048)(name, value))
    if not line.startswith("arn:"):
        raise InputError(
            f"{name}: {shown(line)} is not the ARN of a managed policy (arn:PARTITION:iam::ACCOUNT:policy/NAME)."
        )
    parse_name(name, line, POLICY)
    return line


def account_id(name: str, value: Any) -> str:
    """Return an account's id."""
    line = str(text(2048)(name, value))
    if not re.fullmatch(r"[0-9]{12}", line):
        raise InputError(f"{name}: {shown(value)} is not an account's id: give its 12 digits, in quotes.")
    return line


def tags(name: str, value: Any) -> dict[str, str]:
    """Return tags; a tag's value is text, whatever the variable holds."""
    found = dictionary(name, value, '{"team": "a"}')
    for key, item in found.items():
        if item is None or not isinstance(item, (str, int, float)):
            raise InputError(f"{name}: {shown(key)}: {shown(item)} is not the value of a tag: give a text.")
        if key.lower().startswith("aws:"):
            raise InputError(f"{name}: {shown(key)} is not a key that a tag may have: aws: is AWS's own. Give another.")
        if not _TAG.fullmatch(key) or not _TAG.fullmatch(str(item)):
            raise InputError(f"{name}: {shown(key)}: a tag has letters, digits, blanks and _.:/=+-@ only.")
        if len(key) > _LONGEST_KEY or len(str(item)) > _LONGEST_VALUE:
            raise InputError(
                f"{name}: {shown(key)} is too long: a tag's key has {_LONGEST_KEY} characters at most, and its value "
                f"{_LONGEST_VALUE}."
            )
    if len(found) > _MOST_TAGS:
        raise InputError(f"{name}: has {len(found)} tags: give {_MOST_TAGS} at most.")
    return {key: str(item) for key, item in found.items()}


def documents(name: str, value: Any) -> dict[str, dict[str, Any]]:
    """Return policy documents by the policy's name. A document may be its JSON as text."""
    found = dictionary(name, value, '{"MyPolicy": {"Version": "2012-10-17", "Statement": [...]}}')
    for policy in found:
        if not _POLICY_NAME.fullmatch(policy):
            raise InputError(
                f"{name}: {shown(policy)} is not the name of a policy: a name has 1 to 128 letters, digits and _+=,.@-."
            )
    return {policy: _document(f"{name}: {policy}", item) for policy, item in found.items()}


def _document(name: str, value: Any) -> dict[str, Any]:
    example = '{"Version": "2012-10-17", "Statement": [...]}'
    found = dictionary(name, value, example)
    statements = found.get("Statement")
    rows = [statements] if isinstance(statements, Mapping) else statements
    if not isinstance(rows, list) or not rows or not all(isinstance(row, Mapping) for row in rows):
        raise InputError(f"{name}: has no Statement: give a policy document, such as {example}.")
    for row in rows:
        if row.get("Effect") not in ("Allow", "Deny"):
            raise InputError(f"{name}: the Effect of a statement is {shown(row.get('Effect'))}: give Allow or Deny.")
        for one in ("Action", "Resource"):
            if bool(one in row) is bool(f"Not{one}" in row):
                raise InputError(f"{name}: a statement has not exactly one of {one} and Not{one}: give one of them.")
    try:
        json.dumps(found)
    except (TypeError, ValueError) as error:
        raise InputError(f"{name}: is not JSON: give a policy document, such as {example}.") from error
    return found


def s3_policy_name(name: str, value: Any) -> str:
    """Return the name of the first of several policies."""
    try:
        return base_name(str(text(2048)(name, value)))
    except InputError as error:
        raise InputError(f"{name}: {str(error).removeprefix(f'{name}: ').removeprefix('name: ')}") from error


def buckets(name: str, value: Any) -> list[Any]:
    """Return buckets: names, ARNs or dictionaries. They are checked in the partition that the first ARN names."""
    if isinstance(value, (bool, int, float)) or not isinstance(value, (str, list, tuple, Mapping)):
        raise InputError(f"{name}: {shown(value)} is not a list of buckets: give names, ARNs or dictionaries.")
    found = split(name, value, "buckets") if isinstance(value, str) else value
    entries = [found] if isinstance(found, Mapping) else list(found)
    for place, entry in enumerate(entries, start=1):
        if isinstance(entry, bool) or not isinstance(entry, (str, Mapping)):
            raise InputError(
                f"{name}: entry {place}, {shown(entry)}, is not a bucket: give a name, an ARN or a dictionary."
            )
    home = _PARTITION_OF_ARN.search(json.dumps(entries, default=str))
    try:
        own_buckets(entries, home[1] if home else "aws")
    except InputError as error:
        raise InputError(f"{name}: {str(error).removeprefix('buckets: ')}") from error
    return entries


def region_buckets(name: str, value: Any) -> dict[str, list[str]]:
    """Return lists of bucket names by region."""
    found = dictionary(name, value, '{"eu-west-1": ["my-bucket"]}')
    return {region: split(f"{name}: {shown(region)}", item, "bucket names") for region, item in found.items()}


def targets(name: str, value: Any) -> list[str]:
    """Return what policies are attached to; `none` is nothing."""
    found = [one for one in split(name, value, "roles and instance profiles", in_lists=False) if one != "none"]
    wrong = [one for one in found if one != "dhmc_role" and not _TARGET.fullmatch(one)]
    if wrong:
        raise InputError(
            f"{name}: {shown(wrong[0])} is nothing to attach to: give dhmc_role, role/NAME, instance-profile/NAME, or "
            "the ARN of a role or an instance profile."
        )
    return found
