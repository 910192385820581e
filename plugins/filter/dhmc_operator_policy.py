# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The least-privilege IAM policy for whoever runs the collection."""

from __future__ import annotations

DOCUMENTATION = r"""
name: dhmc_operator_policy
short_description: The least-privilege IAM policy for whoever runs the collection
version_added: 1.0.0
author:
  - The fleet.aws_ssm contributors (@fleet-aws)
description:
  - Makes the policy document that an operator needs for exactly these regions, this account and this role. By default
    that is the policy of AWS's page "Configure instance permissions required for Systems Manager"; with O(feature), the
    policy for a role of the collection, which allows the API calls that it makes and no others.
  - Actions are limited to the ARNs of what they work on; those that IAM gives no resource, to O(_input) if they are
    regional. A wildcard stands for the region only with V(all), and where a role reads every region to see whether
    something is still used.
options:
  _input:
    description:
      - The regions, as a list or a string with commas between them, all of one partition.
      - V(all) allows every region, also those that AWS opens later.
    type: raw
    required: true
  account:
    description: The account's id, 12 digits, in quotes.
    type: str
    required: true
  partition:
    description: The partition. By default that of the regions, or V(aws) with V(all).
    type: str
  feature:
    description:
      - What the operator may do. Attach several policies for several features.
      - V(settings) is the page's policy, enough for M(fleet.aws_ssm.ssm_service_setting).
      - V(dhmc) is for the role P(fleet.aws_ssm.dhmc#role) with an IAM role that is there. V(dhmc_role), beside it, is
        for making, changing and removing that IAM role.
      - V(instance_profile) is for the role P(fleet.aws_ssm.instance_profile#role).
      - V(profile_association) is for the role P(fleet.aws_ssm.profile_association#role). V(profile_association_extend),
        beside it, is for C(existing=extend).
      - V(s3_policy) is for the role P(fleet.aws_ssm.s3_policy#role).
      - V(preflight) is for the role P(fleet.aws_ssm.preflight#role), for its report and for check mode of all that it
        does. V(preflight_permissions), beside it, is for taking the permission away and putting it back;
        V(preflight_metadata), beside it, for C(imdsv2) and C(imds), and putting them back.
      - V(readiness) is for the role P(fleet.aws_ssm.readiness_report#role), the playbook C(audit_ssm), and the modules
        M(fleet.aws_ssm.ssm_managed_instance_info) and M(fleet.aws_ssm.ssm_managed_instance_wait). All of it is reading.
      - Whoever has V(preflight_permissions) can put any inline policy on the roles of O(other_roles), and anything into
        the policies of O(editable_policies).
      - V(operator_policy) is for the role P(fleet.aws_ssm.operator_policy#role). Whoever has it can give more to anyone
        who has one of its policies.
      - V(read_only) is for check mode of all of these.
    type: str
    choices:
      - settings
      - dhmc
      - dhmc_role
      - instance_profile
      - profile_association
      - profile_association_extend
      - s3_policy
      - preflight
      - preflight_permissions
      - preflight_metadata
      - readiness
      - operator_policy
      - read_only
    default: settings
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
        V(*) stands for every role, which makes an administrator of whoever has V(preflight_permissions).
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
      - A name stands for the policy of the account and for AWS's own, neither of them in a path of its own.
    type: list
    elements: str
    default: []
  editable_policies:
    description:
      - Customer managed policies, names or ARNs, that V(preflight_permissions) may edit, detach and attach again.
      - What is written into them can't be limited, and whoever has them gets it.
    type: list
    elements: str
    default: []
  inline_policies:
    description:
      - Whether the operator may put inline policies on the roles that V(dhmc_role) and V(instance_profile) make. What
        stands in them can't be limited.
    type: bool
    default: false
  permissions_boundary:
    description: The ARN of the permissions boundary that roles must be made with.
    type: str
  name_prefix:
    description:
      - What the names of the policies begin with that V(operator_policy) may make, with their path if they have one.
    type: str
    default: FleetSSMOperator-
  errors:
    description:
      - Whether wrong input fails, or the message comes back as a string in place of the document, so that a playbook
        can fail with this line alone.
    type: str
    choices: [raise, return]
    default: raise
notes:
  - A policy has room for 6,144 characters. One that does not fit is an error.
  - C(sts:GetCallerIdentity) needs no permission. C(iam:ListAccountAliases), which M(amazon.aws.aws_caller_info) tries,
    is left out, since it does without.
  - Takes the regions from botocore on the controller.
seealso:
  - name: Configure instance permissions required for Systems Manager
    description: The page that has the policy.
    link: https://docs.aws.amazon.com/systems-manager/latest/userguide/setup-instance-permissions.html
"""

EXAMPLES = r"""
- name: Show the policy of AWS's page for two regions
  ansible.builtin.debug:
    msg: "{{ ['eu-west-1', 'eu-central-1'] | fleet.aws_ssm.dhmc_operator_policy(account='111122223333') }}"

- name: Show the policy for putting an instance profile on instances of one region
  ansible.builtin.debug:
    msg: >-
      {{ 'eu-west-1' | fleet.aws_ssm.dhmc_operator_policy(account='111122223333', feature='profile_association',
           instance_profile='WebServer', instance_role='WebServerRole') }}
"""

RETURN = r"""
_value:
  description: The policy document.
  type: dict
"""

from collections.abc import Callable
from functools import cache
from typing import Any

from ansible.errors import AnsibleFilterError

try:
    import botocore.session
except ImportError:
    HAS_BOTOCORE = False
else:
    HAS_BOTOCORE = True

from ansible_collections.fleet.aws_ssm.plugins.module_utils._errors import InputError
from ansible_collections.fleet.aws_ssm.plugins.module_utils._operator_policy import (
    OPTIONS,
    document,
    make_scope,
)
from ansible_collections.fleet.aws_ssm.plugins.module_utils._regions import Partition, partitions_of


@cache
def _partitions() -> list[Partition]:
    return partitions_of(botocore.session.Session().get_data("partitions"))


def dhmc_operator_policy(
    regions: Any, *, account: Any = None, feature: str = "settings", errors: str = "raise", **options: Any
) -> dict[str, Any] | str:
    """The policy document."""
    if not HAS_BOTOCORE:
        raise AnsibleFilterError("dhmc_operator_policy needs botocore on the controller: install boto3 there.")
    unknown = [name for name in options if name not in OPTIONS]
    if unknown:
        raise AnsibleFilterError(f"dhmc_operator_policy has no option {unknown[0]}: give {', '.join(OPTIONS)}.")
    try:
        return document(feature, make_scope(regions, _partitions(), account=account, **options))
    except InputError as error:
        if errors == "return":
            return str(error)
        raise AnsibleFilterError(str(error)) from error


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Filters by name."""
        return {"dhmc_operator_policy": dhmc_operator_policy}
