# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The readiness report as one HTML page."""

from __future__ import annotations

DOCUMENTATION = r"""
name: readiness_page
short_description: The readiness report as one HTML page
version_added: 1.0.0
author:
  - The fleet.aws_ssm contributors (@fleet-aws)
description:
  - Turns the result of M(fleet.aws_ssm.ssm_managed_instance_info) into one HTML page, with the coverage of each region
    as a chart, the trend, the reasons with their fixes, and a table of the instances that can be filtered and sorted.
  - The page is self-contained and asks for nothing from anywhere. All values are escaped, and a policy inside the page
    keeps any other script than its own from running.
options:
  _input:
    description: What M(fleet.aws_ssm.ssm_managed_instance_info) returned.
    type: dict
    required: true
  title:
    description: The page's title.
    type: str
    default: Systems Manager readiness
positional: title
"""

EXAMPLES = r"""
- name: Write the page
  ansible.builtin.copy:
    dest: readiness.html
    content: "{{ survey | fleet.aws_ssm.readiness_page('Production') }}"
    mode: "0600"
"""

RETURN = r"""
_value:
  description: The page.
  type: str
"""

from collections.abc import Callable, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.fleet.aws_ssm.plugins.module_utils._report_page import page
from ansible_collections.fleet.aws_ssm.plugins.plugin_utils._filter_input import takes


@takes("what ssm_managed_instance_info returns")
def readiness_page(result: Mapping[str, Any], title: str = "Systems Manager readiness") -> str:
    """The whole page."""
    if not isinstance(result, Mapping) or "totals" not in result:
        raise AnsibleFilterError("readiness_page takes what ssm_managed_instance_info returns.")
    return page(result, title)


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Filters by name."""
        return {"readiness_page": readiness_page}
