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
      - With O(state=restored), V(replace) restores also instances that were changed since the backup.
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
      - V(restored) gives them back what O(backup) holds.
    type: str
    choices: [present, absent, restored]
    default: present
  backup:
    description: What an earlier run returned as RV(backup). Required for O(state=restored).
    type: list
    elements: dict
    suboptions:
      region:
        description: The region.
        type: str
        required: true
      instance_id:
        description: The instance.
        type: str
        required: true
      instance_profile:
        description: The ARN of the profile to give back; unset for none.
        type: str
      replaced_with:
        description: The ARN of the profile that the earlier run put there; unset if it took one off.
        type: str
  wait:
    description: Whether to wait until the associations are in effect.
    type: bool
    default: true
extends_documentation_fragment:
  - fleet.aws_ssm.attributes
  - fleet.aws_ssm.regions
  - fleet.aws_ssm.instances
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
"""

EXAMPLES = r"""
- name: Give every instance that has no profile one for Systems Manager
  fleet.aws_ssm.instance_profile_association:
    instance_profile: SSMInstanceProfile
    all_instances: true
    regions: all
  register: associated

- name: Undo that
  fleet.aws_ssm.instance_profile_association:
    state: restored
    backup: "{{ associated.backup }}"

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
      description: Its state, such as V(running).
      type: str
    operation:
      description: V(associate), V(replace), V(swap) (disassociate, then associate), V(disassociate), V(extend), V(keep) or V(skip).
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
      description: Why it failed, with C(code) and C(message).
      type: dict
      returned: when it failed
extended:
  description: The profiles whose roles got policies.
  returned: success, or failure after the instances were read
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
  description: What instances had before, in the form that O(backup) takes with O(state=restored).
  returned: success, or failure after the instances were read
  type: list
  elements: dict
failed_regions:
  description: Regions whose instances could not be read, with C(region) and C(error).
  returned: success, or failure after the instances were read
  type: list
  elements: dict
"""

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

from ansible_collections.fleet.aws_ssm.plugins.module_utils._profile_association.module import run
from ansible_collections.fleet.aws_ssm.plugins.module_utils._instance_selection import SELECTION_SPEC
from ansible_collections.fleet.aws_ssm.plugins.module_utils._module import execute
from ansible_collections.fleet.aws_ssm.plugins.module_utils._regional import REGIONS_SPEC


def main() -> None:
    """Entry point."""
    backup_entry = {
        "region": {"type": "str", "required": True},
        "instance_id": {"type": "str", "required": True},
        "instance_profile": {"type": "str"},
        "replaced_with": {"type": "str"},
    }
    execute(
        AnsibleAWSModule(
            argument_spec={
                **REGIONS_SPEC,
                **SELECTION_SPEC,
                "instance_profile": {"type": "str"},
                "existing": {"type": "str", "choices": ["keep", "replace", "extend"], "default": "keep"},
                "policies": {"type": "list", "elements": "str", "default": ["AmazonSSMManagedInstanceCore"]},
                "state": {"type": "str", "choices": ["present", "absent", "restored"], "default": "present"},
                "backup": {"type": "list", "elements": "dict", "options": backup_entry},
                "wait": {"type": "bool", "default": True},
            },
            required_if=[("state", "restored", ["backup"])],
            supports_check_mode=True,
        ),
        run,
    )


if __name__ == "__main__":
    main()
