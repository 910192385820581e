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

# A spreadsheet runs a cell that starts like this, also with the wide forms of the signs. In a region whose lists are
# separated by semicolons it makes a new cell after each of them, whatever the quotes say.
_SIGNS = "=+\\-@\uff1d\uff0b\uff0d\uff20"
_START = re.compile(rf"^(?=[\t\r\n]|\s*[{_SIGNS}])")
_INSIDE = re.compile(rf"([;\t\r\n]\s*)(?=[{_SIGNS}])")


def sheet(result: Row) -> str:
    """A line of headings and one for each instance."""
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
    return text.getvalue()


def inert(value: Any) -> str:
    """The text, with an apostrophe before what a spreadsheet would take for a formula."""
    text = "" if value is None else str(value)
    return _INSIDE.sub(r"\1'", _START.sub("'", text))
