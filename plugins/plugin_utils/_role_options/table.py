# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Rules: what a table of variables is made of. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.fleet.aws_ssm.plugins.plugin_utils._role_options.values import Parser

Options = Mapping[str, Any]
# What is wrong with options that don't go together, as one line that begins with a variable; or an empty text.
Rule = Callable[[Options], str]


@dataclass(frozen=True)
class Option:
    """A variable: what it may be, what it is where nothing is given, and the variable that it takes its value from."""

    name: str
    parse: Parser
    default: Any = ""
    shared: str = ""


@dataclass(frozen=True)
class Table:
    """The variables of a role or a playbook, and what must hold for them together."""

    name: str
    prefix: str
    options: tuple[Option, ...]
    rules: tuple[Rule, ...] = ()
    roles: tuple[str, ...] = ()
    """The roles that a playbook uses."""
    state: str = ""
    """What a playbook asks them for."""

    def key(self, option: Option) -> str:
        """The name by which the options that were read hold it: without the role's prefix."""
        return option.name.removeprefix(self.prefix)
