# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Module body of instance_profile_permission."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible_collections.fleet.aws_ssm.plugins.module_utils._core.backup_task import BackupTask
from ansible_collections.fleet.aws_ssm.plugins.module_utils._profile_permission.restore import restore
from ansible_collections.fleet.aws_ssm.plugins.module_utils._profile_permission.revoke import take_away
from ansible_collections.fleet.aws_ssm.plugins.module_utils._profile_permission.steps import MODULE

if TYPE_CHECKING:
    from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule


def run(module: AnsibleAWSModule) -> dict[str, Any]:
    """Take actions from the roles behind profiles, or give them back."""
    backup = BackupTask(MODULE, module.params)
    return restore(module, backup) if module.params["state"] == "restored" else take_away(module, backup)
