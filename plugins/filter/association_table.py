# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A table of what became of the instances of each region."""

from __future__ import annotations

DOCUMENTATION = r"""
name: association_table
short_description: A readable table of what became of the instances of each region
version_added: 1.0.0
author:
  - The fleet.aws_ssm contributors (@fleet-aws)
description:
  - Turns the instances that M(fleet.aws_ssm.instance_profile_association) returns into the lines of a table, for
    M(ansible.builtin.debug). A line for each region, and one for each instance that failed or was skipped.
options:
  _input:
    description: RV(fleet.aws_ssm.instance_profile_association#module:instances).
    type: list
    elements: dict
    required: true
  check_mode:
    description: Whether the instances come from check mode, so that the table says what would change.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Show what became of the instances
  ansible.builtin.debug:
    msg: "{{ profile_association_result.instances | fleet.aws_ssm.association_table(check_mode=ansible_check_mode) }}"
"""

RETURN = r"""
_value:
  description: The lines.
  type: list
  elements: str
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.fleet.aws_ssm.plugins.module_utils._core.text import printable
from ansible_collections.fleet.aws_ssm.plugins.module_utils._table import aligned
from ansible_collections.fleet.aws_ssm.plugins.plugin_utils._filter_input import takes


@takes("the list 'instances' that instance_profile_association returns")
def association_table(instances: Iterable[Mapping[str, Any]], *, check_mode: bool = False) -> list[str]:
    """The lines of the table."""
    rows = None if isinstance(instances, (str, Mapping)) else list(instances)
    if rows is None or not all(isinstance(row, Mapping) for row in rows):
        raise AnsibleFilterError(
            "association_table takes the list 'instances' that instance_profile_association returns."
        )
    changed = "TO CHANGE" if check_mode else "CHANGED"
    lines = aligned(
        [
            ("REGION", "INSTANCES", changed, "UNCHANGED", "SKIPPED", "FAILED"),
            *(
                (region, *_counts(row for row in rows if row["region"] == region))
                for region in dict.fromkeys(row["region"] for row in rows)
            ),
            ("all", *_counts(rows)),
        ]
    )
    lines += [
        f"{row['region']} {row['instance_id']}: FAILED: {row['error']['code']}: {row['error']['message']}"
        for row in rows
        if row["failed"]
    ]
    lines += [f"{row['region']} {row['instance_id']}: skipped: {row['reason']}" for row in rows if row["skipped"]]
    return [printable(line) for line in lines]


def _counts(rows: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    kinds = Counter(
        "failed" if row["failed"] else "skipped" if row["skipped"] else "changed" if row["changed"] else "unchanged"
        for row in rows
    )
    return tuple(
        str(count) for count in (kinds.total(), *(kinds[k] for k in ("changed", "unchanged", "skipped", "failed")))
    )


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Filters by name."""
        return {"association_table": association_table}
