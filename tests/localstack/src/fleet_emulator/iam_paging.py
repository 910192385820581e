# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""IAM's pages: MaxItems and Marker in, IsTruncated and Marker out (IAM API Reference, "Common Parameters")."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import Any

from fleet_emulator.iam_rules import validation_error

DEFAULT = 100


def page(items: Sequence[Any], request: Mapping[str, Any]) -> tuple[list[Any], dict[str, Any]]:
    """One page and the members of the answer that say whether there are more."""
    start, end = window(request)
    return list(items[start:end]), rest(end, len(items))


def window(request: Mapping[str, Any]) -> tuple[int, int]:
    """Where the page begins and ends."""
    start = _offset(request.get("Marker"))
    return start, start + (request.get("MaxItems") or DEFAULT)


def rest(end: int, total: int) -> dict[str, Any]:
    """IsTruncated, and the marker of the next page."""
    if end >= total:
        return {"IsTruncated": False}
    return {"IsTruncated": True, "Marker": base64.urlsafe_b64encode(f"fleet:{end}".encode()).decode()}


def _offset(marker: str | None) -> int:
    if not marker:
        return 0
    try:
        name, _, number = base64.urlsafe_b64decode(marker).decode().partition(":")
        if name == "fleet":
            return int(number)
    except (ValueError, binascii.Error):
        pass
    raise validation_error("Invalid Marker.")
