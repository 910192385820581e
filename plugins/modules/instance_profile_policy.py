#!/usr/bin/python
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Put policies on the role behind an instance profile, or take them off."""

from __future__ import annotations

DOCUMENTATION = r"""
module: instance_profile_policy
short_description: Put policies on the role behind an instance profile, or take them off
version_added: 1.0.0
description:
  - Sees to it that managed and inline policies are, or are not, on the role that an EC2 instance profile holds, and leaves
    everything else on the role as it is.
  - The role is found through the profile, through an instance that uses it, or given by its name.
author:
  - The fleet.aws_ssm contributors (@fleet-aws)
options:
  instance_profile:
    description:
      - The instance profile's name, its path and name, or its ARN.
      - Exactly one of O(instance_profile), O(role) and O(instance_id) is required, except with O(state=restored).
    type: str
  role:
    description: The role's name, its path and name, or its ARN.
    type: str
  instance_id:
    description: An instance in O(region); the profile that it has now is taken.
    type: str
  managed_policies:
    description:
      - Managed policies, by name or ARN, of AWS or of the account. With a name, a policy of the account goes before one
        of AWS.
    type: list
    elements: str
  inline_policies:
    description:
      - Inline policies by name, each a policy document (a dictionary or JSON text). A document that says the same in
        another format or order is not written again.
      - With O(state=absent) only the names count.
    type: dict
  state:
    description:
      - Whether the policies should be on the role.
      - V(restored) puts back what O(backup) or O(backup_file) holds, on every role that it names.
    type: str
    choices: [present, absent, restored]
    default: present
  purge:
    description:
      - With O(state=present), whether to take all other policies off the role, managed and inline. What is taken off is
        in RV(backup), and diff mode shows it.
    type: bool
    default: false
extends_documentation_fragment:
  - fleet.aws_ssm.attributes
  - fleet.aws_ssm.backup
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
seealso:
  - module: amazon.aws.iam_role
  - module: fleet.aws_ssm.iam_role_access_info
notes:
  - A role may be in several instance profiles, and all of them change with it. The module warns and returns them as
    RV(other_profiles).
  - Policies are put on before others are taken off, except where the account's quota of attached policies leaves no room.
    The quotas are read from the account before the first change.
  - A role that Default Host Management Configuration uses in any region of the account keeps what allows
    C(ssm:UpdateInstanceInformation). A change that would take it away is refused. So the module reads the documents of the
    managed policies that it attaches or detaches (C(iam:GetPolicyVersion)). If one of them speaks of this action, it also
    reads the role's other policies and the setting of every region (C(ec2:DescribeRegions), C(ssm:GetServiceSetting)).
  - Instances get new permissions of their role within minutes; the SSM Agent may take up to 30 minutes to use them.
  - Needs C(iam:GetInstanceProfile), C(iam:GetRole), C(iam:ListInstanceProfilesForRole), C(iam:ListAttachedRolePolicies),
    C(iam:ListRolePolicies), C(iam:GetRolePolicy), C(iam:GetPolicy), C(iam:GetAccountSummary), and for changes
    C(iam:AttachRolePolicy), C(iam:DetachRolePolicy), C(iam:PutRolePolicy), C(iam:DeleteRolePolicy). O(instance_id) needs
    C(ec2:DescribeInstances), a policy name that is not found at once C(iam:ListPolicies).
"""

EXAMPLES = r"""
- name: Let Systems Manager manage the instances that have the profile WebServer
  fleet.aws_ssm.instance_profile_policy:
    instance_profile: WebServer
    managed_policies: [AmazonSSMManagedInstanceCore]

- name: Take away a policy and keep what it was
  fleet.aws_ssm.instance_profile_policy:
    instance_id: i-0123456789abcdef0
    region: eu-west-1
    inline_policies:
      OldBuckets:
    state: absent
  register: removed

- name: Put it back
  fleet.aws_ssm.instance_profile_policy:
    state: restored
    backup: "{{ removed.backup }}"
"""

RETURN = r"""
role:
  description: The role that was worked on.
  returned: success, or failure after it was found
  type: dict
  contains:
    name:
      description: The role's name.
      type: str
    arn:
      description: The role's ARN.
      type: str
instance_profile:
  description: The instance profile that the role was found through; none with O(role).
  returned: success, or failure after it was found
  type: str
other_profiles:
  description: The other instance profiles that hold the role, and so change with it.
  returned: success, or failure after it was found
  type: list
  elements: str
changes:
  description: What was done, or would be in check mode, in this order.
  returned: success, or failure after it was found
  type: list
  elements: dict
  contains:
    operation:
      description: V(attach) or V(detach) of a managed policy, V(put) or V(delete) of an inline policy.
      type: str
    policy:
      description: The policy's name.
      type: str
    arn:
      description: The managed policy's ARN.
      type: str
backup:
  description: What was changed, or may have been where IAM gave no answer, in the form that O(backup) takes.
  returned: success, or failure after the role was found, unless O(state=restored)
  type: list
  elements: dict
restored:
  description: Each policy of the backup and what became of it.
  returned: O(state=restored)
  type: list
  elements: dict
  contains:
    role:
      description: The role's name.
      type: str
    policy:
      description: The inline policy's name, or the managed policy's ARN.
      type: str
    operation:
      description: V(attach), V(detach), V(put), V(delete), or V(keep) if it is as it was.
      type: str
    before:
      description: The document, or V(attached), before; none if it was not there.
      type: raw
    after:
      description: The document, or V(attached), after; none if it is not there.
      type: raw
    changed:
      description: Whether it was changed, or would be in check mode.
      type: bool
    failed:
      description: Whether it could not be restored.
      type: bool
    error:
      description: Why not.
      type: dict
      returned: when it failed
      contains:
        code:
          description: AWS's error code, C(ChangedSince), C(Gone), C(InUse) or C(ChangedMeanwhile).
          type: str
        message:
          description: The reason in one line.
          type: str
managed_policies:
  description: The ARNs of all managed policies of the role afterwards.
  returned: success, or failure after it was found
  type: list
  elements: str
inline_policies:
  description: The names of all inline policies of the role afterwards.
  returned: success, or failure after it was found
  type: list
  elements: str
"""

from typing import Any

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

from ansible_collections.fleet.aws_ssm.plugins.module_utils._core.backup_task import BACKUP_SPEC, BackupTask
from ansible_collections.fleet.aws_ssm.plugins.module_utils._module import execute
from ansible_collections.fleet.aws_ssm.plugins.module_utils._profile_policy.module import run
from ansible_collections.fleet.aws_ssm.plugins.module_utils._profile_policy.restore import MODULE
from ansible_collections.fleet.aws_ssm.plugins.module_utils._profile_policy.restore_module import run_restored


def body(module: AnsibleAWSModule) -> dict[str, Any]:
    """Put on, take off, or restore."""
    backup = BackupTask(MODULE, module.params)
    return (run_restored if module.params["state"] == "restored" else run)(module, backup)


def main() -> None:
    """Entry point."""
    execute(
        AnsibleAWSModule(
            argument_spec={
                "instance_profile": {"type": "str"},
                "role": {"type": "str"},
                "instance_id": {"type": "str"},
                "managed_policies": {"type": "list", "elements": "str"},
                "inline_policies": {"type": "dict"},
                "state": {"type": "str", "choices": ["present", "absent", "restored"], "default": "present"},
                "purge": {"type": "bool", "default": False},
                **BACKUP_SPEC,
            },
            mutually_exclusive=[["instance_profile", "role", "instance_id"]],
            supports_check_mode=True,
        ),
        body,
    )


if __name__ == "__main__":
    main()
