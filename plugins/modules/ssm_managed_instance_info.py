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
  - Reports for every EC2 instance, in any number of regions with one task, whether AWS Systems Manager manages it and how; if
    not, why, and how to fix it.
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
    elements: raw
  filters:
    description:
      - Only the instances that these filters let through, as for M(amazon.aws.ec2_instance_info). Instances that are
        terminated, or about to be, are left out unless C(instance-state-name) says otherwise.
    type: dict
  baseline:
    description: An earlier result of this module, to compare with. See RV(comparison).
    type: dict
  backup_file_name:
    description: The file that the commands in fixes name, to keep what they replace. The module does not touch it.
    type: str
    default: before.json
  fail_on_unread:
    description:
      - Whether to fail if a region, or a part of IAM, could not be read. The result holds in both cases what was read, and C(msg)
        says what is missing.
      - Set it to V(false) to report first, and fail afterwards.
    type: bool
    default: true
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
  - With O(regions=all), a region that a service control policy of the organization closes is no failure. It has the reason
    V(region_forbidden), and is in RV(forbidden_regions). A region is closed if each of its reads is denied in the words of
    such a policy. A region that the task names is a failure.
  - 'The reasons: V(region_off), V(region_forbidden), V(imds_off), V(imdsv1_allowed), V(dhmc_off),
    V(dhmc_role_missing), V(dhmc_role_untrusted), V(dhmc_role_unpermitted), V(dhmc_unclear), V(dhmc_role_foreign),
    V(profile_blocks_dhmc), V(profile_half_grants), V(profile_without_role), V(profile_untrusted), V(profile_unclear),
    V(profile_recreated), V(association_stuck), V(agent_too_old), V(private_dns_off), V(missing_vpc_endpoints),
    V(no_egress), V(endpoint_not_ready), V(endpoint_group_closed), V(endpoint_policy_denies), V(network_unclear),
    V(node_quota_near), V(changed_recently), V(agent_silent), V(not_running), V(service_managed).'
  - A fix has a command only if all that it names is known and a shell takes it as it is. It changes what the reason is about
    and nothing else. Commands of C(ansible) and C(ansible-playbook) keep what they replace in O(backup_file_name), which
    C(disable_ssm.yml) takes back. Commands of C(aws) don't. What needs a decision, such as a policy or a route, is words.
  - Needs C(ec2:DescribeInstances), C(ec2:DescribeIamInstanceProfileAssociations), C(ssm:DescribeInstanceProperties) or
    C(ssm:DescribeInstanceInformation), C(ssm:GetServiceSetting); what
    M(fleet.aws_ssm.instance_profile_permission_info) needs of IAM, but for C(iam:ListInstanceProfilesForRole); and, where
    networks are read, C(ec2:DescribeVpcEndpoints), C(ec2:DescribeRouteTables), C(ec2:DescribeSecurityGroups),
    C(ec2:DescribeVpcAttribute), C(ec2:DescribeSubnets), C(ec2:DescribeNetworkInterfaces), C(ec2:DescribeManagedPrefixLists)
    and C(ec2:GetManagedPrefixListEntries). What the last four may not read is said to be unknown.
  - What a role gives is judged for the instance itself, with its region, its account and its tags. Where something else
    decides, such as the network that a call comes from, the reason is V(profile_unclear) or V(dhmc_unclear). Its message
    names the statement. Service control policies are not looked at.
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
      description: V(dhmc) or V(profile), through which a managed instance gets its credentials; empty where that is unclear.
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
          description: What fixes it, in one line, words, a command, or both.
          type: str
        command:
          description: The command in it, which a shell takes as it is; empty if there is none.
          type: str
regions:
  description: Each region. With O(regions=all) also those that are not enabled.
  returned: success, or failure after the regions were read
  type: list
  elements: dict
  contains:
    region:
      description: The region.
      type: str
    enabled:
      description: Whether the region is enabled in the account.
      type: bool
    forbidden:
      description: Whether a service control policy closes it.
      type: bool
    dhmc:
      description: The role that is set for DHMC, empty for none; none where that could not be read.
      type: str
    dhmc_usable:
      description: Whether the role exists, trusts Systems Manager and allows what agents need, by what was read; none where that
        is unclear, or DHMC is off.
      type: bool
    dhmc_problem:
      description: Why the role can't be used, or why that is unclear; else empty.
      type: str
    instances:
      description: The number of instances.
      type: int
    in_scope:
      description: How many of them are in scope.
      type: int
    managed:
      description: How many of them are managed.
      type: int
    coverage:
      description: Per cent of those in scope that are managed; none where none is in scope.
      type: float
    verdicts:
      description: How often each verdict occurs.
      type: dict
    nodes:
      description: The number of managed nodes.
      type: int
    reasons:
      description: Reasons of the region itself, as those of an instance.
      type: list
      elements: dict
    failed:
      description: Whether not all of it could be read.
      type: bool
    error:
      description: AWS's C(code) and C(message).
      returned: if it failed
      type: dict
totals:
  description: The whole.
  returned: success, or failure after the regions were read
  type: dict
  contains:
    instances:
      description: The number of instances.
      type: int
    in_scope:
      description: How many of them are in scope.
      type: int
    managed:
      description: How many of them are managed.
      type: int
    coverage:
      description: Per cent of those in scope that are managed; none where none is in scope.
      type: float
    verdicts:
      description: How often each verdict occurs.
      type: dict
    reasons:
      description: How often each reason occurs, the most frequent first.
      type: dict
reasons:
  description: Each reason that occurs, the gravest and most frequent first.
  returned: success, or failure after the regions were read
  type: list
  elements: dict
  contains:
    reason:
      description: One of the codes in the notes.
      type: str
    severity:
      description: The gravest with which it occurs.
      type: str
    count:
      description: How often it occurs.
      type: int
    title:
      description: What it means.
      type: str
    fix:
      description: What fixes all of them at once, in one line, words, a command, or both. Regions, profiles and roles are filled in.
      type: str
    command:
      description:
        - The command in it, which a shell takes as it is; empty if there is none. Each instance has its own command in
          RV(instances[].reasons) where one is not enough.
        - More than 100 instances are named by what their metadata options are, and not by their ids. Such a command is for all
          running instances of the regions, whatever O(filters) says.
      type: str
comparison:
  description: What has become of the instances since the earlier result.
  returned: with O(baseline)
  type: dict
  contains:
    generated:
      description: When AWS was asked for the earlier result.
      type: str
    coverage_before:
      description: The coverage then.
      type: float
    coverage:
      description: The coverage now.
      type: float
    now_managed:
      description: The ids of instances that are managed now and were not then.
      type: list
      elements: str
    no_longer_managed:
      description: The ids of instances that were managed then and are not now.
      type: list
      elements: str
    new:
      description: The ids of instances that were not there then.
      type: list
      elements: str
    gone:
      description: The ids of instances that are not there now.
      type: list
      elements: str
unread:
  description: IAM reads that failed, one line each. Reasons that depend on them are missing.
  returned: success, or failure after the regions were read
  type: list
  elements: str
failed_regions:
  description: Regions of which not all could be read.
  returned: success, or failure after the regions were read
  type: list
  elements: dict
  contains:
    region:
      description: The region.
      type: str
    error:
      description: AWS's C(code) and C(message).
      type: dict
forbidden_regions:
  description: The names of the regions that a service control policy closes, with O(regions=all).
  returned: success, or failure after the regions were read
  type: list
  elements: str
msg:
  description: What could not be read, in one line.
  returned: if not all could be read
  type: str
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
                "instance_ids": {"type": "list", "elements": "raw"},
                "filters": {"type": "dict"},
                "baseline": {"type": "dict"},
                "backup_file_name": {"type": "str", "default": "before.json"},
                "fail_on_unread": {"type": "bool", "default": True},
                "node_quota": {"type": "int", "default": 2400},
            },
            supports_check_mode=True,
        ),
        run_info,
    )


if __name__ == "__main__":
    main()
