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

from ansible_collections.fleet.aws_ssm.plugins.module_utils._errors import InputError
from ansible_collections.fleet.aws_ssm.plugins.module_utils._iam_names import parse_name

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
    C(or_default): replace AWS's default, too, where it is a value that is not documented.
    C(keep_others): a region that holds something else is left as it is rather than refused.
    """

    value: str | None
    only_over: frozenset[str] | None = None
    or_default: bool = False
    keep_others: bool = False


@dataclass(frozen=True)
class Step:
    """The plan for one region: C(operation) is update, reset, keep (leave as it is) or refuse."""

    region: str
    operation: str
    before: str | None
    after: str | None
    reason: str = ""


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
    return "set by somebody else"


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


def wanted_from_backup(setting: str, backup: Iterable[Mapping[str, Any]], *, overwrite: bool) -> dict[str, Wanted]:
    """What each region of a returned backup should hold again; what was changed since is refused."""
    wanted: dict[str, Wanted] = {}
    for entry in backup:
        if setting_id(entry["setting"])[0] != setting:
            raise InputError(f"backup: holds {entry['setting']}, but setting is {setting}.")
        if entry["region"] in wanted:
            raise InputError(f"backup: names the region {entry['region']} twice.")
        replaced = entry.get("replaced_with")
        only_over = None if overwrite else frozenset({replaced} if replaced else ())
        wanted[entry["region"]] = Wanted(entry.get("value"), only_over, or_default=not replaced)
    return wanted


def backup_of(setting: str, account: str | None, steps: Iterable[Step]) -> list[dict[str, str | None]]:
    """What C(state=restored) takes to put back what these steps change."""
    return [
        {
            "account": account,
            "region": step.region,
            "setting": setting,
            "value": step.before,
            "replaced_with": step.after,
        }
        for step in steps
        if step.operation in WRITES
    ]


def plan(setting: str, current: Iterable[Setting], wanted: Mapping[str, Wanted]) -> list[Step]:
    """One step for each region that was read, in the order of C(current)."""
    return [_step(setting, now, wanted[now.region]) for now in current]


def _may_replace(setting: str, now: Setting, want: Wanted, target: str | None) -> bool:
    value, allowed = now.value or "", want.only_over or frozenset()
    if want.or_default and now.status == "Default":
        return True
    if setting == DHMC:
        # Role names are unique in an account whatever their path, so the same name is the same role, spelled otherwise.
        return _name(value) in {_name(role) for role in [*allowed, target or ""]}
    return value in allowed


def _name(role: str) -> str:
    return role.rpartition("/")[2]


def _step(setting: str, now: Setting, want: Wanted) -> Step:
    known = SETTINGS.get(setting, Known())
    target = known.default if want.value is None else want.value
    reset = want.value is None
    if reset and not known.default_known:
        # No value to compare with: Status is all that is left, and resetting twice is harmless.
        same = now.value is None or now.status == "Default"
        target = now.value if same else None
    else:
        same = now.value == target
    if same:
        return Step(now.region, "keep", now.value, now.value)
    if want.only_over is not None and now.value is not None and not _may_replace(setting, now, want, target):
        who = owner_of(setting, now.value)
        if want.keep_others:
            return Step(now.region, "keep", now.value, now.value, f"left alone: holds {now.value}, {who}")
        return Step(
            now.region,
            "refuse",
            now.value,
            now.value,
            f"{setting} already holds {now.value} ({who}). overwrite (role dhmc: dhmc_overwrite) replaces it",
        )
    return Step(now.region, "reset" if reset else "update", now.value, target)
