# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Gateway: whose credentials a task has, asked within its time."""

from __future__ import annotations

from collections.abc import Sequence

from ansible_collections.fleet.aws_ssm.plugins.module_utils._clients import Clients, Identity
from ansible_collections.fleet.aws_ssm.plugins.module_utils._errors import Failure, describe
from ansible_collections.fleet.aws_ssm.plugins.module_utils._fan_out import fan_out

_STS = "sts"


def identity_by(clients: Clients, regions: Sequence[str], deadline: float, *, partition: str | None = None) -> Identity:
    """Return the credentials' account and partition. Raise Failure if STS does not tell by the deadline.

    A backup has to name the account, so nothing may be changed without it. `partition` is the name of the partition to
    ask in, where there are no regions.
    """
    # Clients can't be built in the thread that asks.
    clients.client(_STS, clients.global_region(regions, partition))
    found, errors = fan_out(lambda _key: clients.identity(regions, partition), [_STS], deadline=deadline)
    if errors:
        detail = describe(errors[_STS])
        raise Failure(
            f"The credentials' account can't be read (sts:GetCallerIdentity): {detail['code']}: {detail['message']}. "
            "The backup needs it. Nothing was changed."
        )
    return found[_STS]
