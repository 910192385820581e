#!/usr/bin/python
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read and check the variables of a role or a playbook. The action plugin of this name does it, on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: role_options
short_description: Reads and checks the variables of a role or a playbook of this collection
version_added: 1.0.0
description:
  - Roles and playbooks of this collection call it first, so that a wrong variable is an error before AWS is asked.
  - Each variable may be what YAML has for it, or the text that an AWX survey gives. Empty text and null stand for the default.
  - All that is wrong is told in one line, which names the variable, its value, and what is allowed.
  - A variable that begins as those of the collection do and nearly has the name of one, such as C(ssm_region), is an error
    that names the right one. Any other name is somebody's own.
author:
  - The fleet.aws_ssm contributors (@fleet-aws)
options:
  role:
    description: The role. Exactly one of O(role) and O(playbook) is required.
    type: str
    choices: [dhmc, preflight, instance_profile, profile_association, readiness_report, s3_policy, operator_policy]
  playbook:
    description: The playbook. The variables of its roles are checked, too.
    type: str
    choices: [enable_ssm, attach_instance_profile, disable_ssm, audit_ssm]
  state:
    description: What an entry point of O(role) is for. It counts instead of the role's variable C(state).
    type: str
    choices: [present, absent, restored]
attributes:
  action:
    description: Has an action plugin of the same name, which runs on the controller.
    support: full
  async:
    description: Runs on the controller, so there is nothing to wait for.
    support: none
  bypass_host_loop:
    description: Runs for each host of its own.
    support: none
  platform:
    description: Where the module can run.
    support: full
    platforms: posix
  check_mode:
    description: Only reads variables, so it does the same in check mode.
    support: full
  diff_mode:
    description: Changes nothing, so there is nothing to show.
    support: N/A
  idempotent:
    description: Changes nothing.
    support: full
seealso:
  - name: Variables
    description: The README of each role explains its variables.
    link: https://docs.ansible.com/ansible/latest/collections/fleet/aws_ssm/
"""

EXAMPLES = r"""
- name: Read the variables of the role dhmc
  fleet.aws_ssm.role_options:
    role: dhmc
  register: read

- name: Show the regions
  ansible.builtin.debug:
    var: read.options.regions
"""

RETURN = r"""
options:
  description:
    - The value of each variable, with defaults, by its name without the prefix. A list is a list and a boolean a boolean,
      whatever was given. Paths are absolute.
    - With O(playbook), C(roles) holds the same for each role.
  returned: success
  type: dict
  sample:
    overwrite: false
    regions: [eu-west-1, us-east-1]
"""
