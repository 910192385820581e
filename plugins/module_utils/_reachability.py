# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Rules: the reasons why an instance's network keeps it from Systems Manager, or may do so. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from ansible_collections.fleet.aws_ssm.plugins.module_utils._network.facts import read_network
from ansible_collections.fleet.aws_ssm.plugins.module_utils._network.types import Blocked, Network, Place, Unknown
from ansible_collections.fleet.aws_ssm.plugins.module_utils._network.verdict import judge, needed_services
from ansible_collections.fleet.aws_ssm.plugins.module_utils._readiness_reasons import (
    BLOCKING,
    WARNING,
    Reason,
    reason,
)

__all__ = ("Network", "network_reasons", "read_network")


def network_reasons(  # noqa: PLR0913, all that is known of where an instance is
    network: Network,
    *,
    vpc: str,
    subnet: str,
    groups: Sequence[str],
    public: bool,
    address: str = "",
    ipv6: Sequence[str] | None = None,
    account: str = "",
    agent: tuple[int, ...] = (),
    **names: str,
) -> list[Reason]:
    """Why an instance can't reach Systems Manager, or what is unclear about it; nothing if nothing is in the way.

    `agent` is its version, empty where it is not known.
    """
    place = Place(
        region=names.get("region", ""),
        instance=names.get("instance", "*"),
        vpc=vpc,
        subnet=subnet,
        groups=tuple(groups),
        public=public,
        address=address,
        ipv6=None if ipv6 is None else tuple(ipv6),
        account=account,
    )
    names = {**names, "vpc": vpc, "subnet": subnet}
    # What holds for several services is said once.
    found: dict[tuple[str, str, str], tuple[list[str], Blocked | Unknown]] = {}
    for service, verdicts in judge(place, network, needed_services(agent)).items():
        for one in verdicts:
            if isinstance(one, Blocked):
                found.setdefault((BLOCKING, one.code, one.words), ([], one))[0].append(service)
            elif isinstance(one, Unknown):
                words = f"{one.what} Look at {one.look_at}."
                found.setdefault((WARNING, one.code, words), ([], one))[0].append(service)
    return [
        reason(
            code,
            words.replace("{services}", listed(services)),
            severity,
            one.fix,
            **{**names, **_more(services), **one.names},
        )
        for (severity, code, words), (services, one) in found.items()
    ]


def _more(services: Sequence[str]) -> dict[str, str]:
    """What fixes say of the services."""
    text = listed(services)
    if "ec2messages" in services:
        text += " (an agent of 3.3.40.0 or later does without ec2messages)"
    return {"services": text}


def listed(services: Sequence[str]) -> str:
    """The services as a sentence has them."""
    return " and ".join(filter(None, [", ".join(services[:-1]), services[-1]]))
