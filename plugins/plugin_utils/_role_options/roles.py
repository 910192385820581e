# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Rules: the variables of each role. Pure."""

from __future__ import annotations

from ansible_collections.fleet.aws_ssm.plugins.module_utils._iam_names import POLICY, PROFILE, ROLE
from ansible_collections.fleet.aws_ssm.plugins.module_utils._operator_policy import FEATURES
from ansible_collections.fleet.aws_ssm.plugins.plugin_utils._role_options import iam
from ansible_collections.fleet.aws_ssm.plugins.plugin_utils._role_options.table import Option, Options, Rule, Table
from ansible_collections.fleet.aws_ssm.plugins.plugin_utils._role_options.values import (
    boolean,
    choice,
    file,
    filters,
    instance_ids,
    names,
    number,
    path,
    regions,
    text,
    whole,
)

DHMC_ROLE = "AWSSystemsManagerDefaultEC2InstanceManagementRole"
PROFILE_NAME = "SSMInstanceProfile"
S3_POLICY_NAME = "SSMInstanceProfileS3Policy"
DENY_POLICY_NAME = "fleet.aws_ssm-deny"

seconds = whole("seconds", 1, 86400)
_managed_policies = iam.iam_names(POLICY, "managed policies")


def _needs_backup(options: Options) -> str:
    if options["backup_file"]:
        return ""
    if options["state"] == "restored":
        return "preflight_backup_file: is empty: name the file that an earlier run wrote (or set ssm_backup_file)."
    if options["fix"] and options["state"] == "present":
        return (
            f"preflight_fix: {', '.join(options['fix'])} needs a backup, for what is changed has to be kept first: "
            "name its file in preflight_backup_file (or set ssm_backup_file)."
        )
    return ""


def _restores_from(role: str, why: str = " (or set ssm_backup_file)") -> Rule:
    def rule(options: Options) -> str:
        if options["state"] == "restored" and not options["backup_file"]:
            return f"{role}_backup_file: is empty: name the file that an earlier run wrote{why}."
        return ""

    return rule


def _one_selection(role: str) -> Rule:
    def rule(options: Options) -> str:
        if options["instance_ids"] and options["filters"]:
            return f"{role}_instance_ids: excludes {role}_filters: give one of them."
        return ""

    return rule


DHMC = Table(
    "dhmc",
    "dhmc_",
    (
        Option("dhmc_state", choice("present", "absent", "restored"), "present"),
        Option("dhmc_regions", regions, shared="ssm_regions"),
        Option("dhmc_overwrite", boolean, default=False),
        Option("dhmc_role_name", iam.iam_name(ROLE), DHMC_ROLE),
        Option("dhmc_role_path", iam.iam_path, "/service-role/"),
        Option("dhmc_role_create", boolean, default=True),
        Option("dhmc_role_fix", boolean, default=False),
        Option(
            "dhmc_role_description",
            iam.description,
            "Lets Systems Manager manage the EC2 instances of this account (Default Host Management Configuration).",
        ),
        Option("dhmc_role_managed_policies", _managed_policies, ()),
        Option("dhmc_role_directory_service", boolean, default=False, shared="ssm_directory_service"),
        Option("dhmc_role_cloudwatch", boolean, default=False, shared="ssm_cloudwatch"),
        Option("dhmc_role_inline_policies", iam.documents, {}),
        Option("dhmc_role_permissions_boundary", iam.policy_arn),
        Option("dhmc_role_tags", iam.tags, {}, shared="ssm_tags"),
        Option("dhmc_role_remove", boolean, default=False),
        Option("dhmc_backup_file", file, shared="ssm_backup_file"),
        Option("dhmc_timeout", seconds, 300),
    ),
    rules=(_restores_from("dhmc"),),
)

PREFLIGHT = Table(
    "preflight",
    "preflight_",
    (
        Option("preflight_state", choice("present", "absent", "restored"), "present"),
        Option("preflight_regions", regions, shared="ssm_regions"),
        Option("preflight_fix", names("fixes", ("permissions", "imdsv2", "imds")), ()),
        Option("preflight_instance_profiles", iam.iam_names(PROFILE, "instance profiles"), ()),
        Option("preflight_method", choice("auto", "detach", "deny", "rewrite"), "auto"),
        Option("preflight_allow_shared", boolean, default=False),
        Option("preflight_deny_policy_name", iam.policy_name, DENY_POLICY_NAME),
        Option("preflight_elsewhere", boolean, default=False),
        Option("preflight_dhmc_planned", boolean, default=False, shared="__ssm_dhmc_planned"),
        Option("preflight_instance_filters", filters, {}),
        Option("preflight_new_instances", boolean, default=False),
        Option("preflight_backup_file", file, shared="ssm_backup_file"),
        Option("preflight_overwrite", boolean, default=False),
        Option("preflight_timeout", seconds, 600),
    ),
    rules=(_needs_backup,),
)

INSTANCE_PROFILE = Table(
    "instance_profile",
    "instance_profile_",
    (
        Option("instance_profile_state", choice("present", "absent", "restored"), "present"),
        Option("instance_profile_name", iam.iam_name(PROFILE), PROFILE_NAME),
        Option("instance_profile_role_name", iam.iam_name(ROLE)),
        Option("instance_profile_path", iam.iam_path, "/"),
        Option("instance_profile_create", boolean, default=True),
        Option("instance_profile_fix", boolean, default=False),
        Option(
            "instance_profile_description",
            iam.description,
            "Lets Systems Manager manage the EC2 instances that have this role's instance profile.",
        ),
        Option("instance_profile_permissions_boundary", iam.policy_arn),
        Option("instance_profile_tags", iam.tags, {}, shared="ssm_tags"),
        Option("instance_profile_core", boolean, default=True),
        Option("instance_profile_directory_service", boolean, default=False, shared="ssm_directory_service"),
        Option("instance_profile_cloudwatch", boolean, default=False, shared="ssm_cloudwatch"),
        Option("instance_profile_managed_policies", _managed_policies, ()),
        Option("instance_profile_inline_policies", iam.documents, {}),
        Option("instance_profile_backup_file", file, shared="ssm_backup_file"),
        Option("instance_profile_overwrite", boolean, default=False),
    ),
    rules=(_restores_from("instance_profile"),),
)

PROFILE_ASSOCIATION = Table(
    "profile_association",
    "profile_association_",
    (
        Option("profile_association_state", choice("present", "absent", "restored"), "present"),
        Option("profile_association_regions", regions, shared="ssm_regions"),
        Option(
            "profile_association_instance_profile",
            iam.iam_name(PROFILE),
            PROFILE_NAME,
            shared="instance_profile_name",
        ),
        Option("profile_association_instance_ids", instance_ids, ()),
        Option("profile_association_filters", filters, {}),
        Option("profile_association_existing", choice("keep", "replace", "extend"), "keep"),
        Option("profile_association_policies", _managed_policies, ("AmazonSSMManagedInstanceCore",)),
        Option("profile_association_wait", boolean, default=True),
        Option("profile_association_backup_file", file, shared="ssm_backup_file"),
        Option("profile_association_overwrite", boolean, default=False),
        Option("profile_association_timeout", seconds, 900),
    ),
    rules=(_one_selection("profile_association"), _restores_from("profile_association")),
)

READINESS_REPORT = Table(
    "readiness_report",
    "readiness_report_",
    (
        Option("readiness_report_regions", regions, shared="ssm_regions"),
        Option("readiness_report_instance_ids", instance_ids, ()),
        Option("readiness_report_filters", filters, {}),
        Option("readiness_report_directory", path, shared="ssm_report_directory"),
        Option("readiness_report_formats", names("formats", ("json", "csv", "html")), ("json", "csv", "html")),
        Option(
            "readiness_report_name",
            text(200, r"[^./\\][^/\\]*", "a file's name: give one without a folder (readiness_report_directory)"),
            "ssm-readiness",
        ),
        Option("readiness_report_title", text(500), "Systems Manager readiness"),
        Option("readiness_report_baseline", file, shared="ssm_report_baseline"),
        Option("readiness_report_backup_file", text(4095), shared="ssm_backup_file"),
        Option("readiness_report_fail_under", number("percentage", 0, 100, unit="%"), shared="audit_ssm_fail_under"),
        Option("readiness_report_node_quota", whole("nodes", 1, 10_000_000), 2400),
        Option("readiness_report_timeout", seconds, 600),
    ),
    rules=(_one_selection("readiness_report"),),
)

S3_POLICY = Table(
    "s3_policy",
    "s3_policy_",
    (
        Option("s3_policy_state", choice("present", "absent", "restored"), "present"),
        Option("s3_policy_regions", regions, shared="ssm_regions"),
        Option("s3_policy_vpc_endpoints", boolean, default=True),
        Option("s3_policy_bucket_set", choice("current", "page"), "current"),
        Option("s3_policy_extra_region_buckets", iam.region_buckets, {}),
        Option("s3_policy_buckets", iam.buckets, ()),
        Option("s3_policy_name", iam.s3_policy_name, S3_POLICY_NAME),
        Option("s3_policy_path", iam.iam_path, "/"),
        Option(
            "s3_policy_description",
            iam.description,
            "Lets instances that Systems Manager manages use its S3 buckets.",
        ),
        Option("s3_policy_tags", iam.tags, {}, shared="ssm_tags"),
        Option("s3_policy_overwrite", boolean, default=False),
        # A playbook's own wiring, which an empty answer must not undo.
        Option("s3_policy_attach_to", iam.targets, (), shared="__ssm_attach_to"),
        Option("s3_policy_backup_file", file, shared="ssm_backup_file"),
    ),
    rules=(_restores_from("s3_policy"),),
)

OPERATOR_POLICY = Table(
    "operator_policy",
    "operator_policy_",
    (
        Option("operator_policy_state", choice("present", "absent", "restored"), "present"),
        Option("operator_policy_mode", choice("render", "create"), "render"),
        Option("operator_policy_features", names("features", FEATURES, least=1), ("dhmc", "dhmc_role")),
        Option("operator_policy_directory", path),
        Option("operator_policy_regions", regions, shared="ssm_regions"),
        Option("operator_policy_account", iam.account_id),
        Option("operator_policy_partition", iam.partition),
        Option("operator_policy_role", iam.iam_name(ROLE), DHMC_ROLE, shared="dhmc_role_name"),
        Option("operator_policy_instance_profile", iam.iam_name(PROFILE), PROFILE_NAME, shared="instance_profile_name"),
        Option("operator_policy_instance_role", iam.iam_name(ROLE), shared="instance_profile_role_name"),
        Option("operator_policy_other_roles", iam.iam_names(ROLE, "roles", wildcard=True), ()),
        Option("operator_policy_s3_policy", iam.iam_name(POLICY), S3_POLICY_NAME, shared="s3_policy_name"),
        Option("operator_policy_s3_attach_to", iam.targets, (), shared="s3_policy_attach_to"),
        Option("operator_policy_managed_policies", _managed_policies, ()),
        Option("operator_policy_editable_policies", _managed_policies, ()),
        Option("operator_policy_inline_policies", boolean, default=False),
        Option("operator_policy_permissions_boundary", iam.policy_arn, shared="dhmc_role_permissions_boundary"),
        Option("operator_policy_name_prefix", iam.name_prefix, "FleetSSMOperator-"),
        Option("operator_policy_path", iam.iam_path, "/"),
        Option("operator_policy_description", iam.description, "For whoever runs the collection fleet.aws_ssm."),
        Option("operator_policy_tags", iam.tags, {}, shared="ssm_tags"),
        Option("operator_policy_overwrite", boolean, default=False),
        Option("operator_policy_detach", boolean, default=False),
        Option("operator_policy_backup_file", file),
    ),
    rules=(_restores_from("operator_policy", ""),),
)

ROLES = {
    table.name: table
    for table in (
        DHMC,
        PREFLIGHT,
        INSTANCE_PROFILE,
        PROFILE_ASSOCIATION,
        READINESS_REPORT,
        S3_POLICY,
        OPERATOR_POLICY,
    )
}
