# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Rules: the reasons why an instance is not managed, or why that may change, each with its fix. Pure."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from string import Formatter
from types import MappingProxyType

from ansible_collections.fleet.aws_ssm.plugins.module_utils._core.text import count

BLOCKING = "blocking"
WARNING = "warning"
INFO = "info"
SEVERITIES = (BLOCKING, WARNING, INFO)

# The file that commands name if nobody says another one. It is a journal, so all of them may name the same.
BACKUP = "before.json"

_ENABLE = "ansible-playbook fleet.aws_ssm.enable_ssm -e ssm_regions={regions} -e {backup}"
_FIX = _ENABLE + " -e preflight_fix="


@dataclass(frozen=True)
class Reason:
    """Why, in one line: what was seen (`message`). `names` is what its fix names: region, instance, profile, ..."""

    reason: str
    severity: str
    message: str
    names: Mapping[str, str] = field(default_factory=dict)

    def row(self, backup: str = BACKUP) -> dict[str, str]:
        """The reason as a result has it, with the playbook or command that fixes it."""
        return {
            "reason": self.reason,
            "severity": self.severity,
            "message": self.message,
            "fix": fix_of(self.reason, [self.names], backup),
        }


TITLES: Mapping[str, str] = MappingProxyType(
    {
        "region_off": "The region is not enabled in the account",
        "region_forbidden": "A service control policy of the organization closes the region",
        "imds_off": "The instance metadata service is off",
        "imdsv1_allowed": "The instance metadata service takes IMDSv1",
        "dhmc_off": "Default Host Management Configuration is off",
        "dhmc_role_missing": "The role of Default Host Management Configuration does not exist",
        "dhmc_role_untrusted": "Systems Manager may not assume the role of Default Host Management Configuration",
        "dhmc_role_unpermitted": "The role of Default Host Management Configuration does not allow what agents need",
        "dhmc_unclear": "Whether Default Host Management Configuration lets the instance in can't be told from here",
        "dhmc_role_foreign": "Someone else's role is set for Default Host Management Configuration",
        "profile_blocks_dhmc": "The instance profile keeps the instance from Default Host Management Configuration",
        "profile_half_grants": "The instance profile allows registering, but not receiving commands",
        "profile_without_role": "The instance profile gives no credentials: it or its role is gone, or it has none",
        "profile_untrusted": "The instance profile gives no credentials: EC2 may not assume its role",
        "profile_unclear": "What the instance profile gives to the instance can't be told from here",
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

# {regions}, {profiles} and {instances} take any number of names, the others one.
FIXES: Mapping[str, str] = MappingProxyType(
    {
        "region_off": "Enable the region in the account's settings, or leave it out.",
        "region_forbidden": "Nothing needs to be done. If you need the region, ask who administers the organization.",
        "imds_off": _FIX + "imds",
        "imdsv1_allowed": _FIX + "imdsv2",
        "dhmc_off": _ENABLE,
        "dhmc_role_missing": _ENABLE + " -e dhmc_overwrite=true",
        "dhmc_role_untrusted": _ENABLE + " -e dhmc_role_name={role} -e dhmc_role_create=false -e dhmc_role_fix=true",
        "dhmc_role_unpermitted": _ENABLE + " -e dhmc_role_name={role} -e dhmc_role_create=false -e dhmc_role_fix=true",
        "dhmc_unclear": (
            "Look at what the message names. Change that statement, or have the region use a role without it. To read "
            "what could not be read takes the permissions that the documentation names."
        ),
        "dhmc_role_foreign": "Nothing needs to be done. To replace it: " + _ENABLE + " -e dhmc_overwrite=true",
        "profile_blocks_dhmc": _FIX + "permissions -e preflight_instance_profiles={profiles}",
        "profile_half_grants": (
            "ansible localhost -m fleet.aws_ssm.instance_profile_policy "
            "-a 'instance_profile={profile} managed_policies=AmazonSSMManagedInstanceCore region={region}'"
        ),
        "profile_without_role": (
            "Put a role that allows what agents need into the instance profile {profile} (module "
            "amazon.aws.iam_instance_profile), or take the profile off the instance."
        ),
        "profile_untrusted": (
            "ansible localhost -m fleet.aws_ssm.iam_service_role "
            "-a 'instance_profile={profile} service=ec2.amazonaws.com create=false fix=true region={region}'"
        ),
        "profile_unclear": (
            "Look at what the message names. Change that statement, or give the instance a profile without it. To read "
            "what could not be read takes the permissions that the documentation names."
        ),
        "profile_recreated": (
            "ansible localhost -m fleet.aws_ssm.instance_profile_association "
            "-a 'instance_profile={profile} instance_ids={instances} region={region}'"
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


# A command can take any number of these.
_PLURAL = {"regions": "region", "profiles": "profile", "instances": "instance"}
# What a sentence says instead of a name that is not known.
_UNKNOWN = {"region": "the region", "profile": "of the instance", "vpc": "its VPC", "subnet": "its subnet"}
_COMMAND = re.compile(r"(?:^|: )(?:ansible-playbook|ansible) ")
# A name that a shell, and `key=value` of Ansible, take for what it is.
_SAFE = re.compile(r"[\w+=.@:/-]+", re.ASCII)
_LISTED = 3

Names = Mapping[str, str]


def reason(code: str, severity: str, message: str, **names: str) -> Reason:
    """A reason whose fix names region, instance, profile, role, vpc, subnet, services or endpoint."""
    return Reason(code, severity, message, names)


def fix_of(code: str, occurrences: Iterable[Names], backup: str = BACKUP) -> str:
    """The fix of a reason for all that have it at once, with every name filled in."""
    template, every = FIXES[code], list(occurrences)
    fields = {name for _text, name, _spec, _conversion in Formatter().parse(template) if name} - {"backup"}
    found: dict[str, list[str]] = {
        name: sorted({one.get(_PLURAL.get(name, name), "") for one in every} - {""}) for name in fields
    }
    if not _COMMAND.search(template):
        return template.format(**{name: _listed(name, values) for name, values in found.items()})
    several = [name for name, values in found.items() if name not in _PLURAL and len(values) > 1]
    if several:
        many = count(len(found[several[0]]), several[0])
        return f"Each {several[0]} needs a command of its own ({many}): see the instances."
    if not all(_SAFE.fullmatch(value) for values in found.values() for value in values):
        return "No command is shown, because a name has characters that a command line would not take as they are."
    values = {name: ",".join(values) or name.upper() for name, values in found.items()}
    return template.format(**values, backup=_variable("ssm_backup_file", backup))


def _listed(name: str, values: Sequence[str]) -> str:
    if not values:
        return _UNKNOWN.get(name, f"the {name}")
    more = f" and {len(values) - _LISTED:,} more" if len(values) > _LISTED else ""
    return ", ".join(values[:_LISTED]) + more


def _variable(name: str, value: str) -> str:
    """A variable for `-e`, whatever its value."""
    return f"{name}={value}" if _SAFE.fullmatch(value) else shlex.quote(json.dumps({name: value}))
