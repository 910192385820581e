# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Gateway: the three service-setting operations of one region's Systems Manager client."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.amazon.aws.plugins.module_utils.retries import AWSRetry


class _Retry(AWSRetry):
    @staticmethod
    def status_code_from_exception(error: Any) -> str:
        """AWS's code; a made-up one for a role that Systems Manager can't see yet.

        IAM is eventually consistent. What UpdateServiceSetting answers then is not documented: the text is
        CreateActivation's. Where it is never sent, nothing is repeated.
        """
        detail = error.response["Error"]
        if detail["Code"] == "ValidationException" and "not existing role" in detail.get("Message", "").lower():
            return "RoleNotVisible"
        return detail["Code"]

    @staticmethod
    def found(response_code: str, catch_extra_error_codes: Any = None) -> bool:
        """Only the codes that are named: botocore has repeated the others, and would do so again for each attempt."""
        return response_code in (catch_extra_error_codes or ())


def _call(operation: Callable[..., Any], **parameters: str) -> Any:
    # A decorator for each call: its back-off counter would otherwise be shared by all threads. botocore itself repeats
    # throttling and connection errors, but not TooManyUpdates ("supports one update at a time").
    repeated = _Retry.jittered_backoff(
        retries=6, delay=1, max_delay=8, catch_extra_error_codes=["TooManyUpdates", "RoleNotVisible"]
    )
    return repeated(operation)(**parameters)


def get_setting(client: Any, setting: str) -> dict[str, Any]:
    """GetServiceSetting's answer."""
    return _call(client.get_service_setting, SettingId=setting)


def update_setting(client: Any, setting: str, value: str) -> None:
    """UpdateServiceSetting; it answers nothing."""
    _call(client.update_service_setting, SettingId=setting, SettingValue=value)


def reset_setting(client: Any, setting: str) -> dict[str, Any]:
    """ResetServiceSetting's answer: the setting as it is afterwards."""
    return _call(client.reset_service_setting, SettingId=setting)
