# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A region that the organization closes."""

from __future__ import annotations

from typing import Any

SCP = "You are not authorized to perform this operation with an explicit deny in a service control policy"


def closed(region: str) -> list[dict[str, Any]]:
    """The emulator's fault rules that make a region answer as Control Tower's region deny does."""
    return [
        {"service": service, "region": region, "error": {"code": code, "message": SCP, "status": status}}
        for service, code, status in (("ec2", "UnauthorizedOperation", 403), ("ssm", "AccessDeniedException", 400))
    ]
