#!/usr/bin/python
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check a backup file as a whole, and say what it holds for an account."""

from __future__ import annotations

DOCUMENTATION = r"""
module: backup_file_info
short_description: Check a backup file and say what it holds for an account
version_added: 1.0.0
description:
  - Reads the file that the modules of this collection write with C(backup_file), and checks all of it. A file that is
    damaged, not a backup, or of a newer version fails with one line.
  - Says how many resources of the account each module can restore. The playbook C(disable_ssm) asks this before it changes
    anything.
author:
  - The fleet.aws_ssm contributors (@fleet-aws)
options:
  path:
    description: The file.
    type: path
    required: true
  required:
    description: Whether to fail if the file holds nothing for the account.
    type: bool
    default: true
extends_documentation_fragment:
  - fleet.aws_ssm.attributes.info
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
notes:
  - Calls C(sts:GetCallerIdentity) for the account, which needs no permission.
"""

EXAMPLES = r"""
- name: See what can be put back
  fleet.aws_ssm.backup_file_info:
    path: before.json
  register: before

- name: Put back the service settings
  fleet.aws_ssm.ssm_service_setting:
    setting: /ssm/managed-instance/default-ec2-instance-management-role
    state: restored
    backup_file: before.json
  when: before.resources.ssm_service_setting is defined
"""

RETURN = r"""
account:
  description: The account of the credentials.
  returned: success
  type: str
  sample: "123456789012"
accounts:
  description: Every account that the file holds resources of.
  returned: success
  type: list
  elements: str
resources:
  description: How many resources of the account each module can restore. A module that can restore none is left out.
  returned: success
  type: dict
  sample: {"ssm_service_setting": 17}
"""

import time
from collections import Counter
from typing import Any

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

from ansible_collections.fleet.aws_ssm.plugins.module_utils._aws.identity import identity_by
from ansible_collections.fleet.aws_ssm.plugins.module_utils._clients import Clients
from ansible_collections.fleet.aws_ssm.plugins.module_utils._core.backup import originals
from ansible_collections.fleet.aws_ssm.plugins.module_utils._core.backup_file import BackupFile
from ansible_collections.fleet.aws_ssm.plugins.module_utils._errors import InputError
from ansible_collections.fleet.aws_ssm.plugins.module_utils._module import execute

# Seconds for the one call.
_PATIENCE = 60.0


def run(module: AnsibleAWSModule) -> dict[str, Any]:
    """Read the file, and count what it holds."""
    file = BackupFile(module.params["path"], "path")
    entries = file.read()
    partitions = {entry.partition for entry in entries}
    partition = partitions.pop() if len(partitions) == 1 else None
    account = identity_by(Clients(module), [], time.monotonic() + _PATIENCE, partition=partition).account
    counts = Counter(one.module for one in originals(entries) if one.account == account)
    accounts = sorted({entry.account for entry in entries})
    if module.params["required"] and not counts:
        raise InputError(
            f"path: {file.path} has nothing to restore in account {account}: it holds "
            f"{'resources of ' + ', '.join(accounts) if accounts else 'no resources'}. Nothing was changed."
        )
    return {"changed": False, "account": account, "accounts": accounts, "resources": dict(sorted(counts.items()))}


def main() -> None:
    """Entry point."""
    execute(
        AnsibleAWSModule(
            argument_spec={
                "path": {"type": "path", "required": True},
                "required": {"type": "bool", "default": True},
            },
            supports_check_mode=True,
        ),
        run,
    )


if __name__ == "__main__":
    main()
