# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Regions, partitions, and which of them an account has opted in to."""

from __future__ import annotations

import threading
from functools import cache

import botocore.session
from localstack.aws.api import RequestContext
from localstack.aws.handlers.region import RegionRewriterStrategy

# AWS General Reference, "Regions and Availability Zones" / AWS Account Management Reference Guide, "Regions": the
# regions that an account must opt in to. Every other region is on from the start.
OPT_IN = frozenset(
    {
        "af-south-1",
        "ap-east-1",
        "ap-east-2",
        "ap-south-2",
        "ap-southeast-3",
        "ap-southeast-4",
        "ap-southeast-5",
        "ap-southeast-6",
        "ap-southeast-7",
        "ca-west-1",
        "eu-central-2",
        "eu-south-1",
        "eu-south-2",
        "il-central-1",
        "me-central-1",
        "me-south-1",
        "mx-central-1",
    }
)


@cache
def by_partition() -> dict[str, tuple[str, ...]]:
    """Every partition botocore knows, with its regions."""
    session = botocore.session.Session()
    return {
        partition: tuple(sorted(session.get_available_regions("ec2", partition_name=partition)))
        for partition in session.get_available_partitions()
    }


@cache
def partition_of(region: str) -> str | None:
    """The partition a region belongs to; None for a region that does not exist."""
    return next((partition for partition, names in by_partition().items() if region in names), None)


class OptIns:
    """Which opt-in regions each account has enabled."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._enabled: dict[str, set[str]] = {}

    def is_enabled(self, account: str, region: str) -> bool:
        """Whether calls of the account work in the region."""
        return region not in OPT_IN or region in self._enabled.get(account, ())

    def set(self, account: str, region: str, enabled: bool) -> None:
        """Opt in or out."""
        with self._lock:
            names = self._enabled.setdefault(account, set())
            if enabled:
                names.add(region)
            else:
                names.discard(region)

    def reset(self, account: str) -> None:
        """Back to a new account's state."""
        with self._lock:
            self._enabled.pop(account, None)

    def take(self, account: str) -> frozenset[str]:
        """The opt-in regions that an account has enabled."""
        return frozenset(self._enabled.get(account, ()))

    def put(self, account: str, taken: frozenset[str]) -> None:
        """Those instead."""
        with self._lock:
            self._enabled[account] = {*taken}

    def ec2_status(self, account: str, region: str) -> str:
        """As DescribeRegions says it (Amazon EC2 API Reference, Region)."""
        if region not in OPT_IN:
            return "opt-in-not-required"
        return "opted-in" if self.is_enabled(account, region) else "not-opted-in"

    def account_status(self, account: str, region: str) -> str:
        """As ListRegions says it (AWS Account Management API Reference, Region)."""
        if region not in OPT_IN:
            return "ENABLED_BY_DEFAULT"
        return "ENABLED" if self.is_enabled(account, region) else "DISABLED"


class KeepRegion(RegionRewriterStrategy):
    """LocalStack turns every region outside the partition aws into us-east-1; at AWS each answers for itself."""

    def apply(self, context: RequestContext) -> None:
        """Leave the region as it was signed."""


OPT_INS = OptIns()
