#!/usr/bin/python
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Set, unset or restore a Systems Manager service setting in many regions."""

from __future__ import annotations

DOCUMENTATION = r"""
module: ssm_service_setting
short_description: Set a Systems Manager service setting in many regions
version_added: 1.0.0
description:
  - Sets, unsets or restores one service setting of AWS Systems Manager in any number of regions in one task, side by
    side. A setting belongs to one account and one region.
  - The setting C(/ssm/managed-instance/default-ec2-instance-management-role) is what turns Default Host Management
    Configuration (DHMC) on. Instances take up to 30 minutes to notice.
  - Every region is read first, and only regions that hold something else are written. What decides is the value, never
    the C(Status) that AWS returns with it, which its own examples show to be unreliable.
author:
  - The fleet.aws_ssm contributors (@fleet-aws)
options:
  setting:
    description:
      - The setting's id, such as C(/ssm/managed-instance/default-ec2-instance-management-role), or its ARN.
      - The documented settings are those of U(https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_UpdateServiceSetting.html).
        Another id is passed on as it is, with a warning.
      - An ARN also names the region. To work on several regions, give the id.
    type: str
    required: true
  value:
    description:
      - What the setting should hold. Required for O(state=present). Values of documented settings are checked before
        anything is sent, and they are case-sensitive.
      - For C(default-ec2-instance-management-role) the name of an IAM role with its path and without the leading slash,
        for example C(service-role/AWSSystemsManagerDefaultEC2InstanceManagementRole). The role's ARN is accepted and
        turned into that.
      - With O(state=default), only regions that hold this value are reset. The others are left alone, and their
        RV(regions[].reason) says so.
    type: str
  state:
    description:
      - V(present) sets O(value).
      - V(default) resets the setting to AWS's default.
      - V(restored) puts back what O(backup) or O(backup_file) holds of the setting.
    type: str
    choices: [present, default, restored]
    default: present
  overwrite:
    description:
      - Whether to replace a role that someone else has set as C(default-ec2-instance-management-role), Systems Manager
        Quick Setup for example. Without it such a region fails with the code C(AlreadySet), and keeps its role.
      - With O(state=default), whether to reset also the regions that hold another value than O(value).
      - With O(state=restored), whether to restore also the regions that someone else has changed since. Without it such
        a region fails with the code C(ChangedSince).
      - Other settings have no owner and are simply set.
    type: bool
    default: false
extends_documentation_fragment:
  - fleet.aws_ssm.attributes
  - fleet.aws_ssm.backup
  - fleet.aws_ssm.regions
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
seealso:
  - module: fleet.aws_ssm.ssm_service_setting_info
  - name: Default Host Management Configuration
    description: What the setting of the examples does, and what an instance needs for it.
    link: https://docs.aws.amazon.com/systems-manager/latest/userguide/fleet-manager-default-host-management-configuration.html
notes:
  - Needs C(ssm:GetServiceSetting) and, for changes, C(ssm:UpdateServiceSetting) or C(ssm:ResetServiceSetting) on the
    setting, and C(iam:PassRole) on the role for C(default-ec2-instance-management-role).
  - API calls are one read a region, and one write a changed region. A value that was read more than five seconds ago is
    read again before it is replaced; if it is another by then, the region fails with the code C(ChangedMeanwhile).
"""

EXAMPLES = r"""
- name: Turn Default Host Management Configuration on in every enabled region
  fleet.aws_ssm.ssm_service_setting:
    setting: /ssm/managed-instance/default-ec2-instance-management-role
    value: service-role/AWSSystemsManagerDefaultEC2InstanceManagementRole
    regions: all
  register: dhmc

- name: The same, and keep what was there in a file
  fleet.aws_ssm.ssm_service_setting:
    setting: /ssm/managed-instance/default-ec2-instance-management-role
    value: service-role/AWSSystemsManagerDefaultEC2InstanceManagementRole
    regions: all
    backup_file: before.json

- name: Put back what was there before
  fleet.aws_ssm.ssm_service_setting:
    setting: /ssm/managed-instance/default-ec2-instance-management-role
    state: restored
    backup_file: before.json

- name: Put back what one task has changed
  fleet.aws_ssm.ssm_service_setting:
    setting: /ssm/managed-instance/default-ec2-instance-management-role
    state: restored
    backup: "{{ dhmc.backup }}"

- name: Turn it off where it is ours, and leave other roles alone
  fleet.aws_ssm.ssm_service_setting:
    setting: /ssm/managed-instance/default-ec2-instance-management-role
    value: service-role/AWSSystemsManagerDefaultEC2InstanceManagementRole
    state: default
    regions: [eu-west-1, eu-central-1]

- name: Block public sharing of documents
  fleet.aws_ssm.ssm_service_setting:
    setting: /ssm/documents/console/public-sharing-permission
    value: Disable
    region: eu-west-1
"""

RETURN = r"""
setting:
  description: The setting's id.
  returned: success, or failure after the regions were read
  type: str
  sample: /ssm/managed-instance/default-ec2-instance-management-role
regions:
  description: Each region and what became of it, in the order of O(regions).
  returned: success, or failure after the regions were read
  type: list
  elements: dict
  contains:
    region:
      description: The region.
      type: str
      returned: always
      sample: eu-west-1
    changed:
      description: Whether the region was changed, or would be in check mode.
      type: bool
      returned: always
    failed:
      description: Whether the region could not be read or changed.
      type: bool
      returned: always
    before:
      description: The value before; none where it was unset.
      type: str
      returned: always
      sample: AWS-QuickSetup-SSM-DefaultEC2MgmtRole-eu-west-1
    after:
      description: The value after; none where it is unset, or AWS's default where that is not documented.
      type: str
      returned: always
      sample: service-role/AWSSystemsManagerDefaultEC2InstanceManagementRole
    reason:
      description: Why a region was left as it is, empty where there is nothing to say.
      type: str
      returned: when the region was read
    error:
      description: Why the region failed.
      type: dict
      returned: when the region failed
      contains:
        code:
          description: AWS's error code, C(AlreadySet), C(ChangedSince), C(ChangedMeanwhile) or C(DeadlineExceeded).
          type: str
          sample: AccessDeniedException
        message:
          description: AWS's message in one line.
          type: str
account:
  description: The account's id; none if no region could be read.
  returned: success, or failure after the regions were read
  type: str
  sample: "123456789012"
partition:
  description: The account's partition; none if no region could be read.
  returned: success, or failure after the regions were read
  type: str
  sample: aws
forbidden_regions:
  description:
    - With O(regions=all), the regions that a service control policy of the organization closes. They are left out, since
      Systems Manager can't manage anything there.
  returned: success, or failure after the regions were read
  type: list
  elements: str
backup:
  description: What was changed, or may have been where AWS gave no answer, in the form that O(backup) takes.
  returned: success, or failure after the regions were read
  type: list
  elements: dict
  contains:
    module:
      description: The module that made the change, and can take it back.
      type: str
      sample: ssm_service_setting
    kind:
      description: What kind of resource it is.
      type: str
      sample: service_setting
    account:
      description: The account's id.
      type: str
    partition:
      description: The account's partition.
      type: str
    region:
      description: The region.
      type: str
    resource:
      description: The setting's id.
      type: str
    before:
      description: The value that was replaced; none where it was unset.
      type: str
    after:
      description: The value that took its place; none where it was reset.
      type: str
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
from ansible_collections.fleet.aws_ssm.plugins.module_utils._regional import REGIONS_SPEC
from ansible_collections.fleet.aws_ssm.plugins.module_utils._service_setting_module import run


def main() -> None:
    """Entry point."""
    module = AnsibleAWSModule(
        argument_spec={
            **REGIONS_SPEC,
            "setting": {"type": "str", "required": True},
            "value": {"type": "str"},
            "state": {"type": "str", "choices": ["present", "default", "restored"], "default": "present"},
            **BACKUP_SPEC,
        },
        required_if=[("state", "present", ["value"])],
        supports_check_mode=True,
    )
    execute(module, run)


if __name__ == "__main__":
    main()
