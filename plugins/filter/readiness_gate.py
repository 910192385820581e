# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether enough instances are managed."""

from __future__ import annotations

DOCUMENTATION = r"""
name: readiness_gate
short_description: Whether enough instances are managed
version_added: 1.0.0
author:
  - The fleet.aws_ssm contributors (@fleet-aws)
description:
  - Compares the instances that are managed with those in scope, by what
    M(fleet.aws_ssm.ssm_managed_instance_info) returned.
  - It compares the counts, not the rounded coverage, so 94.96 per cent are under a gate of 95. Where no instance is in
    scope, the gate is passed. Where a region could not be read, the gate can't be decided, and is not passed.
options:
  _input:
    description: What M(fleet.aws_ssm.ssm_managed_instance_info) returned.
    type: dict
    required: true
  fail_under:
    description: How many per cent must be managed, such as V(95), V(99.5) or V(95%). Empty for no gate.
    type: raw
    required: true
positional: fail_under
"""

EXAMPLES = r"""
- name: Fail if fewer than 95 per cent are managed
  ansible.builtin.assert:
    that: gate.passed
    fail_msg: "{{ gate.message }}"
  vars:
    gate: "{{ survey | fleet.aws_ssm.readiness_gate(95) }}"
"""

RETURN = r"""
_value:
  description: What the gate says.
  type: dict
  contains:
    passed:
      description: Whether enough instances are managed.
      type: bool
    decided:
      description: Whether that can be told. It can't where a region could not be read.
      type: bool
    message:
      description: The verdict and the counts in one line; empty without a gate.
      type: str
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.fleet.aws_ssm.plugins.module_utils._errors import InputError
from ansible_collections.fleet.aws_ssm.plugins.plugin_utils._readiness_gate import Gate, judge, percentage


def readiness_gate(result: Mapping[str, Any], fail_under: Any) -> dict[str, Any]:
    """The verdict."""
    if not isinstance(result, Mapping) or not isinstance(result.get("totals"), Mapping):
        raise AnsibleFilterError("readiness_gate takes what ssm_managed_instance_info returns.")
    try:
        wanted = percentage(fail_under, "fail_under")
    except InputError as error:
        raise AnsibleFilterError(str(error)) from error
    return asdict(Gate(passed=True, decided=True, message="") if wanted is None else judge(result, wanted))


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Filters by name."""
        return {"readiness_gate": readiness_gate}
