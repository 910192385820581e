# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an operator works on."""

from __future__ import annotations


class ModuleDocFragment:
    """The options that the filter C(operator_policy_document) and the module C(operator_policy_info) share."""

    DOCUMENTATION = r"""
options:
  role:
    description:
      - The role of Default Host Management Configuration, as a name, a path and name, or an ARN.
      - A name alone is taken to be at C(/service-role/). Write C(/NAME) for a role without a path.
    type: str
    default: service-role/AWSSystemsManagerDefaultEC2InstanceManagementRole
  instance_profile:
    description: The instance profile, as a name, a path and name, or an ARN.
    type: str
    default: SSMInstanceProfile
  instance_role:
    description: The role that the instance profile holds. By default it has the name and the path of the profile.
    type: str
  other_roles:
    description:
      - Roles that a DHMC setting names already, which V(settings) and V(dhmc) may put back.
      - Roles behind the instance profiles that instances have already, which V(profile_association) may give back,
        V(profile_association_extend) may put policies on, and V(preflight_permissions) may take the permission from.
        V(*) means every role. An operator who has V(preflight_permissions) as well is then an administrator.
    type: list
    elements: str
    default: []
  s3_policy:
    description:
      - The name of the policies that the role P(fleet.aws_ssm.s3_policy#role) makes, with their path if they have one.
    type: str
    default: SSMInstanceProfileS3Policy
  s3_attach_to:
    description: What V(s3_policy) may attach them to, as the variable C(s3_policy_attach_to) has it.
    type: list
    elements: str
    default: []
  managed_policies:
    description:
      - Managed policies, names or ARNs, that may be attached beside the one that each role attaches by itself. Others
        can't be, so that an operator can't make a role mightier.
      - With V(preflight_permissions), those that may also be detached.
      - A name means the policy of the account and the one of AWS, both without a path.
    type: list
    elements: str
    default: []
  editable_policies:
    description:
      - Customer managed policies, names or ARNs, that V(preflight_permissions) may edit, detach and attach again.
      - IAM can't limit what operators write into them. Every user or role that has such a policy gets it.
    type: list
    elements: str
    default: []
  inline_policies:
    description:
      - Whether the operator may put inline policies on the roles that V(dhmc_role) and V(instance_profile) make.
        IAM can't limit what they write into them.
      - V(true) or V(false), also as text.
    type: raw
    default: false
  permissions_boundary:
    description: The ARN of the permissions boundary that roles must be made with.
    type: str
  name_prefix:
    description:
      - What the names of the policies begin with that V(operator_policy) may make.
      - Letters, digits and C(_+=,.@-) only.
    type: str
    default: FleetSSMOperator-
  path:
    description: The path of the policies that V(operator_policy) may make.
    type: str
    default: /
"""
