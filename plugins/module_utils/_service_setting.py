# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Rules: Systems Manager service settings: ids, allowed values, and the plan from what is to what should be.

Facts: API_UpdateServiceSetting and API_ServiceSetting of the AWS Systems Manager API Reference, and the user guide's
page on Default Host Management Configuration (DHMC). I(Status) is never decided on where a value can tell: AWS's own
examples show C(Default) and C(Custom) beside a customised value.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.fleet.aws_ssm.plugins.module_utils._core.backup import SERVICE_SETTING, Entry, Original
from ansible_collections.fleet.aws_ssm.plugins.module_utils._errors import InputError
from ansible_collections.fleet.aws_ssm.plugins.module_utils._iam_names import parse_name

# By this name a backup knows what it can restore.
MODULE = "ssm_service_setting"
DHMC = "/ssm/managed-instance/default-ec2-instance-management-role"

# GetServiceSetting's way to say that a setting holds nothing.
NONE = "$None"

# The operations of a plan that change something.
WRITES = frozenset({"update", "reset"})

_ARN = re.compile(r"^arn:(?P<partition>[\w-]+):ssm:(?P<region>[\w-]+):(?P<account>\d{12}):servicesetting(?P<id>/.+)$")
_ID = re.compile(r"^/ssm(/[A-Za-z0-9_.-]+)+$")


@dataclass(frozen=True)
class Known:
    """A documented setting: what it may hold, and what it holds when nobody has set it."""

    allowed: tuple[str, ...] = ()
    default: str | None = None
    """None where AWS says C($None), or where the default is not documented (then I(Status) has to tell)."""
    default_known: bool = False


SETTINGS: Mapping[str, Known] = {
    DHMC: Known(default_known=True),
    "/ssm/appmanager/appmanager-enabled": Known(("True", "False")),
    "/ssm/automation/customer-script-log-destination": Known(("CloudWatch",)),
    "/ssm/automation/customer-script-log-group-name": Known(),
    "/ssm/automation/enable-adaptive-concurrency": Known(),
    "/ssm/documents/console/public-sharing-permission": Known(("Enable", "Disable"), "Enable", default_known=True),
    "/ssm/managed-instance/activation-tier": Known(("standard", "advanced"), "standard", default_known=True),
    "/ssm/opsinsights/opscenter": Known(("Enabled", "Disabled")),
    "/ssm/parameter-store/default-parameter-tier": Known(
        ("Standard", "Advanced", "Intelligent-Tiering"), "Standard", default_known=True
    ),
    "/ssm/parameter-store/high-throughput-enabled": Known(("true", "false"), "false", default_known=True),
}


@dataclass(frozen=True)
class Setting:
    """One region's setting as read. C(value) is None where AWS says C($None)."""

    region: str
    value: str | None
    status: str | None = None
    arn: str | None = None
    last_modified_user: str | None = None
    last_modified_date: str | None = None


@dataclass(frozen=True)
class Wanted:
    """What a region should hold: C(value), or its default where that is None.

    C(only_over): replace nothing but these values; None allows any. An unset value may always be replaced.
    C(keep_others): a region that holds something else is left as it is rather than refused.
    """

    value: str | None
    only_over: frozenset[str] | None = None
    keep_others: bool = False


@dataclass(frozen=True)
class Step:
    """The plan for one region: update, reset, keep (leave as it is), or refuse, with the error's C(code)."""

    region: str
    operation: str
    before: str | None
    after: str | None
    reason: str = ""
    code: str = ""


def setting_id(text: str) -> tuple[str, str | None, str | None]:
    """(path id, region, account) of a setting id or its ARN; region and account are None for an id."""
    text = text.strip()
    match = _ARN.match(text)
    if match and _ID.match(match["id"]):
        return match["id"], match["region"], match["account"]
    path = text if text.startswith("/") else f"/{text}"
    if len(path) > 1000 or not _ID.match(path):
        raise InputError(
            f"setting: {text!r} is neither a setting id such as {DHMC} nor the ARN of one "
            "(arn:PARTITION:ssm:REGION:ACCOUNT:servicesetting/ssm/...)."
        )
    return path, None, None


def check_value(setting: str, value: str) -> str:
    """The value as the API wants it, or InputError. A role's ARN becomes its path and name."""
    if not value or len(value) > 4096:
        raise InputError("value: must have 1 to 4096 characters; use state=default to go back to AWS's default.")
    if value == NONE:
        raise InputError(f"value: {NONE} is how AWS shows an unset setting; use state=default to unset it.")
    if setting == DHMC:
        return parse_name("value", value).value
    known = SETTINGS.get(setting)
    if known and known.allowed and value not in known.allowed:
        raise InputError(f"value: {value!r} is not allowed for {setting}: use one of {', '.join(known.allowed)}.")
    return value


def read_setting(region: str, answer: Mapping[str, Any]) -> Setting:
    """GetServiceSetting's answer as a Setting."""
    setting = answer["ServiceSetting"]
    value = setting.get("SettingValue")
    changed = setting.get("LastModifiedDate")
    return Setting(
        region=region,
        value=None if value in (None, "", NONE) else value,
        status=setting.get("Status"),
        arn=setting.get("ARN"),
        last_modified_user=setting.get("LastModifiedUser"),
        last_modified_date=changed.isoformat() if hasattr(changed, "isoformat") else changed,
    )


def owner_of(setting: str, value: str) -> str:
    """Who usually sets such a value, for the message that refuses to replace it."""
    if setting == DHMC and value.startswith("AWS-QuickSetup-SSM-DefaultEC2MgmtRole-"):
        return "set by Systems Manager Quick Setup"
    return "set by someone else"


def wanted_everywhere(
    setting: str, regions: Iterable[str], *, state: str, value: str | None, overwrite: bool
) -> dict[str, Wanted]:
    """What each region should hold for C(state) present or default.

    Only the DHMC role has an owner who would miss it; the other settings are preferences, so setting them is the whole
    request. With C(state=default), a C(value) limits the reset to the regions that hold it.
    """
    if state == "present":
        guarded = setting == DHMC and not overwrite
        want = Wanted(value, frozenset() if guarded else None)
    elif value is None or overwrite:
        want = Wanted(None)
    else:
        want = Wanted(None, frozenset({value}), keep_others=True)
    return dict.fromkeys(regions, want)


def entries_of(setting: str, account: str, partition: str, steps: Iterable[Step]) -> list[Entry]:
    """What a backup holds of the steps that change something."""
    return [
        Entry(MODULE, SERVICE_SETTING, account, partition, step.region, setting, step.before, step.after)
        for step in steps
        if step.operation in WRITES
    ]


def plan_restored(
    setting: str, current: Iterable[Setting], originals: Iterable[Original], *, overwrite: bool
) -> list[Step]:
    """One step for each region that was read: back to what it held before the first change.

    A region that holds neither that nor what a run has put there is refused, unless C(overwrite).
    """
    by_region = {original.region: original for original in originals}
    return [_restored(setting, now, by_region[now.region], overwrite=overwrite) for now in current]


def _restored(setting: str, now: Setting, original: Original, *, overwrite: bool) -> Step:
    target = _target(setting, now, original.before)
    if target.same:
        return Step(now.region, "keep", now.value, now.value)
    if not overwrite and not any(_same_value(setting, now, value) for value in original.ours):
        reason = (
            f"holds {now.value or 'no value'}, which someone else has set since the backup. overwrite (role dhmc: "
            "dhmc_overwrite) restores it all the same"
        )
        return Step(now.region, "refuse", now.value, now.value, reason, "ChangedSince")
    return Step(now.region, "reset" if original.before is None else "update", now.value, target.value)


def _same_value(setting: str, now: Setting, value: str | None) -> bool:
    """Whether the region holds the value, or AWS's default where that is None."""
    if value is None or now.value is None:
        return _target(setting, now, value).same
    # Role names are unique in an account whatever their path, so the same name is the same role, spelled otherwise.
    return _name(now.value) == _name(value) if setting == DHMC else now.value == value


def plan(setting: str, current: Iterable[Setting], wanted: Mapping[str, Wanted]) -> list[Step]:
    """One step for each region that was read, in the order of C(current)."""
    return [_step(setting, now, wanted[now.region]) for now in current]


def _may_replace(setting: str, now: Setting, want: Wanted, target: str | None) -> bool:
    allowed = [*(want.only_over or ()), *([target] if target and setting == DHMC else [])]
    return any(_same_value(setting, now, value) for value in allowed)


def _name(role: str) -> str:
    return role.rpartition("/")[2]


@dataclass(frozen=True)
class _Target:
    """What a region is to hold, as far as that is known, and whether it does."""

    value: str | None
    same: bool


def _target(setting: str, now: Setting, value: str | None) -> _Target:
    """C(value), or AWS's default where that is None."""
    known = SETTINGS.get(setting, Known())
    if value is not None:
        return _Target(value, now.value == value)
    if known.default_known:
        return _Target(known.default, now.value == known.default)
    # No value to compare with: Status is all that is left, and resetting twice is harmless.
    same = now.value is None or now.status == "Default"
    return _Target(now.value if same else None, same)


def _step(setting: str, now: Setting, want: Wanted) -> Step:
    target = _target(setting, now, want.value)
    if target.same:
        return Step(now.region, "keep", now.value, now.value)
    if want.only_over is not None and now.value is not None and not _may_replace(setting, now, want, target.value):
        who = owner_of(setting, now.value)
        if want.keep_others:
            return Step(now.region, "keep", now.value, now.value, f"left alone: holds {now.value}, {who}")
        reason = f"is already set to {now.value} ({who}). overwrite (role dhmc: dhmc_overwrite) replaces it"
        return Step(now.region, "refuse", now.value, now.value, f"{setting} {reason}", "AlreadySet")
    return Step(now.region, "reset" if want.value is None else "update", now.value, target.value)
