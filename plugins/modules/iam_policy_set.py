#!/usr/bin/python
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make, attach and remove a set of customer managed policies, and lead back to what was there."""

from __future__ import annotations

DOCUMENTATION = r"""
module: iam_policy_set
short_description: Make, attach and remove a set of customer managed policies
version_added: 1.0.0
description:
  - Brings several customer managed policies of an account to the wanted state at once, and attaches them to roles.
  - A tag, C(fleet.aws_ssm/made-by), marks the policies that this module has made. It changes no policy without its owner's
    tag, unless O(overwrite) says so, and removes none.
  - Everything that can be known to be wrong is refused before the first change. This includes names, paths, tags, documents,
    the account's quotas, and roles that are not there.
  - A policy stays as it is if a role that Default Host Management Configuration (DHMC) uses in a region of the account would
    lose C(ssm:UpdateInstanceInformation) by the change. Without it the instances there would no longer be managed.
  - What is replaced, made, attached and removed is written to O(backup_file) before it is done, and O(state=restored) leads
    back to it. The documents are the same byte for byte.
author:
  - The fleet.aws_ssm contributors (@fleet-aws)
options:
  policies:
    description:
      - The policies. With O(state=absent) their names alone are enough.
      - A document that differs from the policy's own only in formatting or order is no change.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: The policy's name, without a path.
        type: str
        required: true
      document:
        description: The policy document, as a dictionary or as text. Text is kept byte for byte.
        type: raw
  owner:
    description:
      - The value of the tag C(fleet.aws_ssm/made-by) that marks the policies of this set. Required for O(state=present) and
        O(state=absent).
      - With O(state=restored), restore only what is about policies of this owner. Without it, all that the backup holds.
    type: str
  family:
    description:
      - The name of a family of numbered policies, such as C(NAME), C(NAME-2) to C(NAME-99).
      - Members that O(owner) has made and O(policies) does not name are detached and removed, after all else is done.
    type: str
    default: ""
  attach_to:
    description:
      - The roles to attach the policies to, each as C(role/NAME), as C(instance-profile/NAME) for the role in an instance
        profile, or as the ARN of either. A list, or a string with commas.
      - What is attached elsewhere stays attached. In check mode a role that is not there is a warning, since an earlier task
        may make it.
    type: list
    elements: str
    default: []
  detach:
    description:
      - Whether policies may be detached from users, groups and roles, so that they can be removed. Without it, a policy that
        is attached and has to be removed is an error.
    type: bool
    default: false
  path:
    description: The path of policies that are made. IAM does not let it be changed, so that an existing policy keeps its own.
    type: str
    default: /
  description:
    description: The description of policies that are made. An existing policy keeps its own.
    type: str
    default: ""
  tags:
    description: Tags of the policies, beside the one of O(owner). Other tags that a policy has stay.
    type: dict
    default: {}
  overwrite:
    description:
      - With O(state=present), whether to replace a policy of the same name that O(owner) has not made. No version of it is
        deleted.
      - With O(state=restored), whether to restore also what someone else has changed since, and to detach what someone
        else has attached since. Without it such a policy fails with the code C(ChangedSince) or C(InUse), and stays.
      - It also makes again what someone else has removed, and passes over roles that no longer exist, which otherwise
        fails with the code C(Gone).
    type: bool
    default: false
  account:
    description: The id of the account that the credentials must be of. Any account if it is empty.
    type: str
    default: ""
  state:
    description:
      - V(present) makes, changes and attaches the policies, and removes those of O(family) that are not needed any more.
      - V(absent) detaches and removes those of the policies, and of O(family), that O(owner) has made.
      - V(restored) leads back to what the backup holds. It makes again what was removed, attaches it where it was, and
        removes what was made.
    type: str
    choices: [present, absent, restored]
    default: present
  labels:
    description:
      - What error messages call the options, by the option's name. For a role that hands its own variables over.
    type: dict
    default: {}
  regions:
    description:
      - Regions of the partition in which IAM is asked. By default O(region) tells the partition. A list, or a string with
        commas.
    type: list
    elements: raw
  timeout:
    description: How many seconds the task may take.
    type: int
    default: 300
extends_documentation_fragment:
  - fleet.aws_ssm.attributes
  - fleet.aws_ssm.backup
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
seealso:
  - module: amazon.aws.iam_managed_policy
  - module: fleet.aws_ssm.ssm_s3_policies_info
  - module: fleet.aws_ssm.operator_policy_info
notes:
  - Names of policies are told apart as IAM does it, without regard to case.
  - A policy has at most five versions. The oldest one of a policy that O(owner) has made makes way for a new one. Its
    document is kept in the backup, as C(deleted_version).
  - Needs C(iam:GetAccountSummary), C(iam:ListPolicies), C(iam:GetPolicy), C(iam:GetPolicyVersion), and by what is planned
    C(iam:ListPolicyVersions), C(iam:ListEntitiesForPolicy), C(iam:GetRole), C(iam:GetInstanceProfile) and
    C(iam:ListAttachedRolePolicies) to read. Needs C(iam:CreatePolicy), C(iam:CreatePolicyVersion), C(iam:DeletePolicyVersion),
    C(iam:TagPolicy), C(iam:AttachRolePolicy), C(iam:DetachRolePolicy), C(iam:DetachUserPolicy), C(iam:DetachGroupPolicy) and
    C(iam:DeletePolicy) to change. To restore it also needs C(iam:SetDefaultPolicyVersion), C(iam:UntagPolicy), and
    C(iam:GetUser), C(iam:GetGroup), C(iam:AttachUserPolicy) and C(iam:AttachGroupPolicy) for users and groups.
  - Only if a document that is taken away, or a deny that is added, speaks of C(ssm:UpdateInstanceInformation), it reads the
    roles that have the policy with all their policies, and C(ssm:GetServiceSetting) in every region (C(ec2:DescribeRegions)).
"""

EXAMPLES = r"""
- name: Make two policies and attach them to the role in an instance profile
  fleet.aws_ssm.iam_policy_set:
    owner: our-playbook
    policies:
      - name: OurLogs
        document: "{{ lookup('ansible.builtin.file', 'logs.json') }}"
      - name: OurInventory
        document:
          Version: "2012-10-17"
          Statement:
            - Effect: Allow
              Action: s3:PutObject
              Resource: arn:aws:s3:::our-inventory/*
    attach_to: [instance-profile/WebServer]
    backup_file: before.json

- name: Remove them wherever they are attached
  fleet.aws_ssm.iam_policy_set:
    state: absent
    owner: our-playbook
    policies: [{name: OurLogs}, {name: OurInventory}]
    detach: true
    backup_file: before.json

- name: Lead back to what there was before the first of these tasks
  fleet.aws_ssm.iam_policy_set:
    state: restored
    backup_file: before.json
"""

RETURN = r"""
changes:
  description: What was done, or would be in check mode. With O(state=restored), one for each resource of the backup.
  returned: success, or failure after all was read
  type: list
  elements: dict
  contains:
    operation:
      description:
        - V(create), V(update) (a new default version), V(tag), V(attach), V(detach) or V(remove).
        - With O(state=restored) several with a V(+) between them, or V(keep) for what is as it was.
      type: str
      returned: always
    policy:
      description: The policy's name.
      type: str
      returned: always
    arn:
      description: The policy's ARN.
      type: str
      returned: always
    attached_to:
      description: The role, user or group that it was attached to or detached from, as C(role/NAME).
      type: str
      returned: always
    reason:
      description: Why it was not restored, or what was skipped.
      type: str
      returned: O(state=restored)
    changed:
      description: Whether it was done, or would be in check mode.
      type: bool
      returned: always
    failed:
      description: Whether it failed.
      type: bool
      returned: always
    error:
      description: What it failed with. Beside AWS's own codes, V(ChangedMeanwhile) and V(NotDone), and with O(state=restored)
        V(ChangedSince), V(Gone), V(InUse) and V(TooManyVersions).
      type: dict
      returned: when it failed
      contains:
        code:
          description: The code.
          type: str
        message:
          description: The message, of one line.
          type: str
arns:
  description: The ARNs of O(policies). In check mode also those that policies would get.
  returned: O(state=present), success, or failure after all was read
  type: list
  elements: str
kept:
  description: The ARNs of policies of these names, or of O(family), that somebody else has made.
  returned: O(state=present) or O(state=absent), success, or failure after all was read
  type: list
  elements: str
missing:
  description: What O(attach_to) names and there is not. Only in check mode, since it is an error otherwise.
  returned: O(state=present) or O(state=absent), success, or failure after all was read
  type: list
  elements: str
backup:
  description: What O(state=restored) takes to undo what was done, or may have been done. It holds policy documents as IAM had
    them.
  returned: success, or failure after all was read
  type: list
  elements: dict
  contains:
    module:
      description: The module whose O(state=restored) takes the entry.
      type: str
    kind:
      description: V(managed_policy), V(role_policy_attachment), V(user_policy_attachment) or V(group_policy_attachment).
      type: str
    account:
      description: The account's id.
      type: str
    partition:
      description: The partition.
      type: str
    region:
      description: None, since IAM is global.
      type: str
    resource:
      description: The policy's ARN; before it, the name of what it is attached to and a slash.
      type: str
    before:
      description: What it was. Of a policy its document, name, path, description and tags, or none; of an attachment whether
        there was one.
      type: raw
    after:
      description: What it is now.
      type: raw
    time:
      description: When it was changed (UTC). Only in O(backup_file).
      type: str
    run:
      description: Which run changed it. Only in O(backup_file).
      type: str
"""

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

from ansible_collections.fleet.aws_ssm.plugins.module_utils._core.backup_task import BACKUP_SPEC
from ansible_collections.fleet.aws_ssm.plugins.module_utils._module import execute
from ansible_collections.fleet.aws_ssm.plugins.module_utils._policy_set.module import LABELS_SPEC, run
from ansible_collections.fleet.aws_ssm.plugins.module_utils._regional import REGIONS_SPEC


def main() -> None:
    """Entry point."""
    execute(
        AnsibleAWSModule(
            argument_spec={
                **REGIONS_SPEC,
                **BACKUP_SPEC,
                **LABELS_SPEC,
                "policies": {
                    "type": "list",
                    "elements": "dict",
                    "default": [],
                    "options": {"name": {"type": "str", "required": True}, "document": {"type": "raw"}},
                },
                "owner": {"type": "str"},
                "family": {"type": "str", "default": ""},
                "attach_to": {"type": "list", "elements": "str", "default": []},
                "detach": {"type": "bool", "default": False},
                "path": {"type": "str", "default": "/"},
                "description": {"type": "str", "default": ""},
                "tags": {"type": "dict", "default": {}},
                "account": {"type": "str", "default": ""},
                "state": {"type": "str", "choices": ["present", "absent", "restored"], "default": "present"},
            },
            supports_check_mode=True,
        ),
        run,
    )


if __name__ == "__main__":
    main()
