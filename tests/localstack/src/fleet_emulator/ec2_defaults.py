# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Account-wide defaults of the instance metadata service, for each region.

Amazon EC2 API Reference, "ModifyInstanceMetadataDefaults", "GetInstanceMetadataDefaults"; Amazon EC2 User Guide,
"Configure instance metadata options for new instances": launch parameters win over the account's defaults.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from localstack.aws.api import CommonServiceException
from moto.ec2.models.instances import MetadataOptions

NO_PREFERENCE = "no-preference"
_ALLOWED: dict[str, tuple[str, ...]] = {
    "HttpTokens": ("optional", "required", NO_PREFERENCE),
    "HttpEndpoint": ("disabled", "enabled", NO_PREFERENCE),
    "InstanceMetadataTags": ("disabled", "enabled", NO_PREFERENCE),
    "HttpTokensEnforced": ("disabled", "enabled", NO_PREFERENCE),
}
_HOPS = "HttpPutResponseHopLimit"


class Settling(MetadataOptions):
    """Metadata options whose State is "pending" for some seconds."""

    def __init__(self, options: dict[str, Any], seconds: float) -> None:
        super().__init__(options)
        self._applied = time.monotonic() + seconds

    def __getattribute__(self, name: str) -> Any:
        """Moto reads C(state) as a plain attribute."""
        if name == "state":
            return "applied" if time.monotonic() >= self._applied else "pending"
        return super().__getattribute__(name)


class Store:
    """The defaults that an account has set."""

    def __init__(self) -> None:
        self._values: dict[tuple[str, str], dict[str, Any]] = {}
        self._policies: dict[tuple[str, str], tuple[dict[str, Any], str]] = {}

    def get(self, account: str, region: str) -> dict[str, Any]:
        """What holds for new instances; nothing set means no key."""
        key = (account, region)
        return dict(self._policies[key][0] if key in self._policies else self._values.get(key, {}))

    def level(self, account: str, region: str) -> dict[str, Any]:
        """GetInstanceMetadataDefaults's answer."""
        level = {**self.get(account, region), "ManagedBy": "account"}
        if policy := self._policies.get((account, region)):
            level["ManagedBy"] = "declarative-policy"
            level.update({"ManagedExceptionMessage": policy[1]} if policy[1] else {})
        return level

    def manage(self, account: str, region: str, values: Mapping[str, Any] | None, message: str = "") -> None:
        """A declarative policy of the organization sets the defaults from now on; None: no longer."""
        self._policies.pop((account, region), None)
        if values is not None:
            self._policies[account, region] = (dict(values), message)

    def modify(self, account: str, region: str, request: Mapping[str, Any]) -> None:
        """Take over the given values; "no-preference" and -1 take a value back."""
        if policy := self._policies.get((account, region)):
            raise CommonServiceException(
                "OperationNotPermitted", policy[1] or "The defaults are managed by a declarative policy.", 400, True
            )
        values = self._values.setdefault((account, region), {})
        for name, allowed in _ALLOWED.items():
            if name not in request:
                continue
            if request[name] not in allowed:
                raise _invalid(name, request[name])
            _put(values, name, None if request[name] == NO_PREFERENCE else request[name])
        if _HOPS in request:
            hops = int(request[_HOPS])
            if hops != -1 and not 1 <= hops <= 64:
                raise _invalid(_HOPS, hops)
            _put(values, _HOPS, None if hops == -1 else hops)

    def check(self, account: str, region: str, request: Mapping[str, Any]) -> None:
        """Refuse to let an instance take IMDSv1 where the account, or a declarative policy, enforces IMDSv2."""
        if self.get(account, region).get("HttpTokensEnforced") == "enabled" and request.get("HttpTokens") == "optional":
            raise CommonServiceException(
                "UnsupportedOperation",
                "You can't set httpTokens to 'optional' because httpTokensEnforced is enabled for this account.",
                400,
            )

    def reset(self, account: str) -> None:
        """Forget an account."""
        for stored in (self._values, self._policies):
            for key in [key for key in stored if key[0] == account]:
                stored.pop(key, None)

    def take(self, account: str) -> list[dict[str, Any]]:
        """An account's defaults and policies, by region."""
        stores = (self._values, self._policies)
        return [{key[1]: value for key, value in stored.items() if key[0] == account} for stored in stores]

    def put(self, account: str, taken: list[dict[str, Any]]) -> None:
        """Those instead."""
        self.reset(account)
        values, policies = taken
        self._values.update({(account, region): value for region, value in values.items()})
        self._policies.update({(account, region): value for region, value in policies.items()})


def _put(values: dict[str, Any], name: str, value: Any) -> None:
    if value is None:
        values.pop(name, None)
    else:
        values[name] = value


def at_launch(defaults: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """The metadata options of a new instance; raises when enforced tokens would be optional."""
    preset = {key: value for key, value in defaults.items() if key != "HttpTokensEnforced"}
    options = {**preset, **given}
    if defaults.get("HttpTokensEnforced") == "enabled" and options.get("HttpTokens") != "required":
        raise CommonServiceException(
            "UnsupportedOperation", "You can't launch instances with IMDSv1 because httpTokensEnforced is enabled.", 400
        )
    return options


def changed(options: Any, request: Mapping[str, Any]) -> dict[str, Any]:
    """An instance's metadata options after ModifyInstanceMetadataOptions."""
    for name, allowed in _ALLOWED.items():
        if name in request and (request[name] not in allowed or request[name] == NO_PREFERENCE):
            raise _invalid(name, request[name])
    if _HOPS in request and not 1 <= int(request[_HOPS]) <= 64:
        raise _invalid(_HOPS, request[_HOPS])
    now = {
        "HttpTokens": options.http_tokens,
        "HttpPutResponseHopLimit": options.http_put_response_hop_limit,
        "HttpEndpoint": options.http_endpoint,
        "HttpProtocolIpv6": options.http_protocol_ipv6,
        "InstanceMetadataTags": options.instance_metadata_tags,
    }
    return {name: request.get(name, value) for name, value in now.items()}


def _invalid(name: str, value: Any) -> CommonServiceException:
    return CommonServiceException(
        "InvalidParameterValue", f"Value ({value}) for parameter {name} is invalid.", 400, True
    )


STORE = Store()
