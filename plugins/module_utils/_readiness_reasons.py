# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Rules: the reasons why an instance is not managed, or why that may change, each with its fix. Pure.

`REASONS` is the one table: documentation, page, terminal and waiting follow from it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from ansible_collections.fleet.aws_ssm.plugins.module_utils._readiness_fix import BACKUP, Fix, Names, filled, several

BLOCKING = "blocking"
WARNING = "warning"
INFO = "info"
SEVERITIES = (BLOCKING, WARNING, INFO)

# A backup is a journal, so all of them may name the same file, and disable_ssm.yml takes all of them back.
_ENABLE = "ansible-playbook fleet.aws_ssm.enable_ssm -e ssm_regions={regions} -e {backup_variable}"
_MODULE = "ansible localhost -m fleet.aws_ssm."
# A change of metadata options concerns the instances alone: enable_ssm.yml would turn on DHMC, too.
_IMDS = _MODULE + "ec2_metadata_options -a 'instance_ids={instances} %s regions={regions} backup_file={backup}'"
_IMDS_MANY = (
    _MODULE + 'ec2_metadata_options -a \'{{"filters": {{%s, "instance-state-name": "running"}}, %s, '
    '"regions": "{regions}", "backup_file": "{backup}"}}\''
)
_ENDPOINT_IS = '"metadata-options.http-endpoint": "%s"'
# The owner of a change of a role is the one whose changes disable_ssm.yml takes back.
_DHMC_ROLE = (
    _MODULE + "iam_service_role -a 'name={role} service=ssm.amazonaws.com create=false fix=true owner=dhmc "
    "aws_policies=AmazonSSMManagedEC2InstanceDefaultPolicy required_action=ssm:UpdateInstanceInformation "
    "regions={regions} backup_file={backup}'"
)
_PROFILE_ROLE = (
    _MODULE + "iam_service_role -a 'instance_profile={profile} service=ec2.amazonaws.com create=false "
    "owner=instance_profile %s region={any_region} backup_file={backup}'"
)
_ENDPOINT = "aws ec2 modify-vpc-endpoint --region {region} --vpc-endpoint-id {endpoint} "
_VPC = "aws ec2 modify-vpc-attribute --region {region} --vpc-id {vpc} "
_READ_MORE = " To read what could not be read takes the permissions that the documentation names."


@dataclass(frozen=True)
class Kind:
    """What there is to know of a reason, whatever the instance.

    `severity` is that which it has unless what was seen makes it another. `variants` are the fixes of special cases, by
    their names. `passes`: where it blocks, it may go away by itself. `iam_delay`: it rests on what IAM says, and that
    may be what was true some seconds ago.
    """

    title: str
    severity: str
    fix: Fix
    variants: Mapping[str, Fix] = field(default_factory=dict)
    passes: bool = False
    iam_delay: bool = False


REASONS: Mapping[str, Kind] = MappingProxyType(
    {
        "region_off": Kind(
            "The region is not enabled in the account",
            INFO,
            Fix("Enable the region in the account's settings, or leave it out."),
        ),
        "region_forbidden": Kind(
            "A service control policy of the organization closes the region",
            INFO,
            Fix("Nothing needs to be done. If you need the region, ask who administers the organization."),
        ),
        "imds_off": Kind(
            "The instance metadata service is off",
            BLOCKING,
            Fix(
                command=_IMDS % "http_endpoint=enabled",
                many=_IMDS_MANY % (_ENDPOINT_IS % "disabled", '"http_endpoint": "enabled"'),
            ),
        ),
        "imdsv1_allowed": Kind(
            "The instance metadata service takes IMDSv1",
            INFO,
            Fix(
                command=_IMDS % "http_tokens=required",
                many=_IMDS_MANY
                % (
                    _ENDPOINT_IS % "enabled" + ', "metadata-options.http-tokens": "optional"',
                    '"http_tokens": "required"',
                ),
                after="Software that knows IMDSv1 only stops working then.",
            ),
        ),
        "dhmc_off": Kind("Default Host Management Configuration is off", BLOCKING, Fix(command=_ENABLE)),
        "dhmc_role_missing": Kind(
            "The role of Default Host Management Configuration does not exist",
            BLOCKING,
            Fix(command=_ENABLE + " -e dhmc_overwrite=true"),
            iam_delay=True,
        ),
        "dhmc_role_untrusted": Kind(
            "Systems Manager may not assume the role of Default Host Management Configuration",
            BLOCKING,
            Fix(command=_DHMC_ROLE, instead="Let ssm.amazonaws.com assume the role."),
            iam_delay=True,
        ),
        "dhmc_role_unpermitted": Kind(
            "The role of Default Host Management Configuration does not allow what agents need",
            BLOCKING,
            Fix(
                command=_DHMC_ROLE,
                instead="Attach the policy AmazonSSMManagedEC2InstanceDefaultPolicy to the role.",
            ),
            iam_delay=True,
        ),
        "dhmc_unclear": Kind(
            "It is unclear whether Default Host Management Configuration lets the instance register",
            WARNING,
            Fix(
                "Look at what the message names. Change that statement, or have the region use a role without it."
                + _READ_MORE
            ),
            passes=True,
        ),
        "dhmc_role_foreign": Kind(
            "Someone else's role is set for Default Host Management Configuration",
            INFO,
            Fix("Nothing needs to be done. To replace it:", _ENABLE + " -e dhmc_overwrite=true"),
        ),
        "profile_blocks_dhmc": Kind(
            "The instance profile keeps the instance from Default Host Management Configuration",
            WARNING,
            Fix(
                command=_MODULE + "instance_profile_permission -a 'instance_profiles={profiles} regions={regions} "
                "backup_file={backup}'",
                after="A role whose instances would lose their only way in is left as it is, and named in held.",
                instead="Take ssm:UpdateInstanceInformation from the role of the instance profile.",
            ),
        ),
        "profile_half_grants": Kind(
            "The instance profile allows registering, but not receiving commands",
            WARNING,
            Fix(
                command=_PROFILE_ROLE % "extend=true aws_policies=AmazonSSMManagedInstanceCore "
                "required_action=ssmmessages:OpenDataChannel",
                instead="Attach the policy AmazonSSMManagedInstanceCore to the role of the instance profile.",
            ),
        ),
        "profile_without_role": Kind(
            "The instance profile gives no credentials: it or its role is gone, or it has none",
            WARNING,
            Fix(
                "Put a role that allows what agents need into the instance profile {profile} (module "
                "amazon.aws.iam_instance_profile), or take the profile off the instance."
            ),
            iam_delay=True,
        ),
        "profile_untrusted": Kind(
            "The instance profile gives no credentials: EC2 may not assume its role",
            WARNING,
            Fix(
                command=_PROFILE_ROLE % "fix=true",
                instead="Let EC2 assume the role of the instance profile.",
            ),
            iam_delay=True,
        ),
        "profile_unclear": Kind(
            "It is unclear what the instance profile allows the instance",
            WARNING,
            Fix(
                "Look at what the message names. Change that statement, or give the instance a profile without it."
                + _READ_MORE
            ),
            passes=True,
        ),
        "profile_recreated": Kind(
            "The instance profile was deleted and made again since it was associated",
            WARNING,
            Fix(
                command=_MODULE + "instance_profile_association "
                "-a 'instance_profile={profile} instance_ids={instances} regions={regions}'",
                instead="Associate the instance profile with the instance again.",
            ),
            iam_delay=True,
        ),
        "association_stuck": Kind(
            "The association of the instance profile is not finished",
            WARNING,
            Fix("Wait some minutes. If it stays so, disassociate the profile and associate it again."),
        ),
        "agent_too_old": Kind(
            "The SSM Agent is too old for Default Host Management Configuration",
            BLOCKING,
            Fix("Update the SSM Agent to 3.2.582.0 or later: a newer image, user data, or AWS-UpdateSSMAgent."),
        ),
        "private_dns_off": Kind(
            "VPC endpoints of Systems Manager are there, but their private DNS names are off",
            BLOCKING,
            Fix(
                command=_ENDPOINT + "--private-dns-enabled",
                after="AWS refuses that where a private hosted zone of yours has the name: then look at the records of "
                "the zone.",
            ),
            {
                # AWS takes one attribute a call, and hostnames only where there is support.
                "vpc": Fix(command=f"{_VPC}--enable-dns-support && {_VPC}--enable-dns-hostnames"),
            },
        ),
        "missing_vpc_endpoints": Kind(
            "VPC endpoints of Systems Manager are missing",
            BLOCKING,
            Fix(
                "Create interface endpoints for {services} of {region} in {vpc}, with private DNS names, or give "
                "{subnet} a default route."
            ),
        ),
        "no_egress": Kind(
            "The instance has no way out to Systems Manager",
            BLOCKING,
            Fix(
                "Give {subnet} a default route (NAT gateway, or internet gateway and a public address), or {vpc} "
                "interface endpoints for {services}."
            ),
            {
                "groups": Fix("Allow TCP 443 out in a security group of the instance."),
                "public": Fix(
                    command="aws ec2 authorize-security-group-egress --region {region} --group-id {group} "
                    "--protocol tcp --port 443 --cidr 0.0.0.0/0",
                    instead="Allow TCP 443 out in a security group of the instance.",
                ),
            },
        ),
        "endpoint_not_ready": Kind(
            "A VPC endpoint of Systems Manager does not serve",
            BLOCKING,
            Fix("Delete {endpoint} and create it again."),
            {
                "pending": Fix("Wait some minutes."),
                "no_subnet": Fix(command=_ENDPOINT + "--add-subnet-ids {subnet}"),
            },
        ),
        "endpoint_group_closed": Kind(
            "The security groups of a VPC endpoint do not let the instance in",
            BLOCKING,
            Fix(
                command="aws ec2 authorize-security-group-ingress --region {region} --group-id {endpoint_group} "
                "--protocol tcp --port 443 --source-group {group}",
                instead="Allow TCP 443 in from the instance in a security group of the VPC endpoint.",
            ),
        ),
        "endpoint_policy_denies": Kind(
            "The policy of a VPC endpoint does not allow what agents do",
            BLOCKING,
            # Its statements keep others out, so that no command resets it.
            Fix("Allow what the message names in the policy of {endpoint}."),
        ),
        "network_unclear": Kind(
            "It is unclear whether the network leads to Systems Manager",
            WARNING,
            Fix("See on the instance whether it reaches ssm.{region}: ssm-cli get-diagnostics."),
        ),
        "node_quota_near": Kind(
            "The region is near its quota of managed nodes",
            WARNING,
            Fix("Have the quota of managed nodes raised (Service Quotas, AWS Systems Manager) in {region}."),
        ),
        "changed_recently": Kind(
            "Something was changed a short time ago, which takes up to 35 minutes to have an effect",
            INFO,
            Fix("Wait, or restart the SSM Agent on the instance."),
            passes=True,
        ),
        "agent_silent": Kind(
            "Nothing that an API shows keeps the instance from being managed",
            BLOCKING,
            Fix(
                "See on the instance whether the SSM Agent is installed and running, and whether a firewall or proxy "
                "keeps it from ssm.{region}: ssm-cli get-diagnostics."
            ),
            passes=True,
        ),
        "not_running": Kind("The instance is not running", INFO, Fix("Start the instance.")),
        "service_managed": Kind("An AWS service operates the instance", INFO, Fix("Leave it to the service.")),
    }
)


@dataclass(frozen=True)
class Reason:
    """Why, in one line: what was seen (`message`). `names` is what its fix names: region, instance, profile, ...

    `variant` is the fix among those of the reason, empty for the usual one.
    """

    reason: str
    severity: str
    message: str
    names: Names = field(default_factory=dict)
    variant: str = ""

    def row(self, backup: str = BACKUP) -> dict[str, str]:
        """The reason as a result has it, with what fixes it."""
        fix = fix_of([self], backup)
        return {
            "reason": self.reason,
            "severity": self.severity,
            "message": self.message,
            "fix": fix.line,
            "command": fix.command,
        }


def reason(code: str, message: str, severity: str = "", variant: str = "", **names: str) -> Reason:
    """A reason, of its usual severity unless another is given, and the names that its fix needs."""
    return Reason(code, severity or REASONS[code].severity, message, names, variant)


def fix_of(occurrences: Iterable[Reason], backup: str = BACKUP) -> Fix:
    """The fix of a reason for all that have it at once."""
    every = list(occurrences)
    kind = REASONS[every[0].reason]
    variants = {one.variant for one in every}
    if len(variants) > 1:
        return several()
    variant = variants.pop()
    return filled(kind.variants[variant] if variant else kind.fix, [one.names for one in every], backup)
