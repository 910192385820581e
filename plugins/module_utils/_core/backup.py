# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Rules: the backup as a journal, from the text of its file to what each resource was at first. Pure.

The journal is a list of entries, oldest first. An entry is written before its change is made, so a change may not have
happened; a restore compares with what AWS holds now. Nothing is ever taken out of the list: the first `before` of a
resource stays what a restore leads back to, however often a run is repeated.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

from ansible_collections.fleet.aws_ssm.plugins.module_utils._errors import InputError

FORMAT = "fleet.aws_ssm backup"
VERSION = 1

# What can be in a journal. The resource of a kind, and the value that it has before and after a change:
SERVICE_SETTING = "service_setting"  # the setting's id; its value, None for "$None"
ASSOCIATION = "instance_profile_association"  # the instance's id; the profile's ARN, None for no profile
METADATA_OPTION = "instance_metadata_option"  # INSTANCE/OPTION; the option's value
METADATA_DEFAULT = "instance_metadata_default"  # the option; the region's default for new instances
INLINE_POLICY = "role_inline_policy"  # ROLE/POLICY; the document's text as IAM holds it, None for no policy
ATTACHMENT = "role_policy_attachment"  # ROLE/ARN; whether the managed policy is attached
USER_ATTACHMENT = "user_policy_attachment"  # USER/ARN; the same
GROUP_ATTACHMENT = "group_policy_attachment"  # GROUP/ARN; the same
TRUST_POLICY = "role_trust_policy"  # the role's name; the document's text
ROLE_BOUNDARY = "role_permissions_boundary"  # the role's name; the policy's ARN, None for no boundary
ROLE_DESCRIPTION = "role_description"  # the role's name; the text
ROLE_TAG = "role_tag"  # ROLE/KEY; the tag's value, None for no such tag
MANAGED_POLICY = "managed_policy"  # the ARN; the policy as a dictionary with `document`, None for no policy
ROLE = "role"  # the role's name; the role as a dictionary, None for no role
PROFILE = "instance_profile"  # the profile's name; the profile as a dictionary, None for no profile
PROFILE_ROLE = "instance_profile_role"  # the profile's name; the name of the role that it holds, None for none
PROFILE_TAG = "instance_profile_tag"  # PROFILE/KEY; the tag's value, None for no such tag


@dataclass(frozen=True)
class Resource:
    """What is changed. `region` is None for what is global; the `state=restored` of `module` takes the change back."""

    module: str
    kind: str
    account: str
    partition: str
    region: str | None
    resource: str

    @property
    def key(self) -> tuple[str, ...]:
        """What tells one resource from another."""
        return (self.account, self.partition, self.region or "", self.module, self.kind, self.resource)


@dataclass(frozen=True)
class Entry(Resource):
    """One change: what a resource was, what a run was about to make of it, when (UTC), and which run that was."""

    before: Any
    after: Any
    time: str = ""
    run: str = ""


@dataclass(frozen=True)
class Original(Resource):
    """A resource of a journal: its value before the first change, and every value that runs were to give it since."""

    before: Any
    ours: tuple[Any, ...]

    def changed_since(self, now: Any) -> bool:
        """Whether someone else has changed it: it holds neither its original value nor one of ours."""
        return now != self.before and now not in self.ours


def to_rows(entries: Iterable[Entry]) -> list[dict[str, Any]]:
    """The entries as a module returns them, and takes them back as its option `backup`."""
    return [asdict(entry) for entry in entries]


def to_text(entries: Iterable[Entry]) -> str:
    """The file's content."""
    return json.dumps({"format": FORMAT, "version": VERSION, "entries": to_rows(entries)}, indent=2) + "\n"


def from_text(text: str, name: str) -> list[Entry]:
    """The entries of a file's content. Raise InputError, which begins with `name`, unless all of it is sound."""
    if not text.strip():
        return []
    try:
        content = json.loads(text)
    except ValueError as error:
        if FORMAT in text[:200]:
            raise InputError(f"{name} is damaged: {error}. Use a copy that is whole. Nothing was changed.") from error
        raise InputError(_foreign(name)) from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise InputError(_foreign(name))
    version = content.get("version")
    if isinstance(version, int) and version > VERSION:
        raise InputError(
            f"{name} has the format {version} of a newer fleet.aws_ssm, and this one knows {VERSION}: use the newer "
            "one. Nothing was changed."
        )
    if version != VERSION or not isinstance(content.get("entries"), list):
        raise InputError(f"{name} is damaged: it has no version or no entries. Nothing was changed.")
    return from_rows(content["entries"], name)


def _foreign(name: str) -> str:
    return f"{name} is not a backup of fleet.aws_ssm. Name another file. Nothing was changed."


def from_rows(rows: Iterable[Any], name: str) -> list[Entry]:
    """The entries of a module's `backup`, or of a file. Raise InputError, which begins with `name`, for a wrong one."""
    return [_entry(row, f"{name}: entry {number}") for number, row in enumerate(rows, start=1)]


def _entry(row: Any, where: str) -> Entry:
    problem = _problem(row)
    if problem:
        raise InputError(f"{where} {problem}: give the backup as it was returned. Nothing was changed.")
    return Entry(**{name: row[name] for name in _FIELDS if name in row})


_FIELDS = tuple(field.name for field in fields(Entry))
_OPTIONAL = ("time", "run")


def _problem(row: Any) -> str:
    """What is wrong with a row, or an empty text."""
    if not isinstance(row, Mapping):
        return "is not an entry"
    missing = [name for name in _FIELDS if name not in row and name not in _OPTIONAL]
    unknown = [str(name) for name in row if name not in _FIELDS]
    if missing or unknown:
        return f"has no {', '.join(missing)}" if missing else f"has the unknown field {', '.join(unknown)}"
    for name in _FIELDS:
        text = row.get(name, "")
        if name not in ("before", "after") and not isinstance(text, str) and not (name == "region" and text is None):
            return f"has {text!r} as its {name}, which is not text"
    return _wrong_value(row)


def _wrong_value(row: Mapping[str, Any]) -> str:
    """What is wrong with the values of a row that has all its fields, or an empty text."""
    kind, resource = row["kind"], row["resource"]
    if kind not in KINDS:
        return f"is of the unknown kind {kind}"
    if not re.fullmatch(r"\d{12}", row["account"]):
        return f"has {row['account']!r} as its account, which is not a number of 12 digits"
    regional, is_value = KINDS[kind]
    if regional is not bool(row["region"]):
        return "has no region" if regional else "has a region, but its resource is global"
    if not resource or (kind in _PARTED and not all(resource.partition("/"))):
        return f"has {resource!r} as its resource"
    wrong = [name for name in ("before", "after") if not is_value(row[name])]
    return f"has no usable value in {', '.join(wrong)}" if wrong else ""


def _text_or_none(value: Any) -> bool:
    return value is None or isinstance(value, str)


def _option(value: Any) -> bool:
    return value is None or isinstance(value, (str, int))


def _flag(value: Any) -> bool:
    return isinstance(value, bool)


def _document(value: Any) -> bool:
    """A JSON object as text, which is what IAM holds."""
    try:
        return isinstance(value, str) and isinstance(json.loads(value), dict)
    except ValueError:
        return False


def _document_or_none(value: Any) -> bool:
    return value is None or _document(value)


def _policy_or_none(value: Any) -> bool:
    return value is None or (isinstance(value, dict) and _document(value.get("document")))


def _object_or_none(value: Any) -> bool:
    return value is None or isinstance(value, dict)


# By kind: whether it belongs to a region, and what tells a value that it can have.
KINDS: Mapping[str, tuple[bool, Callable[[Any], bool]]] = {
    SERVICE_SETTING: (True, _text_or_none),
    ASSOCIATION: (True, _text_or_none),
    METADATA_OPTION: (True, _option),
    METADATA_DEFAULT: (True, _option),
    INLINE_POLICY: (False, _document_or_none),
    ATTACHMENT: (False, _flag),
    USER_ATTACHMENT: (False, _flag),
    GROUP_ATTACHMENT: (False, _flag),
    TRUST_POLICY: (False, _document),
    ROLE_BOUNDARY: (False, _text_or_none),
    ROLE_DESCRIPTION: (False, _text_or_none),
    ROLE_TAG: (False, _text_or_none),
    MANAGED_POLICY: (False, _policy_or_none),
    ROLE: (False, _object_or_none),
    PROFILE: (False, _object_or_none),
    PROFILE_ROLE: (False, _text_or_none),
    PROFILE_TAG: (False, _text_or_none),
}
_PARTED = frozenset(
    {METADATA_OPTION, INLINE_POLICY, ATTACHMENT, USER_ATTACHMENT, GROUP_ATTACHMENT, ROLE_TAG, PROFILE_TAG}
)


def appended(held: Sequence[Entry], new: Iterable[Entry]) -> list[Entry]:
    """The journal with the new entries. One that only repeats its resource's last entry is not added again."""
    journal = list(held)
    last = {entry.key: entry for entry in journal}
    for entry in new:
        found = last.get(entry.key)
        if found is None or (found.before, found.after) != (entry.before, entry.after):
            journal.append(entry)
            last[entry.key] = entry
    return journal


def originals(entries: Iterable[Entry]) -> list[Original]:
    """The resources of a journal, in the order in which they were first changed."""
    found: dict[tuple[str, ...], Original] = {}
    for entry in entries:
        first = found.get(entry.key)
        resource = {field.name: getattr(entry, field.name) for field in fields(Resource)}
        found[entry.key] = Original(
            **resource,
            before=first.before if first else entry.before,
            ours=(*(first.ours if first else ()), entry.after),
        )
    return list(found.values())


def changed_by_others(held: Iterable[Entry], new: Iterable[Entry]) -> list[Entry]:
    """The new entries whose resource someone else has changed since the journal's first entry for it.

    A restore leads back to the first `before`, not to the value that these replace.
    """
    known = {original.key: original for original in originals(held)}
    return [entry for entry in new if entry.key in known and known[entry.key].changed_since(entry.before)]


def of_account(entries: Iterable[Entry], account: str, module: str | None = None) -> list[Entry]:
    """The entries of an account, and of a module if one is named."""
    return [entry for entry in entries if entry.account == account and module in (None, entry.module)]
