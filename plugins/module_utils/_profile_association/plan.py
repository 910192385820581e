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

ASSOCIATE = "associate"
REPLACE = "replace"
SWAP = "swap"  # disassociate, then associate
DISASSOCIATE = "disassociate"
EXTEND = "extend"
KEEP = "keep"
SKIP = "skip"


@dataclass(frozen=True)
class Instance:
    """An instance as DescribeInstances shows it. C(operator) is the AWS service that runs it, if one does."""

    id: str
    region: str
    state: str
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
    """The plan for one instance. C(after) is the ARN of the profile that it has then."""

    instance: Instance
    operation: str
    after: str | None
    reason: str = ""


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
    """Put the profile on the instances; C(existing) (keep, replace, extend) says what of those that have another."""
    return [_out_of_reach(instance) or _present(instance, profile, existing) for instance in instances]


def plan_absent(instances: Iterable[Instance], profile: Profile) -> list[Step]:
    """Take the profile, and only that one, off the instances."""
    return [_absent(instance, profile.arn) for instance in instances]


def plan_restored(instances: Iterable[Instance], backup: Iterable[Mapping[str, Any]], *, force: bool) -> list[Step]:
    """Give the instances back what a backup says they had, unless they were changed since; C(force) does even then."""
    entries = {entry["instance_id"]: entry for entry in backup}
    steps = []
    for instance in instances:
        entry = entries[instance.id]
        want = entry.get("instance_profile")
        if instance.profile == want:
            steps.append(Step(instance, KEEP, instance.profile))
        elif instance.profile not in (entry.get("replaced_with"), None) and not force:
            # Without a profile there is nothing of anybody else's to lose (a swap may have failed half-way).
            reason = f"changed since the backup: has {_name(instance.profile)}"
            steps.append(Step(instance, SKIP, instance.profile, reason))
        elif want is None:
            steps.append(_absent(instance, instance.profile))
        else:
            steps.append(_out_of_reach(instance) or _present(instance, Profile(want), "replace"))
    return steps


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


def backup_of(steps: Iterable[Step]) -> list[dict[str, str | None]]:
    """What C(state=restored) takes to undo these steps."""
    return [
        {
            "region": step.instance.region,
            "instance_id": step.instance.id,
            "instance_profile": step.instance.profile,
            "replaced_with": step.after,
        }
        for step in steps
        if step.instance.profile != step.after
    ]
