# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Rules: a fix is words, a command, or both. The command is complete, or there is none. Pure."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from string import Formatter

from ansible_collections.fleet.aws_ssm.plugins.module_utils._core.text import count

# The file that commands name if nobody says another one. It is a journal, so all of them may name the same.
BACKUP = "before.json"

# A command names so many instances at most.
MOST = 100


@dataclass(frozen=True)
class Fix:
    """What to do about a reason: words before the command, the command, words after it.

    In a table these are templates. `many` is the command for more instances than one may name. `instead` says what to
    do where no command can be shown.
    """

    before: str = ""
    command: str = ""
    after: str = ""
    many: str = ""
    instead: str = ""

    @property
    def line(self) -> str:
        """All of it in one line. What follows a command is a comment to the shell that the line is pasted into."""
        after = f"# {self.after}" if self.command and self.after else self.after
        return " ".join(filter(None, (self.before, self.command, after)))


Names = Mapping[str, str]

# A command takes any number of these.
_PLURAL = {"regions": "region", "profiles": "profile", "instances": "instance"}
# IAM has one answer for all regions, so that any of them will do.
_ANY = {"any_region": "region"}
# What messages call a name, where that is not the name itself.
_LABELS = {
    "vpc": "VPC",
    "group": "security group",
    "endpoint": "VPC endpoint",
    "endpoint_group": "security group",
}
# What a sentence says instead of a name that is not known.
_UNKNOWN = {"region": "the region", "profile": "of the instance", "vpc": "its VPC", "subnet": "its subnet"}
# A name that a shell, and `key=value` of Ansible, take for what it is. Ansible parts lists at commas.
_SAFE = re.compile(r"[\w+=.@:/-]+", re.ASCII)
_SAFE_ALONE = re.compile(r"[\w+=,.@:/-]+", re.ASCII)
_LISTED = 3


def filled(template: Fix, occurrences: Iterable[Names], backup: str = BACKUP) -> Fix:
    """The fix for all that need it at once, with every name filled in."""
    every = list(occurrences)
    words = replace(
        template,
        before=_sentence(template.before, every),
        command="",
        after=_sentence(template.after, every),
        many="",
        instead="",
    )
    if not template.command:
        return words
    command = template.command
    if "{instances}" in command and len(_values("instances", every)) > MOST:
        many = count(len(_values("instances", every)), "instance")
        if not template.many:
            return Fix(f"These are too many for one command ({many}): see the instances.")
        command = template.many
    names = {name: _values(name, every) for name in _fields(command) - {"backup"}}
    if own := _own_commands(names):
        return Fix(own)
    if problem := _problem(names, backup, in_module="{backup}" in command):
        return Fix(" ".join(filter(None, (problem, template.instead))))
    values = {name: ",".join(found) for name, found in names.items()}
    filled_in = command.format(**values, backup=backup, backup_variable=_variable("ssm_backup_file", backup))
    return replace(words, command=filled_in)


def several() -> Fix:
    """What to say of occurrences that need different fixes."""
    return Fix("What fixes it is not the same for all: see the instances.")


def _fields(template: str) -> set[str]:
    return {name for _text, name, _spec, _conversion in Formatter().parse(template) if name} - {"backup_variable"}


def _values(name: str, every: Sequence[Names]) -> list[str]:
    """All values that a name has, in order; of those of which one will do, the first."""
    key = _PLURAL.get(name) or _ANY.get(name) or name
    found = sorted({one.get(key, "") for one in every} - {""})
    return found[:1] if name in _ANY else found


def _own_commands(names: Mapping[str, Sequence[str]]) -> str:
    """Why it takes more than one command; empty if one will do."""
    for name, found in sorted(names.items()):
        if name not in _PLURAL and len(found) > 1:
            label = _LABELS.get(name, name)
            return f"Each {label} needs a command of its own ({count(len(found), label)}): see the instances."
    return ""


def _problem(names: Mapping[str, Sequence[str]], backup: str, *, in_module: bool) -> str:
    """Why no command can be shown; empty if one can."""
    for name, found in sorted(names.items()):
        if not found:
            label = _LABELS.get(name) or _ANY.get(name) or _PLURAL.get(name, name)
            return f"No command is shown, because the {label} is not known."
    unsafe = any(
        not (_SAFE if name in _PLURAL else _SAFE_ALONE).fullmatch(one) for name, found in names.items() for one in found
    )
    if unsafe or (in_module and not _SAFE.fullmatch(backup)):
        return "No command is shown, because a name has characters that a command line would not take as they are."
    return ""


def _sentence(template: str, every: Sequence[Names]) -> str:
    return template.format(**{name: _listed(name, _values(name, every)) for name in _fields(template)})


def _listed(name: str, values: Sequence[str]) -> str:
    if not values:
        return _UNKNOWN.get(name, f"the {_LABELS.get(name, name)}")
    more = f" and {len(values) - _LISTED:,} more" if len(values) > _LISTED else ""
    return ", ".join(values[:_LISTED]) + more


def _variable(name: str, value: str) -> str:
    """A variable for `-e`, whatever its value."""
    return f"{name}={value}" if _SAFE.fullmatch(value) else shlex.quote(json.dumps({name: value}))
