#!/usr/bin/python
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Take actions away from the roles behind instance profiles, and give them back exactly."""

from __future__ import annotations

DOCUMENTATION = r"""
module: instance_profile_permission
short_description: Take an action away from instance profiles, and give it back
version_added: 1.0.0
description:
  - Takes actions away from the roles behind instance profiles, by default C(ssm:UpdateInstanceInformation), which keeps
    instances from using Default Host Management Configuration (DHMC). O(method) says how.
  - Which roles allow the actions is decided as by M(fleet.aws_ssm.instance_profile_permission_info); a V(maybe) counts as
    allowing. Roles that don't are left alone.
  - Every plan is tried on the policy documents before it is carried out. A role that would still allow an action, or to
    which the method can't be applied, is left as it is, and named; the others are done, and the task fails in the end.
  - A role that DHMC uses in any region of the account is never changed. It is the way in for every instance that has no
    other. A managed policy on such a role is never edited, whatever O(allow_shared) says.
  - A role keeps C(ssm:UpdateInstanceInformation) if an instance of any region would lose its way in. That is so where DHMC is
    off, where the role that it names is missing, does not trust Systems Manager or does not allow the action, and where a
    managed instance has an agent older than 3.2.582.0. Every profile that holds the role counts, also one that the task does
    not name.
  - What can't be read counts as if it kept instances from using DHMC. A region that a service control policy closes concerns
    nothing, because the policy denies Systems Manager to the instances' roles, too.
  - Roles that are left alone for these reasons are in RV(held). The others are done, and the task fails in the end.
  - Each policy is read again right before it is changed. If it is another by then, it is left alone, and its row fails with
    the code C(ChangedMeanwhile).
  - What was there comes back with O(state=restored), the same documents, attachments and versions.
author:
  - The fleet.aws_ssm contributors (@fleet-aws)
options:
  actions:
    description: The IAM actions, each as SERVICE:ACTION and without wildcards.
    type: list
    elements: str
    default: ["ssm:UpdateInstanceInformation"]
  resources:
    description:
      - The ARNs of the resources that the actions are asked for; C(*) and C(?) in them stand for any text. Statements about
        other resources only are left alone, but a role that allows an action on a part of them loses it for all that its
        statement is about, and with a deny for all resources.
      - By default the instances of the account for C(ssm:UpdateInstanceInformation), which an instance calls on itself,
        and C(*) for every other action.
    type: list
    elements: str
  instance_profiles:
    description:
      - These profiles, by name, path and name, or ARN. A list, or a string with commas.
      - One of O(instance_profiles), O(instance_ids), O(filters) and O(all_in_use) is required for O(state=absent).
    type: list
    elements: str
  instance_ids:
    description:
      - The profiles of these instances. A list, or a string with commas or white space between the ids. An id that is in
        none of the regions is an error.
    type: list
    elements: raw
  filters:
    description:
      - The profiles of the instances that these filters let through, as for M(amazon.aws.ec2_instance_info). Instances that
        are terminated, or about to be, are left out unless C(instance-state-name) says otherwise.
    type: dict
  all_in_use:
    description: Every profile that an instance of the regions has.
    type: bool
    default: false
  method:
    description:
      - V(detach) detaches the managed policies that grant an action, with all else that they grant. One that also denies
        something is refused, because the role could be allowed more without it.
      - V(deny) adds one inline policy with an explicit deny to the role, which takes away nothing but the actions (for all
        resources, whatever O(resources) says) and wins over any policy.
      - V(rewrite) takes the actions out of the statements of inline and customer managed policies that name them. A managed
        policy gets a new default version; no version is ever deleted, so that one which has as many as the quota allows is
        refused. So is a statement that grants the action by a wildcard or by NotAction, and a policy of AWS's own.
      - V(auto) does for each role what touches least. A policy that names the actions is rewritten, or detached if it
        grants nothing else. If a policy of the role can't be (a wildcard, AWS's own, shared), one deny is added instead,
        and the role's policies stay as they are. Nothing else that the role allows is lost.
    type: str
    choices: [auto, detach, deny, rewrite]
    default: auto
  allow_shared:
    description:
      - Whether a customer managed policy may be edited that other roles, users or groups use, too (other than the roles of
        this task). They lose the actions as well.
      - A policy is not edited if one of the other roles has to keep the actions, as described above. So
        C(iam:GetAccountAuthorizationDetails) is needed. Without it no such policy is edited.
    type: bool
    default: false
  deny_policy_name:
    description: The name of the inline policy with the deny.
    type: str
    default: fleet.aws_ssm-deny
  elsewhere:
    description:
      - Whether roles may lose C(ssm:UpdateInstanceInformation) although instances have them in regions outside O(regions) in
        which DHMC is off. These instances are no longer managed then.
      - It changes nothing else. A role that DHMC uses is never changed.
    type: bool
    default: false
  dhmc_planned:
    description:
      - In check mode, take DHMC to be on in the regions of the task in which it is off, because a later task turns it on.
      - Without check mode it has no effect. Then only what DHMC is now counts.
    type: bool
    default: false
  state:
    description:
      - V(absent) takes the actions away.
      - V(restored) gives back what O(backup) or O(backup_file) holds of the account. It does so also for roles that are held
        otherwise, because giving permissions back does no harm. What could not be restored is named, the rest is restored,
        and the task fails in the end.
    type: str
    choices: [absent, restored]
    default: absent
  confirm:
    description:
      - Whether O(state=restored) waits until IAM shows what was put back, because IAM is eventually consistent. What it does
        not show within O(timeout) fails with the code C(NotConfirmed).
    type: bool
    default: true
extends_documentation_fragment:
  - fleet.aws_ssm.attributes
  - fleet.aws_ssm.backup
  - fleet.aws_ssm.regions
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
seealso:
  - module: fleet.aws_ssm.instance_profile_permission_info
  - module: fleet.aws_ssm.instance_profile_policy
notes:
  - A role changes for everything that uses it, instances of other regions among them. A warning names other profiles that
    hold it.
  - Policies of AWS's own are never edited.
  - RV(backup) comes back when all is done. O(backup_file) is written before the first change, so it outlives a run that is
    killed.
  - O(state=restored) takes no regions; O(timeout) applies.
  - Needs what M(fleet.aws_ssm.instance_profile_permission_info) needs, and C(iam:GetAccountSummary),
    C(iam:ListInstanceProfilesForRole), C(ec2:DescribeRegions), and in every region C(ssm:GetServiceSetting),
    C(ec2:DescribeInstances) and C(ssm:DescribeInstanceInformation).
  - Needs for changes, by what is planned, C(iam:PutRolePolicy), C(iam:DeleteRolePolicy), C(iam:DetachRolePolicy),
    C(iam:ListPolicyVersions) and C(iam:CreatePolicyVersion); to restore also C(iam:AttachRolePolicy),
    C(iam:SetDefaultPolicyVersion), C(iam:DeletePolicyVersion) and C(sts:GetCallerIdentity).
"""

EXAMPLES = r"""
- name: See what would be changed, so that instances can use Default Host Management Configuration
  fleet.aws_ssm.instance_profile_permission:
    all_in_use: true
    regions: [eu-west-1, eu-central-1]
  check_mode: true
  diff: true

- name: Take the action away from two profiles
  fleet.aws_ssm.instance_profile_permission:
    instance_profiles: [WebServers, Workers]
    region: eu-west-1
  register: taken

- name: Give it back
  fleet.aws_ssm.instance_profile_permission:
    state: restored
    backup: "{{ taken.backup }}"

- name: Take the action away where DHMC works, and keep what was there in a file
  fleet.aws_ssm.instance_profile_permission:
    all_in_use: true
    regions: all
    backup_file: before.json

- name: Give back what any run with this file has taken away
  fleet.aws_ssm.instance_profile_permission:
    state: restored
    backup_file: before.json
"""

RETURN = r"""
profiles:
  description: Each profile before the change, as M(fleet.aws_ssm.instance_profile_permission_info) returns it.
  returned: O(state=absent), success, or failure after the profiles were read
  type: list
  elements: dict
changes:
  description: What was done, or would be in check mode.
  returned: success, or failure after all was read
  type: list
  elements: dict
  contains:
    operation:
      description:
        - For O(state=absent) V(detach), V(put) (an inline policy), V(delete) (one that would be empty) or V(version) (a new
          default version of a managed policy).
        - For O(state=restored) V(attach), V(put), V(delete), V(default) (an old version is the default again, and the new
          one is deleted), V(keep) (it is as it was), V(skip) (it no longer exists, and O(overwrite) passes over it) or V(lost)
          (it can't be put back).
      type: str
      returned: always
    role:
      description: The role; none for a version of a managed policy.
      type: str
      returned: always
    policy:
      description: The policy's name.
      type: str
      returned: always
    arn:
      description: The ARN of a managed policy.
      type: str
      returned: always
    instance_profiles:
      description: The profiles that it was done for.
      type: list
      elements: str
      returned: O(state=absent)
    reason:
      description: Why this was done, or why it can't be.
      type: str
      returned: always
    replaced:
      description: The document that was there before it was put back, as the text that IAM held. With O(overwrite=true) this
        is what somebody had made of it since.
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
      description: What went wrong.
      type: dict
      returned: when it failed
      contains:
        code:
          description: AWS's error code, C(ChangedMeanwhile), C(ChangedSince), C(Gone), C(NotConfirmed), C(NotDone) or
            C(DeadlineExceeded).
          type: str
        message:
          description: The error's message.
          type: str
held:
  description: Roles that are left alone, because DHMC uses them or because instances would lose their way in.
  returned: O(state=absent), success, or failure after the profiles were read
  type: list
  elements: dict
  contains:
    role:
      description: The role's name.
      type: str
    instance_profiles:
      description: The profiles of the task that hold it.
      type: list
      elements: str
    reason:
      description: Why it is left alone, in words that follow the role's name.
      type: str
failed_regions:
  description: The regions whose instances could not be read.
  returned: O(state=absent), success, or failure after the profiles were read
  type: list
  elements: dict
  contains:
    region:
      description: The region.
      type: str
    error:
      description: AWS's error, with C(code) and C(message).
      type: dict
forbidden_regions:
  description: With O(regions=all), the regions that a service control policy of the organization closes. They are left out.
  returned: O(state=absent), success, or failure after the profiles were read
  type: list
  elements: str
refused:
  description: Roles that keep the actions, with C(role), C(instance_profiles) and C(reason).
  returned: O(state=absent), success, or failure after the profiles were read
  type: list
  elements: dict
backup:
  description:
    - What was changed, or may have been where AWS gave no answer, in the form that O(backup) takes. In check mode, what would
      be changed.
    - It holds policy documents as IAM held them.
  returned: O(state=absent), success, or failure after the profiles were read
  type: list
  elements: dict
  contains:
    module:
      description: The module that made the change, and can take it back.
      type: str
      sample: instance_profile_permission
    kind:
      description: V(role_inline_policy), V(role_policy_attachment) or V(managed_policy).
      type: str
    account:
      description: The account's id.
      type: str
    partition:
      description: The account's partition.
      type: str
    region:
      description: None, because IAM has no regions.
      type: str
    resource:
      description: The role and the name of its inline policy or the ARN of its managed policy, with a slash between them, or
        the ARN of a managed policy.
      type: str
    before:
      description: The document, whether the policy was attached, or the managed policy's C(document), C(version) and
        C(versions).
      type: raw
    after:
      description: The same after the change.
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
from ansible_collections.fleet.aws_ssm.plugins.module_utils._profile_permission.module import run
from ansible_collections.fleet.aws_ssm.plugins.module_utils._profile_survey import SURVEY_SPEC
from ansible_collections.fleet.aws_ssm.plugins.module_utils._regional import REGIONS_SPEC


def main() -> None:
    """Entry point."""
    execute(
        AnsibleAWSModule(
            argument_spec={
                **REGIONS_SPEC,
                **SURVEY_SPEC,
                "all_in_use": {"type": "bool", "default": False},
                "method": {"type": "str", "choices": ["auto", "detach", "deny", "rewrite"], "default": "auto"},
                "allow_shared": {"type": "bool", "default": False},
                "deny_policy_name": {"type": "str", "default": "fleet.aws_ssm-deny"},
                "state": {"type": "str", "choices": ["absent", "restored"], "default": "absent"},
                "confirm": {"type": "bool", "default": True},
                "elsewhere": {"type": "bool", "default": False},
                "dhmc_planned": {"type": "bool", "default": False},
                **BACKUP_SPEC,
            },
            supports_check_mode=True,
        ),
        run,
    )


if __name__ == "__main__":
    main()
