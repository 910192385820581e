#!/usr/bin/python
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make, extend, remove or restore an IAM role that a service assumes, with its policies and its instance profile."""

from __future__ import annotations

DOCUMENTATION = r"""
module: iam_service_role
short_description: Make, extend, remove or restore an IAM role that a service assumes
version_added: 1.0.0
description:
  - Brings an IAM role that an AWS service assumes, its policies, and optionally the instance profile that holds it, to the
    wanted state in one plan.
  - What can be known to be wrong is refused before the first change. That includes policies that don't exist, documents
    that are no policies, ARNs of another account, quotas, names that differ in case only, and a permissions boundary that
    would keep the role from O(required_action).
  - A role or profile that was made by O(owner) carries the tag C(fleet.aws_ssm/made-by), and is kept as the task says. One
    without this tag is only examined, unless O(extend) or O(fix) allow more.
  - A role that Default Host Management Configuration (DHMC) of any region of the account uses is never removed, and never
    loses what lets instances register. An instance profile that an instance of any region has is never removed.
author:
  - The fleet.aws_ssm contributors (@fleet-aws)
options:
  name:
    description:
      - The role's name, its path and name, or its ARN. IAM has every name once in an account, whatever its path.
      - With O(instance_profile) it can be left out. It is then the role that the profile holds, or one of the profile's
        name and path.
    type: str
  instance_profile:
    description: The instance profile that holds the role, by its name, its path and name, or its ARN.
    type: str
  path:
    description: The path of what is made, unless its name has one.
    type: str
    default: /
  service:
    description:
      - The service that assumes the role. In China, a role for V(ec2.amazonaws.com) is made with the name that EC2 has
        there, and either name is accepted.
    type: str
    default: ec2.amazonaws.com
  description:
    description: The description of a role that is made. Empty for none, or to leave it as it is.
    type: str
    default: ""
  aws_policies:
    description: Names of AWS's own managed policies, in whatever partition the account is.
    type: list
    elements: str
    default: []
  managed_policies:
    description:
      - More managed policies, by name, path and name, or ARN. With a name, a policy of the account goes before one of AWS.
      - Names in one string may have white space between them.
    type: list
    elements: str
    default: []
  inline_policies:
    description:
      - Inline policies by name, each a policy document (a dictionary or JSON text). A document that says the same in another
        format or order is not written again.
    type: dict
    default: {}
  permissions_boundary:
    description: The ARN of the managed policy that bounds the role. Empty for none, or to leave it as it is.
    type: str
    default: ""
  tags:
    description: Tags of what is made, beside C(fleet.aws_ssm/made-by). Other tags are left alone.
    type: dict
    default: {}
  owner:
    description:
      - Who makes the role, which is the value of the tag C(fleet.aws_ssm/made-by). Only what has this value is kept up and
        removed. The backup keeps the changes of each owner apart.
    type: str
    default: iam_service_role
  create:
    description:
      - Whether to make the role and the profile if they do not exist, and to keep them as the task says if they were made
        by O(owner). With V(false) a role of one's own is treated like any other.
    type: bool
    default: true
  extend:
    description:
      - Whether to put the policies also on a role that was not made by O(owner). An inline policy of the same name and
        another content is an error then, unless O(overwrite).
    type: bool
    default: false
  fix:
    description:
      - Whether to make a role serve that was not made by O(owner) and does not. Adds a statement for O(service) to its trust
        policy, and attaches as many of the policies, in their order, as it takes to allow O(required_action).
      - Also whether to add the role to an instance profile that was not made by O(owner) and has none.
    type: bool
    default: false
  required_action:
    description:
      - An action that the role must allow in the end, as C(service:Action), by its policies and its permissions boundary.
        Empty for none.
    type: str
    default: ""
  required_resources:
    description:
      - The ARNs that O(required_action) is on. By default the account's instances in O(regions) for
        C(ssm:UpdateInstanceInformation), else V(*).
    type: list
    elements: str
    default: []
  state:
    description:
      - V(present) makes or extends the role and the profile.
      - V(absent) removes what O(owner) has made, if it has nothing but what the options name. Give the options that it was
        made with. Other roles and profiles are kept.
      - V(restored) puts back everything that O(backup) or O(backup_file) holds of O(owner). What was made is removed, unless
        someone else has added to it. What was removed is made again, with all its policies; its unique id is a new one.
    type: str
    choices: [present, absent, restored]
    default: present
  overwrite:
    description:
      - With O(state=restored) and O(state=absent), whether to restore or remove also what someone else has changed since.
        Without it such a role fails with the code C(ChangedSince), and stays as it is.
      - With O(state=restored) it also passes over what no longer exists, which otherwise fails with the code C(Gone).
      - With O(state=present) and O(extend), whether to replace an inline policy of the same name.
      - It never removes what instances depend on.
    type: bool
    default: false
  only_missing:
    description:
      - With O(state=restored), whether only to make again what was removed, and leave the rest to another task. A setting
        that names a role can be restored between the two.
    type: bool
    default: false
  dhmc_reset_in:
    description: Regions in which an earlier task would have turned DHMC off. Counts in check mode only.
    type: list
    elements: str
    default: []
  regions:
    description:
      - The regions of the account in which the role is to serve. With V(all), every region that is enabled.
      - A role must allow C(ssm:UpdateInstanceInformation), where that is the O(required_action), on the instances of each of
        them. Without regions, a role for V(ssm.amazonaws.com) must do so in the task's region, and any other role in
        whatever region there is.
      - They also tell which partition the account is in, where no region is set.
    type: list
    elements: str
    default: []
  timeout:
    description: Seconds that reading the regions of the account may take.
    type: int
    default: 300
  option_names:
    description: What messages call an option, for roles whose variables have other names.
    type: dict
    default: {}
extends_documentation_fragment:
  - fleet.aws_ssm.attributes
  - fleet.aws_ssm.backup
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
seealso:
  - module: amazon.aws.iam_role
  - module: fleet.aws_ssm.iam_role_access_info
  - module: fleet.aws_ssm.instance_profile_policy
notes:
  - IAM is eventually consistent. The module waits until it shows a role or profile that was made.
  - What IAM would replace whatever it holds is read again right before. If it is another by then, it is left alone and the
    task fails with the code C(ChangedMeanwhile).
  - Reading needs C(iam:GetRole), C(iam:ListAttachedRolePolicies), C(iam:ListRolePolicies), C(iam:GetRolePolicy),
    C(iam:GetPolicy), C(iam:GetPolicyVersion), and C(iam:GetInstanceProfile) and C(iam:ListInstanceProfilesForRole) for a
    profile. Changes need C(iam:GetAccountSummary); making needs C(iam:ListRoles) and C(iam:ListInstanceProfiles). A removal
    needs C(iam:ListInstanceProfilesForRole), C(ec2:DescribeRegions), C(ssm:GetServiceSetting) in every region, and for a
    profile C(ec2:DescribeInstances) in every region.
"""

EXAMPLES = r"""
- name: A role for Default Host Management Configuration
  fleet.aws_ssm.iam_service_role:
    name: service-role/NodeManagement
    service: ssm.amazonaws.com
    aws_policies: [AmazonSSMManagedEC2InstanceDefaultPolicy]
    required_action: ssm:UpdateInstanceInformation
    backup_file: before.json

- name: An instance profile with its role, or a profile that is there with one policy more
  fleet.aws_ssm.iam_service_role:
    instance_profile: WebServer
    aws_policies: [AmazonSSMManagedInstanceCore]
    required_action: ssm:UpdateInstanceInformation
    extend: true
    backup_file: before.json

- name: Take it all back
  fleet.aws_ssm.iam_service_role:
    state: restored
    backup_file: before.json
"""

RETURN = r"""
role:
  description: The role as it is afterwards, or would be in check mode; none if there is none.
  returned: O(state=present) and O(state=absent), on success, or failure after the first change
  type: dict
  contains:
    name:
      description: Its name.
      type: str
    path:
      description: Its path.
      type: str
    arn:
      description: Its ARN.
      type: str
    setting_value:
      description: Path and name without the leading slash, as the setting of DHMC takes a role.
      type: str
    description:
      description: Its description.
      type: str
    tags:
      description: Its tags.
      type: dict
    permissions_boundary:
      description: The ARN of its permissions boundary.
      type: str
    max_session_duration:
      description: Seconds that a session may last.
      type: int
    trust_policy:
      description: Its trust policy.
      type: dict
    managed_policies:
      description: The ARNs of its managed policies.
      type: list
      elements: str
    inline_policies:
      description: Its inline policies by name.
      type: dict
setting_value:
  description: The same as RV(role.setting_value).
  returned: O(state=present)
  type: str
instance_profile:
  description: The instance profile afterwards; none without O(instance_profile).
  returned: O(state=present)
  type: dict
  contains:
    name:
      description: Its name.
      type: str
    path:
      description: Its path.
      type: str
    arn:
      description: Its ARN.
      type: str
    role:
      description: The name of the role that it holds.
      type: str
    tags:
      description: Its tags.
      type: dict
other_profiles:
  description: The other instance profiles that hold the role, and so change with it. Empty without O(instance_profile).
  returned: O(state=present)
  type: list
  elements: str
managed_policies:
  description: The ARNs of all managed policies of the role afterwards.
  returned: O(state=present)
  type: list
  elements: str
inline_policies:
  description: The names of all inline policies of the role afterwards.
  returned: O(state=present)
  type: list
  elements: str
removed_role:
  description: The role as it was, like RV(role), if it was removed.
  returned: O(state=absent)
  type: dict
resources:
  description: What became of each resource, of the backup or to be removed.
  returned: O(state=absent) and O(state=restored)
  type: list
  elements: dict
  contains:
    kind:
      description: What it is, as a backup calls it.
      type: str
      sample: role_policy_attachment
    resource:
      description: Which one it is.
      type: str
    changed:
      description: Whether it was removed or restored.
      type: bool
    failed:
      description: Whether it was to be, and was not.
      type: bool
    reason:
      description: Why nothing was to be done.
      type: str
    error:
      description: Why it failed.
      returned: when it failed
      type: dict
      contains:
        code:
          description: C(InUse), C(ChangedSince), C(Gone), C(ChangedMeanwhile), or AWS's error code.
          type: str
        message:
          description: The error in one line.
          type: str
changes:
  description: What was done, or would be in check mode, in this order.
  returned: success, or failure after the first change
  type: list
  elements: dict
  contains:
    operation:
      description: What it is, such as V(create_role), V(attach), V(update_trust_policy) or V(remove_profile).
      type: str
    name:
      description: The role's or the profile's name.
      type: str
    policy:
      description: The policy's name.
      returned: for policies
      type: str
    arn:
      description: The managed policy's ARN.
      returned: for managed policies
      type: str
    tag:
      description: The tag's key.
      returned: for tags
      type: str
account:
  description: The account's id.
  returned: success, or failure after the first change
  type: str
partition:
  description: The account's partition.
  returned: success, or failure after the first change
  type: str
backup:
  description: What was changed, or may have been where AWS gave no answer, in the form that O(backup) takes.
  returned: success, or failure after the first change
  type: list
  elements: dict
  contains:
    module:
      description: C(iam_service_role/) and O(owner).
      type: str
      sample: iam_service_role/dhmc
    kind:
      description:
        - V(role) and V(instance_profile) for what was made or removed. V(role_trust_policy), V(role_policy_attachment),
          V(role_inline_policy), V(role_permissions_boundary), V(role_description), V(role_tag), V(instance_profile_role) and
          V(instance_profile_tag) for parts of what was there.
      type: str
    account:
      description: The account's id.
      type: str
    partition:
      description: The account's partition.
      type: str
    region:
      description: None, as IAM is global.
      type: str
    resource:
      description: The role's or the profile's name, with the policy or the tag behind a slash.
      type: str
    before:
      description: What there was; none if there was nothing.
      type: raw
    after:
      description: What took its place; none if it was removed.
      type: raw
    time:
      description: When the change was written to O(backup_file), in UTC. Empty if there is none.
      type: str
    run:
      description: Which run wrote it. Empty if there is no O(backup_file).
      type: str
"""

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

from ansible_collections.fleet.aws_ssm.plugins.module_utils._core.backup_task import BACKUP_SPEC
from ansible_collections.fleet.aws_ssm.plugins.module_utils._module import execute
from ansible_collections.fleet.aws_ssm.plugins.module_utils._service_role.module import run


def main() -> None:
    """Entry point."""
    names = {"type": "list", "elements": "str", "default": []}
    text = {"type": "str", "default": ""}
    execute(
        AnsibleAWSModule(
            argument_spec={
                # amazon.aws's own takes the environment for the option; Clients does that itself.
                "region": {"type": "str", "aliases": ["aws_region"]},
                "name": {"type": "str"},
                "instance_profile": {"type": "str"},
                "path": {"type": "str", "default": "/"},
                "service": {"type": "str", "default": "ec2.amazonaws.com"},
                "description": text,
                "aws_policies": names,
                "managed_policies": names,
                "inline_policies": {"type": "dict", "default": {}},
                "permissions_boundary": text,
                "tags": {"type": "dict", "default": {}},
                "owner": {"type": "str", "default": "iam_service_role"},
                "create": {"type": "bool", "default": True},
                "extend": {"type": "bool", "default": False},
                "fix": {"type": "bool", "default": False},
                "required_action": text,
                "required_resources": names,
                "state": {"type": "str", "choices": ["present", "absent", "restored"], "default": "present"},
                "only_missing": {"type": "bool", "default": False},
                "dhmc_reset_in": names,
                "regions": names,
                "timeout": {"type": "int", "default": 300},
                "option_names": {"type": "dict", "default": {}},
                **BACKUP_SPEC,
            },
            supports_check_mode=True,
        ),
        run,
    )


if __name__ == "__main__":
    main()
