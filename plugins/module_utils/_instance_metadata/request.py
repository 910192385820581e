# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Rules: what a task of ec2_metadata_options asks for, from its options. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.fleet.aws_ssm.plugins.module_utils._errors import InputError
from ansible_collections.fleet.aws_ssm.plugins.module_utils._instance_selection import instance_ids, select_instances
from ansible_collections.fleet.aws_ssm.plugins.module_utils._instance_metadata.plan import (
    MEMBERS,
    Defaults,
    Instance,
    Step,
    check_options,
    plan_defaults,
    plan_defaults_restored,
    plan_instances,
    plan_instances_restored,
)
from ansible_collections.fleet.aws_ssm.plugins.module_utils._regions import split_names

Entries = list[dict[str, Any]]

# An AWX survey's unanswered question is an empty string, which choices would refuse: the values are checked below.
_DEFAULTS_SPEC: dict[str, dict[str, Any]] = {
    # Its name sounds like a secret, and it is none.
    "http_tokens": {"type": "str", "no_log": False},
    "http_endpoint": {"type": "str"},
    "http_put_response_hop_limit": {"type": "int"},
    "instance_metadata_tags": {"type": "str"},
}
_ENTRY_SPEC: dict[str, dict[str, Any]] = {
    "region": {"type": "str", "required": True},
    "options": {"type": "dict", "required": True},
    "replaced_with": {"type": "dict", "required": True},
}
_INSTANCE_SPEC: dict[str, dict[str, Any]] = {**_ENTRY_SPEC, "instance_id": {"type": "str", "required": True}}
OPTIONS_SPEC: dict[str, dict[str, Any]] = {
    **_DEFAULTS_SPEC,
    "http_protocol_ipv6": {"type": "str"},
    "account_defaults": {"type": "dict", "options": _DEFAULTS_SPEC},
    "backup": {
        "type": "dict",
        "options": {
            "account": {"type": "str"},
            "instances": {"type": "list", "elements": "dict", "options": _INSTANCE_SPEC},
            "account_defaults": {"type": "list", "elements": "dict", "options": _ENTRY_SPEC},
        },
    },
}


@dataclass(frozen=True)
class Task:
    """Options for instances, defaults for regions, or the entries of a backup; what is not asked for is empty."""

    options: dict[str, Any] = field(default_factory=dict)
    defaults: dict[str, Any] = field(default_factory=dict)
    ids: list[str] = field(default_factory=list)
    filters: list[dict[str, Any]] = field(default_factory=list)
    restore: bool = False
    account: str | None = None
    instance_entries: Entries = field(default_factory=list)
    default_entries: Entries = field(default_factory=list)

    @property
    def regions(self) -> list[str]:
        """The regions that a backup names."""
        return sorted({entry["region"] for entry in [*self.instance_entries, *self.default_entries]})

    def instances_in(self, region: str) -> tuple[list[str], list[dict[str, Any]]] | None:
        """Ids and EC2 filters of the instances that are meant in a region; none where no instance is meant at all."""
        if not self.restore:
            return (self.ids, self.filters) if self.options else None
        ids = [entry["instance_id"] for entry in self.instance_entries if entry["region"] == region]
        return (ids, []) if ids else None

    def defaults_in(self, region: str) -> bool:
        """Whether the defaults of a region are meant."""
        return bool(self.defaults) or any(entry["region"] == region for entry in self.default_entries)

    def options_used(self) -> tuple[list[str], list[str]]:
        """The options of instances, and those of defaults, that AWS will be asked to change."""
        of_instances = [self.options, *(entry["options"] for entry in self.instance_entries)]
        of_defaults = [self.defaults, *(entry["options"] for entry in self.default_entries)]
        used = [{name for options in group for name in options} for group in (of_instances, of_defaults)]
        return sorted(used[0]), sorted(used[1])

    def plan_instances(self, instances: Iterable[Instance], regions: Iterable[str]) -> list[Step[Instance]]:
        """The plan for the instances of the regions that could be read."""
        if self.restore:
            return plan_instances_restored(instances, self.instance_entries, regions)
        return plan_instances(instances, self.options)

    def plan_defaults(self, regions: Iterable[Defaults]) -> list[Step[Defaults]]:
        """The plan for the defaults of the regions that could be read."""
        if self.restore:
            return plan_defaults_restored(regions, self.default_entries)
        return plan_defaults(regions, self.defaults)


def task_of(params: Mapping[str, Any]) -> Task:
    """What the options ask for; InputError where they ask for nothing, or for something that can't be."""
    if params["state"] == "restored":
        return _restored(params)
    options = check_options("", {name: params[name] for name in MEMBERS})
    defaults = check_options("account_defaults.", params["account_defaults"], defaults=True)
    selected = instance_ids(params["instance_ids"]) is not None or params["filters"] or params["all_instances"]
    if not options:
        names = ", ".join(MEMBERS)
        if selected:
            raise InputError(f"Nothing to change on the instances: set one of {names}.")
        if not defaults:
            raise InputError(f"Nothing to do: set one of {names} for instances, or account_defaults.")
        return Task(defaults=defaults)
    ids, filters = select_instances(params)
    return Task(options, defaults, ids, filters)


def _restored(params: Mapping[str, Any]) -> Task:
    backup = params["backup"] or {}
    instances, defaults = backup.get("instances"), backup.get("account_defaults")
    if instances is None and defaults is None:
        raise InputError("backup: is empty: give the backup that an earlier run returned.")
    if split_names(params["regions"]) is not None:
        raise InputError("regions and backup are mutually exclusive: the backup names its regions.")
    return Task(
        restore=True,
        account=backup.get("account") or None,
        instance_entries=_entries("backup.instances.", instances, defaults=False),
        default_entries=_entries("backup.account_defaults.", defaults, defaults=True),
    )


def _entries(name: str, entries: Iterable[Mapping[str, Any]] | None, *, defaults: bool) -> Entries:
    parts = ("options", "replaced_with")
    return [
        {**entry, **{part: check_options(f"{name}{part}.", entry[part], defaults=defaults) for part in parts}}
        for entry in entries or []
    ]
