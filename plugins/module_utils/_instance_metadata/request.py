# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Rules: what a task of ec2_metadata_options asks for, from its options. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.fleet.aws_ssm.plugins.module_utils._core.backup import METADATA_OPTION, Original
from ansible_collections.fleet.aws_ssm.plugins.module_utils._errors import InputError
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
from ansible_collections.fleet.aws_ssm.plugins.module_utils._instance_selection import instance_ids, select_instances

# An AWX survey's unanswered question is an empty string, which choices would refuse: the values are checked below.
_DEFAULTS_SPEC: dict[str, dict[str, Any]] = {
    # Its name sounds like a secret, and it is none.
    "http_tokens": {"type": "str", "no_log": False},
    "http_endpoint": {"type": "str"},
    "http_put_response_hop_limit": {"type": "int"},
    "instance_metadata_tags": {"type": "str"},
}
OPTIONS_SPEC: dict[str, dict[str, Any]] = {
    **_DEFAULTS_SPEC,
    "http_protocol_ipv6": {"type": "str"},
    "account_defaults": {"type": "dict", "options": _DEFAULTS_SPEC},
}


@dataclass(frozen=True)
class Request:
    """Options for instances and defaults for regions, or what a backup held; what is not asked for is empty."""

    options: dict[str, Any] = field(default_factory=dict)
    defaults: dict[str, Any] = field(default_factory=dict)
    ids: list[str] = field(default_factory=list)
    filters: list[dict[str, Any]] = field(default_factory=list)
    restore: bool = False
    overwrite: bool = False
    of_instances: list[Original] = field(default_factory=list)
    of_defaults: list[Original] = field(default_factory=list)

    @property
    def regions(self) -> list[str]:
        """The regions that a backup names."""
        return sorted({original.region for original in [*self.of_instances, *self.of_defaults] if original.region})

    def instances_in(self, region: str) -> tuple[list[str], list[dict[str, Any]]] | None:
        """Ids and EC2 filters of the instances that are meant in a region; None where no instance is meant at all."""
        if not self.restore:
            return (self.ids, self.filters) if self.options else None
        ids = [original.resource.partition("/")[0] for original in self.of_instances if original.region == region]
        return (list(dict.fromkeys(ids)), []) if ids else None

    def defaults_in(self, region: str) -> bool:
        """Whether the defaults of a region are meant."""
        return bool(self.defaults) or any(original.region == region for original in self.of_defaults)

    def options_used(self) -> tuple[list[str], list[str]]:
        """The options of instances, and those of defaults, that AWS will be asked to change."""
        of_instances = {*self.options, *(original.resource.partition("/")[2] for original in self.of_instances)}
        return sorted(of_instances), sorted({*self.defaults, *(original.resource for original in self.of_defaults)})

    def plan_instances(self, instances: Iterable[Instance], unread: Mapping[str, Exception]) -> list[Step[Instance]]:
        """The plan for the instances. `unread` are the regions that could not be read."""
        if self.restore:
            return plan_instances_restored(instances, self.of_instances, unread, overwrite=self.overwrite)
        return plan_instances(instances, self.options)

    def plan_defaults(self, regions: Iterable[Defaults]) -> list[Step[Defaults]]:
        """The plan for the defaults of the regions that could be read."""
        if self.restore:
            return plan_defaults_restored(regions, self.of_defaults, overwrite=self.overwrite)
        return plan_defaults(regions, self.defaults)


def request_of(params: Mapping[str, Any]) -> Request:
    """What the options ask for. Raise InputError where they ask for nothing, or for something that can't be."""
    options = check_options("", {name: params[name] for name in MEMBERS})
    defaults = check_options("account_defaults.", params["account_defaults"], defaults=True)
    selected = instance_ids(params["instance_ids"]) is not None or params["filters"] or params["all_instances"]
    if not options:
        names = ", ".join(MEMBERS)
        if selected:
            raise InputError(f"Nothing to change on the instances: set one of {names}.")
        if not defaults:
            raise InputError(f"Nothing to do: set one of {names} for instances, or account_defaults.")
        return Request(defaults=defaults)
    ids, filters = select_instances(params)
    return Request(options, defaults, ids, filters)


def request_to_restore(originals: Iterable[Original], *, overwrite: bool) -> Request:
    """What a backup asks for. Raise InputError for an option or a value that AWS does not know."""
    of_instances: list[Original] = []
    of_defaults: list[Original] = []
    for original in originals:
        if original.kind == METADATA_OPTION:
            of_instances.append(_checked(original, original.resource.partition("/")[2], defaults=False))
        else:
            of_defaults.append(_checked(original, original.resource, defaults=True))
    return Request(restore=True, overwrite=overwrite, of_instances=of_instances, of_defaults=of_defaults)


def _checked(original: Original, option: str, *, defaults: bool) -> Original:
    """The original with its values as this module writes them."""
    where = f"backup: {original.kind} {original.resource}: "

    def value(given: Any) -> Any:
        if given is None and option in MEMBERS:
            return None
        found = check_options(where, {option: given}, defaults=defaults)
        if option not in found:
            raise InputError(f"{where}{option} is empty: give the backup as it was returned. Nothing was changed.")
        return found[option]

    return replace(original, before=value(original.before), ours=tuple(value(given) for given in original.ours))
