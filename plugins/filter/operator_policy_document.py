# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The least-privilege IAM policy for the collection's operators."""

from __future__ import annotations

DOCUMENTATION = r"""
name: operator_policy_document
short_description: The least-privilege IAM policy for the collection's operators
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
        beside it, is for C(existing=extend) and for taking that back.
      - V(s3_policy) is for the role P(fleet.aws_ssm.s3_policy#role).
      - V(preflight) is for the role P(fleet.aws_ssm.preflight#role), for its report and for check mode of all that it
        does. V(preflight_permissions), beside it, is for taking the permission away and putting it back;
        V(preflight_metadata), beside it, for C(imdsv2) and C(imds), and putting them back.
      - V(readiness) is for the role P(fleet.aws_ssm.readiness_report#role), the playbook C(audit_ssm), and the modules
        M(fleet.aws_ssm.ssm_managed_instance_info) and M(fleet.aws_ssm.ssm_managed_instance_wait). All of it is reading.
      - An operator who has V(preflight_permissions) can put any inline policy on the roles of O(other_roles), and
        anything into the policies of O(editable_policies).
      - V(operator_policy) is for the role P(fleet.aws_ssm.operator_policy#role). An operator who has it can give more
        to everyone who has one of its policies.
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
extends_documentation_fragment:
  - fleet.aws_ssm.operator_policy
notes:
  - A policy has room for 6,144 characters. One that does not fit is an error.
  - C(sts:GetCallerIdentity) needs no permission. C(iam:ListAccountAliases), which M(amazon.aws.aws_caller_info) tries,
    is left out, since it does without.
  - Takes the regions from botocore on the controller.
seealso:
  - module: fleet.aws_ssm.operator_policy_info
  - name: Configure instance permissions required for Systems Manager
    description: The page that has the policy.
    link: https://docs.aws.amazon.com/systems-manager/latest/userguide/setup-instance-permissions.html
"""

EXAMPLES = r"""
- name: Show the policy of AWS's page for two regions
  ansible.builtin.debug:
    msg: "{{ ['eu-west-1', 'eu-central-1'] | fleet.aws_ssm.operator_policy_document(account='111122223333') }}"

- name: Show the policy for putting an instance profile on instances of one region
  ansible.builtin.debug:
    msg: >-
      {{ 'eu-west-1' | fleet.aws_ssm.operator_policy_document(account='111122223333', feature='profile_association',
           instance_profile='WebServer', instance_role='WebServerRole') }}
"""

RETURN = r"""
_value:
  description: The policy document.
  type: dict
"""

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.fleet.aws_ssm.plugins.module_utils._errors import InputError
from ansible_collections.fleet.aws_ssm.plugins.module_utils._operator_policies.partitions import (
    HAS_BOTOCORE,
    partitions,
)
from ansible_collections.fleet.aws_ssm.plugins.module_utils._operator_policy import (
    OPTIONS,
    document,
    make_scope,
)
from ansible_collections.fleet.aws_ssm.plugins.plugin_utils._filter_input import takes


@takes("region names")
def operator_policy_document(
    regions: Any, *, account: Any = None, feature: str = "settings", **options: Any
) -> dict[str, Any]:
    """The policy document."""
    if not HAS_BOTOCORE:
        raise AnsibleFilterError("operator_policy_document needs botocore on the controller: install boto3 there.")
    unknown = [name for name in options if name not in OPTIONS]
    if unknown:
        raise AnsibleFilterError(f"operator_policy_document has no option {unknown[0]}: give {', '.join(OPTIONS)}.")
    try:
        return document(feature, make_scope(regions, partitions(), account=account, **options))
    except InputError as error:
        raise AnsibleFilterError(str(error)) from error


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Filters by name."""
        return {"operator_policy_document": operator_policy_document}
