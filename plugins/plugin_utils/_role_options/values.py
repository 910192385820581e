# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Rules: what the value of a variable may be, and what is made of it. Pure.

A parser takes the variable's name and its value, as Ansible, an inventory or an AWX survey gives it, and returns the
value in one form only. It raises InputError with one line that names the variable, the value, and what is allowed.
"""

from __future__ import annotations

import difflib
import json
import math
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from ansible_collections.fleet.aws_ssm.plugins.module_utils._errors import InputError
from ansible_collections.fleet.aws_ssm.plugins.module_utils._regions import ALL

Parser = Callable[[str, Any], Any]

_TRUE = frozenset({"true", "yes", "on", "1", "y", "t"})
_FALSE = frozenset({"false", "no", "off", "0", "n", "f"})
_REGION = re.compile(r"[a-z]{2,}(-[a-z]+)+-[0-9]{1,2}")
_INSTANCE = re.compile(r"i-[0-9a-f]{8}([0-9a-f]{9})?")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_SEPARATOR = re.compile(r"[,\s]+")
# Of Linux file systems.
_LONGEST_FILE_NAME, _LONGEST_PATH = 255, 4095


def is_empty(value: Any) -> bool:
    """Whether it stands for the default: null, or the text that AWX gives for a question that was not answered."""
    return value is None or (isinstance(value, str) and not value.strip())


def shown(value: Any) -> str:
    """A value as it is named in an error: on one line, short, and in YAML's words."""
    if isinstance(value, str):
        text = repr(str(value))
    else:
        try:
            text = json.dumps(value, default=str, ensure_ascii=False)
        except (TypeError, ValueError):
            text = " ".join(str(value).split())
        # As it is done for a text: what moves a terminal's cursor is not sent there.
        text = "".join(sign if sign.isprintable() else repr(sign)[1:-1] for sign in text)
    return text if len(text) <= 80 else f"{text[:77]}..."


def boolean(name: str, value: Any) -> bool:
    """Return a boolean from a boolean, or from what stands for one in a survey."""
    if isinstance(value, bool):
        return value
    word = str(value).strip().lower() if isinstance(value, (str, int, float)) else ""
    if word not in _TRUE | _FALSE:
        raise InputError(f"{name}: {shown(value)} is not a boolean: give true or false.")
    return word in _TRUE


def whole(what: str, least: int, most: int) -> Parser:
    """Return a parser of a whole number in a range, such as `seconds`."""

    def parse(name: str, value: Any) -> int:
        number = _float(value)
        if number is None or number != int(number) or not least <= number <= most:
            raise InputError(f"{name}: {shown(value)} is not a whole number of {what} from {least} to {most}.")
        return int(number)

    return parse


def number(what: str, least: float, most: float, *, unit: str = "") -> Parser:
    """Return a parser of a number in a range; `unit` may stand behind it, such as `%`."""

    def parse(name: str, value: Any) -> float:
        text = value.strip().removesuffix(unit).rstrip() if isinstance(value, str) and unit else value
        found = _float(text)
        if found is None or not least <= found <= most:
            raise InputError(f"{name}: {shown(value)} is not a {what} from {least:g} to {most:g}.")
        return int(found) if found == int(found) else found

    return parse


def _float(value: Any) -> float | None:
    """A finite number, or None. Only digits: Python also reads `1_0`, `nan` and other alphabets' digits."""
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return None
    if isinstance(value, str) and not re.fullmatch(r"[+-]?[0-9]{1,15}([.][0-9]{1,15})?", value.strip()):
        return None
    try:
        found = float(value)
    except OverflowError:
        return None
    return found if math.isfinite(found) else None


def choice(*allowed: str) -> Parser:
    """Return a parser of one of some words."""

    def parse(name: str, value: Any) -> str:
        word = value.strip() if isinstance(value, str) else value
        if isinstance(word, bool) or word not in allowed:
            raise InputError(f"{name}: {shown(value)} is not one of {', '.join(allowed)}. {_hint(word, allowed)}")
        return str(word)

    return parse


def _hint(word: Any, allowed: Iterable[str]) -> str:
    by_case = {known.lower(): known for known in allowed}
    near = difflib.get_close_matches(str(word).lower(), by_case, n=1, cutoff=0.7)
    return f"Did you mean {by_case[near[0]]}?" if near else "Give one of these."


def text(longest: int, pattern: str = "", allowed: str = "") -> Parser:
    """Return a parser of one line of text; `allowed` says in words what `pattern` lets through."""

    def parse(name: str, value: Any) -> str:
        line = _line(name, value)
        if len(line) > longest:
            raise InputError(f"{name}: {shown(line)} has {len(line)} characters: give {longest} at most.")
        if pattern and not re.fullmatch(pattern, line, re.ASCII):
            raise InputError(f"{name}: {shown(line)} is not {allowed}.")
        return line

    return parse


def _line(name: str, value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise InputError(f"{name}: {shown(value)} is not a text: give one line of text.")
    line = str(value).strip()
    if _CONTROL.search(line):
        raise InputError(f"{name}: {shown(line)} has a line break or another control character: give one line of text.")
    return line


def path(name: str, value: Any) -> str:
    """Return an absolute path. A relative one counts from the folder in which ansible-playbook was started.

    Links stay in it, so that what must not follow a link still sees it.
    """
    line = _line(name, value)
    try:
        found = Path(line).expanduser()
    except RuntimeError as error:
        raise InputError(
            f"{name}: {shown(line)} begins with a user who has no home here: give a whole path."
        ) from error
    whole_path = str(Path.cwd() / found)
    longest = max((len(part.encode()) for part in found.parts), default=0)
    if longest > _LONGEST_FILE_NAME or len(whole_path.encode()) > _LONGEST_PATH:
        raise InputError(f"{name}: {shown(line)} is too long for a path: give a shorter one.")
    return whole_path


def file(name: str, value: Any) -> str:
    """Return the absolute path of a file, as `path` does."""
    if isinstance(value, str) and value.strip().endswith(("/", "/.", "/..")):
        raise InputError(f"{name}: {shown(value)} is a folder: give the path of a file.")
    return path(name, value)


def split(name: str, value: Any, what: str, *, in_lists: bool = True) -> list[str]:
    """Return names from a list, or from a text with commas, blanks or lines between them, each once and in order.

    Names in a list are split as well only if `in_lists` says so: some names may have commas.
    """
    if isinstance(value, bool) or not isinstance(value, (str, list, tuple, set)):
        raise InputError(f"{name}: {shown(value)} is not a list of {what}: give a list, or a text with commas.")
    found: list[str] = []
    for place, item in enumerate([value] if isinstance(value, str) else value, start=1):
        if isinstance(item, bool) or not isinstance(item, (str, int, float)):
            raise InputError(f"{name}: entry {place}, {shown(item)}, is not text: give a list of {what}.")
        if isinstance(value, str) or in_lists:
            found += [part for part in _SEPARATOR.split(str(item)) if part]
        elif str(item).strip():
            found.append(str(item).strip())
        if not isinstance(value, str) and not str(item).strip():
            raise InputError(f"{name}: entry {place} is empty: give a list of {what}.")
    return list(dict.fromkeys(found))


def names(what: str, allowed: Iterable[str] = (), *, least: int = 0) -> Parser:
    """Return a parser of a list of names, all of them allowed ones if some are given."""
    known = tuple(allowed)

    def parse(name: str, value: Any) -> list[str]:
        found = split(name, value, what)
        for one in found:
            if known and one not in known:
                raise InputError(f"{name}: {shown(one)} is not one of {', '.join(known)}. {_hint(one, known)}")
        if len(found) < least:
            raise InputError(f"{name}: is an empty list: name at least one of {', '.join(known)}.")
        return found

    return parse


def regions(name: str, value: Any) -> list[str]:
    """Return region names, or `["all"]`. Whether they exist is known where botocore is."""
    found = split(name, value, "region names")
    if not found:
        raise InputError(f"{name}: is an empty list: name at least one region, or 'all' for every enabled region.")
    if ALL in (one.lower() for one in found):
        if len(found) > 1:
            raise InputError(f"{name}: mixes 'all' with region names ({shown(found)}): give one or the other.")
        return [ALL]
    for one in found:
        if not _REGION.fullmatch(one):
            raise InputError(
                f"{name}: {shown(one)} is not the name of a region: give names such as eu-west-1, or 'all'."
            )
    return found


def instance_ids(name: str, value: Any) -> list[str]:
    """Return instance ids."""
    found = split(name, value, "instance ids")
    wrong = [one for one in found if not _INSTANCE.fullmatch(one)]
    if wrong:
        raise InputError(f"{name}: {shown(wrong[0])} is not an instance id: give ids such as i-0123456789abcdef0.")
    return found


def dictionary(name: str, value: Any, example: str) -> dict[str, Any]:
    """Return a dictionary from one, or from its JSON as text, which is all that a survey can give."""
    found = value
    if isinstance(value, str):
        try:
            found = json.loads(value)
        except ValueError:
            found = value
    if not isinstance(found, Mapping):
        raise InputError(f"{name}: {shown(value)} is not a dictionary: give one, such as {example}.")
    for key in found:
        if not isinstance(key, (str, int)) or isinstance(key, bool) or not str(key).strip():
            raise InputError(f"{name}: its key {shown(key)} is not text: give a dictionary such as {example}.")
    return {str(key): item for key, item in found.items()}


def filters(name: str, value: Any) -> dict[str, Any]:
    """Return EC2 filters: a text, or a list of texts, by the filter's name."""
    found = dictionary(name, value, '{"tag:role": "web"}')
    for key, item in found.items():
        values = item if isinstance(item, (list, tuple)) else [item]
        if not values or any(one is None or not isinstance(one, (str, int, float)) for one in values):
            raise InputError(
                f"{name}: {shown(key)}: {shown(item)} is not the value of an EC2 filter: give a text, or a list."
            )
    return found
