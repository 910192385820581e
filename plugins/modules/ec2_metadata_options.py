#!/usr/bin/python
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Set the metadata options (IMDSv2 and others) of many instances of many regions, and the account's defaults."""

from __future__ import annotations

DOCUMENTATION = r"""
module: ec2_metadata_options
short_description: Set the metadata options (IMDSv2) of many instances of many regions
version_added: 1.0.0
description:
  - Sets options of the instance metadata service (IMDS) of EC2 instances, in any number of regions in one task, side by
    side and paced at the rate that EC2's token buckets give (100 calls at once, then 5 a second, in each region).
  - Sets also the account's defaults for new instances in each region, with O(account_defaults). They don't touch
    instances that are there already.
  - Only what is given is set, and only instances and regions that differ are written, with
    U(https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ModifyInstanceMetadataOptions.html) and
    U(https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ModifyInstanceMetadataDefaults.html).
  - Skips instances that are neither running nor stopped, or that an AWS service operates. RV(instances[].reason) says why.
  - Reads instances again right before it changes them, if it read them more than 5 seconds ago. An instance whose options
    have changed meanwhile fails with the code C(ChangedMeanwhile) and is left alone.
author:
  - The fleet.aws_ssm contributors (@fleet-aws)
options:
  http_tokens:
    description:
      - V(required) is IMDSv2 only, V(optional) allows IMDSv1 as well.
      - Unset leaves it as it is, and so it is with the other options. Where they are words, an empty string is unset, too.
    type: str
  http_endpoint:
    description:
      - Whether instances can reach the metadata service, V(enabled) or V(disabled).
      - The SSM Agent needs it (U(https://docs.aws.amazon.com/systems-manager/latest/userguide/ssm-agent-technical-details.html)),
        so V(disabled) makes Systems Manager lose the instances, and gives a warning.
    type: str
  http_put_response_hop_limit:
    description:
      - How many hops the answer to a request for a token may travel, from V(1) to V(64). Containers need V(2), see
        U(https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/configuring-instance-metadata-options.html).
    type: int
  http_protocol_ipv6:
    description: Whether the metadata service has an IPv6 address, too, V(enabled) or V(disabled).
    type: str
  instance_metadata_tags:
    description: Whether the metadata hold the instance's tags, V(enabled) or V(disabled).
    type: str
  account_defaults:
    description:
      - The account's defaults for new instances in each region. What is given at the launch wins over them, and they win
        over the image, see
        U(https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/configuring-instance-metadata-options.html#instance-metadata-options-order-of-precedence).
      - Where a declarative policy of the organization sets other defaults, the region fails with the code
        C(ManagedByDeclarativePolicy).
    type: dict
    suboptions:
      http_tokens:
        description: V(optional), V(required), or V(no-preference), which takes the default back.
        type: str
      http_endpoint:
        description: V(enabled), V(disabled), or V(no-preference), which takes the default back.
        type: str
      http_put_response_hop_limit:
        description: From V(1) to V(64), or V(-1), which takes the default back.
        type: int
      instance_metadata_tags:
        description: V(enabled), V(disabled), or V(no-preference), which takes the default back.
        type: str
  state:
    description:
      - V(present) sets the options.
      - V(restored) gives instances and regions back the options that O(backup) or O(backup_file) holds.
      - An option that someone else has changed since fails with the code C(ChangedSince). An instance that no longer
        exists fails with C(Gone). O(overwrite) restores the one, and skips the other.
      - An instance that can't be changed as it is (pending, stopping, or operated by an AWS service) fails with
        C(NotChangeable). All others are restored. What is already as it was is no failure.
    type: str
    choices: [present, restored]
    default: present
  wait:
    description:
      - Whether to wait until EC2 says that the options are applied. An instance on which they are not by then fails with
        the code C(DeadlineExceeded); it is changed all the same.
      - On stopped instances they are applied when the instance is started. That is not waited for.
    type: bool
    default: true
extends_documentation_fragment:
  - fleet.aws_ssm.attributes
  - fleet.aws_ssm.regions
  - fleet.aws_ssm.instances
  - fleet.aws_ssm.backup
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
seealso:
  - module: amazon.aws.ec2_instance
  - module: fleet.aws_ssm.instance_profile_association
notes:
  - One of O(instance_ids), O(filters) and O(all_instances) is required with an option of instances. They are not needed
    for O(account_defaults) alone, or for O(state=restored).
  - Software that speaks IMDSv1 only stops working with O(http_tokens=required). The metric C(MetadataNoToken) of CloudWatch
    tells which instances still have such software.
  - EC2 allows 100 changes at once in each region, then 5 a second. Raise O(timeout) for large fleets.
  - Where a declarative policy of the organization enforces IMDSv2, AWS refuses C(http_tokens=optional). An instance that is
    to be restored to it fails with AWS's message.
  - Needs C(ec2:DescribeInstances) and, for changes, C(ec2:ModifyInstanceMetadataOptions). O(account_defaults) needs
    C(ec2:GetInstanceMetadataDefaults) and, for changes, C(ec2:ModifyInstanceMetadataDefaults). The account's id for
    RV(backup) comes from C(sts:GetCallerIdentity), which needs no permission. It is asked only if there is something to
    change or to restore.
"""

EXAMPLES = r"""
- name: Require IMDSv2 on every instance, and on those to come
  fleet.aws_ssm.ec2_metadata_options:
    http_tokens: required
    all_instances: true
    account_defaults:
      http_tokens: required
      http_put_response_hop_limit: 2
    regions: all
    backup_file: before.json

- name: Undo that
  fleet.aws_ssm.ec2_metadata_options:
    state: restored
    backup_file: before.json

- name: Let the SSM Agent reach the metadata service again
  fleet.aws_ssm.ec2_metadata_options:
    http_endpoint: enabled
    filters:
      metadata-options.http-endpoint: disabled
    regions: [eu-west-1, eu-central-1]
"""

RETURN = r"""
instances:
  description: Each instance and what became of it.
  returned: success, or failure after the instances were read
  type: list
  elements: dict
  contains:
    instance_id:
      description: The instance.
      type: str
    region:
      description: Its region.
      type: str
    state:
      description: Its state, such as V(running); none if it no longer exists, or could not be read.
      type: str
    before:
      description: The options that it had, by the names that they have as options of this module.
      type: dict
    after:
      description: The options that it has now, or would have in check mode.
      type: dict
    changed:
      description: Whether it was changed.
      type: bool
    skipped:
      description: Whether it could not be changed as it is.
      type: bool
    failed:
      description: Whether changing it failed, or the change is not in effect yet.
      type: bool
    reason:
      description: Why it was skipped, or which options could not be restored; empty where there is nothing to say.
      type: str
    error:
      description: >-
        Why it failed, with C(code) (AWS's, C(ChangedMeanwhile), C(ChangedSince), C(Gone), C(NotChangeable) or
        C(DeadlineExceeded)) and C(message).
      type: dict
      returned: when it failed
account_defaults:
  description: Each region and what became of its defaults; empty unless they were asked for.
  returned: success, or failure after the instances were read
  type: list
  elements: dict
  contains:
    region:
      description: The region.
      type: str
    before:
      description: The defaults that it had, V(no-preference) and V(-1) where none was set; none if they could not be read.
      type: dict
    after:
      description: The defaults that it has now, or would have in check mode.
      type: dict
    managed_by:
      description: Who sets them, V(account) or V(declarative-policy).
      type: str
    changed:
      description: Whether they were changed.
      type: bool
    skipped:
      description: Always false; kept for the same form as RV(instances).
      type: bool
    failed:
      description: Whether they could not be read or changed.
      type: bool
    reason:
      description: Why they were left as they are; empty where there is nothing to say.
      type: str
    error:
      description: >-
        Why the region failed, with C(code) (AWS's, C(ManagedByDeclarativePolicy), C(ChangedMeanwhile), C(ChangedSince) or
        C(DeadlineExceeded)) and C(message).
      type: dict
      returned: when the region failed
backup:
  description:
    - What was changed, and what AWS gave no answer to, for that may have been changed. Entries in the form that O(backup)
      takes with O(state=restored), and that O(backup_file) holds.
  returned: success, or failure after the instances were read
  type: list
  elements: dict
  contains:
    module:
      description: This module, which restores the entry.
      type: str
    kind:
      description: V(instance_metadata_option) or V(instance_metadata_default).
      type: str
    account:
      description: The account's id.
      type: str
    partition:
      description: The AWS partition, such as V(aws).
      type: str
    region:
      description: The region; none for what is global.
      type: str
    resource:
      description: The instance and the option, such as C(i-0123456789abcdef0/http_tokens), or for a default the option.
      type: str
    before:
      description: The value that it had.
      type: raw
    after:
      description: The value that it got. For a default, V(no-preference) and V(-1) stand for none.
      type: raw
    time:
      description: When the change was written to O(backup_file), in UTC. Empty here.
      type: str
    run:
      description: Which run wrote it. Empty here.
      type: str
failed_regions:
  description: Regions whose instances could not be read, with C(region) and C(error).
  returned: success, or failure after the instances were read
  type: list
  elements: dict
forbidden_regions:
  description:
    - With O(regions=all), the regions that a service control policy of the organization closes. They are left out, which
      is no failure.
  returned: success, or failure after the instances were read
  type: list
  elements: str
"""

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

from ansible_collections.fleet.aws_ssm.plugins.module_utils._core.backup_task import BACKUP_SPEC
from ansible_collections.fleet.aws_ssm.plugins.module_utils._instance_metadata.module import run
from ansible_collections.fleet.aws_ssm.plugins.module_utils._instance_metadata.request import OPTIONS_SPEC
from ansible_collections.fleet.aws_ssm.plugins.module_utils._instance_selection import SELECTION_SPEC
from ansible_collections.fleet.aws_ssm.plugins.module_utils._module import execute
from ansible_collections.fleet.aws_ssm.plugins.module_utils._regional import REGIONS_SPEC


def main() -> None:
    """Entry point."""
    execute(
        AnsibleAWSModule(
            argument_spec={
                **REGIONS_SPEC,
                **SELECTION_SPEC,
                **OPTIONS_SPEC,
                **BACKUP_SPEC,
                "state": {"type": "str", "choices": ["present", "restored"], "default": "present"},
                "wait": {"type": "bool", "default": True},
            },
            supports_check_mode=True,
        ),
        run,
    )


if __name__ == "__main__":
    main()
