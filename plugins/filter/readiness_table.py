# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The readiness report for a terminal."""

from __future__ import annotations

DOCUMENTATION = r"""
name: readiness_table
short_description: The readiness report for a terminal
version_added: 1.0.0
author:
  - The fleet.aws_ssm contributors (@fleet-aws)
description:
  - Turns the result of M(fleet.aws_ssm.ssm_managed_instance_info) into the lines of tables, for
    M(ansible.builtin.debug). One with the coverage of each region that has instances, one with the reasons and their
    fixes, one with the instances that are not managed, then what changed since the earlier report, and a
    line that counts.
options:
  _input:
    description: What M(fleet.aws_ssm.ssm_managed_instance_info) returned.
    type: dict
    required: true
  most:
    description: How many instances have a line of their own.
    type: int
    default: 25
"""

EXAMPLES = r"""
- name: Show the report
  ansible.builtin.debug:
    msg: "{{ survey | fleet.aws_ssm.readiness_table(most=10) }}"
"""

RETURN = r"""
_value:
  description: The lines.
  type: list
  elements: str
"""

from collections.abc import Callable, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.fleet.aws_ssm.plugins.module_utils._core.text import count, printable
from ansible_collections.fleet.aws_ssm.plugins.module_utils._report_words import (
    VERDICTS,
    by_attention,
    dhmc_words,
    moment,
    percent,
)
from ansible_collections.fleet.aws_ssm.plugins.module_utils._table import aligned
from ansible_collections.fleet.aws_ssm.plugins.plugin_utils._filter_input import takes

Row = Mapping[str, Any]


@takes("what ssm_managed_instance_info returns")
def readiness_table(result: Row, *, most: int = 25) -> list[str]:
    """The lines of the tables."""
    if not isinstance(result, Mapping) or "totals" not in result:
        raise AnsibleFilterError("readiness_table takes what ssm_managed_instance_info returns.")
    lines = _regions(result) + _reasons(result) + _instances(result, most) + _comparison(result)
    totals = result["totals"]
    scope = totals["in_scope"]
    if scope:
        lines.append(
            f"Coverage {percent(totals['managed'], scope)}: {totals['managed']:,} of {count(scope, 'instance')} in "
            f"scope managed, {totals['instances'] - scope} out of scope"
        )
    else:
        lines.append(f"No instance in scope, {totals['instances']} out of scope")
    lines += [
        f"NOT ALL COULD BE READ: {row['region']}: {row['error']['code']}: {row['error']['message']}"
        for row in result.get("failed_regions") or ()
    ]
    return [printable(line) for line in lines]


def _regions(result: Row) -> list[str]:
    rows = [
        (
            row["region"],
            percent(row["managed"], row["in_scope"]),
            f"{row['managed']:,} of {row['in_scope']:,}",
            _dhmc(row),
        )
        for row in result["regions"]
        if row["instances"]
    ]
    lines = aligned([("REGION", "COVERAGE", "MANAGED", "DHMC"), *rows]) if rows else []
    closed = [row["region"] for row in result["regions"] if row.get("forbidden")]
    if closed:
        lines.append(f"{count(len(closed), 'region')} closed by a service control policy: {', '.join(closed)}")
    return lines


def _dhmc(row: Row) -> str:
    """The role, and what is wrong with it."""
    words = dhmc_words(row)
    return str(row["dhmc"]) + words.removeprefix("on").replace(", role", "", 1) if row["dhmc"] else words


def _reasons(result: Row) -> list[str]:
    rows = [(str(row["count"]), row["severity"], row["title"], row.get("fix") or "") for row in result["reasons"]]
    return aligned([("COUNT", "SEVERITY", "REASON", "FIX"), *rows]) if rows else []


def _instances(result: Row, most: int) -> list[str]:
    found = [row for row in by_attention(result["instances"]) if row["verdict"] not in ("managed", "out_of_scope")]
    rows = [
        (
            row["instance_id"],
            _plain(row["name"]),
            row["region"],
            str(VERDICTS.get(row["verdict"], row["verdict"])).lower(),
            ", ".join(reason["reason"] for reason in row["reasons"]),
        )
        for row in found[:most]
    ]
    lines = aligned([("INSTANCE", "NAME", "REGION", "VERDICT", "REASONS"), *rows]) if rows else []
    return lines + ([f"... and {len(found) - most} more instances that are not managed"] if len(found) > most else [])


def _comparison(result: Row) -> list[str]:
    found = result.get("comparison")
    if not found:
        return []
    before, now = ("-" if share is None else percent(share) for share in (found["coverage_before"], found["coverage"]))
    return [
        f"Since {moment(found['generated'])}: coverage {before} -> {now}, {len(found['now_managed'])} newly managed, "
        f"{len(found['no_longer_managed'])} no longer managed, {len(found['new'])} new, {len(found['gone'])} gone"
    ]


def _plain(text: str) -> str:
    """A name that can't push the rest of the line out of sight."""
    shown = printable(text)
    return shown if len(shown) <= 40 else shown[:39] + "\N{HORIZONTAL ELLIPSIS}"


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Filters by name."""
        return {"readiness_table": readiness_table}
