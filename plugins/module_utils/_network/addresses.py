# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Rules: which addresses are public, and what sets of address ranges cover. Pure.

Systems Manager's own addresses are not known: they are somewhere in AWS's public ranges, which change weekly. So a set
of ranges leads to them for sure if it covers all public addresses, and can't if it has no public address.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Network, IPv6Network, collapse_addresses, ip_address, ip_network
from typing import Union

Range = Union[IPv4Network, IPv6Network]  # noqa: UP007

# IANA's special-purpose registry: no address of a public service is in them.
_RESERVED = tuple(
    IPv4Network(text)
    for text in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/3",
    )
)
_EVERYTHING = IPv4Network("0.0.0.0/0")
_PUBLIC_IPV6 = IPv6Network("2000::/3")
# Amazon VPC User Guide, "DNS64 and NAT64": IPv4 addresses as IPv6 has them behind a NAT gateway.
NAT64 = IPv6Network("64:ff9b::/96")


def ranges(texts: Iterable[str]) -> tuple[Range, ...]:
    """The ranges as numbers; what is none is left out."""
    found: list[Range] = []
    for text in texts:
        try:
            found.append(ip_network(text, strict=False))
        except ValueError:
            continue
    return tuple(found)


def covers_public(given: Iterable[Range]) -> bool:
    """Whether every public IPv4 address is in one of the ranges."""
    known = [one for one in given if isinstance(one, IPv4Network)]
    return list(collapse_addresses([*known, *_RESERVED])) == [_EVERYTHING]


def touches_public(given: Iterable[Range]) -> bool:
    """Whether a public IPv4 address is in one of the ranges."""
    return any(
        isinstance(one, IPv4Network) and not any(one.subnet_of(reserved) for reserved in _RESERVED) for one in given
    )


def covers_public_ipv6(given: Iterable[Range]) -> bool:
    """Whether every public IPv6 address is in one of the ranges."""
    return covers(given, _PUBLIC_IPV6)


def covers(given: Iterable[Range], wanted: IPv6Network) -> bool:
    """Whether the whole of a range is in the ranges, taken together."""
    known = collapse_addresses([one for one in given if isinstance(one, IPv6Network)])
    return any(wanted.subnet_of(one) for one in known)


def holds(given: Iterable[Range], addresses: Iterable[str]) -> bool:
    """Whether one of the addresses is in one of the ranges."""
    known = list(given)
    # An address of the other family is in none of them.
    return any(ip_address(address) in one for address in addresses for one in known)


def overlap(one: Sequence[Range], other: Sequence[Range]) -> bool:
    """Whether some address is in both."""
    return any(a.version == b.version and a.overlaps(b) for a in one for b in other)
