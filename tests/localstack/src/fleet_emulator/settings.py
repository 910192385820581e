# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""SSM service settings: which exist, what they may hold, and their value for each account and region.

AWS Systems Manager API Reference, "GetServiceSetting", "UpdateServiceSetting", "ResetServiceSetting".
"""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from localstack.aws.api import CommonServiceException
from localstack.aws.api.ssm import ServiceSettingNotFound, TooManyUpdates

DHMC = "/ssm/managed-instance/default-ec2-instance-management-role"
UNSET = "$None"
MAX_VALUE = 4096

# Role path and name without the leading slash; neither an ARN nor a service's own marker fits.
_ROLE = re.compile(r"[\w+=,.@/-]{1,512}", re.ASCII)
_LOG_GROUP = re.compile(r"[\w./#-]{1,512}", re.ASCII)
_ARN = re.compile(r"arn:(?P<partition>[^:]+):ssm:(?P<region>[^:]*):(?P<account>[^:]*):servicesetting(?P<id>/.*)")


@dataclass(frozen=True)
class Kind:
    """One documented setting: its default and the values it takes (a list, or a pattern)."""

    default: str
    allowed: tuple[str, ...] | re.Pattern[str]

    def accepts(self, value: str) -> bool:
        """Whether AWS's documentation names this value."""
        if isinstance(self.allowed, tuple):
            return value in self.allowed
        return self.allowed.fullmatch(value) is not None


# Ids and values: API Reference, "UpdateServiceSetting". Note that each setting spells its "on" in its own way.
KINDS: dict[str, Kind] = {
    "/ssm/appmanager/appmanager-enabled": Kind("False", ("True", "False")),
    "/ssm/automation/customer-script-log-destination": Kind(UNSET, ("CloudWatch",)),
    "/ssm/automation/customer-script-log-group-name": Kind(UNSET, _LOG_GROUP),
    "/ssm/automation/enable-adaptive-concurrency": Kind("False", ("True", "False")),
    "/ssm/documents/console/public-sharing-permission": Kind("Enable", ("Enable", "Disable")),
    "/ssm/managed-instance/activation-tier": Kind("standard", ("standard", "advanced")),
    DHMC: Kind(UNSET, _ROLE),
    "/ssm/opsinsights/opscenter": Kind("Disabled", ("Enabled", "Disabled")),
    "/ssm/parameter-store/default-parameter-tier": Kind("Standard", ("Standard", "Advanced", "Intelligent-Tiering")),
    "/ssm/parameter-store/high-throughput-enabled": Kind("false", ("true", "false")),
}


class ValidationException(CommonServiceException):
    """What SSM answers to a request that breaks a rule of its model."""

    def __init__(self, message: str) -> None:
        super().__init__("ValidationException", message, 400, True)


@dataclass(frozen=True)
class Value:
    """A setting's value; ``user`` is None as long as nobody has changed it."""

    value: str
    user: str | None
    modified: datetime


@dataclass(frozen=True)
class Where:
    """The place of a setting: each account has its own in each region."""

    partition: str
    region: str
    account: str

    def arn(self, path: str) -> str:
        """The setting's ARN (Service Authorization Reference, AWS Systems Manager: resource type servicesetting)."""
        return f"arn:{self.partition}:ssm:{self.region}:{self.account}:servicesetting{path}"


class Store:
    """The values that differ from AWS's defaults."""

    def __init__(self) -> None:
        self._created = datetime.now(UTC)
        self._values: dict[tuple[str, str, str], Value] = {}

    def get(self, where: Where, path: str) -> Value:
        """The value in force."""
        default = Value(KINDS[path].default, None, self._created)
        return self._values.get((where.account, where.region, path), default)

    def update(self, where: Where, path: str, value: str, user: str) -> None:
        """Set a value that was checked before."""
        self._values[where.account, where.region, path] = Value(value, user, datetime.now(UTC))

    def delete(self, where: Where, path: str) -> None:
        """Back to the default."""
        self._values[where.account, where.region, path] = Value(KINDS[path].default, None, datetime.now(UTC))

    def set_age(self, account: str, region: str, path: str, seconds: float) -> None:
        """Let a setting look as if it had last been changed so many seconds ago."""
        key = (account, region, path)
        value = self._values.get(key, Value(KINDS[path].default, None, self._created))
        self._values[key] = replace(value, modified=datetime.now(UTC) - timedelta(seconds=seconds))

    def reset(self, account: str) -> None:
        """Forget an account."""
        for key in [key for key in self._values if key[0] == account]:
            self._values.pop(key, None)

    def take(self, account: str) -> dict[tuple[str, str], Value]:
        """An account's values, by region and path."""
        return {key[1:]: value for key, value in list(self._values.items()) if key[0] == account}

    def put(self, account: str, taken: Mapping[tuple[str, str], Value]) -> None:
        """Those values instead."""
        self.reset(account)
        self._values.update({(account, *key): value for key, value in taken.items()})


class InFlight:
    """Updates under way. AWS: TooManyUpdates, "concurrent updates for a resource that supports one at a time"."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: set[tuple[str, str, str]] = set()

    def hold(self, account: str, region: str, operation: str, setting_id: str | None) -> Hold | None:
        """Take hold of a setting for the time of an update."""
        if operation not in ("UpdateServiceSetting", "ResetServiceSetting") or not setting_id:
            return None
        key = (account, region, path_of(setting_id))
        with self._lock:
            if key in self._held:
                raise TooManyUpdates("There are concurrent updates for a resource that supports one update at a time.")
            self._held.add(key)
        return Hold(self, key)

    def release(self, key: tuple[str, str, str]) -> None:
        """Let go."""
        with self._lock:
            self._held.discard(key)


@dataclass(frozen=True)
class Hold:
    """A setting held by one update."""

    owner: InFlight
    key: tuple[str, str, str]

    def release(self) -> None:
        """The update has been answered."""
        self.owner.release(self.key)


def path_of(setting_id: str) -> str:
    """The path form of an id, without any check."""
    match = _ARN.fullmatch(setting_id)
    return match["id"] if match else setting_id


def resolve(setting_id: str, where: Where) -> str:
    """The path form of an id given as path or as ARN; the ARN must name the caller's own account and region.

    Seen at AWS: "ValidationException: Invalid settingId : arn:..." (hashicorp/terraform-provider-aws, issue 30474).
    """
    if not 1 <= len(setting_id) <= 1000:
        raise ValidationException(
            f"1 validation error detected: Value '{setting_id[:80]}' at 'settingId' failed to satisfy constraint: "
            "Member must have length between 1 and 1000"
        )
    path = setting_id
    if setting_id.startswith("arn:"):
        match = _ARN.fullmatch(setting_id)
        if match is None or where.arn(match["id"]) != setting_id:
            raise ValidationException(f"Invalid settingId : {setting_id}")
        path = match["id"]
    if path not in KINDS:
        raise ServiceSettingNotFound(f"Setting with id {path} not found.")
    return path


def check(path: str, value: str) -> None:
    """Refuse a value that the documentation does not allow."""
    if not 1 <= len(value) <= MAX_VALUE:
        raise ValidationException(
            "1 validation error detected: Value at 'settingValue' failed to satisfy constraint: "
            f"Member must have length between 1 and {MAX_VALUE}"
        )
    if not KINDS[path].accepts(value):
        raise ValidationException(f"Invalid setting value {value!r} for setting {path}")


STORE = Store()
IN_FLIGHT = InFlight()
