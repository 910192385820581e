# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Rules: text that is shown to people. Pure.

Anyone who can tag an instance, set a service setting or name a resource writes part of what we print. Control
characters and escape sequences would reach the terminal, and marks of direction would reorder the line.
"""

from __future__ import annotations

from typing import Any

# The pictures that Unicode has for control characters.
_PICTURES = {code: chr(0x2400 + code) for code in range(32)} | {127: "\N{SYMBOL FOR DELETE}"}


def printable(value: Any) -> str:
    """The text in one line that any terminal can show: nothing in it moves the cursor or turns the direction.

    A control character becomes its picture, any other space a space, and what can't be seen (marks of direction,
    characters without width, halves of characters) a replacement character.
    """
    text = str(value)
    return text if text.isprintable() else "".join(map(_shown, text))


def _shown(character: str) -> str:
    if character.isprintable():
        return character
    if character.isspace() and ord(character) > 0x9F and character not in "\u2028\u2029":
        return " "
    return _PICTURES.get(ord(character), "\N{REPLACEMENT CHARACTER}")


def printable_data(value: Any) -> Any:
    """Lists and dictionaries with every text in them, keys too, made printable."""
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, dict):
        return {printable_data(key): printable_data(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [printable_data(one) for one in value]
    return value


def count(number: int, what: str, plural: str = "") -> str:
    """`1 region`, `1,200 regions`."""
    return f"{number:,} {what if number == 1 else plural or f'{what}s'}"
