# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Client of the emulator's control interface. Only the standard library: it runs inside any test's process."""

from __future__ import annotations

import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping, Sequence
from typing import Any

# A proxy set for the outer world must never see calls to the loopback address.
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))

Rule = Mapping[str, Any]


class ControlError(RuntimeError):
    """The emulator refused a control request; the message is its answer."""


class Control:
    """Reads the recorded calls and sets the faults of one emulator.

    Every method takes an account id, so tests that share an emulator never see or disturb one another.
    """

    def __init__(self, endpoint: str, timeout: float = 30.0) -> None:
        self.endpoint = endpoint.rstrip("/")
        self.timeout = timeout

    def health(self) -> dict[str, Any]:
        """Process id, start time and version of the emulator."""
        answer: dict[str, Any] = self._request("GET", "health")
        return answer

    def calls(self, account: str | None = None, *, writes: bool = False, **match: str) -> list[dict[str, Any]]:
        """The recorded API calls, oldest first; *match* takes globs for service, operation, region and resource."""
        query = {**match, **({"writes": "1"} if writes else {})}
        answer: list[dict[str, Any]] = self._request("GET", "calls", account, query)["calls"]
        return answer

    def clear_calls(self, account: str | None = None) -> None:
        """Forget the recorded calls."""
        self._request("DELETE", "calls", account)

    def faults(self, account: str | None = None) -> list[dict[str, Any]]:
        """The rules in force, with how often each was applied."""
        answer: list[dict[str, Any]] = self._request("GET", "faults", account)["rules"]
        return answer

    def set_faults(self, rules: Sequence[Rule], account: str | None = None, seed: int = 0) -> None:
        """Replace the rules of an account; without an account, the rules that hold for all of them."""
        self._request("PUT", "faults", account, body={"rules": list(rules), "seed": seed})

    def clear_faults(self, account: str | None = None) -> None:
        """Remove the rules of an account; without an account, all rules there are."""
        self._request("DELETE", "faults", account)

    def hold(self, *holds: Mapping[str, Any], account: str) -> None:
        """Replace the calls of an account that shall be held on their way; see the README for what a hold says."""
        self._request("PUT", "holds", account, body=list(holds))

    def holds(self, account: str, wait: float = 0.0) -> list[dict[str, Any]]:
        """An account's holds, as soon as one has got its call or the seconds are over."""
        query = {"wait": str(wait)} if wait else None
        answer: list[dict[str, Any]] = self._request("GET", "holds", account, query, longer=wait)["holds"]
        return answer

    def release(self, account: str, *, drop: bool = False) -> int:
        """Let an account's held calls go, or cut their connections; returns how many there were."""
        answer: int = self._request("POST", "holds/release", account, {"drop": "1"} if drop else None)["released"]
        return answer

    def clear_holds(self, account: str) -> None:
        """Hold nothing any more, and let go what is held."""
        self._request("DELETE", "holds", account)

    def watch(self, account: str) -> None:
        """Look at the account's agents after each of its writes from now on."""
        self._request("PUT", "watch", account)

    def watched(self, account: str) -> dict[str, Any]:
        """Who was online at the start, who is now, and the writes with which that changed."""
        answer: dict[str, Any] = self._request("GET", "watch", account)
        return answer

    def copy(self, account: str, other: str) -> None:
        """Give another account all that this one has, with the same names and ids."""
        self._request("POST", "copy", account, {"to": other})

    def quotas(self, account: str) -> dict[str, int]:
        """The IAM quotas of an account, under the names of GetAccountSummary."""
        answer: dict[str, int] = self._request("GET", "quotas", account)
        return answer

    def set_quotas(self, quotas: Mapping[str, int], account: str) -> None:
        """Change some IAM quotas of an account."""
        self._request("PUT", "quotas", account, body=dict(quotas))

    def set_declarative_policy(self, defaults: Mapping[str, Any], account: str, region: str, message: str = "") -> None:
        """A declarative policy sets an account's metadata defaults in a region, so that the account can't."""
        body = {"defaults": dict(defaults), "message": message}
        self._request("PUT", "declarative-policy", account, {"region": region}, body)

    def set_setting_age(self, setting: str, seconds: float, account: str, region: str) -> None:
        """Let a service setting look as if it had last been changed so many seconds ago."""
        self._request("PUT", "setting-age", account, {"region": region}, {"setting": setting, "seconds": seconds})

    def reset(self, account: str) -> None:
        """Forget everything about an account: resources, settings, calls and faults."""
        self._request("POST", "reset", account)

    def _request(
        self,
        method: str,
        path: str,
        account: str | None = None,
        query: Mapping[str, str] | None = None,
        body: Any = None,
        longer: float = 0.0,
    ) -> Any:
        params = {**(query or {}), **({"account": account} if account else {})}
        url = f"{self.endpoint}/_fleet/{path}" + (f"?{urllib.parse.urlencode(params)}" if params else "")
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(url, data=data, method=method, headers={"Content-Type": "application/json"})
        try:
            with _OPENER.open(request, timeout=self.timeout + longer) as response:
                return json.load(response)
        except urllib.error.HTTPError as error:
            detail = error.read().decode(errors="replace")
            raise ControlError(f"{method} {url}: HTTP {error.code}: {detail}") from error
