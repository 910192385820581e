# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Rules: the variables of a role or a playbook, read by its table. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from ansible_collections.fleet.aws_ssm.plugins.module_utils._errors import InputError
from ansible_collections.fleet.aws_ssm.plugins.plugin_utils._role_options.names import misspelt
from ansible_collections.fleet.aws_ssm.plugins.plugin_utils._role_options.playbooks import PLAYBOOKS
from ansible_collections.fleet.aws_ssm.plugins.plugin_utils._role_options.roles import ROLES
from ansible_collections.fleet.aws_ssm.plugins.plugin_utils._role_options.table import Option, Table
from ansible_collections.fleet.aws_ssm.plugins.plugin_utils._role_options.values import is_empty

Lookup = Callable[[str], Any]

_UNCHANGED = "Nothing was changed."


def read_role(role: str, lookup: Lookup, variables: Iterable[str] = (), state: str = "") -> dict[str, Any]:
    """Return the options of a role. Raise InputError with all that is wrong with them, in one line.

    `lookup` returns a variable's value, None if there is none. `variables` are the names of all variables. `state` is
    what an entry point is for, whatever the variable of that name says.
    """
    options, problems = _read(ROLES[role], lookup, state)
    _raise(_slips(variables) + problems)
    return options


def read_playbook(playbook: str, lookup: Lookup, variables: Iterable[str] = ()) -> dict[str, Any]:
    """Return the options of a playbook, and those of its roles in `roles`. Raise InputError likewise."""
    table = PLAYBOOKS[playbook]
    roles, problems = {}, []
    for role in table.roles:
        roles[role], found = _read(ROLES[role], lookup, table.state)
        problems += found
    options, found = _read(table, lookup, "")
    problems += found
    options["roles"] = roles
    _raise(_slips(variables) + (problems or _broken_rules(table, options)))
    return options


def _slips(variables: Iterable[str]) -> list[str]:
    return [f"{name}: there is no such variable. Did you mean {right}?" for name, right in misspelt(variables).items()]


def _raise(problems: list[str]) -> None:
    if problems:
        raise InputError(f"{' | '.join(dict.fromkeys(problems))} {_UNCHANGED}")


def _read(table: Table, lookup: Lookup, state: str) -> tuple[dict[str, Any], list[str]]:
    """The options of a table, and what is wrong with them. A role's rules are asked if all of its options are right."""
    options: dict[str, Any] = {}
    problems: list[str] = []
    for option in table.options:
        key = table.key(option)
        if key == "state" and state:
            options[key] = state
            continue
        try:
            options[key] = _value(option, lookup)
        except InputError as error:
            problems.append(str(error).removesuffix(_UNCHANGED).strip())
    if not problems and not table.roles:
        problems = _broken_rules(table, options)
    return options, problems


def _broken_rules(table: Table, options: dict[str, Any]) -> list[str]:
    return [problem for problem in (rule(options) for rule in table.rules) if problem]


def _value(option: Option, lookup: Lookup) -> Any:
    """The value of a variable, or of the one that it takes its value from. An error names the one that holds it."""
    # Asked for by itself: in a role's default it may be behind a `default`, which makes nothing of what can't be read.
    shared = lookup(option.shared) if option.shared else None
    given = lookup(option.name)
    name = option.name
    if not is_empty(shared) and (is_empty(given) or given == shared):
        given, name = shared, option.shared
    if is_empty(given):
        return list(option.default) if isinstance(option.default, tuple) else option.default
    return option.parse(name, given)
