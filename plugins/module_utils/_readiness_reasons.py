# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Rules: the reasons why an instance is not managed, or why that may change, each with what mends it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

BLOCKING = "blocking"
WARNING = "warning"
INFO = "info"
SEVERITIES = (BLOCKING, WARNING, INFO)

_ENABLE = "ansible-playbook fleet.aws_ssm.enable_ssm -e ssm_regions={region}"
_FIX = _ENABLE + " -e ssm_backup_file=before.json -e preflight_fix="


@dataclass(frozen=True)
class Reason:
    """Why, in one line each: what was seen (C(message)) and the playbook or command that mends it (C(fix))."""

    reason: str
    severity: str
    message: str
    fix: str


TITLES: Mapping[str, str] = MappingProxyType(
    {
        "region_off": "The region is not enabled in the account",
        "imds_off": "The instance metadata service is off",
        "imdsv1_allowed": "The instance metadata service takes IMDSv1",
        "dhmc_off": "Default Host Management Configuration is off",
        "dhmc_role_missing": "The role of Default Host Management Configuration does not exist",
        "dhmc_role_untrusted": "Systems Manager may not assume the role of Default Host Management Configuration",
        "dhmc_role_unpermitted": "The role of Default Host Management Configuration does not allow what agents need",
        "dhmc_role_foreign": "Somebody else's role is set for Default Host Management Configuration",
        "profile_blocks_dhmc": "The instance profile keeps the instance from Default Host Management Configuration",
        "profile_half_grants": "The instance profile allows registering, but not receiving commands",
        "profile_without_role": "The instance profile gives no credentials: it or its role is gone, or it has none",
        "profile_recreated": "The instance profile was deleted and made again since it was associated",
        "association_stuck": "The association of the instance profile is not finished",
        "agent_too_old": "The SSM Agent is too old for Default Host Management Configuration",
        "private_dns_off": "VPC endpoints of Systems Manager are there, but their private DNS names are off",
        "missing_vpc_endpoints": "VPC endpoints of Systems Manager are missing",
        "no_egress": "The instance has no way out to Systems Manager",
        "endpoint_not_ready": "A VPC endpoint of Systems Manager does not serve",
        "endpoint_group_closed": "The security groups of a VPC endpoint do not let the instance in",
        "endpoint_policy_denies": "The policy of a VPC endpoint does not allow what agents do",
        "network_unclear": "Whether the network leads to Systems Manager can't be told from here",
        "node_quota_near": "The region is near its quota of managed nodes",
        "changed_recently": "Something was changed a short time ago, which takes up to 35 minutes to have an effect",
        "agent_silent": "Nothing that an API shows keeps the instance from being managed",
        "not_running": "The instance is not running",
        "service_managed": "An AWS service operates the instance",
    }
)

FIXES: Mapping[str, str] = MappingProxyType(
    {
        "region_off": "Enable the region in the account's settings, or leave it out.",
        "imds_off": _FIX + "imds",
        "imdsv1_allowed": _FIX + "imdsv2",
        "dhmc_off": _ENABLE,
        "dhmc_role_missing": _ENABLE + " -e dhmc_overwrite=true -e ssm_backup_file=before.json",
        "dhmc_role_untrusted": _ENABLE + " -e dhmc_role_name={role} -e dhmc_role_create=false -e dhmc_role_fix=true",
        "dhmc_role_unpermitted": _ENABLE + " -e dhmc_role_name={role} -e dhmc_role_create=false -e dhmc_role_fix=true",
        "dhmc_role_foreign": (
            "Nothing needs to be done. To have it replaced: "
            + _ENABLE
            + " -e dhmc_overwrite=true -e ssm_backup_file=before.json"
        ),
        "profile_blocks_dhmc": _FIX + "permissions -e preflight_instance_profiles={profile}",
        "profile_half_grants": (
            "ansible localhost -m fleet.aws_ssm.instance_profile_policy "
            "-a 'instance_profile={profile} managed_policies=AmazonSSMManagedInstanceCore region={region}'"
        ),
        "profile_without_role": (
            "ansible localhost -m amazon.aws.iam_instance_profile -a 'name={profile} role=ROLE region={region}', "
            "or take the profile off the instance."
        ),
        "profile_recreated": (
            "ansible localhost -m fleet.aws_ssm.instance_profile_association "
            "-a 'instance_profile={profile} instance_ids={instance} region={region}'"
        ),
        "association_stuck": "Wait some minutes. If it stays so, disassociate the profile and associate it again.",
        "agent_too_old": "Update the SSM Agent to 3.2.582.0 or later: a newer image, user data, or AWS-UpdateSSMAgent.",
        "private_dns_off": (
            "Set enableDnsSupport and enableDnsHostnames on {vpc}, then aws ec2 modify-vpc-endpoint "
            "--private-dns-enabled --region {region} --vpc-endpoint-id {endpoint}. AWS refuses that where a private "
            "hosted zone of yours has the name: then look at the records of the zone."
        ),
        "missing_vpc_endpoints": (
            "Create interface endpoints for {services} of {region} in {vpc}, with private DNS names, or give "
            "{subnet} a default route."
        ),
        "no_egress": (
            "Allow TCP 443 out in a security group of it, if none does. If there is no way out, give {subnet} a "
            "default route (NAT gateway, or internet gateway and a public address), or {vpc} interface endpoints for "
            "{services}."
        ),
        "endpoint_not_ready": (
            "aws ec2 modify-vpc-endpoint --region {region} --vpc-endpoint-id {endpoint} --add-subnet-ids {subnet}, or "
            "where it is not available, wait some minutes, then delete it and create it again."
        ),
        "endpoint_group_closed": (
            "aws ec2 authorize-security-group-ingress --region {region} --group-id {endpoint_group} --protocol tcp "
            "--port 443 --source-group {group}"
        ),
        "endpoint_policy_denies": (
            "aws ec2 modify-vpc-endpoint --region {region} --vpc-endpoint-id {endpoint} --reset-policy, or allow "
            "the action in the policy."
        ),
        "network_unclear": "See on the instance whether it reaches ssm.{region}: ssm-cli get-diagnostics.",
        "node_quota_near": "Have the quota of managed nodes raised (Service Quotas, AWS Systems Manager) in {region}.",
        "changed_recently": "Wait, or restart the SSM Agent on the instance.",
        "agent_silent": (
            "See on the instance whether the SSM Agent is installed and running, and whether a firewall or proxy keeps "
            "it from ssm.{region}: ssm-cli get-diagnostics."
        ),
        "not_running": "Start the instance.",
        "service_managed": "Leave it to the service.",
    }
)


def reason(code: str, severity: str, message: str, **names: str) -> Reason:
    """A reason with its fix, in which C(names) (region, instance, profile, role, vpc, subnet, endpoint ...) are put."""
    return Reason(code, severity, message, FIXES[code].format_map(_Names(names)))


class _Names(dict[str, str]):
    """Names that are not known stand as what they are."""

    def __missing__(self, key: str) -> str:
        return key.upper()


def general_fix(code: str) -> str:
    """The fix of a reason wherever it occurs."""
    return FIXES[code].format_map(_Names({"region": "REGIONS"}))
