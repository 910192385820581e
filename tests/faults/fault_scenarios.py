# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is run while something goes wrong, and what undoes it. Only variables that the playbooks themselves name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from fault_account import REGIONS

FILE = "before.json"
REPORT = "report/ssm-readiness.json"
_REGIONS = {"ssm_regions": ",".join(REGIONS)}
_S3 = {"ssm_s3_policy": True}
_QUIET = {"ssm_report": False}
_KEEP = {"ssm_backup_file": FILE}
_FIX = {"preflight_fix": "permissions,imdsv2", "preflight_new_instances": True, "dhmc_overwrite": True}


@dataclass(frozen=True, eq=False)
class Scenario:
    """A playbook on the account of fault_account, or on what an earlier scenario has made of it."""

    name: str
    playbook: str
    variables: Mapping[str, Any]
    after: str = ""
    """The scenario whose end is the start of this one."""
    undo: Mapping[str, Any] | None = None
    """The variables of disable_ssm that lead back; None: this one changes nothing, or is the way back itself."""
    timeouts: tuple[str, ...] = field(default=())

    def quick(self, seconds: int) -> dict[str, Any]:
        """The variables that make its roles give up early."""
        return dict.fromkeys(self.timeouts, seconds)


ENABLE = Scenario(
    "enable",
    "enable_ssm",
    {**_REGIONS, **_FIX, **_S3, **_QUIET, **_KEEP},
    undo={**_REGIONS, **_S3, **_KEEP, "dhmc_role_remove": True},
    timeouts=("dhmc_timeout", "preflight_timeout"),
)
ATTACH = Scenario(
    "attach",
    "attach_instance_profile",
    {**_REGIONS, **_S3, **_QUIET, **_KEEP, "profile_association_existing": "replace"},
    undo={**_REGIONS, **_S3, **_KEEP, "ssm_mode": "instance_profile", "instance_profile_remove": True},
    timeouts=("profile_association_timeout",),
)
RESTORE = Scenario("restore", "disable_ssm", ENABLE.undo or {}, after="enable", timeouts=ENABLE.timeouts)
DETACH = Scenario("detach", "disable_ssm", ATTACH.undo or {}, after="attach", timeouts=ATTACH.timeouts)
AUDIT = Scenario(
    "audit",
    "audit_ssm",
    {**_REGIONS, "ssm_report_directory": "report"},
    timeouts=("readiness_report_timeout",),
)
SCENARIOS = {scenario.name: scenario for scenario in (ENABLE, ATTACH, RESTORE, DETACH, AUDIT)}
