# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Rules: the readiness report's instances as CSV. Pure."""

from __future__ import annotations

import csv
import io
import re
from typing import Any

from ansible_collections.fleet.aws_ssm.plugins.module_utils._report_words import Row

_FIELDS = (
    "account", "region", "instance_id", "name", "state", "verdict", "way", "instance_profile", "role", "vpc_id",
    "subnet_id", "platform", "agent_version", "ping_status", "last_ping", "launched",
)  # fmt: skip
COLUMNS = (*_FIELDS, "severity", "reasons", "messages", "fixes")
# How the first line of every version begins, which is what marks a CSV as a report.
HEADING = ",".join(_FIELDS)

# A spreadsheet runs a cell that starts like this, also with the wide forms of the signs. In a region whose lists are
# separated by semicolons it makes a new cell after each of them, whatever the quotes say.
_SIGNS = "=+\\-@\uff1d\uff0b\uff0d\uff20"
_START = re.compile(rf"^(?=[\t\r\n]|\s*[{_SIGNS}])")
_INSIDE = re.compile(rf"([;\t\r\n]\s*)(?=[{_SIGNS}])")


# Kept as they are: a quoted cell may have lines. All other control characters are for terminals only.
_CONTROLS = {code: 0x2400 + code for code in range(32) if chr(code) not in "\t\r\n"} | {127: 0x2421}
_CONTROLS |= dict.fromkeys(range(128, 160), 0xFFFD)


def sheet(result: Row) -> str:
    """A line of headings, one for each instance, and one for each region that was not read."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in result["instances"]:
        found = row["reasons"]
        cells = [row.get(field) for field in _FIELDS]
        # Blocking ones come first.
        cells.append(found[0]["severity"] if found else "")
        cells += ["; ".join(dict.fromkeys(one.get(key) or "" for one in found)) for key in ("reason", "message", "fix")]
        writer.writerow([inert(cell) for cell in cells])
    for row in result["regions"]:
        if row.get("forbidden") or row["failed"]:
            writer.writerow([inert(cell) for cell in _unread(result, row)])
    return text.getvalue()


def _unread(result: Row, row: Row) -> list[Any]:
    """The cells of a region whose instances are not, or not all, in the sheet. It has no instance id."""
    known = {"account": result.get("account"), "region": row["region"]}
    if row.get("forbidden"):
        (why,) = [one for one in row["reasons"] if one["reason"] == "region_forbidden"]
        known["state"] = "forbidden"
        more = [why["severity"], why["reason"], why["message"], why["fix"]]
    else:
        known["state"] = "not read"
        more = ["blocking", "region_not_read", f"{row['error']['code']}: {row['error']['message']}", ""]
    return [*(known.get(field, "") for field in _FIELDS), *more]


def inert(value: Any) -> str:
    """The text, with an apostrophe before what a spreadsheet would take for a formula."""
    text = "" if value is None else str(value).translate(_CONTROLS)
    return _INSIDE.sub(r"\1'", _START.sub("'", text))
