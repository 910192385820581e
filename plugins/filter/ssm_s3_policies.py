# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The IAM policies for the S3 buckets that Systems Manager uses."""

from __future__ import annotations

DOCUMENTATION = r"""
name: ssm_s3_policies
short_description: The IAM policies for the S3 buckets that Systems Manager uses
version_added: 1.0.0
author:
  - The fleet.aws_ssm contributors (@fleet-aws)
description:
  - Makes the policy documents of AWS's page "Configure instance permissions required for Systems Manager", for the role
    of Default Host Management Configuration or of an instance profile.
  - A statement for each region allows reading AWS's own buckets there, which is needed where VPC endpoints are used. A
    further one allows using buckets of your own. No region and no bucket is ever replaced by a wildcard.
  - What does not fit into one policy is spread over the fewest policies, O(name), C(NAME-2), C(NAME-3) and so on.
options:
  _input:
    description:
      - The regions, as a list or a string with commas between them. Empty if there are only buckets of your own.
    type: raw
    required: true
  partition:
    description: The partition, which the ARNs begin with. All the regions must belong to it.
    type: str
    default: aws
  bucket_set:
    description:
      - V(current) is every bucket that a page of AWS's user guide names. Among them are those of Patch Manager, whose
        names end in a code for each region.
      - V(page) is the eight buckets that the page above names.
    type: str
    choices: [current, page]
    default: current
  extra_region_buckets:
    description:
      - More buckets of AWS, as lists of names by region. A region of which the collection knows no buckets can only be
        used with them, and is an error otherwise.
      - Regions that are not among the input are not used.
    type: dict
    default: {}
  vpc_endpoints:
    description:
      - Whether the instances reach Systems Manager through VPC endpoints. Without these they need no permission for
        AWS's buckets, and none is given.
      - By default V(true) if there are regions.
    type: bool
  buckets:
    description:
      - Your own buckets, each a name, an ARN or a dictionary. A string may hold several with commas between them.
    type: list
    elements: raw
    default: []
    suboptions:
      name:
        description: The bucket's name or ARN.
        type: str
        required: true
      cross_account:
        description: Whether the bucket is in another account, which takes C(s3:PutObjectAcl).
        type: bool
        default: false
      encrypted:
        description:
          - Whether the bucket is set up for encryption, which takes C(s3:GetEncryptionConfiguration) and the bucket
            itself beside its objects. By default V(true) if there are O(buckets[].kms_key_arns).
        type: bool
      kms_key_arns:
        description: The KMS keys to allow C(kms:GenerateDataKey) and C(kms:Decrypt) on, as ARNs.
        type: list
        elements: str
        default: []
  name:
    description:
      - The name of the first policy. It can't end in a number from 2 to 99 after a hyphen, as the further ones do.
    type: str
    default: SSMInstanceProfileS3Policy
  existing:
    description:
      - The policies that there are, each a dictionary with C(name) and C(document). A region or bucket stays in the
        policy where it is, unless fewer policies are possible, and a new one goes into the first that has room.
    type: list
    elements: dict
    default: []
  size_limit:
    description: How many characters a policy may have. White space does not count.
    type: int
    default: 6144
  max_policies:
    description: How many policies a role may have attached. More is an error.
    type: int
    default: 20
seealso:
  - plugin: fleet.aws_ssm.s3_policy
    plugin_type: role
  - module: fleet.aws_ssm.ssm_s3_policies_info
  - name: Configure instance permissions required for Systems Manager
    description: The page that has the policy.
    link: https://docs.aws.amazon.com/systems-manager/latest/userguide/setup-instance-permissions.html
  - name: SSM Agent communications with AWS managed S3 buckets
    description: AWS's list of the buckets that agents use.
    link: https://docs.aws.amazon.com/systems-manager/latest/userguide/ssm-agent-technical-details.html
"""

EXAMPLES = r"""
- name: Show the policies for two regions with VPC endpoints and for a bucket of our own
  ansible.builtin.debug:
    msg: "{{ ['eu-west-1', 'eu-central-1'] | fleet.aws_ssm.ssm_s3_policies(buckets=['our-session-logs']) }}"

- name: Only buckets of our own, one of them in another account and encrypted with a KMS key
  ansible.builtin.debug:
    msg: "{{ [] | fleet.aws_ssm.ssm_s3_policies(buckets=buckets) }}"
  vars:
    buckets:
      - our-session-logs
      - name: their-inventory
        cross_account: true
        kms_key_arns: ["arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"]

- name: A region of China, whose buckets the collection does not know
  ansible.builtin.debug:
    msg: >-
      {{ 'cn-north-1' | fleet.aws_ssm.ssm_s3_policies(partition='aws-cn', extra_region_buckets={
           'cn-north-1': ['aws-ssm-cn-north-1', 'amazon-ssm-cn-north-1']}) }}
"""

RETURN = r"""
_value:
  description: The policies, in the order of their numbers.
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

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.fleet.aws_ssm.plugins.module_utils._errors import InputError
from ansible_collections.fleet.aws_ssm.plugins.module_utils._s3_policy import policies_for
from ansible_collections.fleet.aws_ssm.plugins.plugin_utils._filter_input import takes


@takes("region names")
def ssm_s3_policies(  # noqa: PLR0913
    regions: Any,
    *,
    partition: str = "aws",
    bucket_set: str = "current",
    extra_region_buckets: Any = None,
    vpc_endpoints: Any = None,
    buckets: Any = None,
    name: str = "SSMInstanceProfileS3Policy",
    existing: Any = None,
    size_limit: Any = 6144,
    max_policies: Any = 20,
) -> list[dict[str, Any]]:
    """The policies, each a name and a document."""
    try:
        return policies_for(
            regions,
            partition=partition,
            bucket_set=bucket_set,
            extra_region_buckets=extra_region_buckets,
            vpc_endpoints=vpc_endpoints,
            buckets=buckets,
            name=name,
            existing=existing,
            size_limit=size_limit,
            max_policies=max_policies,
        )
    except InputError as error:
        raise AnsibleFilterError(str(error)) from error


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Filters by name."""
        return {"ssm_s3_policies": ssm_s3_policies}
