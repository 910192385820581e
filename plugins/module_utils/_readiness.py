# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Rules: whether an instance is managed, by which way, or why not, from what AWS says of it. Pure.

Follows the order in which the SSM Agent looks for credentials (aws/amazon-ssm-agent, ec2roleprovider): the instance
profile's, if they may call ssm:UpdateInstanceInformation; else Default Host Management Configuration (DHMC), if the
agent is new enough. What no API shows, above all whether the agent is installed and running, is said to be just that.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from ansible_collections.fleet.aws_ssm.plugins.module_utils._iam.profile_access import MESSAGING
from ansible_collections.fleet.aws_ssm.plugins.module_utils._iam_policy import Answer
from ansible_collections.fleet.aws_ssm.plugins.module_utils._reachability import Network, network_reasons
from ansible_collections.fleet.aws_ssm.plugins.module_utils._readiness_reasons import (
    BLOCKING,
    INFO,
    SEVERITIES,
    WARNING,
    Reason,
    reason,
)
from ansible_collections.fleet.aws_ssm.plugins.module_utils._readiness_types import Profile, Subject

MANAGED = "managed"
PENDING = "pending"
LOST = "connection_lost"
NOT_MANAGED = "not_managed"
OUT_OF_SCOPE = "out_of_scope"
VERDICTS = (NOT_MANAGED, LOST, PENDING, MANAGED, OUT_OF_SCOPE)

DHMC, PROFILE = "dhmc", "profile"

# Agents look for other credentials within 30 minutes, and ping every 5 (Systems Manager User Guide, "Default Host
# Management Configuration"; amazon-ssm-agent's default).
SETTLING = timedelta(minutes=35)
# The oldest agent that knows DHMC: Systems Manager User Guide, "Default Host Management Configuration".
OLDEST_AGENT = (3, 2, 582, 0)
_OUR_ROLE = "AWSSystemsManagerDefaultEC2InstanceManagementRole"
# Reasons that say what is unclear.
_OPEN = ("profile_unclear", "dhmc_unclear")


@dataclass(frozen=True)
class Assessment:
    """The answer for an instance, the gravest reason first."""

    verdict: str
    way: str = ""
    reasons: list[Reason] = field(default_factory=list)


def assess(subject: Subject, network: Network | None, now: datetime) -> Assessment:
    """The verdict on one instance. The network is needed only where nothing else is wrong; None if it was not read."""
    machine = subject.machine
    if machine.operator:
        why = reason("service_managed", f"It is operated by {machine.operator}.", **subject.names)
        return Assessment(OUT_OF_SCOPE, reasons=[why])
    if machine.state != "running":
        why = reason("not_running", f"It is {machine.state}.", **subject.names)
        return Assessment(OUT_OF_SCOPE, reasons=[why])
    found = [*_metadata(subject), *_credentials(subject)]
    if subject.online:
        return Assessment(MANAGED, _way(subject), _sorted(found))
    if not _blocking(found) and network:
        found += network_reasons(
            network,
            vpc=machine.vpc,
            subnet=machine.subnet,
            groups=machine.groups,
            public=machine.public,
            address=machine.address,
            ipv6=machine.ipv6,
            account=machine.account,
            agent=version_of(subject.node.agent) if subject.node and subject.node.agent else (),
            **subject.names,
        )
    if _blocking(found):
        return Assessment(LOST if subject.node else NOT_MANAGED, reasons=_sorted(found))
    return _unexplained(subject, found, now)


def needs_network(found: Assessment) -> bool:
    """Whether an assessment without the network leaves the question open why the instance is not managed."""
    unexplained = ("agent_silent", *_OPEN)
    return found.verdict == PENDING or any(
        one.reason in unexplained and one.severity == BLOCKING for one in found.reasons
    )


def _blocking(reasons: list[Reason]) -> bool:
    return any(one.severity == BLOCKING for one in reasons)


def _sorted(reasons: list[Reason]) -> list[Reason]:
    return sorted(reasons, key=lambda one: SEVERITIES.index(one.severity))


def _unexplained(subject: Subject, found: list[Reason], now: datetime) -> Assessment:
    """The verdict where no reason blocks. It may take time, a question is open, or the agent does not run."""
    changes = {
        "the instance was launched": subject.machine.launched,
        "Default Host Management Configuration was set": subject.dhmc.changed if subject.dhmc.value else None,
        "the instance profile was made": subject.profile.created if subject.profile else None,
    }
    recent = [(when, what) for what, when in changes.items() if when and now - when < SETTLING]
    if recent:
        when, what = max(recent)
        message = f"At {when:%H:%M} UTC {what}; look again after {when + SETTLING:%H:%M} UTC."
        why = reason("changed_recently", message, **subject.names)
        return Assessment(PENDING, reasons=_sorted([*found, why]))
    node = subject.node
    verdict = LOST if node else NOT_MANAGED
    if any(_is_open(one) for one in found):
        # Nobody can say that nothing is wrong.
        return Assessment(verdict, reasons=_sorted([_graver(one) if _is_open(one) else one for one in found]))
    seen = f"Its agent was last seen at {node.last_ping}." if node else "Its agent was never seen."
    message = f"{seen} Whether it is installed and running can't be seen from outside."
    why = reason("agent_silent", message, **subject.names)
    return Assessment(verdict, reasons=_sorted([*found, why]))


def _is_open(one: Reason) -> bool:
    return one.reason in _OPEN and one.severity == WARNING


def _graver(one: Reason) -> Reason:
    return replace(one, severity=BLOCKING)


def _metadata(subject: Subject) -> list[Reason]:
    if not subject.machine.imds:
        message = "HttpEndpoint=disabled, so that the agent gets no credentials."
        return [reason("imds_off", message, **subject.names)]
    if not subject.machine.imdsv2_only:
        message = "HttpTokens=optional. DHMC supports IMDSv2 only; the agent asks with it first."
        return [reason("imdsv1_allowed", message, **subject.names)]
    return []


def _credentials(subject: Subject) -> list[Reason]:
    """What is wrong with the instance profile, and, where the agent needs DHMC, with that."""
    unfit, profile = [], subject.profile
    if profile:
        unfit = _unfit(subject, profile)
        if not unfit and profile.registers is not Answer.NO:
            return (
                _of_profile(subject, profile) if _by_profile(subject, profile) else _maybe_by_profile(subject, profile)
            )
    # A node that is online has a way in; what else could be wrong with a setting that is off does not concern it.
    return unfit if subject.online and not subject.dhmc.value else [*unfit, *_of_dhmc(subject)]


def _by_profile(subject: Subject, profile: Profile) -> bool:
    """Whether the profile lets the instance in: it plainly does, or it must, because nothing else can have done so."""
    dhmc = subject.dhmc
    return profile.registers is Answer.YES or (
        subject.online and ((dhmc.known and not dhmc.value) or dhmc.usable is False)
    )


def _maybe_by_profile(subject: Subject, profile: Profile) -> list[Reason]:
    """The reasons where it is unclear whether the profile lets the instance register. Then the agent may need DHMC."""
    why = profile.unclear if profile.known else "it could not be read"
    message = f"It is unclear whether {profile.name} lets the instance register: {why}."
    if subject.online:
        return [reason("profile_unclear", message, INFO, **subject.names)]
    # A fault of DHMC matters only if the profile does not let the instance register.
    dhmc = [replace(one, severity=WARNING) if one.severity == BLOCKING else one for one in _of_dhmc(subject)]
    return [reason("profile_unclear", message, **subject.names), *dhmc]


def _unfit(subject: Subject, profile: Profile) -> list[Reason]:
    """Why the profile gives no credentials. With DHMC the agent can do without them, so none of it blocks by itself."""
    machine, names = subject.machine, subject.names
    if subject.association:
        message = f"The association with {profile.name} is {subject.association}."
        return [reason("association_stuck", message, **names)]
    if not profile.known:
        return []
    if profile.id and machine.profile_id and profile.id != machine.profile_id:
        message = f"The instance has the id {machine.profile_id} of {profile.name}, which has the id {profile.id} now."
        return [reason("profile_recreated", message, **names)]
    if gone := _gone(profile):
        return [reason("profile_without_role", gone, **names)]
    if profile.trusted is Answer.NO:
        message = f"The trust policy of its role {profile.role} does not let EC2 assume the role."
        return [reason("profile_untrusted", message, **names)]
    return []


def _gone(profile: Profile) -> str:
    """What of the profile there is not; empty if all is there."""
    if not profile.exists:
        return f"The instance profile {profile.name} was deleted."
    if not profile.role:
        return f"The instance profile {profile.name} has no role."
    return "" if profile.role_exists else f"The role {profile.role} is gone."


def _of_profile(subject: Subject, profile: Profile) -> list[Reason]:
    """What is wrong with a profile that lets the instance in."""
    names = subject.names
    found = []
    if profile.known and profile.messages is Answer.NO:
        message = f"{profile.name} allows ssm:UpdateInstanceInformation, but not all of {', '.join(MESSAGING)}."
        found.append(reason("profile_half_grants", message, **names))
    if subject.dhmc.value:
        message = f"{profile.name} allows ssm:UpdateInstanceInformation, so that the agent uses its credentials."
        severity = INFO if subject.online and not found else WARNING
        found.append(reason("profile_blocks_dhmc", message, severity, **names))
    if profile.known and profile.messages is Answer.MAYBE and profile.messages_unclear:
        message = (
            f"It is unclear whether {profile.name} lets the instance receive commands: {profile.messages_unclear}."
        )
        found.append(reason("profile_unclear", message, INFO, **names))
    return found


def _of_dhmc(subject: Subject) -> list[Reason]:
    machine, dhmc, names = subject.machine, subject.dhmc, subject.names
    if not dhmc.known:
        message = f"It is unclear whether DHMC is on in {machine.region}: the setting could not be read."
        return [] if subject.online else [reason("dhmc_unclear", message, **names)]
    if not dhmc.value:
        return [reason("dhmc_off", f"It is off in {machine.region}, and {_other_way(subject)}.", **names)]
    names = {**names, "role": dhmc.value}
    if not dhmc.role_exists:
        return [reason("dhmc_role_missing", f"{machine.region} names {dhmc.value}.", **names)]
    found = []
    if dhmc.trusted is Answer.NO:
        message = f"{dhmc.value} does not trust ssm.amazonaws.com."
        found.append(reason("dhmc_role_untrusted", message, **names))
    if dhmc.permitted is Answer.NO:
        message = f"{dhmc.value} does not allow ssm:UpdateInstanceInformation on the instance."
        found.append(reason("dhmc_role_unpermitted", message, **names))
    if dhmc.usable is None and not subject.online:
        message = f"It is unclear whether {dhmc.value} lets the instance register: {dhmc.problem}."
        found.append(reason("dhmc_unclear", message, **names))
    agent = subject.node.agent if subject.node else ""
    if agent and version_of(agent) < OLDEST_AGENT:
        message = f"It was last seen with {agent}; 3.2.582.0 is needed."
        found.append(reason("agent_too_old", message, **names))
    if dhmc.value.rpartition("/")[2] != _OUR_ROLE:
        who = "Systems Manager Quick Setup" if dhmc.value.startswith("AWS-QuickSetup-SSM-") else "someone else"
        found.append(reason("dhmc_role_foreign", f"{machine.region} names {dhmc.value}, set by {who}.", **names))
    return found


def _other_way(subject: Subject) -> str:
    """What there is beside DHMC."""
    if not subject.profile:
        return "it has no profile"
    if subject.profile.registers is Answer.MAYBE and not _unfit(subject, subject.profile):
        return f"it is unclear whether its profile {subject.profile.name} lets it register"
    return f"its profile {subject.profile.name} does not let it register"


def _way(subject: Subject) -> str:
    """How a managed instance gets its credentials; empty where that is unclear. No API says it."""
    dhmc = DHMC if subject.dhmc.value else ""
    profile = subject.profile
    if not profile or profile.registers is Answer.NO or _unfit(subject, profile):
        return dhmc
    return PROFILE if _by_profile(subject, profile) else ""


def version_of(text: str) -> tuple[int, ...]:
    """A version as numbers; one that is none is taken for new."""
    try:
        return tuple(int(part) for part in text.split("."))
    except ValueError:
        return (999,)
