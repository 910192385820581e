# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a message is as it has to be."""

from __future__ import annotations

# What Python and Ansible say to themselves.
_STRANGE = (
    "\n",
    "Traceback",
    "NoneType",
    "AnsibleUndefined",
    "AnsibleError",
    "failed_when",
    "has no attribute",
    "templating",
    "Unexpected",
    "Error:",
    "None",
    "not iterable",
    "KeyError",
    "Validation of arguments failed",
)


def strange_words(message: str) -> list[str]:
    """Return what a message has that no user should read."""
    return [word for word in _STRANGE if word in message]


def is_as_expected(message: str, expected: str) -> bool:
    """Return whether a message is the expected one, or begins with it if that ends with "..."."""
    if "..." in expected and expected.rstrip().removesuffix(" Nothing was changed.").endswith("..."):
        return message.startswith(expected.removesuffix(" Nothing was changed.").removesuffix("..."))
    return message == expected
