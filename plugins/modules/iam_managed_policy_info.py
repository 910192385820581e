#!/usr/bin/python
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read managed policies of the account with their documents and tags."""

from __future__ import annotations

DOCUMENTATION = r"""
module: iam_managed_policy_info
short_description: Read managed policies of the account with their documents and tags
version_added: 1.0.0
description:
  - Finds customer managed policies by name, whatever their path, and reads the default version's document and the tags.
  - IAM does not tell names apart by case, and neither does this module.
author:
  - The fleet.aws_ssm contributors (@fleet-aws)
options:
  names:
    description: The names. Names that no policy of the account has are passed over.
    type: list
    elements: str
    required: true
  numbered:
    description: Whether to read the policies C(NAME-2) to C(NAME-99) as well, as far as they exist.
    type: bool
    default: false
extends_documentation_fragment:
  - fleet.aws_ssm.attributes.info
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
seealso:
  - module: amazon.aws.iam_managed_policy
notes:
  - Needs C(iam:ListPolicies), C(iam:GetPolicy) and C(iam:GetPolicyVersion).
"""

EXAMPLES = r"""
- name: Read the policies that the role s3_policy made
  fleet.aws_ssm.iam_managed_policy_info:
    names: [SSMInstanceProfileS3Policy]
    numbered: true
  register: found

- name: Keep their documents
  ansible.builtin.copy:
    content: "{{ found.policies | to_nice_json }}"
    dest: s3_policies.json
    mode: "0600"
"""

RETURN = r"""
policies:
  description: The policies that exist, in the order of O(names) and of their numbers.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: The policy's name as IAM has it.
      type: str
    arn:
      description: The policy's ARN.
      type: str
    path:
      description: The policy's path.
      type: str
    description:
      description: The policy's description, which may be empty.
      type: str
    tags:
      description: The policy's tags.
      type: dict
    default_version_id:
      description: The version that is in force.
      type: str
      sample: v3
    attachment_count:
      description: How many users, groups and roles the policy is attached to.
      type: int
    document:
      description: The document of the version that is in force.
      type: dict
"""

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

from ansible_collections.fleet.aws_ssm.plugins.module_utils._iam_account_module import run_policies
from ansible_collections.fleet.aws_ssm.plugins.module_utils._module import execute


def main() -> None:
    """Entry point."""
    execute(
        AnsibleAWSModule(
            argument_spec={
                "names": {"type": "list", "elements": "str", "required": True},
                "numbered": {"type": "bool", "default": False},
            },
            supports_check_mode=True,
        ),
        run_policies,
    )


if __name__ == "__main__":
    main()
