# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Gateway: what IAM holds of the roles and policies that a restore is about."""

from __future__ import annotations

from typing import Any

from ansible_collections.fleet.aws_ssm.plugins.module_utils._iam.policy_edits import read_versions
from ansible_collections.fleet.aws_ssm.plugins.module_utils._iam.policy_state import RoleNow
from ansible_collections.fleet.aws_ssm.plugins.module_utils._iam_api import policy_exists
from ansible_collections.fleet.aws_ssm.plugins.module_utils._iam_fleet_api import read_all, read_bare_role
from ansible_collections.fleet.aws_ssm.plugins.module_utils._profile_permission.restore_plan import Now, Target


def read_now(iam: Any, targets: list[Target], deadline: float) -> Now:
    """What IAM holds. What can't be read is kept with its error, so that the rest can be restored."""
    names = sorted({target.role for target in targets if target.role})
    edited = sorted({str(target.arn) for target in targets if not target.role})
    bare, role_errors = read_all(lambda name: read_bare_role(iam, name), names, deadline)
    versions, version_errors = read_all(lambda arn: read_versions(iam, arn), edited, deadline)
    missing = sorted(
        {
            target.arn
            for target in targets
            if target.role and target.arn and bare.get(target.role) and target.arn not in bare[target.role].attached
        }
    )
    exists, policy_errors = read_all(lambda arn: policy_exists(iam, arn), missing, deadline)
    return Now(
        {name: RoleNow(frozenset(role.attached), role.inline) if role else None for name, role in bare.items()},
        versions,
        exists,
        {**role_errors, **version_errors, **policy_errors},
    )
