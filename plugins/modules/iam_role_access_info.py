#!/usr/bin/python
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tell whom an IAM role trusts and which actions it allows."""

from __future__ import annotations

DOCUMENTATION = r"""
module: iam_role_access_info
short_description: Tell whom an IAM role trusts and which actions it allows
version_added: 1.0.0
description:
  - Reads an IAM role with its trust policy, its managed and inline policies and its permissions boundary, and answers
    from these documents whether a service may assume it and whether it allows given actions.
  - The answer is V(maybe) where something decides that the documents do not show, or where it holds for some of the
    resources or regions only. It is the answer that the roles and the other modules of the collection go by.
  - Service control policies of the organization are looked at with O(simulate) only.
author:
  - The fleet.aws_ssm contributors (@fleet-aws)
options:
  role_name:
    description: The role's name, its path and name, or its ARN.
    type: str
    required: true
  actions:
    description: The actions to answer for, each as C(service:Action) without wildcards.
    type: list
    elements: str
    default: ["ssm:UpdateInstanceInformation"]
  resources:
    description:
      - The ARNs that the actions are on. V(*) and V(?) in them stand for any text.
      - By default the account's instances in O(regions) for C(ssm:UpdateInstanceInformation), if O(service) is
        V(ssm.amazonaws.com) or V(ec2.amazonaws.com), and V(*) for every other action.
    type: list
    elements: str
    default: []
  service:
    description:
      - The service that the trust policy is examined for. V(ssm.amazonaws.com) hands the role out by Default Host Management
        Configuration, V(ec2.amazonaws.com) by an instance profile. In China either of EC2's names is accepted.
    type: str
    default: ssm.amazonaws.com
  regions:
    description:
      - The regions of the account whose instances the role is judged for. With V(all), every region that is enabled. Without
        any, whatever region there is.
      - They also tell which partition the account is in, where no region is set.
    type: list
    elements: str
    default: []
  simulate:
    description:
      - Also ask IAM itself, with C(iam:SimulatePrincipalPolicy), for each action in each of O(regions). IAM takes service
        control policies in. What these deny is V(no), or V(maybe) where IAM lacks a condition key or the regions differ.
    type: bool
    default: false
extends_documentation_fragment:
  - fleet.aws_ssm.attributes.info
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
seealso:
  - module: amazon.aws.iam_role_info
notes:
  - Needs C(iam:SimulatePrincipalPolicy) for O(simulate), and C(ec2:DescribeRegions) for V(all) if the regions matter.
  - Needs C(iam:GetRole), C(iam:ListAttachedRolePolicies), C(iam:ListRolePolicies), C(iam:GetRolePolicy), C(iam:GetPolicy)
    and C(iam:GetPolicyVersion).
"""

EXAMPLES = r"""
- name: See whether a role of our own can serve as the role of Default Host Management Configuration
  fleet.aws_ssm.iam_role_access_info:
    role_name: service-role/OurSSMRole
    regions: [eu-west-1, eu-central-1]
  register: access

- name: Stop if it can't
  ansible.builtin.assert:
    that:
      - access.role is not none
      - access.trust.answer == 'yes'
      - access.permissions[0].answer == 'yes'
"""

RETURN = r"""
requested:
  description: The role as O(role_name) names it.
  returned: success
  type: dict
  contains:
    name:
      description: The name alone.
      type: str
    path:
      description: The path, if O(role_name) has one.
      type: str
    account:
      description: The account, if O(role_name) is an ARN.
      type: str
role:
  description: The role; none where it does not exist.
  returned: success
  type: dict
  contains:
    name:
      description: The role's name.
      type: str
    path:
      description: The role's path.
      type: str
      sample: /service-role/
    arn:
      description: The role's ARN.
      type: str
    setting_value:
      description: Path and name without the leading slash, as C(default-ec2-instance-management-role) takes it.
      type: str
      sample: service-role/AWSSystemsManagerDefaultEC2InstanceManagementRole
    description:
      description: The role's description, which may be empty.
      type: str
    tags:
      description: The role's tags.
      type: dict
    permissions_boundary:
      description: The ARN of the permissions boundary, or none.
      type: str
    max_session_duration:
      description: Seconds that a session of the role may last.
      type: int
    trust_policy:
      description: The trust policy's document.
      type: dict
    managed_policies:
      description: The ARNs of the attached managed policies.
      type: list
      elements: str
    inline_policies:
      description: The documents of the inline policies by name.
      type: dict
trust:
  description: Whether O(service) may assume the role; none where the role does not exist.
  returned: success
  type: dict
  contains:
    service:
      description: The service.
      type: str
    answer:
      description: V(yes), V(no) or V(maybe).
      type: str
    reasons:
      description: The statements that speak of it, as in RV(permissions[].reasons).
      type: list
      elements: dict
permissions:
  description: An answer for each of O(actions); empty where the role does not exist.
  returned: success
  type: list
  elements: dict
  contains:
    action:
      description: The action.
      type: str
    resources:
      description: The ARNs that it was decided for.
      type: list
      elements: str
    simulated:
      description: IAM's own answer, the strictest of all regions, with C(decision) (allowed, explicitDeny, implicitDeny),
        C(missing_context), the condition keys that it would have needed, and C(allowed_by_organization), what service
        control policies say.
      type: dict
      returned: with O(simulate=true)
    answer:
      description: V(yes), V(no) or V(maybe).
      type: str
    reasons:
      description: The statements that speak of it.
      type: list
      elements: dict
      contains:
        policy:
          description: The policy's name.
          type: str
        kind:
          description: V(managed), V(inline), V(boundary) or V(trust).
          type: str
        arn:
          description: The policy's ARN, if it has one.
          type: str
        statement:
          description: The statement's Sid, or its number from 1.
          type: str
        effect:
          description: V(Allow) or V(Deny).
          type: str
        certain:
          description: Whether it surely holds, for all the resources.
          type: bool
        depends_on:
          description: The condition keys and policy variables that are not known from outside.
          type: list
          elements: str
"""

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

from ansible_collections.fleet.aws_ssm.plugins.module_utils._iam_role_module import run_info
from ansible_collections.fleet.aws_ssm.plugins.module_utils._module import execute


def main() -> None:
    """Entry point."""
    execute(
        AnsibleAWSModule(
            argument_spec={
                "role_name": {"type": "str", "required": True},
                "actions": {"type": "list", "elements": "str", "default": ["ssm:UpdateInstanceInformation"]},
                "resources": {"type": "list", "elements": "str", "default": []},
                "service": {"type": "str", "default": "ssm.amazonaws.com"},
                "regions": {"type": "list", "elements": "str", "default": []},
                "simulate": {"type": "bool", "default": False},
            },
            supports_check_mode=True,
        ),
        run_info,
    )


if __name__ == "__main__":
    main()
