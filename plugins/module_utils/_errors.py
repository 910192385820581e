# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Rules: what a task fails with, and AWS's errors as one code and one line. Pure."""

from __future__ import annotations

import re
from typing import Any

# What services answer in a region that the account has not enabled, and also for credentials that AWS does not know:
# https://docs.aws.amazon.com/accounts/latest/reference/manage-acct-regions.html (the codes differ by protocol).
REGION_REFUSED = frozenset({"AuthFailure", "InvalidClientTokenId", "UnrecognizedClientException"})

_SECRET = re.compile(r"(?i)((?:secret|token|signature|credential)[\w-]*[=:]\s*)[^\s,;&]+")


class Failure(Exception):
    """The task fails with a message of one line, and returns what was read or done until then."""

    def __init__(self, message: str, **result: Any) -> None:
        super().__init__(message)
        self.result = result


class InputError(Failure):
    """A wrong option: the message names it, its value, what is allowed and what to do. Nothing was written."""


def describe(error: BaseException) -> dict[str, str]:
    """An exception as C({code, message}): AWS's own code where the API answered, else the exception's name.

    amazon.aws's IAM calls wrap what botocore raised, which is what counts.
    """
    error = getattr(error, "exception", None) or error
    response: Any = getattr(error, "response", None)
    detail = response.get("Error", {}) if isinstance(response, dict) else {}
    code = detail.get("Code") or type(error).__name__
    message = detail.get("Message") or str(error) or code
    return {"code": code, "message": _SECRET.sub(r"\1***", " ".join(message.split()))}


def code_of(error: BaseException) -> str:
    """AWS's error code, or the exception's name."""
    return describe(error)["code"]
