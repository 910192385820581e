# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Rules: the names of a family of policies: `NAME`, `NAME-2` and so on to `NAME-99`. Pure."""

from __future__ import annotations

import re


def policy_number(name: str, policy: str) -> int | None:
    """The number of a policy: 1 for `NAME`, 2 for `NAME-2`; None if the name is not one of the family."""
    if policy == name:
        return 1
    match = re.fullmatch(r"-([2-9]|[1-9][0-9])", policy[len(name) :]) if policy.startswith(name) else None
    return int(match[1]) if match else None
