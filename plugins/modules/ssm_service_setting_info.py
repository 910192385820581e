#!/usr/bin/python
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read a Systems Manager service setting in many regions."""

from __future__ import annotations

DOCUMENTATION = r"""
module: ssm_service_setting_info
short_description: Read a Systems Manager service setting in many regions
version_added: 1.0.0
description:
  - Reads one service setting of AWS Systems Manager in any number of regions in one task, side by side.
  - Fails if a region can't be read, and still returns all the others.
author:
  - The fleet.aws_ssm contributors (@fleet-aws)
options:
  setting:
    description:
      - The setting's id, such as C(/ssm/managed-instance/default-ec2-instance-management-role), or its ARN, which also
        names the region.
    type: str
    required: true
extends_documentation_fragment:
  - fleet.aws_ssm.attributes.info
  - fleet.aws_ssm.regions
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
seealso:
  - module: fleet.aws_ssm.ssm_service_setting
notes:
  - Needs C(ssm:GetServiceSetting) on the setting. API calls are one a region.
"""

EXAMPLES = r"""
- name: See where Default Host Management Configuration is on
  fleet.aws_ssm.ssm_service_setting_info:
    setting: /ssm/managed-instance/default-ec2-instance-management-role
    regions: all
  register: dhmc

- name: Name the regions where it is off
  ansible.builtin.debug:
    msg: "{{ dhmc.regions | selectattr('value', 'none') | map(attribute='region') }}"
"""

RETURN = r"""
setting:
  description: The setting's id.
  returned: success, or failure after the regions were read
  type: str
  sample: /ssm/managed-instance/default-ec2-instance-management-role
regions:
  description: Each region's setting, in the order of O(regions).
  returned: success, or failure after the regions were read
  type: list
  elements: dict
  contains:
    region:
      description: The region.
      type: str
      returned: always
      sample: eu-west-1
    failed:
      description: Whether the region could not be read.
      type: bool
      returned: always
    value:
      description: What the setting holds; none where AWS says C($None).
      type: str
      returned: when the region was read
      sample: service-role/AWSSystemsManagerDefaultEC2InstanceManagementRole
    status:
      description:
        - AWS's own word for it (C(Default), C(Customized), C(PendingUpdate)). AWS's examples contradict it, so decide on
          RV(regions[].value).
      type: str
      returned: when the region was read
      sample: Customized
    arn:
      description: The setting's ARN.
      type: str
      returned: when the region was read
      sample: arn:aws:ssm:eu-west-1:123456789012:servicesetting/ssm/managed-instance/default-ec2-instance-management-role
    last_modified_user:
      description: The ARN of who changed it last, or C(System).
      type: str
      returned: when the region was read
      sample: arn:aws:iam::123456789012:user/alice
    last_modified_date:
      description: When it was changed last (ISO 8601).
      type: str
      returned: when the region was read
      sample: "2026-11-23T21:00:00.123000+00:00"
    error:
      description: Why the region could not be read.
      type: dict
      returned: when the region failed
      contains:
        code:
          description: AWS's error code, or C(DeadlineExceeded).
          type: str
          sample: AccessDeniedException
        message:
          description: AWS's message in one line.
          type: str
forbidden_regions:
  description:
    - With O(regions=all), the regions that a service control policy of the organization closes. They are left out.
  returned: success, or failure after the regions were read
  type: list
  elements: str
"""

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

from ansible_collections.fleet.aws_ssm.plugins.module_utils._module import execute
from ansible_collections.fleet.aws_ssm.plugins.module_utils._regional import REGIONS_SPEC
from ansible_collections.fleet.aws_ssm.plugins.module_utils._service_setting_module import run_info


def main() -> None:
    """Entry point."""
    execute(
        AnsibleAWSModule(
            argument_spec={**REGIONS_SPEC, "setting": {"type": "str", "required": True}},
            supports_check_mode=True,
        ),
        run_info,
    )


if __name__ == "__main__":
    main()
