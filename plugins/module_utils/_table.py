# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Rules: aligned columns of text. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from ansible_collections.fleet.aws_ssm.plugins.module_utils._core.text import printable


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """A printable line for each row, its cells below one another; the last column is not padded."""
    rows = [[printable(cell) for cell in row] for row in rows]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]) - 1)]
    return ["  ".join([*map(str.ljust, row, widths), row[-1]]) for row in rows]
