# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of every regional module."""

from __future__ import annotations


class ModuleDocFragment:
    """Options O(regions) and O(timeout)."""

    DOCUMENTATION = r"""
options:
  regions:
    description:
      - The regions to work on, all in this one task and side by side. A list, or a string with commas or white space
        between the names (AWX surveys give strings).
      - V(all) stands for every region that is enabled in the account (needs C(ec2:DescribeRegions)).
      - Without it, O(region) is used, or the region of the environment or of the profile.
      - A name that AWS does not have, or a region that the account has not enabled, is an error before the first
        change. Any other failing region does not keep the others from being handled.
      - It goes before O(region), which C(module_defaults) may set for the modules of amazon.aws.
      - With V(all), a region that a service control policy of the organization closes is left out. Such a policy also
        closes it to the roles of instances, so nothing there can be managed.
    type: list
    elements: raw
  timeout:
    description:
      - Seconds for the whole task. Regions that have not answered by then are reported as failed with the code
        C(DeadlineExceeded), the others with their result.
    type: int
    default: 300
"""
