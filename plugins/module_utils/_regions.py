# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Rules: which regions a task means, and whether they exist. Pure; no AWS calls."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.fleet.aws_ssm.plugins.module_utils._errors import InputError

ALL = "all"


@dataclass(frozen=True)
class Partition:
    """One AWS partition as botocore's C(partitions.json) describes it."""

    name: str
    regions: frozenset[str]
    pattern: str
    home: str
    """The region that stands for global services, where every enabled account can be asked (us-east-1 in aws)."""


def partitions_of(data: Mapping[str, Any]) -> list[Partition]:
    """Botocore's partition data as partitions; pseudo-regions such as C(aws-global) are left out."""
    return [
        Partition(
            name=entry["id"],
            regions=frozenset(name for name in entry["regions"] if not name.endswith("-global")),
            pattern=entry["regionRegex"],
            home=entry["outputs"]["implicitGlobalRegion"],
        )
        for entry in data["partitions"]
    ]


def split_names(
    values: Iterable[Any] | str | None, option: str = "regions", *, in_lists: bool = True
) -> list[str] | None:
    """Names from a list, or from a string with commas or white space between them, each once and in order.

    None means "not given", which is also what an AWX survey's unanswered question ("") means. A list that holds
    nothing stays an empty list, so that the caller can refuse it. What is no text in a list (null, another list) is an
    error that names C(option): it would be dropped, or become a name. A name in a list is split at commas as well only
    if C(in_lists) says so: names of IAM may have commas.
    """
    if values is None:
        return None
    items = [values] if isinstance(values, str) else list(values)
    for place, item in enumerate(items, start=1):
        if isinstance(item, bool) or not isinstance(item, (str, int, float)):
            shown = "null" if item is None else json.dumps(item, default=str)
            raise InputError(f"{option}: entry {place} of the list is {shown}, which is not a name: give texts only.")
    items = [str(item) for item in items]
    separator = r"[,\s]+" if in_lists or isinstance(values, str) else r"\s+"
    names = [name for item in items for name in re.split(separator, item.strip()) if name]
    if not names and items:
        return None
    return list(dict.fromkeys(names))


def requested_regions(regions: Iterable[Any] | str | None, region: str | None) -> list[str]:
    """The regions a task names: C(["all"]), the names in O(regions), or the single O(region).

    O(regions) goes before O(region), which may come from C(module_defaults) or the environment.
    """
    names = split_names(regions)
    if names is not None:
        if not names:
            raise InputError("regions is an empty list: name at least one region, or 'all' for every enabled region.")
        if ALL in (name.lower() for name in names):
            if len(names) > 1:
                raise InputError(f"regions mixes 'all' with region names ({', '.join(names)}): give one or the other.")
            return [ALL]
        return names
    if not region:
        raise InputError(
            "No region: set regions (names or 'all') or region, or AWS_REGION, AWS_DEFAULT_REGION or a region in the "
            "profile of the AWS configuration file."
        )
    return [region]


def refuse_regions(regions: Iterable[str] | str | None) -> None:
    """Raise InputError if O(regions) is given with C(state=restored). The empty answer of a survey is not given."""
    names = split_names(regions)
    if names is not None:
        raise InputError(
            f"regions: {', '.join(names) or 'an empty list'} can't be given with state=restored: the backup names its "
            "regions. Leave it out. Nothing was changed."
        )


def partition_of(regions: Iterable[str], partitions: list[Partition], option: str = "regions") -> Partition:
    """The one partition that all the names belong to by botocore's data.

    A name that no partition lists but one partition's pattern fits is accepted here: the region may be newer than
    the installed botocore (see I(unlisted)).
    """
    found: dict[str, Partition] = {}
    for name in regions:
        home = next((p for p in partitions if name in p.regions), None) or next(
            (p for p in partitions if re.match(p.pattern, name)), None
        )
        if home is None:
            raise InputError(unknown_region(name, (r for p in partitions for r in p.regions), option))
        found.setdefault(home.name, home)
    if len(found) > 1:
        raise InputError(
            f"{option} spans the AWS partitions {', '.join(sorted(found))}: an account lives in one partition, "
            "so run once for each."
        )
    return next(iter(found.values()))


def of_known_partition(names: Iterable[str], partitions: list[Partition]) -> list[str]:
    """The names that can be regions of some partition. The caller refuses the others."""
    return [name for name in names if any(same_partition(name, partition) for partition in partitions)]


def same_partition(region: str, partition: Partition) -> bool:
    """Whether a region belongs to the partition, or would, if it is newer than the installed botocore."""
    return region in partition.regions or bool(re.match(partition.pattern, region))


def unlisted(regions: Iterable[str], partition: Partition) -> list[str]:
    """The names that botocore does not list: only DescribeRegions can tell whether they exist."""
    return [name for name in regions if name not in partition.regions]


def unknown_region(name: str, known: Iterable[str], option: str = "regions") -> str:
    """The message for a region that does not exist, with the nearest names that do."""
    near = difflib.get_close_matches(name, sorted(known), n=3)
    hint = f" Did you mean {' or '.join(near)}?" if near else ""
    return f"{option}: {name!r} is not an AWS region.{hint}"


def check_enabled(regions: Iterable[str], opt_in: Mapping[str, str]) -> None:
    """Raise InputError for names that the account does not have or has not enabled.

    C(opt_in) maps region names to C(OptInStatus) of EC2 DescribeRegions with AllRegions: C(opt-in-not-required),
    C(opted-in) or C(not-opted-in).
    """
    wanted = list(regions)
    for name in wanted:
        if name not in opt_in:
            raise InputError(unknown_region(name, opt_in))
    disabled = [name for name in wanted if opt_in[name] == "not-opted-in"]
    if disabled:
        raise InputError(
            f"regions: not enabled in this account: {', '.join(disabled)}. Enable "
            f"{'it' if len(disabled) == 1 else 'them'} in the account's settings (minutes to hours), or leave "
            f"{'it' if len(disabled) == 1 else 'them'} out; regions=all takes the enabled ones only."
        )


def enabled_regions(opt_in: Mapping[str, str]) -> list[str]:
    """Every region the account can use, sorted."""
    return sorted(name for name, status in opt_in.items() if status != "not-opted-in")
