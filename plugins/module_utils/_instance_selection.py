# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Rules: which instances a task means: by id, by EC2 filters, or all. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.amazon.aws.plugins.module_utils.transformation import ansible_dict_to_boto3_filter_list

from ansible_collections.fleet.aws_ssm.plugins.module_utils._errors import InputError
from ansible_collections.fleet.aws_ssm.plugins.module_utils._regions import split_names

SELECTION_SPEC: dict[str, dict[str, Any]] = {
    # As it is: Ansible would make the empty text of a null, and that stands for every instance.
    "instance_ids": {"type": "list", "elements": "raw"},
    "filters": {"type": "dict"},
    "all_instances": {"type": "bool", "default": False},
}


def instance_ids(values: Iterable[Any] | str | None) -> list[str] | None:
    """The ids of O(instance_ids), None where it is not given; InputError for one that can't be an id."""
    ids = split_names(values, "instance_ids")
    if ids is None:
        return None
    if not ids:
        raise InputError("instance_ids: is an empty list: name at least one instance, or use filters.")
    wrong = [name for name in ids if not (name.startswith("i-") and name[2:].isalnum())]
    if wrong:
        raise InputError(f"instance_ids: {', '.join(wrong)} is not an instance id (i-0123456789abcdef0).")
    return ids


def instance_filters(filters: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """EC2 filters; without instances that are gone or going, unless C(filters) say which states are meant."""
    wanted = {"instance-state-name": ["pending", "running", "stopping", "stopped"], **(filters or {})}
    return ansible_dict_to_boto3_filter_list(wanted)


def select_instances(params: Mapping[str, Any]) -> tuple[list[str], list[dict[str, Any]]]:
    """Instance ids, or EC2 filters, from O(instance_ids), O(filters) and O(all_instances); InputError without any."""
    ids = instance_ids(params["instance_ids"])
    # Not by the argument spec, to which the empty text of an unanswered survey question is a value like any other.
    if ids and params["filters"]:
        raise InputError("instance_ids and filters are mutually exclusive: give one of them.")
    if ids is not None:
        return ids, []
    if not params["filters"] and not params["all_instances"]:
        raise InputError("Which instances: set instance_ids, filters, or all_instances to true.")
    return [], instance_filters(params["filters"])


def check_found(wanted: Iterable[str], found: Iterable[str], regions: Iterable[str]) -> None:
    """Raise InputError for ids that are in none of the regions."""
    known = set(found)
    missing = [instance for instance in wanted if instance not in known]
    if missing:
        raise InputError(
            f"instance_ids: {', '.join(missing)} {'is' if len(missing) == 1 else 'are'} in none of the regions "
            f"{', '.join(regions)}: correct the id, or name its region."
        )
