#!/usr/bin/python
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Put an instance profile on many instances of many regions, or take it off."""

from __future__ import annotations

DOCUMENTATION = r"""
module: instance_profile_association
short_description: Put an instance profile on many instances of many regions
version_added: 1.0.0
description:
  - Associates an instance profile with EC2 instances, in any number of regions in one task, side by side and paced at the
    rate that EC2's token buckets give (100 calls at once, then 5 a second, in each region).
  - An instance has one profile at most. What happens with instances that have another one already is O(existing).
  - Running instances get another profile in one step. A stopped one has to be disassociated and associated; if the second
    half fails, it gets its old profile back.
  - Instances that are neither running nor stopped, and those that an AWS service operates, are skipped, and
    RV(instances[].reason) says why.
  - Looks every association up right before it changes it. An instance whose profile has changed meanwhile fails with the
    code C(ChangedMeanwhile) and is left alone.
author:
  - The fleet.aws_ssm contributors (@fleet-aws)
options:
  instance_profile:
    description: The instance profile's name, its path and name, or its ARN. Required unless O(state=restored).
    type: str
  existing:
    description:
      - What to do with an instance that has another profile.
      - V(keep) leaves it as it is.
      - V(replace) gives it this profile instead. What it had is in RV(backup).
      - V(extend) leaves it the profile and attaches O(policies) to the role behind it.
    type: str
    choices: [keep, replace, extend]
    default: keep
  policies:
    description: The managed policies (names or ARNs) that O(existing=extend) attaches.
    type: list
    elements: str
    default: [AmazonSSMManagedInstanceCore]
  state:
    description:
      - V(present) puts the profile on the instances.
      - V(absent) takes this profile off them, and no other one.
      - V(restored) gives instances back the profiles that O(backup) or O(backup_file) holds, then detaches the policies
        that O(existing=extend) attached to roles.
      - An instance to which someone else has given another profile since fails with the code C(ChangedSince). One that no
        longer exists fails with C(Gone). O(overwrite) restores the one, and skips the other.
      - An instance that can't be changed as it is (pending, stopping, or operated by an AWS service) fails with
        C(NotChangeable), and one whose earlier profile is gone with C(NoSuchProfile). All others are restored. What is
        already as it was is no failure.
      - A policy stays, and fails with the code C(InUse), on a role that Default Host Management Configuration uses in
        a region of the account, if the role needs it to let Systems Manager manage instances.
    type: str
    choices: [present, absent, restored]
    default: present
  wait:
    description: Whether to wait until the associations are in effect.
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
  - module: amazon.aws.iam_instance_profile
  - module: fleet.aws_ssm.instance_profile_policy
notes:
  - A profile that was made a moment ago is waited for, up to two minutes. A profile that does not exist is an error.
  - Instances see the credentials of a new profile within minutes, and the SSM Agent may take up to 30 minutes to use them.
  - Needs C(ec2:DescribeInstances), C(ec2:DescribeIamInstanceProfileAssociations), C(iam:GetInstanceProfile), and for
    changes C(ec2:AssociateIamInstanceProfile), C(ec2:ReplaceIamInstanceProfileAssociation),
    C(ec2:DisassociateIamInstanceProfile), and C(iam:PassRole) on the profile's role. O(existing=extend) needs what
    M(fleet.aws_ssm.instance_profile_policy) needs.
  - O(state=restored) needs C(iam:GetInstanceProfile) and C(iam:PassRole) for the profiles of the backup. To detach what
    O(existing=extend) attached, it needs C(iam:DetachRolePolicy), C(iam:GetRole), C(iam:ListAttachedRolePolicies),
    C(iam:ListRolePolicies), C(iam:GetRolePolicy), C(iam:GetPolicy) and C(iam:GetPolicyVersion), and to see which roles
    Default Host Management Configuration uses C(ec2:DescribeRegions) and, in every region, C(ssm:GetServiceSetting).
  - The account's id for RV(backup) comes from C(sts:GetCallerIdentity), which needs no permission. It is asked only if
    there is something to change or to restore.
"""

EXAMPLES = r"""
- name: Give every instance that has no profile one for Systems Manager
  fleet.aws_ssm.instance_profile_association:
    instance_profile: SSMInstanceProfile
    all_instances: true
    regions: all
    backup_file: before.json

- name: Undo that
  fleet.aws_ssm.instance_profile_association:
    state: restored
    backup_file: before.json

- name: Let Systems Manager manage the web servers, whatever profile they have
  fleet.aws_ssm.instance_profile_association:
    instance_profile: SSMInstanceProfile
    filters:
      tag:role: web
    existing: extend
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
    operation:
      description: >-
        V(associate), V(replace), V(swap) (disassociate, then associate), V(disassociate), V(extend), V(keep), V(skip), or
        V(refuse) for what can't be restored.
      type: str
    before:
      description: The ARN of the profile that it had, or none.
      type: str
    after:
      description: The ARN of the profile that it has now, or would have in check mode.
      type: str
    changed:
      description: Whether it, or with O(existing=extend) the role of its profile, was changed.
      type: bool
    skipped:
      description: Whether it could not be changed as it is.
      type: bool
    failed:
      description: Whether changing it failed.
      type: bool
    reason:
      description: Why it was left as it is; empty where there is nothing to say.
      type: str
    error:
      description: >-
        Why it failed, with C(code) (AWS's, C(ChangedMeanwhile), C(ChangedSince), C(Gone), C(NotChangeable),
        C(NoSuchProfile) or C(DeadlineExceeded)) and C(message).
      type: dict
      returned: when it failed
role_policies:
  description: The policies that were attached to roles, and what became of them.
  returned: O(state=restored), also on failure after the instances were read
  type: list
  elements: dict
  contains:
    role:
      description: The role's name.
      type: str
    policy:
      description: The policy's ARN.
      type: str
    operation:
      description: V(detach), V(attach), V(keep), or V(refuse) for what can't be restored.
      type: str
    before:
      description: Whether it was attached.
      type: bool
    after:
      description: Whether it is attached now, or would be in check mode.
      type: bool
    changed:
      description: Whether it was changed.
      type: bool
    failed:
      description: Whether it could not be restored.
      type: bool
    reason:
      description: Why not; empty where there is nothing to say.
      type: str
    error:
      description: Why it failed, with C(code) (AWS's, or C(InUse)) and C(message).
      type: dict
      returned: when it failed
extended:
  description: The profiles whose roles got policies.
  returned: O(state=present) and O(state=absent), also on failure after the instances were read
  type: list
  elements: dict
  contains:
    instance_profile:
      description: The profile's ARN.
      type: str
    role:
      description: The role's name.
      type: str
    attached:
      description: The ARNs of the policies.
      type: list
      elements: str
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
      description: V(instance_profile_association) or V(role_policy_attachment).
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
      description: The instance, or the role and the policy's ARN, such as C(Role/arn:aws:iam::aws:policy/ReadOnlyAccess).
      type: str
    before:
      description: The ARN of the profile that it had, none for no profile; whether the policy was attached.
      type: raw
    after:
      description: The ARN of the profile that it got, none for no profile; whether the policy is attached.
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
from ansible_collections.fleet.aws_ssm.plugins.module_utils._instance_selection import SELECTION_SPEC
from ansible_collections.fleet.aws_ssm.plugins.module_utils._module import execute
from ansible_collections.fleet.aws_ssm.plugins.module_utils._profile_association.module import run
from ansible_collections.fleet.aws_ssm.plugins.module_utils._regional import REGIONS_SPEC


def main() -> None:
    """Entry point."""
    execute(
        AnsibleAWSModule(
            argument_spec={
                **REGIONS_SPEC,
                **SELECTION_SPEC,
                **BACKUP_SPEC,
                "instance_profile": {"type": "str"},
                "existing": {"type": "str", "choices": ["keep", "replace", "extend"], "default": "keep"},
                "policies": {"type": "list", "elements": "str", "default": ["AmazonSSMManagedInstanceCore"]},
                "state": {"type": "str", "choices": ["present", "absent", "restored"], "default": "present"},
                "wait": {"type": "bool", "default": True},
            },
            supports_check_mode=True,
        ),
        run,
    )


if __name__ == "__main__":
    main()
