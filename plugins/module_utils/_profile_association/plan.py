# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Rules: which instances get, lose or keep an instance profile. Pure.

Facts: AssociateIamInstanceProfile takes running and stopped instances without a profile, and
ReplaceIamInstanceProfileAssociation running ones only (Amazon EC2 API Reference; aws/aws-cli#5251), so that a stopped
instance has to be disassociated and associated. Instances that an AWS service operates must be left to it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.fleet.aws_ssm.plugins.module_utils._core.backup import ASSOCIATION, Entry, Original
from ansible_collections.fleet.aws_ssm.plugins.module_utils._errors import describe

MODULE = "instance_profile_association"

ASSOCIATE = "associate"
REPLACE = "replace"
SWAP = "swap"  # disassociate, then associate
DISASSOCIATE = "disassociate"
EXTEND = "extend"
KEEP = "keep"
SKIP = "skip"
REFUSE = "refuse"
WRITES = frozenset({ASSOCIATE, DISASSOCIATE, REPLACE, SWAP})

# The codes of what a restore leaves as it is.
CHANGED_SINCE = "ChangedSince"
GONE = "Gone"
NOT_CHANGEABLE = "NotChangeable"
NO_PROFILE = "NoSuchProfile"


@dataclass(frozen=True)
class Instance:
    """An instance as DescribeInstances shows it. `operator` is the AWS service that runs it, if one does.

    `state` is None where a backup names an instance that is not there, or could not be read.
    """

    id: str
    region: str
    state: str | None
    profile: str | None = None
    profile_id: str | None = None
    operator: str | None = None


@dataclass(frozen=True)
class Profile:
    """An instance profile by ARN and unique id, which changes if a profile of the same name is made again."""

    arn: str
    id: str | None = None


@dataclass(frozen=True)
class Step:
    """The plan for one instance. `after` is the ARN of the profile that it has then. `code` marks a failure."""

    instance: Instance
    operation: str
    after: str | None
    reason: str = ""
    code: str = ""


def read_instance(region: str, found: Mapping[str, Any]) -> Instance:
    """One instance of DescribeInstances's answer."""
    profile = found.get("IamInstanceProfile") or {}
    operator = found.get("Operator") or {}
    return Instance(
        id=found["InstanceId"],
        region=region,
        state=found["State"]["Name"],
        profile=profile.get("Arn"),
        profile_id=profile.get("Id"),
        operator=operator.get("Principal", "an AWS service") if operator.get("Managed") else None,
    )


def plan_present(instances: Iterable[Instance], profile: Profile, existing: str) -> list[Step]:
    """Put the profile on the instances; `existing` (keep, replace, extend) says what of those that have another."""
    return [_out_of_reach(instance) or _present(instance, profile, existing) for instance in instances]


def plan_absent(instances: Iterable[Instance], profile: Profile) -> list[Step]:
    """Take the profile, and only that one, off the instances."""
    return [_absent(instance, profile.arn) for instance in instances]


def plan_restored(
    instances: Iterable[Instance], originals: Iterable[Original], unread: Mapping[str, Exception], *, overwrite: bool
) -> list[Step]:
    """Give the instances back what a backup says they had. `unread` are the regions that could not be read."""
    found = {(instance.region, instance.id): instance for instance in instances}
    return [
        _restored(original, found.get((original.region or "", original.resource)), unread, overwrite=overwrite)
        for original in originals
    ]


def without_profiles(steps: Iterable[Step], missing: Mapping[str, str]) -> list[Step]:
    """The steps, failed where they would give back a profile that is not there. `missing` says why, by ARN."""
    checked = []
    for step in steps:
        why = missing.get(step.after or "") if step.operation in WRITES else None
        checked.append(Step(step.instance, REFUSE, step.instance.profile, why, NO_PROFILE) if why else step)
    return checked


def _restored(original: Original, now: Instance | None, unread: Mapping[str, Exception], *, overwrite: bool) -> Step:
    region, want = original.region or "", original.before
    if region in unread:
        why = describe(unread[region])
        return Step(Instance(original.resource, region, None), REFUSE, None, why["message"], why["code"])
    if now is None or now.state in ("shutting-down", "terminated"):
        gone = now or Instance(original.resource, region, None)
        reason = f"is {now.state}" if now else "no longer exists"
        return Step(gone, SKIP if overwrite else REFUSE, gone.profile, reason, "" if overwrite else GONE)
    if now.profile == want:
        return Step(now, KEEP, now.profile)
    # An instance without a profile has nothing of anyone else's to lose: a swap may have failed half-way.
    if now.profile is not None and original.changed_since(now.profile) and not overwrite:
        reason = f"changed since the backup: has the profile {_name(now.profile)}. Set overwrite to restore it anyway"
        return Step(now, REFUSE, now.profile, reason, CHANGED_SINCE)
    blocked = _out_of_reach(now)
    if blocked:
        return Step(now, REFUSE, now.profile, blocked.reason, NOT_CHANGEABLE)
    return _absent(now, now.profile) if want is None else _present(now, Profile(want), "replace")


def _present(instance: Instance, profile: Profile, existing: str) -> Step:
    if instance.profile is None:
        return Step(instance, ASSOCIATE, profile.arn)
    move = REPLACE if instance.state == "running" else SWAP
    if instance.profile == profile.arn:
        if profile.id and instance.profile_id and profile.id != instance.profile_id:
            reason = "the profile was deleted and made again since it was associated, and gives no credentials"
            return Step(instance, move, profile.arn, reason)
        return Step(instance, KEEP, profile.arn)
    if existing == "replace":
        return Step(instance, move, profile.arn)
    if existing == "extend":
        return Step(instance, EXTEND, instance.profile)
    return Step(instance, KEEP, instance.profile, f"has the profile {_name(instance.profile)}")


def _absent(instance: Instance, profile: str | None) -> Step:
    if instance.profile is None:
        return Step(instance, KEEP, None)
    if instance.profile != profile:
        return Step(instance, KEEP, instance.profile, f"has the profile {_name(instance.profile)}")
    return _out_of_reach(instance) or Step(instance, DISASSOCIATE, None)


def _out_of_reach(instance: Instance) -> Step | None:
    if instance.operator:
        return Step(instance, SKIP, instance.profile, f"operated by {instance.operator}")
    if instance.state not in ("running", "stopped"):
        return Step(instance, SKIP, instance.profile, f"is {instance.state}, neither running nor stopped")
    return None


def _name(arn: str | None) -> str:
    return arn.rpartition("/")[2] if arn else "no profile"


def entries_of(steps: Iterable[Step], account: str, partition: str) -> list[Entry]:
    """The entries of a backup for these steps. A profile that is only associated again is no change."""
    return [
        Entry(
            MODULE,
            ASSOCIATION,
            account,
            partition,
            step.instance.region,
            step.instance.id,
            before=step.instance.profile,
            after=step.after,
        )
        for step in steps
        if step.operation in WRITES and step.instance.profile != step.after
    ]
