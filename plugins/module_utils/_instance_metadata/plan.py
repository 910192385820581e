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

from ansible_collections.fleet.aws_ssm.plugins.module_utils._core.backup import (
    METADATA_DEFAULT,
    METADATA_OPTION,
    Entry,
    Original,
)
from ansible_collections.fleet.aws_ssm.plugins.module_utils._errors import InputError, describe

MODULE = "ec2_metadata_options"

MODIFY = "modify"
KEEP = "keep"
SKIP = "skip"
REFUSE = "refuse"

# The codes of what a restore leaves as it is.
CHANGED_SINCE = "ChangedSince"
GONE = "Gone"
NOT_CHANGEABLE = "NotChangeable"
MANAGED = "ManagedByDeclarativePolicy"

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
    """An instance as DescribeInstances shows it. `operator` is the AWS service that runs it, if one does.

    `state` is None where a backup names an instance that is not there, or could not be read.
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
    """The plan for one instance, or for one region's defaults: the options to change, and why others are not.

    `code` marks a failure, which `reason` explains. Other options of the same target may be changed all the same.
    """

    target: Target
    operation: str
    changes: Options = field(default_factory=dict)
    reason: str = ""
    code: str = ""

    @property
    def after(self) -> Options:
        """The options when the step is carried out."""
        return {**self.target.options, **self.changes}


@dataclass
class Outcome:
    """What became of steps, by instance id or region.

    One that was changed may have failed to take effect in time. Of those in `unknown`, AWS gave no answer.
    """

    changed: set[str] = field(default_factory=set)
    unknown: set[str] = field(default_factory=set)
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
    instances: Iterable[Instance], originals: Iterable[Original], unread: Mapping[str, Exception], *, overwrite: bool
) -> list[Step[Instance]]:
    """Give instances back what a backup holds. `unread` are the regions whose instances could not be read."""
    found = {(instance.region, instance.id): instance for instance in instances}
    wanted: dict[tuple[str, str], dict[str, Original]] = {}
    for original in originals:
        instance, _slash, option = original.resource.partition("/")
        wanted.setdefault((original.region or "", instance), {})[option] = original
    steps = []
    for (region, name), options in wanted.items():
        now = found.get((region, name))
        if region in unread:
            why = describe(unread[region])
            steps.append(Step(Instance(name, region, None), REFUSE, reason=why["message"], code=why["code"]))
        elif now is None or now.state in ("shutting-down", "terminated"):
            reason = f"is {now.state}" if now else "no longer exists"
            gone = now or Instance(name, region, None)
            steps.append(Step(gone, SKIP if overwrite else REFUSE, reason=reason, code="" if overwrite else GONE))
        else:
            steps.append(_reachable(_restored(now, options, overwrite=overwrite)))
    return steps


def plan_defaults_restored(
    regions: Iterable[Defaults], originals: Iterable[Original], *, overwrite: bool
) -> list[Step[Defaults]]:
    """Give regions back the defaults that a backup holds."""
    wanted: dict[str, dict[str, Original]] = {}
    for original in originals:
        wanted.setdefault(original.region or "", {})[original.resource] = original
    return [_refused(_restored(region, wanted[region.region], overwrite=overwrite)) for region in regions]


def requests_of(step: Step[Instance]) -> list[dict[str, Any]]:
    """What ModifyInstanceMetadataOptions is to be called with, in this order.

    An endpoint is turned off by a call of its own, after the other options are set: "When you specify a value for
    http-tokens, you must also set http-endpoint to enabled", and likewise for the hop limit (Amazon EC2 User Guide,
    "Modify instance metadata options for existing instances").
    """
    off = {name: value for name, value in step.changes.items() if (name, value) == ("http_endpoint", "disabled")}
    others = {name: value for name, value in step.changes.items() if name not in off}
    sent = [_request({**step.target.options, **others}, others)] if others else []
    return [*sent, *([_request({}, off)] if off else [])]


def _request(after: Options, changes: Options) -> dict[str, Any]:
    """The options that differ, and two that keep their value.

    Where HttpTokens is not given, the API Reference names a default instead of the existing state: IMDSv2 must not get
    lost by that.
    """
    sent = dict(changes)
    if after.get("http_endpoint") == "enabled":
        kept = {"http_endpoint": "enabled", "http_tokens": "required"}
        sent.update((name, value) for name, value in kept.items() if after.get(name) == value)
    return {MEMBERS[name]: value for name, value in sent.items()}


def entries_of(steps: Iterable[Step[Target]], account: str, partition: str) -> list[Entry]:
    """The entries of a backup for these steps, one for each option."""
    return [
        Entry(
            MODULE,
            METADATA_OPTION if isinstance(step.target, Instance) else METADATA_DEFAULT,
            account,
            partition,
            step.target.region,
            f"{step.target.id}/{option}" if isinstance(step.target, Instance) else option,
            before=step.target.options.get(option),
            after=value,
        )
        for step in steps
        for option, value in step.changes.items()
    ]


def shown(options: Options, names: Iterable[str]) -> str:
    """Some of the options as one text."""
    return ", ".join(f"{name}={options.get(name)}" for name in names)


def _differing(target: Target, wanted: Options) -> dict[str, Any]:
    return {name: value for name, value in wanted.items() if target.options.get(name) != value}


def _step(target: Target, changes: Options) -> Step[Target]:
    return Step(target, MODIFY if changes else KEEP, changes)


def _restored(target: Target, originals: Mapping[str, Original], *, overwrite: bool) -> Step[Target]:
    """Each option back to its first value; those that someone else has changed since, and those without one, fail."""
    differing = {name: o for name, o in originals.items() if target.options.get(name) != o.before}
    others: list[str] = []
    lost: list[str] = []
    changes: dict[str, Any] = {}
    for name, original in differing.items():
        if original.changed_since(target.options.get(name)) and not overwrite:
            others.append(name)
        elif original.before is None:
            lost.append(name)
        else:
            changes[name] = original.before
    operation = MODIFY if changes else REFUSE if others or lost else KEEP
    if others:
        reason = f"changed since the backup: has {shown(target.options, others)}. Set overwrite to restore it anyway"
        return Step(target, operation, changes, reason, CHANGED_SINCE)
    if lost:
        reason = f"EC2 showed no {', '.join(lost)} before, so there is no value to give back"
        return Step(target, operation, changes, reason, NOT_CHANGEABLE)
    return Step(target, operation, changes)


def _reachable(step: Step[Instance]) -> Step[Instance]:
    """The step, or a failure if the instance can't be changed as it is."""
    blocked = _out_of_reach(step.target)
    if blocked is None or not step.changes:
        return step
    return Step(step.target, REFUSE, reason=blocked.reason, code=NOT_CHANGEABLE)


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
    return Step(
        step.target, REFUSE, reason=f"{why}: {step.target.message}" if step.target.message else why, code=MANAGED
    )
