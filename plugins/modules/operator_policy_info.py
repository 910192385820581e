#!/usr/bin/python
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Work out the least-privilege policies for the collection's operators."""

from __future__ import annotations

DOCUMENTATION = r"""
module: operator_policy_info
short_description: Work out the least-privilege policies for the collection's operators
version_added: 1.0.0
description:
  - Works out the policy documents of the filter P(fleet.aws_ssm.operator_policy_document#filter), for the account and the
    region of the credentials unless others are given. With both given, AWS is not asked, and no credentials are needed.
  - M(fleet.aws_ssm.iam_policy_set) makes policies of them.
author:
  - The fleet.aws_ssm contributors (@fleet-aws)
options:
  features:
    description:
      - What the operator may do, each as the option C(feature) of P(fleet.aws_ssm.operator_policy_document#filter) has it.
        A list, or a string with commas.
    type: list
    elements: str
    required: true
  regions:
    description:
      - The regions, all of one partition. A list, or a string with commas. V(all) allows every region, also those that AWS
        opens later.
      - Without it the region of O(region), the environment or the profile.
    type: list
    elements: raw
  account:
    description: The account's id, 12 digits, in quotes. Without it that of the credentials.
    type: str
  partition:
    description: The partition. Without it that of the credentials or of the regions, or V(aws) with V(all).
    type: str
  labels:
    description:
      - What error messages call the options, by the option's name. For a role that hands its own variables over.
    type: dict
    default: {}
extends_documentation_fragment:
  - fleet.aws_ssm.attributes.info
  - fleet.aws_ssm.operator_policy
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
seealso:
  - module: fleet.aws_ssm.iam_policy_set
  - plugin: fleet.aws_ssm.operator_policy_document
    plugin_type: filter
notes:
  - A policy has room for 6,144 characters. One that does not fit is an error.
  - Needs no permission.
"""

EXAMPLES = r"""
- name: Work out the policies for turning DHMC on in two regions
  fleet.aws_ssm.operator_policy_info:
    features: [dhmc, dhmc_role]
    regions: [eu-west-1, eu-central-1]
  register: wanted

- name: Make them
  fleet.aws_ssm.iam_policy_set:
    owner: operator_policy
    policies: "{{ wanted.policies }}"
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
documents:
  description: The policy documents by feature.
  returned: success
  type: dict
policies:
  description: The policies, in the order of O(features).
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: The policy's name, O(name_prefix) and the feature.
      type: str
    document:
      description: The policy document.
      type: dict
"""

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

from ansible_collections.fleet.aws_ssm.plugins.module_utils._module import execute
from ansible_collections.fleet.aws_ssm.plugins.module_utils._operator_policies.info_module import run
from ansible_collections.fleet.aws_ssm.plugins.module_utils._policy_set.module import LABELS_SPEC
from ansible_collections.fleet.aws_ssm.plugins.module_utils._regional import REGIONS_SPEC


def main() -> None:
    """Entry point."""
    names = {"type": "list", "elements": "str", "default": []}
    execute(
        AnsibleAWSModule(
            argument_spec={
                **{name: REGIONS_SPEC[name] for name in ("region", "regions")},
                **LABELS_SPEC,
                "features": {"type": "list", "elements": "str", "required": True},
                "account": {"type": "str"},
                "partition": {"type": "str"},
                "role": {"type": "str", "default": "service-role/AWSSystemsManagerDefaultEC2InstanceManagementRole"},
                "instance_profile": {"type": "str", "default": "SSMInstanceProfile"},
                "instance_role": {"type": "str"},
                "other_roles": names,
                "s3_policy": {"type": "str", "default": "SSMInstanceProfileS3Policy"},
                "s3_attach_to": names,
                "managed_policies": names,
                "editable_policies": names,
                "inline_policies": {"type": "raw", "default": False},
                "permissions_boundary": {"type": "str"},
                "name_prefix": {"type": "str", "default": "FleetSSMOperator-"},
                "path": {"type": "str", "default": "/"},
            },
            supports_check_mode=True,
        ),
        run,
    )


if __name__ == "__main__":
    main()
