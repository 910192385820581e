#!/usr/bin/python
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wait until Systems Manager manages the instances. The waiting itself is done by the action plugin of this name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: ssm_managed_instance_wait
short_description: Wait until Systems Manager manages the instances, with a line of progress
version_added: 1.0.0
description:
  - Looks at the EC2 instances of any number of regions, as M(fleet.aws_ssm.ssm_managed_instance_info) does, until enough of
    them are managed instances of AWS Systems Manager, and shows a line for each look. SSM Agents may take up to 35 minutes
    to notice a change.
  - 'The line: V(ssm: 34 of 40 managed after 3m20s (eu-west-1 20/20, us-east-1 14/20\), next look in 45s).'
  - Waited for are the instances that run, or are about to (C(pending)), and that no AWS service operates.
  - It also ends where waiting can't help, because something that does not go away by itself keeps every missing instance
    from being managed; see O(stop_when_hopeless).
  - A look that fails, or a region that can't be read, is told in the line and tried again. Wrong options fail at once, and
    so do credentials or permissions with which the first look can read no region.
author:
  - The fleet.aws_ssm contributors (@fleet-aws)
options:
  instance_ids:
    description:
      - Only these instances, each in one of the regions. A list, or a string with commas or white space between the ids. An
        id that is in none of the regions is an error.
    type: list
    elements: raw
  filters:
    description:
      - Only the instances that these filters let through, as for M(amazon.aws.ec2_instance_info). Each look applies them
        again, so that instances that are launched meanwhile are waited for too.
    type: dict
  coverage:
    description: The target, how many per cent of the instances must be managed.
    type: float
    default: 100
  min_managed:
    description: The target, how many instances must be managed at least. For those that are yet to be launched.
    type: int
    default: 0
  allow_none:
    description:
      - Whether it is a success that there is no instance to wait for. Without it that is an error, as O(filters) with a slip
        in them let none through; not in check mode, nor with O(min_managed).
    type: bool
    default: false
  wait_timeout:
    description: Seconds to wait at most. V(0) stands for one look.
    type: float
    default: 2100
  interval:
    description: Seconds between the first and the second look. The pauses grow by half from each to the next, and differ by
      chance by up to a quarter.
    type: float
    default: 15
  max_interval:
    description: Seconds to which the pauses grow; without effect if it is less than O(interval).
    type: float
    default: 120
  stop_when_hopeless:
    description:
      - Whether to end where every missing instance has a blocking reason other than V(agent_silent), V(profile_unclear) and
        V(dhmc_unclear), and where the regions that can't be read refuse the credentials or permissions.
      - Set it to V(false) if instances reach AWS through a proxy, which V(no_egress) can't detect.
      - Where such a reason rests on roles and profiles, which IAM may show late, a second look must find the same.
    type: bool
    default: true
  fail_on_timeout:
    description: Whether to fail if the target is not reached, because it timed out or is blocked. Not in check mode.
    type: bool
    default: false
  timeout:
    description: Seconds for one look. Regions that have not answered by then are read with the next one.
    type: int
    default: 300
extends_documentation_fragment:
  - fleet.aws_ssm.attributes.wait
  - fleet.aws_ssm.regions
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
seealso:
  - module: fleet.aws_ssm.ssm_managed_instance_info
notes:
  - The loop runs on the controller, each look where the task runs. Use C(connection=local) or C(delegate_to=localhost) unless
    the host itself has credentials.
  - Where its output goes into a pipe, Ansible shows nothing until there is enough of it; set C(PYTHONUNBUFFERED=1) there to
    see the lines in time. Terminals and AWX need nothing.
  - With C(no_log=true) there are no lines.
  - Needs the permissions that M(fleet.aws_ssm.ssm_managed_instance_info) needs. Without those on IAM and networks it counts
    all the same, but can't tell whether there is hope.
"""

EXAMPLES = r"""
- name: Wait until every instance of two regions is managed
  fleet.aws_ssm.ssm_managed_instance_wait:
    regions: [eu-west-1, us-east-1]
  register: waited

- name: Say what is missing
  ansible.builtin.debug:
    msg: "{{ waited.missing | map(attribute='instance_id') | join(', ') }}"
  when: not waited.reached

- name: Wait for the instances that were just launched, and fail without them
  fleet.aws_ssm.ssm_managed_instance_wait:
    region: eu-west-1
    filters:
      tag:role: web
    min_managed: 3
    wait_timeout: 600
    fail_on_timeout: true

- name: Wait for nearly all, everywhere
  fleet.aws_ssm.ssm_managed_instance_wait:
    regions: all
    coverage: 95
"""

RETURN = r"""
reached:
  description: Whether the target is reached, and every region could be read.
  returned: once a look succeeded
  type: bool
timed_out:
  description: Whether O(wait_timeout) ended the wait.
  returned: once a look succeeded
  type: bool
hopeless:
  description: Whether waiting longer does not help, by what the last look found.
  returned: once a look succeeded
  type: bool
elapsed:
  description: Seconds since the first look began.
  returned: once a look succeeded
  type: float
  sample: 200.4
looks:
  description: How many looks there were, also those that failed.
  returned: once a look succeeded
  type: int
  sample: 6
totals:
  description: The sum of all regions.
  returned: once a look succeeded
  type: dict
  contains:
    in_scope:
      description: The number of instances that are waited for.
      type: int
    managed:
      description: How many of them are managed.
      type: int
    missing:
      description: How many are not.
      type: int
    coverage:
      description: Per cent; none where there are no instances.
      type: float
regions:
  description: Each region, as it was when it could be read last.
  returned: once a look succeeded
  type: list
  elements: dict
  contains:
    region:
      description: The region.
      type: str
    in_scope:
      description: The number of instances that are waited for.
      type: int
    managed:
      description: How many of them are managed.
      type: int
    forbidden:
      description: Whether a service control policy closes it, with O(regions=all). Nothing is waited for there.
      type: bool
    failed:
      description: Whether the last look could not read it.
      type: bool
    error:
      description: AWS's error.
      returned: if it failed
      type: dict
      contains:
        code:
          description: AWS's code.
          type: str
        message:
          description: AWS's message.
          type: str
missing:
  description: Each instance that is waited for and not managed.
  returned: once a look succeeded
  type: list
  elements: dict
  contains:
    region:
      description: The region.
      type: str
    instance_id:
      description: The instance.
      type: str
    name:
      description: Its tag C(Name), empty if it has none.
      type: str
    verdict:
      description: V(pending), V(connection_lost) or V(not_managed), as in M(fleet.aws_ssm.ssm_managed_instance_info).
      type: str
    reason:
      description: The gravest reason, one of those of M(fleet.aws_ssm.ssm_managed_instance_info).
      type: str
    fix:
      description: What fixes it, in one line, words, a command, or both.
      type: str
    command:
      description: The command in it, which a shell takes as it is; empty if there is none.
      type: str
    may_come:
      description: Whether waiting may help.
      type: bool
"""

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

from ansible_collections.fleet.aws_ssm.plugins.module_utils._module import execute
from ansible_collections.fleet.aws_ssm.plugins.module_utils._regional import REGIONS_SPEC
from ansible_collections.fleet.aws_ssm.plugins.module_utils._wait_module import run_look


def main() -> None:
    """Entry point."""
    execute(
        AnsibleAWSModule(
            argument_spec={
                **REGIONS_SPEC,
                "instance_ids": {"type": "list", "elements": "raw"},
                "filters": {"type": "dict"},
                "coverage": {"type": "float", "default": 100},
                "min_managed": {"type": "int", "default": 0},
                "allow_none": {"type": "bool", "default": False},
                "wait_timeout": {"type": "float", "default": 2100},
                "interval": {"type": "float", "default": 15},
                "max_interval": {"type": "float", "default": 120},
                "stop_when_hopeless": {"type": "bool", "default": True},
                "fail_on_timeout": {"type": "bool", "default": False},
            },
            supports_check_mode=True,
        ),
        run_look,
    )


if __name__ == "__main__":
    main()
