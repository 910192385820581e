# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Module body shared by every regional module: its options, and the choice of the regions it works on."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from typing import TYPE_CHECKING, Any

from ansible_collections.fleet.aws_ssm.plugins.module_utils._aws.closed_regions import closed_regions
from ansible_collections.fleet.aws_ssm.plugins.module_utils._clients import Clients
from ansible_collections.fleet.aws_ssm.plugins.module_utils._errors import (
    REGION_REFUSED,
    InputError,
    code_of,
    describe,
    forbidden_by_organization,
)
from ansible_collections.fleet.aws_ssm.plugins.module_utils._regions import (
    ALL,
    check_enabled,
    enabled_regions,
    partition_of,
    requested_regions,
    split_names,
    unlisted,
)

if TYPE_CHECKING:
    from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

REGIONS_SPEC: dict[str, dict[str, Any]] = {
    # amazon.aws's own takes the environment for the option; Clients does that after it is known what the task says.
    "region": {"type": "str", "aliases": ["aws_region"]},
    # As it is: Ansible would make the empty text of a null, and that stands for the region of the environment.
    "regions": {"type": "list", "elements": "raw"},
    "timeout": {"type": "int", "default": 300},
}


def choose_regions(module: AnsibleAWSModule, clients: Clients) -> list[str]:
    """The regions to work on. Asks AWS (DescribeRegions) only for C(all) and for names that botocore does not know."""
    names = requested_regions(module.params["regions"], clients.region)
    check_timeout(module.params)
    if names == [ALL]:
        return enabled_regions(_opt_in(clients, []))
    new = unlisted(names, partition_of(names, clients.partitions()))
    if new:
        check_enabled(new, _opt_in(clients, names, why=f"{', '.join(new)} is unknown to this botocore, and "))
    return names


def check_timeout(params: Mapping[str, Any]) -> None:
    """Raise InputError for a timeout in which nothing can be done."""
    if params["timeout"] < 1:
        raise InputError(f"timeout: {params['timeout']} is not a number of seconds above 0.")


def refuse_disabled(clients: Clients, errors: Mapping[str, Exception]) -> None:
    """Raise InputError if regions answered as they do where they are not enabled, and are not.

    Called between the reads and the first write: a region list of the account would cost a call in every run, and
    the reads tell as much. Where DescribeRegions is not permitted, the errors stay what they are.
    """
    refused = [region for region, error in errors.items() if code_of(error) in REGION_REFUSED]
    if not refused:
        return
    try:
        opt_in = _opt_in(clients, refused)
    except InputError:
        return
    check_enabled(refused, opt_in)


def set_aside_closed(
    params: Mapping[str, Any], regions: list[str], errors: MutableMapping[str, Exception], closed: list[str]
) -> list[str]:
    """Take the regions that the organization closes out of the errors, and return them, for C(regions: all).

    A service control policy that closes a region denies it to the roles of instances, too, so Systems Manager can't
    manage anything there, and "all" can't mean it. A region that the task names stays an error, and so do all regions
    if none can be read.
    """
    names = split_names(params["regions"]) or []
    if [name.lower() for name in names] != [ALL] or len(closed) == len(regions):
        return []
    for region in closed:
        del errors[region]
    return closed


def set_aside_forbidden(
    clients: Clients, params: Mapping[str, Any], regions: list[str], errors: MutableMapping[str, Exception]
) -> list[str]:
    """I(set_aside_closed) where one service was read: what its error says of a region is confirmed by another one."""
    denied = [region for region in regions if region in errors and forbidden_by_organization(errors[region])]
    return set_aside_closed(params, regions, errors, closed_regions(clients, denied) if denied else [])


def all_regions(clients: Clients, known: list[str]) -> list[str]:
    """Every enabled region of the account, in the partition of C(known); raises InputError if AWS doesn't tell."""
    return enabled_regions(_opt_in(clients, known))


def regions_off(clients: Clients, regions: list[str]) -> list[str]:
    """The regions of the account that are not enabled; asked together with C(all), so that it costs no further call."""
    return sorted(name for name, status in _opt_in(clients, regions).items() if status == "not-opted-in")


def _opt_in(clients: Clients, names: list[str], *, why: str = "") -> dict[str, str]:
    # The session's own region first: an organization may deny every other one, us-east-1 too.
    partitions = clients.partitions()
    known = [name for name in [clients.region, *names] if name]
    home = (partition_of(known, partitions) if known else partitions[0]).home
    errors: list[Exception] = []
    for region in dict.fromkeys([*([clients.region] if clients.region else []), home]):
        try:
            return clients.region_opt_in(region)
        except Exception as error:  # whatever keeps this region from answering, the next one may answer
            errors.append(error)
    detail = describe(errors[-1])
    raise InputError(
        f"regions: {why}the account's regions can't be listed (ec2:DescribeRegions): "
        f"{detail['code']}: {detail['message']}"
    )
