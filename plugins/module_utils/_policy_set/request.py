# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Rules: what a task of iam_policy_set asks for, checked. Pure.

Limits: IAM API Reference, CreatePolicy (name, path, description, document) and Tag; IAM User Guide, "IAM and AWS STS
quotas" and "Tags for IAM resources".
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.fleet.aws_ssm.plugins.module_utils._errors import InputError
from ansible_collections.fleet.aws_ssm.plugins.module_utils._iam_names import PROFILE, ROLE, IamName, parse_name
from ansible_collections.fleet.aws_ssm.plugins.module_utils._policy_set.document import checked_document
from ansible_collections.fleet.aws_ssm.plugins.module_utils._policy_set.types import OWNER_TAG, Label

NAME_LENGTH = 128
_NAME = re.compile(r"[\w+=,.@-]+", re.ASCII)
_PATH = re.compile(r"/|(/[A-Za-z0-9.,+@=_-]+)+/")
_DESCRIPTION_LENGTH = 1000
_TAGS = 50
_TAG_KEY, _TAG_VALUE = 128, 256
_TARGET = re.compile(r"(?:arn:[\w-]+:iam::\d{12}:)?(role|instance-profile)/.+", re.ASCII)


@dataclass(frozen=True)
class Named:
    """A role, or an instance profile that holds one, to attach the policies to."""

    given: str
    kind: str
    name: IamName
    partition: str | None = None


@dataclass(frozen=True)
class Request:
    """The options. `policies` maps names to the text of documents, which is empty for `state=absent`."""

    owner: str
    policies: Mapping[str, str]
    family: str = ""
    attach_to: tuple[Named, ...] = ()
    detach: bool = False
    path: str = "/"
    description: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    overwrite: bool = False
    label: Label = str

    def arn(self, name: str, account: str, partition: str) -> str:
        """The ARN that a policy of this name gets."""
        return f"arn:{partition}:iam::{account}:policy{self.path}{name}"


def parse_request(params: Mapping[str, Any], label: Label) -> Request:
    """The options of `state=present` and `state=absent`, or InputError."""
    present = params["state"] == "present"
    owner = str(params["owner"] or "").strip()
    if not owner:
        raise InputError(f"{label('owner')}: is empty: give the value of the tag {OWNER_TAG} that marks the policies.")
    family = str(params["family"] or "").strip()
    if family:
        _check_name(label("family"), family)
    policies = _policies(params["policies"] or [], label, present=present)
    if not policies and not family:
        raise InputError(f"{label('policies')}: is empty: name at least one policy, or a family.")
    return Request(
        owner=owner,
        policies=policies,
        family=family,
        attach_to=tuple(_targets(params["attach_to"] or [], label)) if present else (),
        detach=bool(params["detach"]),
        path=check_path(label("path"), params["path"]),
        description=_description(label("description"), params["description"]),
        tags=check_tags(label("tags"), params["tags"], owner),
        overwrite=bool(params["overwrite"]),
        label=label,
    )


def _policies(entries: Iterable[Mapping[str, Any]], label: Label, *, present: bool) -> dict[str, str]:
    option = label("policies")
    found: dict[str, str] = {}
    for entry in entries:
        name = str(entry["name"])
        _check_name(option, name)
        if name.lower() in (other.lower() for other in found):
            raise InputError(f"{option}: {name!r} is named twice; IAM does not tell names apart by case.")
        if present and entry.get("document") in (None, "", {}):
            raise InputError(f"{option}: {name!r} has no document: give an IAM policy document.")
        found[name] = checked_document(option, name, entry["document"]) if present else ""
    return found


def _check_name(option: str, name: str) -> None:
    if not _NAME.fullmatch(name):
        raise InputError(f"{option}: {name!r} is not a policy name: a name has letters, digits and _+=,.@- only.")
    if len(name) > NAME_LENGTH:
        raise InputError(f"{option}: {name!r} has {len(name)} characters; IAM allows {NAME_LENGTH}.")


def check_path(option: str, value: Any) -> str:
    """A policy's path with a slash at both ends."""
    text = str(value or "").strip().strip("/")
    path = f"/{text}/" if text else "/"
    if not _PATH.fullmatch(path) or len(path) > 512:
        raise InputError(
            f"{option}: {value!r} is not a path: a path has names between slashes, with letters, digits and _+=,.@- "
            "only, and 512 characters at most."
        )
    return path


def _description(option: str, value: Any) -> str:
    text = str(value or "")
    if len(text) > _DESCRIPTION_LENGTH:
        raise InputError(f"{option}: has {len(text)} characters; IAM allows {_DESCRIPTION_LENGTH}.")
    return text


def check_tags(option: str, value: Any, owner: str) -> dict[str, str]:
    """The tags that a policy is to have, that of its owner among them."""
    if value not in (None, "") and not isinstance(value, Mapping):
        raise InputError(f"{option}: {value!r} is not a dictionary of tags: give {{KEY: VALUE}}.")
    tags = {str(key): _tag_value(option, key, text) for key, text in (value or {}).items()}
    if tags.get(OWNER_TAG, owner) != owner:
        raise InputError(f"{option}: {OWNER_TAG} is the tag that tells who has made a policy: leave it out.")
    tags[OWNER_TAG] = owner
    twice = [key for key, number in Counter(key.lower() for key in tags).items() if number > 1]
    if twice:
        raise InputError(f"{option}: {twice[0]!r} is named twice; IAM does not tell the keys of tags apart by case.")
    for key in tags:
        if not 1 <= len(key) <= _TAG_KEY or key.lower().startswith("aws:"):
            raise InputError(
                f"{option}: {key!r} is not the key of a tag: it has 1 to {_TAG_KEY} characters, and no aws:."
            )
    if len(tags) > _TAGS:
        raise InputError(f"{option}: {len(tags)} tags with {OWNER_TAG}; IAM allows {_TAGS}.")
    return tags


def _tag_value(option: str, key: Any, value: Any) -> str:
    # A tag's value is text, whatever the variable holds.
    text = "" if value is None else str(value)
    if len(text) > _TAG_VALUE:
        raise InputError(f"{option}: the value of {key!r} has {len(text)} characters; IAM allows {_TAG_VALUE}.")
    return text


def _targets(values: Iterable[Any], label: Label) -> Iterable[Named]:
    option = label("attach_to")
    for text in dict.fromkeys(str(value).strip() for value in values):
        if not text:
            continue
        match = _TARGET.fullmatch(text)
        if not match:
            raise InputError(
                f"{option}: {text!r}: give role/NAME, instance-profile/NAME, or the ARN of a role or an instance "
                "profile."
            )
        arn = text.startswith("arn:")
        kind = ROLE if match[1] == ROLE else PROFILE
        name = parse_name(option, text if arn else text.partition("/")[2], kind)
        yield Named(text, kind, name, text.split(":")[1] if arn else None)
