#!/usr/bin/python
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which instance profiles allow an action, through what, and which instances that concerns."""

from __future__ import annotations

DOCUMENTATION = r"""
module: instance_profile_permission_info
short_description: Which instance profiles allow an action, and through what
version_added: 1.0.0
description:
  - Says of the instance profiles that are in use whether they allow the given actions, by which policy and which of its
    statements, and which instances that concerns.
  - By default it asks for C(ssm:UpdateInstanceInformation). An instance whose profile allows it never uses Default Host
    Management Configuration (DHMC).
  - The answer is computed from the policy documents, managed (the default version) and inline, and the permissions
    boundary. It is V(yes), V(no), or V(maybe) where something decides that is not known from outside, or where it holds for
    some of the instances or resources only. A role that EC2 may not assume gives nothing, so that the answer is V(no).
  - C(ssm:UpdateInstanceInformation) is decided for each instance, with its region, its account and its tags.
  - Regions are read side by side, and each role and each document once. Where it takes fewer calls, all roles of the
    account are read with C(iam:GetAccountAuthorizationDetails), if that is permitted.
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
      - The ARNs of the resources that the actions are asked for; C(*) and C(?) in them stand for any text.
      - By default the instances that have the profile for C(ssm:UpdateInstanceInformation), which an instance calls on
        itself, or whatever instance of the regions if none has it; and C(*) for every other action.
    type: list
    elements: str
  instance_profiles:
    description:
      - Only these profiles, whether in use or not, by name, path and name, or ARN. A list, or a string with commas.
    type: list
    elements: str
  instance_ids:
    description:
      - Only the profiles of these instances. A list, or a string with commas or white space between the ids. An id that is
        in none of the regions is an error.
    type: list
    elements: raw
  filters:
    description:
      - Only the profiles of the instances that these filters let through, as for M(amazon.aws.ec2_instance_info).
        Instances that are terminated, or about to be, are left out unless C(instance-state-name) says otherwise.
    type: dict
  simulate:
    description:
      - Also ask IAM itself, with C(iam:SimulatePrincipalPolicy), once for each role and region, for O(resources), or else
        for up to 20 of its instances for C(ssm:UpdateInstanceInformation) and for C(*) for other actions. IAM's answer for
        several is the strictest. It takes service control policies in, which no document of the role shows.
      - What service control policies deny is V(no), or V(maybe) where IAM lacks a condition key or the regions differ.
    type: bool
    default: false
extends_documentation_fragment:
  - fleet.aws_ssm.attributes.info
  - fleet.aws_ssm.regions
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
seealso:
  - module: fleet.aws_ssm.instance_profile_permission
  - name: Policy evaluation logic
    description: How IAM comes to a decision.
    link: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
notes:
  - Needs C(ec2:DescribeInstances), C(iam:GetInstanceProfile), C(iam:ListInstanceProfiles),
    C(iam:ListInstanceProfilesForRole), C(iam:GetRole), C(iam:ListAttachedRolePolicies), C(iam:ListRolePolicies),
    C(iam:GetRolePolicy), C(iam:GetPolicy), C(iam:GetPolicyVersion) and C(iam:GetAccountSummary); where it is permitted,
    C(iam:GetAccountAuthorizationDetails); C(iam:SimulatePrincipalPolicy) for O(simulate).
  - Service control policies, session policies and resource policies are not seen without O(simulate).
"""

EXAMPLES = r"""
- name: Which profiles keep instances from using Default Host Management Configuration?
  fleet.aws_ssm.instance_profile_permission_info:
    regions: all
  register: found

- name: Name them
  ansible.builtin.debug:
    msg: "{{ found.profiles | rejectattr('answer', 'equalto', 'no') | map(attribute='instance_profile') }}"

- name: May the web servers read parameters? Ask IAM, too
  fleet.aws_ssm.instance_profile_permission_info:
    actions: [ssm:GetParameter]
    filters:
      "tag:role": web
    region: eu-west-1
    simulate: true
"""

RETURN = r"""
profiles:
  description: Each profile, those that allow an action first.
  returned: success, or failure after the profiles were read
  type: list
  elements: dict
  contains:
    instance_profile:
      description: The profile's name.
      type: str
      returned: always
      sample: WebServers
    arn:
      description: Its ARN.
      type: str
      returned: always
    role:
      description: The name of the role in it; none if it has none.
      type: str
      returned: always
    role_arn:
      description: The role's ARN.
      type: str
      returned: always
    answer:
      description: V(yes) if one of the actions is allowed, V(maybe) if one may be, else V(no); none if the role could
        not be read.
      type: str
      returned: always
      sample: "yes"
    note:
      description: Why the profile gives nothing, whatever its role allows, for example that it has no role.
      type: str
      returned: always
    permissions:
      description: Each action.
      type: list
      elements: dict
      returned: always
      contains:
        action:
          description: The action.
          type: str
        resources:
          description: The resources it was decided for.
          type: list
          elements: str
        answer:
          description: V(yes), V(no) or V(maybe).
          type: str
        reasons:
          description: The statements that speak of the action.
          type: list
          elements: dict
          contains:
            policy:
              description: The policy's name.
              type: str
            kind:
              description: V(managed), V(inline) or V(boundary).
              type: str
            arn:
              description: The ARN of a managed policy.
              type: str
            statement:
              description: The statement's Sid, or its number from 1.
              type: str
            effect:
              description: V(Allow) or V(Deny).
              type: str
            certain:
              description: False where it is not known whether the statement holds, or where it holds for some of the
                resources only.
              type: bool
            depends_on:
              description: The condition keys and policy variables that are not known from outside.
              type: list
              elements: str
        simulated:
          description: IAM's own answer, the strictest of all regions, with C(decision) (allowed, explicitDeny,
            implicitDeny), C(missing_context), the condition keys that it would have needed, and
            C(allowed_by_organization), what service control policies say.
          type: dict
          returned: with O(simulate=true)
    instances:
      description: The instances of the regions that have the profile, with C(region), C(instance_id), C(state), and the
        C(answer) for the instance.
      type: list
      elements: dict
      returned: always
    other_profiles:
      description: Other profiles that hold the same role. Read for roles that allow an action.
      type: list
      elements: str
      returned: always
    failed:
      description: Whether the role could not be read.
      type: bool
      returned: always
    error:
      description: Why, with C(code) and C(message).
      type: dict
      returned: when the role could not be read
summary:
  description: How many C(profiles) there are, how many answers C(yes), C(maybe) and C(no), and for how many C(instances) the
    answer is yes or maybe.
  returned: success, or failure after the profiles were read
  type: dict
  sample: {"profiles": 12, "yes": 3, "maybe": 1, "no": 8, "instances": 41}
failed_regions:
  description: Regions whose instances could not be read, with C(region) and C(error).
  returned: success, or failure after the profiles were read
  type: list
  elements: dict
forbidden_regions:
  description: With O(regions=all), the regions that a service control policy of the organization closes. They are left out.
  returned: success, or failure after the profiles were read
  type: list
  elements: str
"""

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

from ansible_collections.fleet.aws_ssm.plugins.module_utils._module import execute
from ansible_collections.fleet.aws_ssm.plugins.module_utils._permission_info_module import run_info
from ansible_collections.fleet.aws_ssm.plugins.module_utils._profile_survey import SURVEY_SPEC
from ansible_collections.fleet.aws_ssm.plugins.module_utils._regional import REGIONS_SPEC


def main() -> None:
    """Entry point."""
    execute(
        AnsibleAWSModule(
            argument_spec={**REGIONS_SPEC, **SURVEY_SPEC, "simulate": {"type": "bool", "default": False}},
            supports_check_mode=True,
        ),
        run_info,
    )


if __name__ == "__main__":
    main()
