# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Rules: the variables of each playbook, beside those of its roles. Pure."""

from __future__ import annotations

from ansible_collections.fleet.aws_ssm.plugins.plugin_utils._role_options import iam
from ansible_collections.fleet.aws_ssm.plugins.plugin_utils._role_options.roles import READINESS_REPORT
from ansible_collections.fleet.aws_ssm.plugins.plugin_utils._role_options.table import Option, Options, Table
from ansible_collections.fleet.aws_ssm.plugins.plugin_utils._role_options.values import (
    boolean,
    choice,
    file,
    number,
    path,
    regions,
)

MODES = ("dhmc", "instance_profile", "both")
# What each mode turns on.
WITH_DHMC, WITH_PROFILE = ("dhmc", "both"), ("instance_profile", "both")


def _no_fix_of_what_the_mode_gives(options: Options) -> str:
    fix = options["roles"]["preflight"]["fix"]
    if "permissions" in fix and options["mode"] in WITH_PROFILE:
        return f"preflight_fix: permissions takes away what ssm_mode={options['mode']} gives: use ssm_mode=dhmc."
    return ""


def _backup_is_no_report(options: Options) -> str:
    report = options["roles"][READINESS_REPORT.name]
    if options["backup_file"] and options["backup_file"] == report["baseline"]:
        return f"ssm_report_baseline: {report['baseline']} is the ssm_backup_file: name the JSON file of a report."
    folder, written = report["directory"], [f"{report['name']}.{ending}" for ending in report["formats"]]
    if folder and options["report"] and options["backup_file"] in [f"{folder}/{name}" for name in written]:
        return (
            f"ssm_backup_file: {options['backup_file']} is where the report is going to be written: name another file, "
            "or another ssm_report_directory."
        )
    return ""


_REGIONS = Option("ssm_regions", regions)
_MODE = Option("ssm_mode", choice(*MODES), "dhmc")
_BACKUP_FILE = Option("ssm_backup_file", file)
_S3_POLICY = Option("ssm_s3_policy", boolean, default=False)
_SHARED = (
    Option("ssm_directory_service", boolean, default=False),
    Option("ssm_cloudwatch", boolean, default=False),
    Option("ssm_tags", iam.tags, {}),
)
_REPORT = (
    Option("ssm_report_directory", path),
    Option("ssm_report_baseline", file),
)
_WAIT = (
    Option("ssm_wait", boolean, default=False),
    Option("ssm_wait_timeout", number("number of seconds", 0, 604800), 2100),
    Option("ssm_wait_fail", boolean, default=False),
)
_ENABLE = (_REGIONS, _S3_POLICY, _BACKUP_FILE, *_SHARED, *_WAIT, Option("ssm_report", boolean, default=True), *_REPORT)

ENABLE = Table(
    "enable_ssm",
    "ssm_",
    (_MODE, *_ENABLE),
    rules=(_no_fix_of_what_the_mode_gives, _backup_is_no_report),
    roles=("preflight", "dhmc", "instance_profile", "s3_policy", "profile_association", "readiness_report"),
    state="present",
)
# What a playbook is for is not a variable: ssm_mode is not one of this playbook's.
ATTACH = Table(
    "attach_instance_profile",
    "ssm_",
    _ENABLE,
    rules=(_backup_is_no_report,),
    roles=("instance_profile", "s3_policy", "profile_association", "readiness_report"),
    state="present",
)
DISABLE = Table(
    "disable_ssm",
    "ssm_",
    (_REGIONS, _MODE, _S3_POLICY, _BACKUP_FILE, Option("instance_profile_remove", boolean, default=False)),
    roles=("preflight", "profile_association", "s3_policy", "instance_profile", "dhmc"),
    state="absent",
)
AUDIT = Table(
    "audit_ssm",
    "ssm_",
    (_REGIONS, *_REPORT, Option("audit_ssm_fail_under", number("percentage", 0, 100, unit="%"))),
    roles=("readiness_report",),
)

PLAYBOOKS = {table.name: table for table in (ENABLE, ATTACH, DISABLE, AUDIT)}
