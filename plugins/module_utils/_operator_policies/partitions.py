# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""What the installed botocore knows of partitions and regions, without a session or credentials."""

from __future__ import annotations

from functools import cache

try:
    import botocore.session
except ImportError:
    HAS_BOTOCORE = False
else:
    HAS_BOTOCORE = True

from ansible_collections.fleet.aws_ssm.plugins.module_utils._regions import Partition, partitions_of


@cache
def partitions() -> list[Partition]:
    """The partitions; needs botocore."""
    return partitions_of(botocore.session.Session().get_data("partitions"))
