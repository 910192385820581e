# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Types: what IAM holds of a role's policies and of a managed policy's versions; documents as the very text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class RoleNow:
    """What a role has: ARNs of attached policies, and inline policies with their text."""

    attached: frozenset[str]
    inline: Mapping[str, str]


@dataclass(frozen=True)
class PolicyNow:
    """A managed policy: the id of its default version, and the text of every version."""

    default: str
    texts: Mapping[str, str]
