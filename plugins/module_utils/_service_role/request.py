# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Rules: the options of a task, checked before AWS is asked. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.fleet.aws_ssm.plugins.module_utils._errors import InputError
from ansible_collections.fleet.aws_ssm.plugins.module_utils._iam.profile_access import principals
from ansible_collections.fleet.aws_ssm.plugins.module_utils._iam_names import POLICY, PROFILE, ROLE, IamName, parse_name
from ansible_collections.fleet.aws_ssm.plugins.module_utils._iam_policy import as_list, check_action
from ansible_collections.fleet.aws_ssm.plugins.module_utils._role_policies import document_text
from ansible_collections.fleet.aws_ssm.plugins.module_utils._service_role.types import OWNER_TAG

# API_CreateRole, API_CreateInstanceProfile and API_Tag of the IAM API Reference.
_PATH = re.compile(r"/([\x21-\x7e]+/)?")
_RESERVED = ("/aws-service-role/", "/aws-reserved/")
_DESCRIPTION = re.compile(r"[\t\n\r\x20-\x7e\xa1-\xff]{0,1000}")
_TAG = re.compile(r"[\w\s.:/=+@-]*")
_MOST_TAGS, _LONGEST_KEY, _LONGEST_VALUE = 50, 128, 256
_VERSIONS = ("2012-10-17", "2008-10-17")
_SERVICE = re.compile(r"[a-z0-9.-]+\.amazonaws\.com(\.cn)?")


@dataclass(frozen=True)
class Home:
    """Whose credentials the task uses."""

    account: str
    partition: str

    def arn(self, kind: str, path: str, name: str) -> str:
        """The ARN of a role or an instance profile."""
        return f"arn:{self.partition}:iam::{self.account}:{kind}{path}{name}"

    def aws_policy(self, name: str) -> str:
        """The ARN of a managed policy of AWS."""
        return f"arn:{self.partition}:iam::aws:policy/{name}"


@dataclass(frozen=True)
class Given:
    """A name of IAM as the task gives it, and parsed."""

    text: str
    name: IamName


@dataclass(frozen=True)
class Request:
    """What a task asks for. Paths begin and end with a slash; documents are text."""

    owner: str
    role: Given | None
    profile: Given | None
    path: str
    service: str
    description: str
    aws_policies: tuple[str, ...]
    managed: tuple[Given, ...]
    inline: Mapping[str, str]
    boundary: Given | None
    tags: Mapping[str, str]
    create: bool
    extend: bool
    fix: bool
    overwrite: bool
    action: str | None
    resources: tuple[str, ...]
    called: Mapping[str, str] = field(default_factory=dict)

    def option(self, name: str) -> str:
        """What the user calls an option."""
        return self.called.get(name, name)

    @property
    def made_tags(self) -> dict[str, str]:
        """The tags of what is made."""
        return {**self.tags, OWNER_TAG: self.owner}

    def principals(self, partition: str) -> tuple[str, ...]:
        """The service's principals: the first is the one to write, any will do."""
        return principals(self.service, partition)

    def trust_statement(self, partition: str) -> dict[str, Any]:
        """What lets the service assume the role, as AWS documents it."""
        principal = {"Service": self.principals(partition)[0]}
        return {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}

    def trust_policy(self, partition: str) -> str:
        """The trust policy of a role that is made."""
        return json.dumps({"Version": "2012-10-17", "Statement": [self.trust_statement(partition)]})


def parse_request(params: Mapping[str, Any]) -> Request:
    """The options, checked as far as they can be without asking AWS. Raise InputError."""
    called = {str(key): str(value) for key, value in (params["option_names"] or {}).items()}

    def option(name: str) -> str:
        return called.get(name, name)

    role = _given(option("name"), params["name"], ROLE)
    profile = _given(option("instance_profile"), params["instance_profile"], PROFILE)
    if not role and not profile:
        raise InputError(f"{option('name')}: name a role, or set instance_profile.")
    boundary = _given(option("permissions_boundary"), params["permissions_boundary"], POLICY)
    if boundary and not boundary.name.account:
        raise InputError(
            f"{option('permissions_boundary')}: {boundary.text!r} is not the ARN of a managed policy: give its ARN."
        )
    if not _SERVICE.fullmatch(params["service"]):
        raise InputError(f"service: {params['service']!r} is not a service, such as ec2.amazonaws.com.")
    action = (params["required_action"] or "").strip()
    managed = _words(params["managed_policies"])
    return Request(
        owner=params["owner"],
        role=role,
        profile=profile,
        path=checked_path(option("path"), params["path"]),
        service=params["service"],
        description=_description(option("description"), params["description"] or ""),
        aws_policies=tuple(dict.fromkeys(_words(params["aws_policies"]))),
        managed=tuple(Given(text, parse_name(option("managed_policies"), text, POLICY)) for text in managed),
        inline=_inline(option("inline_policies"), params["inline_policies"] or {}),
        boundary=boundary,
        tags=_tags(option("tags"), params["tags"] or {}),
        create=params["create"],
        extend=params["extend"],
        fix=params["fix"],
        overwrite=params["overwrite"],
        action=check_action(action) if action else None,
        resources=tuple(params["required_resources"] or ()),
        called=called,
    )


def check_home(request: Request, home: Home) -> None:
    """Raise InputError for an ARN of another account or partition than the credentials'."""
    for name, given in (
        ("name", request.role),
        ("instance_profile", request.profile),
        ("permissions_boundary", request.boundary),
        *(("managed_policies", one) for one in request.managed),
    ):
        if not given or not given.name.account:
            continue
        option = request.option(name)
        partition = given.text.split(":")[1]
        if partition != home.partition:
            raise InputError(
                f"{option}: {given.text} is of the partition {partition}, but the credentials are of {home.partition}."
            )
        if given.name.account not in (home.account, "aws"):
            raise InputError(
                f"{option}: {given.text} is of account {given.name.account}, but the credentials are of {home.account}."
            )


def checked_path(option: str, text: str | None) -> str:
    """A path with its slashes. Raise InputError for one that IAM does not take."""
    inner = (text or "").strip().strip("/")
    path = f"/{inner}/" if inner else "/"
    if not _PATH.fullmatch(path) or len(path) > 512 or "//" in path:
        raise InputError(f"{option}: {text!r} is not a path of IAM, such as /fleet/nodes/.")
    if path.startswith(_RESERVED):
        raise InputError(f"{option}: the path {path} is reserved for AWS. Use another one.")
    return path


def _given(option: str, text: str | None, kind: str) -> Given | None:
    text = (text or "").strip()
    if not text:
        return None
    given = Given(text, parse_name(option, text, kind))
    if given.name.account == "aws" and kind != POLICY:
        raise InputError(f"{option}: {text!r} is not of an account: give the name, or the ARN with the account's id.")
    if given.name.path and kind != POLICY:
        checked_path(option, given.name.path)
    return given


def _words(values: Iterable[str] | None) -> list[str]:
    """Names with white space between them are several: AWX has text areas with a name in each line."""
    return list(dict.fromkeys(word for value in values or () for word in value.split()))


def _description(option: str, text: str) -> str:
    if not _DESCRIPTION.fullmatch(text):
        raise InputError(f"{option}: IAM takes up to 1,000 characters, of Latin-1 only. Shorten or change it.")
    return text


def _tags(option: str, tags: Mapping[str, Any]) -> dict[str, str]:
    found = {str(key): "" if value is None else str(value) for key, value in tags.items()}
    if len(found) + 1 > _MOST_TAGS:
        raise InputError(f"{option}: {len(found)} tags and {OWNER_TAG} are more than the {_MOST_TAGS} that IAM allows.")
    for key, value in found.items():
        if key.lower().startswith("aws:"):
            raise InputError(f"{option}: {key!r} begins with aws:, which is reserved for AWS. Use another key.")
        if not (1 <= len(key) <= _LONGEST_KEY and _TAG.fullmatch(key)):
            raise InputError(f"{option}: {key!r} is no key of a tag (1 to {_LONGEST_KEY} letters, digits, _.:/=+-@).")
        if len(value) > _LONGEST_VALUE or not _TAG.fullmatch(value):
            raise InputError(
                f"{option}: the value of {key!r} is no tag's (up to {_LONGEST_VALUE} letters, digits, _.:/=+-@)."
            )
    if OWNER_TAG in found:
        raise InputError(f"{option}: {OWNER_TAG} is set by the module. Leave it out.")
    return found


def _inline(option: str, policies: Mapping[str, Any]) -> dict[str, str]:
    found = {}
    for name, document in policies.items():
        parsed = parse_name(option, str(name), POLICY)
        if parsed.path or parsed.account:
            raise InputError(f"{option}: {name!r} is not the name of an inline policy: it has a path.")
        found[str(name)] = document_text(option, str(name), document)
        _check_document(option, str(name), json.loads(found[str(name)]))
    return found


def _check_document(option: str, name: str, document: Mapping[str, Any]) -> None:
    """Raise InputError for what IAM would refuse as MalformedPolicyDocument."""
    version = document.get("Version", _VERSIONS[1])
    if version not in _VERSIONS:
        raise InputError(f"{option}: the Version of {name!r} is {version!r}: give {_VERSIONS[0]}, in quotes.")
    for number, statement in enumerate(as_list(document["Statement"]), start=1):
        where = f"{option}: statement {number} of {name!r}"
        if {"Principal", "NotPrincipal"} & set(statement):
            raise InputError(f"{where} has a Principal, which a role's policy can't have. Take it out.")
        for element in ("Action", "NotAction"):
            for action in as_list(statement.get(element)):
                if not isinstance(action, str) or (action != "*" and not re.fullmatch(r"[\w-]+:[\w*?]+", action)):
                    raise InputError(f"{where} has the {element} {action!r}: give SERVICE:ACTION or *.")
        for element in ("Resource", "NotResource"):
            for resource in as_list(statement.get(element)):
                if not isinstance(resource, str) or not re.match(r"\*|arn:|\$\{", resource):
                    raise InputError(f"{where} has the {element} {resource!r}: give an ARN or *.")
