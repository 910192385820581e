# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Executor: one call for each key, side by side, every outcome kept, none waited for past the deadline."""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from collections.abc import Callable, Iterable
from typing import TypeVar

T = TypeVar("T")

# More threads than this only add lock traffic: a call spends nearly all its time waiting for AWS.
MAX_WORKERS = 32


class DeadlineExceeded(Exception):
    """The call was not finished, or not begun, when the time was up; whether it took effect is unknown."""


def fan_out(
    function: Callable[[str], T], keys: Iterable[str], *, deadline: float, max_workers: int = MAX_WORKERS
) -> tuple[dict[str, T], dict[str, Exception]]:
    """Call C(function) for each key and return (results, errors), each keyed and ordered as C(keys).

    C(deadline) is a reading of C(time.monotonic). Daemon threads rather than an executor: concurrent.futures joins
    its threads when the interpreter exits, so that one endpoint that hangs would hold the whole module back.
    """
    wanted = list(dict.fromkeys(keys))
    todo: queue.SimpleQueue[str] = queue.SimpleQueue()
    done: queue.SimpleQueue[tuple[str, T | None, Exception | None]] = queue.SimpleQueue()
    for key in wanted:
        todo.put(key)

    def work() -> None:
        with contextlib.suppress(queue.Empty):
            while time.monotonic() < deadline:
                key = todo.get_nowait()
                try:
                    done.put((key, function(key), None))
                except Exception as error:  # every failure belongs to its key and must not stop the others
                    done.put((key, None, error))

    for _index in range(min(max_workers, len(wanted))):
        threading.Thread(target=work, daemon=True).start()

    late = DeadlineExceeded("no answer within the timeout; if it was a change, it may have been made")
    results: dict[str, T] = {}
    errors: dict[str, Exception] = dict.fromkeys(wanted, late)
    with contextlib.suppress(queue.Empty):
        for _key in wanted:
            key, result, error = done.get(timeout=max(0.0, deadline - time.monotonic()))
            if error is None:
                del errors[key]
                results[key] = result  # type: ignore[assignment]
            else:
                errors[key] = error
    return {key: results[key] for key in wanted if key in results}, errors
