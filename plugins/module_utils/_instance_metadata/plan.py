# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Rules: which instances, and which regions' account defaults, get other metadata options. Pure.

Facts: ModifyInstanceMetadataOptions takes running and stopped instances; ModifyInstanceMetadataDefaults takes a default
back with "no-preference" or -1, and where a declarative policy sets the defaults, the account can't (Amazon EC2 API
Reference).
Instances that an AWS service operates must be left to it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from ansible_collections.fleet.aws_ssm.plugins.module_utils._errors import InputError

MODIFY = "modify"
KEEP = "keep"
SKIP = "skip"
REFUSE = "refuse"

DECLARATIVE_POLICY = "declarative-policy"
NO_PREFERENCE = "no-preference"
HOPS = "http_put_response_hop_limit"
# The options by AWS's names, and the values of those that are words.
MEMBERS = {
    "http_tokens": "HttpTokens",
    "http_endpoint": "HttpEndpoint",
    HOPS: "HttpPutResponseHopLimit",
    "http_protocol_ipv6": "HttpProtocolIpv6",
    "instance_metadata_tags": "InstanceMetadataTags",
}
_WORDS = {
    "http_tokens": ["optional", "required"],
    "http_endpoint": ["enabled", "disabled"],
    "http_protocol_ipv6": ["enabled", "disabled"],
    "instance_metadata_tags": ["enabled", "disabled"],
}
# What a default that is not set counts as: the value that takes it back.
UNSET: dict[str, Any] = {
    "http_tokens": NO_PREFERENCE,
    "http_endpoint": NO_PREFERENCE,
    HOPS: -1,
    "instance_metadata_tags": NO_PREFERENCE,
}

Options = Mapping[str, Any]


@dataclass(frozen=True)
class Instance:
    """An instance as DescribeInstances shows it. C(operator) is the AWS service that runs it, if one does.

    C(state) is none where a backup names an instance that is no longer there.
    """

    id: str
    region: str
    state: str | None
    options: Options = field(default_factory=dict)
    operator: str | None = None


@dataclass(frozen=True)
class Defaults:
    """A region's defaults for new instances; those that are not set hold what takes them back."""

    region: str
    options: Options
    managed_by: str = "account"
    message: str = ""


Target = TypeVar("Target", Instance, Defaults)


@dataclass(frozen=True)
class Step(Generic[Target]):
    """The plan for one instance, or for one region's defaults: the options to change, or why there are none."""

    target: Target
    operation: str
    changes: Options = field(default_factory=dict)
    reason: str = ""

    @property
    def after(self) -> Options:
        """The options when the step is carried out."""
        return {**self.target.options, **self.changes}


@dataclass
class Outcome:
    """What became of steps, by instance id or region; one that was changed may have failed to take effect in time."""

    changed: set[str] = field(default_factory=set)
    errors: dict[str, Exception] = field(default_factory=dict)


@dataclass
class Part(Generic[Target]):
    """The plan for the instances, or for the defaults, and what became of it."""

    steps: list[Step[Target]] = field(default_factory=list)
    outcome: Outcome = field(default_factory=Outcome)

    @property
    def to_change(self) -> list[Step[Target]]:
        """The steps that call AWS."""
        return [step for step in self.steps if step.operation == MODIFY]


def check_options(name: str, given: Mapping[str, Any] | None, *, defaults: bool = False) -> dict[str, Any]:
    """The options that are given; InputError for one that AWS does not know. "" is what an empty answer gives."""
    known = UNSET if defaults else MEMBERS
    found: dict[str, Any] = {}
    for option, value in (given or {}).items():
        if value in (None, ""):
            continue
        if option not in known:
            raise InputError(f"{name}{option}: there is no such option, only {', '.join(known)}.")
        if option == HOPS:
            found[option] = int(value) if str(value).lstrip("-").isdigit() else value
            allowed = "a number from 1 to 64" + (", or -1 for no preference" if defaults else "")
            fits = found[option] in range(1, 65)
        else:
            found[option] = value
            words = [*_WORDS[option], *([NO_PREFERENCE] if defaults else [])]
            allowed, fits = " or ".join(words), value in words
        if not (fits or (defaults and found[option] == UNSET[option])):
            raise InputError(f"{name}{option}: {value} is not {allowed}.")
    return found


def read_instance(region: str, found: Mapping[str, Any]) -> Instance:
    """One instance of DescribeInstances's answer."""
    options, operator = found.get("MetadataOptions") or {}, found.get("Operator") or {}
    return Instance(
        id=found["InstanceId"],
        region=region,
        state=found["State"]["Name"],
        options={name: options[member] for name, member in MEMBERS.items() if member in options},
        operator=operator.get("Principal", "an AWS service") if operator.get("Managed") else None,
    )


def read_defaults(region: str, found: Mapping[str, Any]) -> Defaults:
    """GetInstanceMetadataDefaults's answer; what is not set is not in it."""
    return Defaults(
        region=region,
        options={name: found.get(MEMBERS[name], unset) for name, unset in UNSET.items()},
        managed_by=found.get("ManagedBy", "account"),
        message=found.get("ManagedExceptionMessage", ""),
    )


def plan_instances(instances: Iterable[Instance], wanted: Options) -> list[Step[Instance]]:
    """Give the instances the wanted options; what is not named stays."""
    return [_out_of_reach(instance) or _step(instance, _differing(instance, wanted)) for instance in instances]


def plan_defaults(regions: Iterable[Defaults], wanted: Options) -> list[Step[Defaults]]:
    """Give the regions the wanted defaults, unless a policy of the organization sets others."""
    return [_refused(_step(region, _differing(region, wanted))) for region in regions]


def plan_instances_restored(
    instances: Iterable[Instance], backup: Iterable[Mapping[str, Any]], regions: Iterable[str]
) -> list[Step[Instance]]:
    """Give instances back what a backup holds; what is missing in C(regions), which were read, is gone."""
    found, read = {instance.id: instance for instance in instances}, set(regions)
    steps: list[Step[Instance]] = []
    for entry in backup:
        name, region = entry["instance_id"], entry["region"]
        if name in found:
            steps.append(_out_of_reach(found[name]) or _restored(found[name], entry))
        elif region in read:
            steps.append(Step(Instance(name, region, None), SKIP, reason="no longer exists"))
    return steps


def plan_defaults_restored(regions: Iterable[Defaults], backup: Iterable[Mapping[str, Any]]) -> list[Step[Defaults]]:
    """Give regions back the defaults that a backup holds."""
    entries = {entry["region"]: entry for entry in backup}
    return [_refused(_restored(region, entries[region.region])) for region in regions]


def request_of(step: Step[Instance]) -> dict[str, Any]:
    """What ModifyInstanceMetadataOptions is to be called with: the options that differ, and two that keep their value.

    "When you specify a value for http-tokens, you must also set http-endpoint to enabled", and likewise for the hop
    limit (Amazon EC2 User Guide, "Modify instance metadata options for existing instances"). And where HttpTokens is
    not given, the API Reference names a default instead of the existing state: IMDSv2 must not get lost by that.
    """
    sent = dict(step.changes)
    if step.after.get("http_endpoint") == "enabled":
        kept = {"http_endpoint": "enabled", "http_tokens": "required"}
        sent.update((name, value) for name, value in kept.items() if step.after.get(name) == value)
    return {MEMBERS[name]: value for name, value in sent.items()}


def backup_of(steps: Iterable[Step[Target]]) -> list[dict[str, Any]]:
    """What C(state=restored) takes to undo these steps."""
    return [
        {
            "region": step.target.region,
            **({"instance_id": step.target.id} if isinstance(step.target, Instance) else {}),
            "options": {name: step.target.options.get(name) for name in step.changes},
            "replaced_with": dict(step.changes),
        }
        for step in steps
    ]


def _differing(target: Target, wanted: Options) -> dict[str, Any]:
    return {name: value for name, value in wanted.items() if target.options.get(name) != value}


def _step(target: Target, changes: Options) -> Step[Target]:
    return Step(target, MODIFY if changes else KEEP, changes)


def _restored(target: Target, entry: Mapping[str, Any]) -> Step[Target]:
    changes, put = _differing(target, entry["options"]), entry["replaced_with"]
    others = [f"{name}={target.options.get(name)}" for name in changes if target.options.get(name) != put.get(name)]
    if others:
        return Step(target, SKIP, reason=f"changed since the backup: has {', '.join(others)}")
    return _step(target, changes)


def _out_of_reach(instance: Instance) -> Step[Instance] | None:
    if instance.operator:
        return Step(instance, SKIP, reason=f"operated by {instance.operator}")
    if instance.state not in ("running", "stopped"):
        return Step(instance, SKIP, reason=f"is {instance.state}, neither running nor stopped")
    return None


def _refused(step: Step[Defaults]) -> Step[Defaults]:
    if step.operation != MODIFY or step.target.managed_by != DECLARATIVE_POLICY:
        return step
    why = "a declarative policy of the organization sets the defaults, and the account can't change them"
    return Step(step.target, REFUSE, reason=f"{why}: {step.target.message}" if step.target.message else why)
