# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Rules: which roles Default Host Management Configuration (DHMC) uses, in which regions of the account. Pure.

A role that DHMC uses is the way in for every instance of a region that has no other. So it must keep what it allows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ansible_collections.fleet.aws_ssm.plugins.module_utils._iam.profile_access import SSM_SERVICE
from ansible_collections.fleet.aws_ssm.plugins.module_utils._iam_policy import Answer, trusts


@dataclass(frozen=True)
class DhmcInUse:
    """The role's name that each region's setting names, None where DHMC is off.

    `values` are the settings where DHMC is on: a path and a name. `unread` are the regions that could not be asked.
    Those that the organization closes (`forbidden`) use no role: a service control policy that denies a region denies
    it to DHMC's role and to instances' roles, too.
    """

    roles: Mapping[str, str | None]
    unread: Mapping[str, Exception] = field(default_factory=dict)
    forbidden: tuple[str, ...] = ()
    values: Mapping[str, str] = field(default_factory=dict)

    def naming(self, role: str) -> list[str]:
        """The regions whose setting names the role. Names are unique in an account, whatever the path."""
        return sorted(region for region, name in self.roles.items() if name == role)

    def off(self) -> list[str]:
        """The regions where DHMC is known to be off."""
        return sorted(region for region, name in self.roles.items() if name is None)


def why_protected(role: str, trust_policy: Mapping[str, object], dhmc: DhmcInUse) -> str:
    """Why the role must keep what it allows, in words that follow its name; empty if DHMC does not use it.

    Systems Manager can use only a role that trusts it, so a region that could not be read concerns no other role.
    """
    regions = dhmc.naming(role)
    if regions:
        return f"is the role that Default Host Management Configuration uses in {', '.join(regions)}"
    if dhmc.unread and trusts(trust_policy, SSM_SERVICE).answer is not Answer.NO:
        return (
            f"trusts Systems Manager, and whether Default Host Management Configuration uses it in "
            f"{', '.join(sorted(dhmc.unread))} could not be read"
        )
    return ""
