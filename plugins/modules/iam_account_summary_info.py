#!/usr/bin/python
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tell an account's IAM quotas and what is used of them."""

from __future__ import annotations

DOCUMENTATION = r"""
module: iam_account_summary_info
short_description: Tell an account's IAM quotas and what is used of them
version_added: 1.0.0
description:
  - Reads the quotas that IAM has for the account, which AWS may have raised, and how many roles, policies and instance
    profiles there are.
  - Also tells which account, partition and region the task works with.
author:
  - The fleet.aws_ssm contributors (@fleet-aws)
extends_documentation_fragment:
  - fleet.aws_ssm.attributes.info
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
seealso:
  - module: amazon.aws.aws_caller_info
notes:
  - Needs C(iam:GetAccountSummary).
"""

EXAMPLES = r"""
- name: Read the quotas
  fleet.aws_ssm.iam_account_summary_info:
  register: account

- name: Stop if no more than ten policies can be attached to a role
  ansible.builtin.assert:
    that: account.summary.AttachedPoliciesPerRoleQuota > 10
"""

RETURN = r"""
account:
  description: The account's id.
  returned: success
  type: str
  sample: "111122223333"
partition:
  description: The partition, as ARNs have it.
  returned: success
  type: str
  sample: aws
region:
  description: The region of the task's options, the environment or the profile; none if there is none.
  returned: success
  type: str
summary:
  description: The numbers by the names that IAM's C(GetAccountSummary) gives them.
  returned: success
  type: dict
  sample:
    AttachedPoliciesPerRoleQuota: 20
    PolicySizeQuota: 6144
    Policies: 12
    PoliciesQuota: 1500
"""

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

from ansible_collections.fleet.aws_ssm.plugins.module_utils._iam_account_module import run_summary
from ansible_collections.fleet.aws_ssm.plugins.module_utils._module import execute


def main() -> None:
    """Entry point."""
    execute(AnsibleAWSModule(argument_spec={}, supports_check_mode=True), run_summary)


if __name__ == "__main__":
    main()
