#!/usr/bin/python
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Work out the IAM policies for the S3 buckets that Systems Manager uses, for an account."""

from __future__ import annotations

DOCUMENTATION = r"""
module: ssm_s3_policies_info
short_description: Work out an account's policies for the S3 buckets that Systems Manager uses
version_added: 1.0.0
description:
  - Works out the policies of the filter P(fleet.aws_ssm.ssm_s3_policies#filter) for the account of the credentials. It reads
    the partition, the account's quotas and the policies that there are.
  - A region or a bucket stays in the policy in which it is. So hardly a policy changes if a region is added.
  - M(fleet.aws_ssm.iam_policy_set) makes them.
author:
  - The fleet.aws_ssm contributors (@fleet-aws)
options:
  regions:
    description:
      - The regions with VPC endpoints. A list, a string with commas, or V(all) for every region that is enabled in the
        account. Without it the region of O(region), the environment or the profile.
    type: list
    elements: raw
  vpc_endpoints:
    description:
      - Whether the instances reach Systems Manager through VPC endpoints. Without these they need no permission for AWS's
        buckets, and none is given. V(true) if it is empty.
    type: raw
  bucket_set:
    description:
      - V(current) is every bucket that a page of AWS's user guide names. Among them are those of Patch Manager, whose names
        end in a code for each region.
      - V(page) is the eight buckets of AWS's page "Configure instance permissions required for Systems Manager".
      - V(current) if it is empty.
    type: str
    default: current
  extra_region_buckets:
    description:
      - More buckets of AWS, as lists of names by region. A region of which the collection knows no buckets can only be used
        with them, and is an error otherwise.
    type: raw
  buckets:
    description:
      - Your own buckets. A list of names, ARNs or dictionaries with C(name), C(cross_account), C(encrypted) and
        C(kms_key_arns), as P(fleet.aws_ssm.ssm_s3_policies#filter) has them. A string may hold several with commas between
        them.
    type: raw
  name:
    description: The name of the first policy. Further ones get a number, as in C(SSMInstanceProfileS3Policy-2).
    type: str
    default: SSMInstanceProfileS3Policy
  owner:
    description: The value of the tag C(fleet.aws_ssm/made-by) of the policies whose content is kept where it is.
    type: str
    default: s3_policy
  labels:
    description:
      - What error messages call the options, by the option's name. For a role that hands its own variables over.
    type: dict
    default: {}
  timeout:
    description: How many seconds the task may take.
    type: int
    default: 300
extends_documentation_fragment:
  - fleet.aws_ssm.attributes.info
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
seealso:
  - module: fleet.aws_ssm.iam_policy_set
  - plugin: fleet.aws_ssm.ssm_s3_policies
    plugin_type: filter
notes:
  - Needs C(iam:GetAccountSummary) and C(iam:ListPolicies); C(iam:GetPolicy) and C(iam:GetPolicyVersion) on the policies; and
    C(ec2:DescribeRegions) for V(all).
"""

EXAMPLES = r"""
- name: Work out the policies for all regions and a bucket of our own
  fleet.aws_ssm.ssm_s3_policies_info:
    regions: all
    buckets: [our-session-logs]
  register: wanted

- name: Make them
  fleet.aws_ssm.iam_policy_set:
    owner: s3_policy
    family: SSMInstanceProfileS3Policy
    policies: "{{ wanted.policies }}"
    detach: true
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
regions:
  description: The regions that are meant.
  returned: success
  type: list
  elements: str
policies:
  description: The policies, in the order of their numbers.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: The policy's name.
      type: str
    document:
      description: The policy document.
      type: dict
"""

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

from ansible_collections.fleet.aws_ssm.plugins.module_utils._module import execute
from ansible_collections.fleet.aws_ssm.plugins.module_utils._policy_set.module import LABELS_SPEC
from ansible_collections.fleet.aws_ssm.plugins.module_utils._regional import REGIONS_SPEC
from ansible_collections.fleet.aws_ssm.plugins.module_utils._s3_policies.info_module import run


def main() -> None:
    """Entry point."""
    execute(
        AnsibleAWSModule(
            argument_spec={
                **REGIONS_SPEC,
                **LABELS_SPEC,
                "vpc_endpoints": {"type": "raw"},
                "bucket_set": {"type": "str", "default": "current"},
                "extra_region_buckets": {"type": "raw"},
                "buckets": {"type": "raw"},
                "name": {"type": "str", "default": "SSMInstanceProfileS3Policy"},
                "owner": {"type": "str", "default": "s3_policy"},
            },
            supports_check_mode=True,
        ),
        run,
    )


if __name__ == "__main__":
    main()
