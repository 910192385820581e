# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Repeats the module of the same name until the instances are managed, and shows a line for each look.

A module can't: nothing that it prints is seen before it ends. The module documents the options.
"""

from __future__ import annotations

import random
import time
from collections.abc import Mapping
from typing import Any

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ansible_collections.fleet.aws_ssm.plugins.module_utils._core.text import count, printable
from ansible_collections.fleet.aws_ssm.plugins.module_utils._waiting import (
    DOUBTFUL,
    HOPELESS,
    NOTHING,
    OPEN,
    REACHED,
    duration,
    look_timeout,
    merged,
    next_pause,
    progress,
    why,
)

display = Display()

Row = Mapping[str, Any]

# What a module's result has beside its own values, and what tells how it was run.
_COMMON = ("invocation", "warnings", "deprecations")


class ActionModule(ActionBase):
    """The loop. The module does the looking, where the task runs."""

    TRANSFERS_FILES = False

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Look, say so, pause; until the target is reached, can't be, or the time is up."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        began = time.monotonic()
        # What is empty is unset, as an AWX survey's unanswered question is. Defaults of C(module_defaults) are in it.
        args = {name: value for name, value in self._task.args.items() if value is not None and value != ""}
        first = self._execute_module(module_args=dict(args), task_vars=task_vars)
        # The input is wrong or there are no credentials: the module tells of a region that can't be read in its result.
        if "pacing" not in first:
            return {**result, **first}
        pacing = first["pacing"]
        look, state, looks, outlook = first, merged(None, first), 1, first["outlook"]
        while True:
            elapsed = time.monotonic() - began
            left = pacing["wait_timeout"] - elapsed
            end = self._end(outlook, left, stop=pacing["stop_when_hopeless"])
            pause = next_pause(looks, pacing["interval"], pacing["max_interval"], left, random.random())  # noqa: S311
            self._say(look, state, elapsed, self._ending(end, pause, state), task_vars or {})
            if end:
                break
            time.sleep(pause)
            args["timeout"] = look_timeout(pacing["timeout"], pacing["wait_timeout"] - (time.monotonic() - began))
            look = self._execute_module(module_args=dict(args), task_vars=task_vars)
            looks += 1
            if look.get("unreachable"):
                return {**result, **look}
            before, outlook = outlook, OPEN
            if "pacing" in look:
                # A second look that finds the same leaves no doubt.
                doubts = (before, look["outlook"]) in ((DOUBTFUL, DOUBTFUL), (HOPELESS, DOUBTFUL))
                state, outlook = merged(state, look), HOPELESS if doubts else look["outlook"]
        result.update({name: first[name] for name in _COMMON if name in first})
        result.update(
            state,
            changed=False,
            reached=outlook == REACHED,
            timed_out=end == "time",
            hopeless=outlook in (HOPELESS, DOUBTFUL),
            elapsed=round(elapsed, 1),
            looks=looks,
            failed=end == NOTHING or (pacing["fail_on_timeout"] and end in ("time", HOPELESS)),
        )
        result["msg"] = self._message(end, state, elapsed)
        return result

    def _end(self, outlook: str, left: float, *, stop: bool) -> str:
        """What ends the wait, empty if it goes on."""
        if outlook == REACHED:
            return REACHED
        if self._task.check_mode:
            return "check"
        if outlook == NOTHING or (outlook == HOPELESS and stop):
            return outlook
        return "time" if left <= 0 else ""

    def _ending(self, end: str, pause: float, state: Row) -> str:
        endings = {
            "": f"next look in {duration(pause)}",
            REACHED: "done",
            "check": "check mode: not waiting",
            HOPELESS: f"waiting does not help: {why(state)}",
            NOTHING: "there is nothing to wait for",
            "time": "the time is up",
        }
        return endings[end]

    def _say(self, look: Row, state: Row, elapsed: float, ending: str, task_vars: Row) -> None:
        if self._task.no_log:
            return
        # Accounts may be hosts, and their lines come side by side.
        host = task_vars.get("inventory_hostname", "localhost")
        whose = "ssm" if host in ("localhost", "127.0.0.1") else f"ssm ({host})"
        failed = "" if "pacing" in look else f"this look failed: {_one_line(look.get('msg'))}; before that, "
        display.display(printable(f"{whose}: {failed}{progress(state, elapsed)}, {ending}"))

    def _message(self, end: str, state: Row, elapsed: float) -> str:
        totals = state["totals"]
        verb = "is" if 1 in (totals["managed"], totals["in_scope"]) else "are"
        counts = f"{totals['managed']} of {count(totals['in_scope'], 'instance')} {verb} managed"
        reasons = f": {why(state)}" if why(state) else ""
        none = f"No instance is in scope in {', '.join(row['region'] for row in state['regions'])}"
        reached = f"{counts} after {duration(elapsed)}."
        messages = {
            REACHED: reached if totals["in_scope"] else f"{none}, so there was nothing to wait for.",
            NOTHING: f"{none}: correct instance_ids, filters or regions. To wait for instances that are yet to be "
            "launched, set min_managed; if there may be none, set allow_none to true.",
            "check": f"{counts}{reasons}. Check mode: there was one look and no waiting.",
            HOPELESS: f"{counts}, and waiting does not help{reasons}. The fix of each is in missing.",
            "time": f"{counts} after {duration(elapsed)}, when the time was up{reasons}.",
        }
        return messages[end]


def _one_line(message: Any) -> str:
    return " ".join(str(message).split()).rstrip(".")
