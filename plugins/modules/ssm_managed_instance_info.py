#!/usr/bin/python
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which instances Systems Manager manages, and of each other one, why not."""

from __future__ import annotations

DOCUMENTATION = r"""
module: ssm_managed_instance_info
short_description: Which instances Systems Manager manages, and why others are not
version_added: 1.0.0
description:
  - Says of every EC2 instance, in any number of regions with one task, whether it is a managed instance of AWS Systems
    Manager, by which way, or why not and what mends it.
  - 'An instance is V(managed) (a node that pings), V(connection_lost) (a node that does not), V(not_managed), V(pending)
    (nothing is wrong, and something was changed less than 35 minutes ago, which is how long agents may take to notice), or
    V(out_of_scope) (not running, or operated by an AWS service).'
  - Whether a node uses its instance profile or Default Host Management Configuration (DHMC) is worked out from the policy
    documents, in the order in which the SSM Agent tries them; no API says it.
  - 'What can''t be seen from outside: whether the agent is installed and running, firewalls and proxies, network ACLs, and
    service control policies. An instance for which nothing else is wrong has the reason V(agent_silent).'
  - Networks are read only where they can be the reason.
author:
  - The fleet.aws_ssm contributors (@fleet-aws)
options:
  instance_ids:
    description:
      - Only these instances, each in one of the regions. A list, or a string with commas or white space between the ids. An
        id that is in none of the regions is an error.
    type: list
    elements: str
  filters:
    description:
      - Only the instances that these filters let through, as for M(amazon.aws.ec2_instance_info). Instances that are
        terminated, or about to be, are left out unless C(instance-state-name) says otherwise.
    type: dict
  baseline:
    description: An earlier result of this module, to compare with. See RV(comparison).
    type: dict
  node_quota:
    description:
      - The region's quota of managed nodes. From 90 per cent of it on a region has the reason V(node_quota_near). V(0) stands
        for no quota.
      - AWS's default is 2,400 (U(https://docs.aws.amazon.com/general/latest/gr/ssm.html)).
    type: int
    default: 2400
extends_documentation_fragment:
  - fleet.aws_ssm.attributes.info
  - fleet.aws_ssm.regions
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
seealso:
  - module: fleet.aws_ssm.instance_profile_permission_info
  - module: fleet.aws_ssm.ssm_managed_instance_wait
notes:
  - 'The reasons: V(region_off), V(imds_off), V(imdsv1_allowed), V(dhmc_off), V(dhmc_role_missing), V(dhmc_role_untrusted),
    V(dhmc_role_unpermitted), V(dhmc_role_foreign), V(profile_blocks_dhmc), V(profile_half_grants), V(profile_without_role),
    V(profile_recreated), V(association_stuck), V(agent_too_old), V(private_dns_off), V(missing_vpc_endpoints), V(no_egress),
    V(endpoint_not_ready), V(endpoint_group_closed), V(endpoint_policy_denies), V(network_unclear),
    V(node_quota_near), V(changed_recently), V(agent_silent), V(not_running), V(service_managed).'
  - Needs C(ec2:DescribeInstances), C(ec2:DescribeIamInstanceProfileAssociations), C(ssm:DescribeInstanceProperties) or
    C(ssm:DescribeInstanceInformation), C(ssm:GetServiceSetting); what
    M(fleet.aws_ssm.instance_profile_permission_info) needs of IAM, but for C(iam:ListInstanceProfilesForRole); and, where
    networks are read, C(ec2:DescribeVpcEndpoints), C(ec2:DescribeRouteTables), C(ec2:DescribeSecurityGroups),
    C(ec2:DescribeVpcAttribute), C(ec2:DescribeSubnets), C(ec2:DescribeNetworkInterfaces), C(ec2:DescribeManagedPrefixLists)
    and C(ec2:GetManagedPrefixListEntries). What the last four may not read is said to be unknown.
  - A network keeps an instance away only where that is plain. What can't be seen from the instance's account and VPC, such
    as what is behind a transit gateway, an appliance, a private hosted zone or in a shared VPC, is V(network_unclear), with
    what to look at. Network ACLs, firewalls and proxies are not looked at.
  - A region has four calls, and one more for each 1,000 instances or nodes. The roles of a small account, and those of a
    larger one where many are in use, are read at once, if C(iam:GetAccountAuthorizationDetails) is permitted.
"""

EXAMPLES = r"""
- name: How many instances of all regions are managed?
  fleet.aws_ssm.ssm_managed_instance_info:
    regions: all
  register: found

- name: Say it
  ansible.builtin.debug:
    msg: "{{ found.totals.coverage }} per cent; {{ found.totals.reasons }}"

- name: Why are these not?
  fleet.aws_ssm.ssm_managed_instance_info:
    instance_ids: [i-0123456789abcdef0, i-0123456789abcdef1]
    region: eu-west-1

- name: What has changed since last week?
  fleet.aws_ssm.ssm_managed_instance_info:
    regions: all
    baseline: "{{ lookup('ansible.builtin.file', 'last-week.json') | from_json }}"
"""

RETURN = r"""
generated:
  description: When AWS was asked, in UTC.
  returned: success, or failure after the regions were read
  type: str
  sample: "2026-11-25T03:15:00+00:00"
account:
  description: The account's id; none if no region could be read.
  returned: success, or failure after the regions were read
  type: str
partition:
  description: The account's partition; none if no region could be read.
  returned: success, or failure after the regions were read
  type: str
instances:
  description: Each instance, by region, those that need something first.
  returned: success, or failure after the regions were read
  type: list
  elements: dict
  contains:
    account:
      description: The account's id.
      type: str
    region:
      description: The region.
      type: str
    instance_id:
      description: The instance.
      type: str
    name:
      description: Its tag C(Name), empty if it has none.
      type: str
    state:
      description: EC2's state.
      type: str
    verdict:
      description: V(managed), V(pending), V(connection_lost), V(not_managed) or V(out_of_scope).
      type: str
    way:
      description: V(dhmc) or V(profile), by which a managed instance gets in; empty where it can't be told.
      type: str
    instance_profile:
      description: The name of its instance profile, empty if it has none.
      type: str
    role:
      description: The role in it.
      type: str
    vpc_id:
      description: Its VPC.
      type: str
    subnet_id:
      description: Its subnet.
      type: str
    platform:
      description: V(Linux), V(Windows) or V(MacOS); empty if Systems Manager never saw it.
      type: str
    agent_version:
      description: The version of its SSM Agent; empty if Systems Manager never saw it.
      type: str
    ping_status:
      description: The node's status, V(Online) or V(ConnectionLost); empty if it is none.
      type: str
    last_ping:
      description: When its agent pinged last.
      type: str
    launched:
      description: When it was launched.
      type: str
    reasons:
      description: Why it is not managed, or what may go wrong, the gravest first.
      type: list
      elements: dict
      contains:
        reason:
          description: One of the codes in the notes.
          type: str
        severity:
          description: V(blocking), V(warning) or V(info).
          type: str
        message:
          description: What was seen.
          type: str
        fix:
          description: The playbook or command that mends it.
          type: str
regions:
  description: Each region with C(dhmc) (the role that is set, empty for none), C(coverage), C(verdicts), the number of
    C(nodes), and C(reasons) of its own. With O(regions=all) also those that are not C(enabled).
  returned: success, or failure after the regions were read
  type: list
  elements: dict
totals:
  description: The number of C(instances), of those C(in_scope) and C(managed), C(coverage) in per cent of those in scope
    (none where there are none), and how often each of C(verdicts) and C(reasons) occurs.
  returned: success, or failure after the regions were read
  type: dict
reasons:
  description: Each reason that occurs, the gravest and most frequent first, with C(title), C(count), C(severity), C(fix).
  returned: success, or failure after the regions were read
  type: list
  elements: dict
comparison:
  description: C(coverage_before) and C(coverage), and the ids of instances that are C(now_managed), C(no_longer_managed),
    C(new) or C(gone).
  returned: with O(baseline)
  type: dict
unread:
  description: What could not be read of IAM, in one line each. What it would have said is left out of the reasons.
  returned: success, or failure after the regions were read
  type: list
  elements: str
failed_regions:
  description: Regions of which not all could be read, with C(region) and C(error).
  returned: success, or failure after the regions were read
  type: list
  elements: dict
"""

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

from ansible_collections.fleet.aws_ssm.plugins.module_utils._managed_instance_module import run_info
from ansible_collections.fleet.aws_ssm.plugins.module_utils._module import execute
from ansible_collections.fleet.aws_ssm.plugins.module_utils._regional import REGIONS_SPEC


def main() -> None:
    """Entry point."""
    execute(
        AnsibleAWSModule(
            argument_spec={
                **REGIONS_SPEC,
                "instance_ids": {"type": "list", "elements": "str"},
                "filters": {"type": "dict"},
                "baseline": {"type": "dict"},
                "node_quota": {"type": "int", "default": 2400},
            },
            supports_check_mode=True,
        ),
        run_info,
    )


if __name__ == "__main__":
    main()
