# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A table of what became of each region."""

from __future__ import annotations

DOCUMENTATION = r"""
name: region_table
short_description: A readable table of what became of each region
version_added: 1.0.0
author:
  - The fleet.aws_ssm contributors (@fleet-aws)
description:
  - Turns the regions that M(fleet.aws_ssm.ssm_service_setting) returns into the lines of a table, for
    M(ansible.builtin.debug).
options:
  _input:
    description: RV(fleet.aws_ssm.ssm_service_setting#module:regions).
    type: list
    elements: dict
    required: true
  check_mode:
    description: Whether the regions come from check mode, so that the table says what would change.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Show each region
  ansible.builtin.debug:
    msg: "{{ dhmc_result.regions | fleet.aws_ssm.region_table(check_mode=ansible_check_mode) }}"
"""

RETURN = r"""
_value:
  description: The lines, with a heading, a line for each region and a total.
  type: list
  elements: str
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.fleet.aws_ssm.plugins.module_utils._core.text import count
from ansible_collections.fleet.aws_ssm.plugins.module_utils._table import aligned
from ansible_collections.fleet.aws_ssm.plugins.plugin_utils._filter_input import takes

_HEADINGS = ("REGION", "BEFORE", "AFTER", "RESULT")


@takes("the list 'regions' that ssm_service_setting returns")
def region_table(regions: Iterable[Mapping[str, Any]], *, check_mode: bool = False) -> list[str]:
    """The lines of the table."""
    found = None if isinstance(regions, (str, Mapping)) else list(regions)
    if found is None or not all(isinstance(row, Mapping) for row in found):
        raise AnsibleFilterError("region_table takes the list 'regions' that ssm_service_setting returns.")
    rows = [
        (str(row["region"]), _shown(row.get("before")), _shown(row.get("after")), _result(row, check_mode=check_mode))
        for row in found
    ]
    lines = aligned([_HEADINGS, *rows])
    changed = sum(1 for row in found if row.get("changed"))
    failed = sum(1 for row in found if row.get("failed"))
    would = " to change" if check_mode else " changed"
    total = count(len(rows), "region")
    lines.append(f"{total}: {changed}{would}, {len(rows) - changed - failed} unchanged, {failed} failed")
    return lines


def _shown(value: Any) -> str:
    return "(unset)" if value is None else str(value)


def _result(row: Mapping[str, Any], *, check_mode: bool) -> str:
    if row.get("failed"):
        return "FAILED: {code}: {message}".format(**row["error"])
    if row.get("changed"):
        return "would change" if check_mode else "changed"
    return row.get("reason") or "unchanged"


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Filters by name."""
        return {"region_table": region_table}
