# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Account-wide defaults of the instance metadata service, for each region.

Amazon EC2 API Reference, "ModifyInstanceMetadataDefaults", "GetInstanceMetadataDefaults"; Amazon EC2 User Guide,
"Configure instance metadata options for new instances": launch parameters win over the account's defaults.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from localstack.aws.api import CommonServiceException

NO_PREFERENCE = "no-preference"
_ALLOWED: dict[str, tuple[str, ...]] = {
    "HttpTokens": ("optional", "required", NO_PREFERENCE),
    "HttpEndpoint": ("disabled", "enabled", NO_PREFERENCE),
    "InstanceMetadataTags": ("disabled", "enabled", NO_PREFERENCE),
    "HttpTokensEnforced": ("disabled", "enabled", NO_PREFERENCE),
}
_HOPS = "HttpPutResponseHopLimit"


class Store:
    """The defaults that an account has set."""

    def __init__(self) -> None:
        self._values: dict[tuple[str, str], dict[str, Any]] = {}

    def get(self, account: str, region: str) -> dict[str, Any]:
        """What was set; nothing set means no key."""
        return dict(self._values.get((account, region), {}))

    def modify(self, account: str, region: str, request: Mapping[str, Any]) -> None:
        """Take over the given values; "no-preference" and -1 take a value back."""
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

    def reset(self, account: str) -> None:
        """Forget an account."""
        for key in [key for key in self._values if key[0] == account]:
            self._values.pop(key, None)


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
