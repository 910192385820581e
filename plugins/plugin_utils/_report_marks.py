# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Rules: what marks a file as a report, and what an earlier report says. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from ansible_collections.fleet.aws_ssm.plugins.module_utils._core import backup
from ansible_collections.fleet.aws_ssm.plugins.module_utils._errors import InputError
from ansible_collections.fleet.aws_ssm.plugins.module_utils._report_csv import HEADING, sheet
from ansible_collections.fleet.aws_ssm.plugins.module_utils._report_page import page
from ansible_collections.fleet.aws_ssm.plugins.module_utils._report_words import FORMAT, VERSION

Result = Mapping[str, Any]

FORMATS = ("json", "csv", "html")
# So much of a file is enough to see its mark.
HEAD = 2048

# What Ansible adds to a module's result. An earlier report is among the arguments in `invocation`.
_ADDED = frozenset(
    ("ansible_facts", "changed", "deprecations", "exception", "failed", "failed_when_result", "invocation", "warnings")
)

_MARKS = {
    "json": re.compile(rf'\s*\{{\s*"format"\s*:\s*"{re.escape(FORMAT)}"'),
    "csv": re.compile(re.escape(HEADING)),
    "html": re.compile(rf'<!doctype html>.*<meta name="generator" content="{re.escape(FORMAT)}">', re.DOTALL),
}


def is_report(kind: str, head: bytes) -> bool:
    """Whether a file that begins like this is a report of the kind, of whatever version."""
    return _MARKS[kind].match(head.decode("utf-8", "replace")) is not None


def text_of(kind: str, result: Result, title: str) -> str:
    """The content of the file."""
    if kind == "csv":
        return sheet(result)
    if kind == "html":
        return page(result, title)
    found = {key: value for key, value in result.items() if key not in _ADDED}
    text = json.dumps({"format": FORMAT, "version": VERSION, **found}, indent=2)
    # All else that a terminal may act on is escaped already.
    return text.replace("\x7f", "\\u007f") + "\n"


def earlier_report(content: bytes, name: str) -> dict[str, Any]:
    """What a comparison needs of the JSON of an earlier report. Raise InputError, which begins with `name`."""
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        raise InputError(f"{name} is not a report: it is not JSON, or not all of it.") from None
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise InputError(f"{name} is not a report: {_what(found)}.")
    version = found.get("version")
    if version != VERSION:
        raise InputError(f"{name} is a report of version {version!r}, and this release reads version {VERSION}.")
    rows, totals = found.get("instances"), found.get("totals")
    if not (isinstance(rows, list) and isinstance(totals, dict) and all(map(_is_instance, rows))):
        raise InputError(f"{name} is a damaged report: not every instance in it has an id and a verdict.")
    return {
        "generated": str(found.get("generated") or ""),
        "totals": {"coverage": totals.get("coverage")},
        "instances": [{"instance_id": row["instance_id"], "verdict": row["verdict"]} for row in rows],
    }


def _is_instance(row: Any) -> bool:
    return isinstance(row, dict) and all(isinstance(row.get(key), str) for key in ("instance_id", "verdict"))


def _what(found: Any) -> str:
    if isinstance(found, dict) and found.get("format") == backup.FORMAT:
        return "it is a backup of fleet.aws_ssm"
    if isinstance(found, dict) and {"totals", "instances"} <= set(found):
        return f'it lacks "format": "{FORMAT}", which every report has'
    return f'it has no "format": "{FORMAT}"'
