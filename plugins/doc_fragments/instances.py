# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options that say which instances a module works on."""

from __future__ import annotations


class ModuleDocFragment:
    """Options O(instance_ids), O(filters) and O(all_instances)."""

    DOCUMENTATION = r"""
options:
  instance_ids:
    description:
      - The instances, each in one of the regions. A list, or a string with commas or white space between the ids. An id
        that is in none of the regions is an error before the first change. Mutually exclusive with O(filters).
    type: list
    elements: raw
  filters:
    description:
      - The instances that these filters let through, as for M(amazon.aws.ec2_instance_info). Instances that are
        terminated, or about to be, are left out unless C(instance-state-name) says otherwise.
    type: dict
  all_instances:
    description: Every instance of the regions. One of O(instance_ids), O(filters) and O(all_instances) is required.
    type: bool
    default: false
"""
