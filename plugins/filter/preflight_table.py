# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A table of what keeps Default Host Management Configuration from working."""

from __future__ import annotations

DOCUMENTATION = r"""
name: preflight_table
short_description: A readable table of what keeps Default Host Management Configuration from working
version_added: 1.0.0
author:
  - The fleet.aws_ssm contributors (@fleet-aws)
description:
  - Turns what M(fleet.aws_ssm.instance_profile_permission_info) and, in check mode,
    M(fleet.aws_ssm.ec2_metadata_options) return into the lines of a table, for M(ansible.builtin.debug).
  - A line for each profile that allows, or may allow, C(ssm:UpdateInstanceInformation), with what allows it and how
    many instances have it, then the instances whose metadata service is off or takes IMDSv1, and a line that counts.
options:
  _input:
    description: RV(fleet.aws_ssm.instance_profile_permission_info#module:profiles).
    type: list
    elements: dict
    required: true
  instances:
    description: RV(fleet.aws_ssm.ec2_metadata_options#module:instances) that would be changed.
    type: list
    elements: dict
    default: []
  unread:
    description: Messages about what could not be read.
    type: list
    elements: str
    default: []
  most:
    description: How many profiles, and how many instances, have a line of their own.
    type: int
    default: 25
positional: instances, unread
"""

EXAMPLES = r"""
- name: Show what keeps Default Host Management Configuration from working
  ansible.builtin.debug:
    msg: "{{ permissions.profiles | fleet.aws_ssm.preflight_table(metadata.instances | selectattr('changed')) }}"
"""

RETURN = r"""
_value:
  description: The lines.
  type: list
  elements: str
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.fleet.aws_ssm.plugins.module_utils._core.text import count, printable
from ansible_collections.fleet.aws_ssm.plugins.module_utils._table import aligned
from ansible_collections.fleet.aws_ssm.plugins.plugin_utils._filter_input import takes

Row = Mapping[str, Any]

_PROFILES_HEAD = ("PROFILE", "ROLE", "INSTANCES", "ALLOWS IT", "THROUGH")
_INSTANCES_HEAD = ("INSTANCE", "REGION", "METADATA SERVICE")


@takes("the lists 'profiles' of instance_profile_permission_info and 'instances' of ec2_metadata_options")
def preflight_table(
    profiles: Iterable[Row], instances: Iterable[Row] = (), unread: Iterable[str] = (), *, most: int = 25
) -> list[str]:
    """The lines of the table."""
    rows = _rows("the list 'profiles' that instance_profile_permission_info returns", profiles)
    hosts = _rows("the list 'instances' that ec2_metadata_options returns", instances)
    allowing = [row for row in rows if row["answer"] in ("yes", "maybe")]
    lines = []
    if allowing:
        lines += aligned([_PROFILES_HEAD, *(_profile(row) for row in allowing[:most])])
        lines += _more(allowing, most, "profiles")
    off = [row for row in hosts if row["before"].get("http_endpoint") == "disabled"]
    optional = [row for row in hosts if row not in off and row["before"].get("http_tokens") == "optional"]
    found = [(row, "the metadata service is off: the agent gets no credentials") for row in off]
    found += [(row, "takes IMDSv1, which DHMC does not support") for row in optional]
    if found:
        lines += aligned([_INSTANCES_HEAD, *((row["instance_id"], row["region"], text) for row, text in found[:most])])
        lines += _more(found, most, "instances")
    plain = [row for row in allowing if row["answer"] == "yes"]
    answers = Counter(one.get("answer", row["answer"]) for row in allowing for one in row["instances"])
    concerned, open_ones = answers["yes"], answers["maybe"]
    unclear = f"; it is unclear for {count(open_ones, 'more instance')}" if open_ones else ""
    lines.append(
        f"{len(plain)} of {count(len(rows), 'profile')} {_verb(len(plain), 'allows', 'allow')} "
        f"ssm:UpdateInstanceInformation, so that {count(concerned, 'instance')} "
        f"{_verb(concerned, 'does', 'do')}n't use DHMC{unclear}; {count(len(off), 'instance')} "
        f"{_verb(len(off), 'has', 'have')} no metadata service, "
        f"{len(optional)} {_verb(len(optional), 'takes', 'take')} IMDSv1"
    )
    lines += [f"NOT ALL COULD BE READ: {message}" for message in unread]
    return [printable(line) for line in lines]


def _verb(number: int, one: str, many: str) -> str:
    return one if number == 1 else many


def _rows(what: str, rows: Any) -> list[Row]:
    found = None if isinstance(rows, (str, Mapping)) else list(rows)
    if found is None or not all(isinstance(row, Mapping) for row in found):
        raise AnsibleFilterError(f"preflight_table takes {what}.")
    return found


def _profile(row: Row) -> tuple[str, ...]:
    through = [
        f"{reason['policy']} ({reason['kind']}, statement {reason['statement']})"
        for permission in row["permissions"]
        for reason in permission["reasons"]
        if reason["effect"] == "Allow" and reason["kind"] != "boundary"
    ]
    return (
        row["instance_profile"],
        row["role"] or "",
        str(len(row["instances"])),
        row["answer"],
        ", ".join(dict.fromkeys(through)),
    )


def _more(rows: list[Any], most: int, what: str) -> list[str]:
    return [f"... and {len(rows) - most} more {what}"] if len(rows) > most else []


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Filters by name."""
        return {"preflight_table": preflight_table}
