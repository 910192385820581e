# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Rules: what a task fails with, and AWS's errors as one code and one line. Pure."""

from __future__ import annotations

import re
from typing import Any

from ansible_collections.fleet.aws_ssm.plugins.module_utils._core.text import printable

# What services answer in a region that the account has not enabled, and also for credentials that AWS does not know:
# https://docs.aws.amazon.com/accounts/latest/reference/manage-acct-regions.html (the codes differ by protocol).
REGION_REFUSED = frozenset({"AuthFailure", "InvalidClientTokenId", "UnrecognizedClientException"})

_SECRET = re.compile(r"(?i)((?:secret|(?<!http_)token|signature|credential)[\w-]*[=:]\s*)[^\s,;&]+")


class Failure(Exception):
    """The task fails with a message of one line, and returns what was read or done until then."""

    def __init__(self, message: str, **result: Any) -> None:
        super().__init__(message)
        self.result = result


class ChangedMeanwhile(Exception):
    """What was to be changed is no longer what it was when it was read, so it was left alone."""

    def __init__(self, seen: object, now: object) -> None:
        super().__init__(f"was {_shown(seen)} when it was read and is {_shown(now)} now: left alone, run again")


class InUse(Exception):
    """What was to be changed is needed as it is, so it was left alone."""


class InputError(Failure):
    """A wrong option: the message names it, its value, what is allowed and what to do. Nothing was written."""


def _shown(value: object) -> str:
    if value is None:
        return "not there"
    text = printable(" ".join(str(value).split()))
    return text if len(text) <= 80 else f"{text[:77]}..."


def forbidden_by_organization(error: BaseException) -> bool:
    """Whether a service control policy denied the call, by the words that IAM adds to its own.

    "with an explicit deny in a service control policy", or "because no service control policy allows the X action"
    (IAM User Guide, "Troubleshoot access denied error messages").
    """
    detail = describe(error)
    denied = detail["code"] in ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation")
    return denied and "service control policy" in detail["message"].lower()


def may_have_happened(error: BaseException) -> bool:
    """Whether a writing call that failed may have been carried out: AWS has not answered, so nobody knows."""
    error = getattr(error, "exception", None) or error
    return not isinstance(error, (ChangedMeanwhile, Failure)) and not hasattr(error, "response")


def describe(error: BaseException) -> dict[str, str]:
    """An exception as `{code, message}`, printable: AWS's own code where the API answered, else the exception's name.

    amazon.aws's IAM calls wrap what botocore raised, which is what counts.
    """
    error = getattr(error, "exception", None) or error
    response: Any = getattr(error, "response", None)
    detail = response.get("Error", {}) if isinstance(response, dict) else {}
    code = detail.get("Code") or type(error).__name__
    message = detail.get("Message") or str(error) or code
    return {"code": printable(code), "message": printable(_SECRET.sub(r"\1***", " ".join(message.split())))}


def code_of(error: BaseException) -> str:
    """AWS's error code, or the exception's name."""
    return describe(error)["code"]
