# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The readiness report's instances as CSV."""

from __future__ import annotations

DOCUMENTATION = r"""
name: readiness_csv
short_description: The readiness report's instances as CSV
version_added: 1.0.0
author:
  - The fleet.aws_ssm contributors (@fleet-aws)
description:
  - Turns the result of M(fleet.aws_ssm.ssm_managed_instance_info) into CSV, with a line of headings and one for
    each instance.
  - A cell that a spreadsheet would take for a formula gets an apostrophe before it.
options:
  _input:
    description: What M(fleet.aws_ssm.ssm_managed_instance_info) returned.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Write the instances
  ansible.builtin.copy:
    dest: readiness.csv
    content: "{{ survey | fleet.aws_ssm.readiness_csv }}"
    mode: "0600"
"""

RETURN = r"""
_value:
  description: The text, its lines ended by a line feed.
  type: str
"""

from collections.abc import Callable, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.fleet.aws_ssm.plugins.module_utils._report_csv import sheet
from ansible_collections.fleet.aws_ssm.plugins.plugin_utils._filter_input import takes


@takes("what ssm_managed_instance_info returns")
def readiness_csv(result: Mapping[str, Any]) -> str:
    """A line for each instance."""
    if not isinstance(result, Mapping) or "instances" not in result:
        raise AnsibleFilterError("readiness_csv takes what ssm_managed_instance_info returns.")
    return sheet(result)


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Filters by name."""
        return {"readiness_csv": readiness_csv}
