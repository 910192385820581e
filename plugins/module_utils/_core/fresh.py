# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Executor: how long what was read is taken for what is there, as these APIs have no conditional write."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

# Seconds from the moment a read was sent. What was read longer ago is read again before it is changed.
FRESH = 5.0
# An answer that takes longer has been repeated by botocore most likely, and then its last part is new.
_READS = 3


def is_stale(read_at: float) -> bool:
    """Whether what was asked for at `read_at`, a reading of `time.monotonic`, has to be read again."""
    return time.monotonic() - read_at > FRESH


def read_fresh(read: Callable[[], T]) -> T:
    """What `read` returns. It is called again, at most twice, if its answer has come late."""
    for _again in range(_READS - 1):
        sent = time.monotonic()
        answer = read()
        if not is_stale(sent):
            return answer
    return read()
