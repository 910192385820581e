# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads and checks the variables of a role or a playbook on the controller. The module documents the options.

An action, because a module sees neither the variables nor which of them exist.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from ansible.plugins.action import ActionBase

from ansible_collections.fleet.aws_ssm.plugins.module_utils._errors import InputError
from ansible_collections.fleet.aws_ssm.plugins.plugin_utils._role_options.check import read_playbook, read_role
from ansible_collections.fleet.aws_ssm.plugins.plugin_utils._role_options.playbooks import PLAYBOOKS
from ansible_collections.fleet.aws_ssm.plugins.plugin_utils._role_options.roles import ROLES
from ansible_collections.fleet.aws_ssm.plugins.plugin_utils._role_options.values import choice

_STATES = ("present", "absent", "restored")
# What Ansible says of a variable that another one uses and that does not exist.
_UNDEFINED = re.compile(r"'(\w+)' is undefined")


class ActionModule(ActionBase):
    """The check. Nothing runs on the host."""

    TRANSFERS_FILES = False
    _requires_connection = False
    _VALID_ARGS = frozenset({"role", "playbook", "state"})

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the options, or fail with one line."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        result["changed"] = False
        variables = task_vars or {}
        lookup = _lookup(variables, self._templar.template)
        try:
            result["options"] = _read(self._task.args, lookup, variables)
        except InputError as error:
            result.update(failed=True, msg=str(error))
        return result


def _read(args: Mapping[str, Any], lookup: Callable[[str], Any], variables: Mapping[str, Any]) -> dict[str, Any]:
    role, playbook, state = (args.get(name) for name in ("role", "playbook", "state"))
    if bool(role) is bool(playbook):
        raise InputError("role_options: give role or playbook, one of them.")
    if playbook:
        return read_playbook(choice(*PLAYBOOKS)("playbook", playbook), lookup, variables)
    purpose = choice(*_STATES)("state", state) if state else ""
    return read_role(choice(*ROLES)("role", role), lookup, variables, purpose)


def _lookup(variables: Mapping[str, Any], template: Callable[[Any], Any]) -> Callable[[str], Any]:
    """What returns the value of a variable by its name; each is worked out once."""
    known: dict[str, Any] = {}

    def lookup(name: str) -> Any:
        if name in variables and name not in known:
            known[name] = _worked_out(name, variables[name], template, variables.get("omit"))
        return known.get(name)

    return lookup


def _worked_out(name: str, raw: Any, template: Callable[[Any], Any], omit: Any) -> Any:
    """The value of a variable that may be made of others; None if it is omitted."""
    try:
        value = template(raw)
    except Exception as error:  # Ansible says of most what is wrong with a template, and Python of the rest
        if type(error).__name__ == "AnsibleValueOmittedError":
            return None
        # Not the template itself, which Ansible before 2.19 would take for one in every text that names it.
        missing = _UNDEFINED.search(str(error))
        why = f"uses {missing[1]}, which is not set: set it" if missing else "can't be worked out: correct it"
        raise InputError(f"{name}: {why}, or give the value itself.") from error
    return None if omit is not None and value == omit else value
