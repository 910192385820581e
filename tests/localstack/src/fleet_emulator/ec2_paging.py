# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Pages of EC2's Describe calls (Amazon EC2 API Reference, "Pagination"); moto gives most lists in one piece."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any

from fleet_emulator.ec2_errors import Ec2Error, invalid_value


def page(
    answer: dict[str, Any], key: str, request: Mapping[str, Any], high: int = 1000, low: int = 5
) -> dict[str, Any]:
    """One page of the list under this key: *low* to *high* items, *high* unless said otherwise."""
    size, first = request.get("MaxResults"), start(request.get("NextToken"))
    if size is not None and not low <= size <= high:
        raise invalid_value(f"Value ( {size} ) for parameter maxResults is invalid.")
    items = answer.get(key) or []
    end = first + (size or high)
    found = {name: value for name, value in answer.items() if name != "NextToken"}
    found[key] = items[first:end]
    if end < len(items):
        found["NextToken"] = token(end)
    return found


def token(end: int) -> str:
    """The token of the page that begins here."""
    return base64.urlsafe_b64encode(f"fleet:{end}".encode()).decode()


def start(given: str | None) -> int:
    """Where the page of a token begins."""
    if not given:
        return 0
    try:
        marker, _, number = base64.urlsafe_b64decode(given).decode().partition(":")
        if marker == "fleet":
            return int(number)
    except (ValueError, binascii.Error):
        pass
    raise Ec2Error("InvalidNextToken", "The token is invalid.")
