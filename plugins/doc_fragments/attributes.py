# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every module of the collection supports."""

from __future__ import annotations


class ModuleDocFragment:
    """Attributes of modules that write, of modules that only read (INFO), and of the action that waits (WAIT)."""

    DOCUMENTATION = r"""
options: {}
attributes:
  action_group:
    description: Use C(group/fleet.aws_ssm.aws) in C(module_defaults) to set its defaults, and those of amazon.aws.
    support: full
    membership:
      - fleet.aws_ssm.aws
  platform:
    description: Where the module can run.
    support: full
    platforms: posix
  check_mode:
    description: Says what it would change, from the same plan that a run carries out, and calls no writing API.
    support: full
  diff_mode:
    description: Shows what is changed, before and after, for each region or resource.
    support: full
  idempotent:
    description: A second run with the same options reports no change and calls no writing API.
    support: full
"""

    INFO = r"""
options: {}
attributes:
  action_group:
    description: Use C(group/fleet.aws_ssm.aws) in C(module_defaults) to set its defaults, and those of amazon.aws.
    support: full
    membership:
      - fleet.aws_ssm.aws
  platform:
    description: Where the module can run.
    support: full
    platforms: posix
  check_mode:
    description: Only reads, so it does the same in check mode.
    support: full
  diff_mode:
    description: Changes nothing, so there is nothing to show.
    support: N/A
  idempotent:
    description: Changes nothing.
    support: full
"""

    WAIT = r"""
options: {}
attributes:
  action:
    description: Has an action plugin of the same name, which runs on the controller.
    support: full
  action_group:
    description: Use C(group/fleet.aws_ssm.aws) in C(module_defaults) to set its defaults, and those of amazon.aws.
    support: full
    membership:
      - fleet.aws_ssm.aws
  async:
    description: Can't run with C(async), as its lines would not be seen.
    support: none
  bypass_host_loop:
    description: Runs for each host of its own.
    support: none
  platform:
    description: Where the module can run.
    support: full
    platforms: posix
  check_mode:
    description: Looks once, says what it finds, and does not wait.
    support: full
  diff_mode:
    description: Changes nothing, so there is nothing to show.
    support: N/A
  idempotent:
    description: Changes nothing.
    support: full
"""
