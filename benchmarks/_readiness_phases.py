# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The body of ssm_managed_instance_info in a process of its own, with the seconds of each part and the memory after it.

The parts are told apart by wrapping the functions that the module body calls by name, so that this stays the module's
own code. Ansible's own work is left out, apart from the module's end (exit_json).

Usage: _readiness_phases.py FILE REGION...
"""

from __future__ import annotations

import importlib
import json
import resource
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any


class Clock:
    """The time of each part without that of the parts within it; main thread only."""

    def __init__(self) -> None:
        self.spent: dict[str, float] = defaultdict(float)
        self.memory: dict[str, float] = {}
        self._open = ["the rest"]
        self._since = time.perf_counter()

    def _turn(self) -> None:
        now = time.perf_counter()
        self.spent[self._open[-1]] += now - self._since
        self._since = now

    def begin(self, name: str) -> None:
        self._turn()
        self._open.append(name)

    def end(self) -> None:
        self._turn()
        self.memory[self._open.pop()] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

    def load(self, name: str, module: str) -> Any:
        self.begin(name)
        try:
            return importlib.import_module(module)
        finally:
            self.end()

    def wrap(self, owner: Any, attribute: str, name: str) -> None:
        """Count every call of C(owner.attribute) as C(name)."""
        function: Callable[..., Any] = getattr(owner, attribute)

        def timed(*arguments: Any, **named: Any) -> Any:
            self.begin(name)
            try:
                return function(*arguments, **named)
            finally:
                self.end()

        setattr(owner, attribute, timed)


def main() -> None:
    path, *regions = sys.argv[1:]
    clock = Clock()
    parts = "ansible_collections.fleet.aws_ssm.plugins."
    basic = clock.load("import Ansible's part of a module", "ansible.module_utils.basic")
    clock.load("import boto3", "boto3")
    amazon = clock.load("import amazon.aws", "ansible_collections.amazon.aws.plugins.module_utils.modules")
    module = clock.load("import fleet.aws_ssm", parts + "modules.ssm_managed_instance_info")
    body = sys.modules[parts + "module_utils._managed_instance_module"]
    for owner, attribute, name in (
        (amazon.AnsibleAWSModule, "__init__", "arguments"),
        (body.Clients, "__init__", "session"),
        (body.Clients, "client", "clients"),
        (body, "read_regions", "read the regions"),
        (body, "read_iam", "read IAM"),
        (body, "read_networks", "read the networks"),
        (body.Look, "__init__", "judge"),
        (body.Look, "rows", "rows"),
        (body.Look, "region_rows", "count"),
        (body, "totals_of", "count"),
        (body, "reasons_of", "count"),
        (amazon.AnsibleAWSModule, "exit_json", "exit_json"),
    ):
        clock.wrap(owner, attribute, name)
    # The names are those that ansible-core's debugging of modules relies on.
    basic._ANSIBLE_ARGS = json.dumps({"ANSIBLE_MODULE_ARGS": {"regions": regions}}).encode()
    basic._ANSIBLE_PROFILE = "legacy"
    try:
        module.main()
    finally:
        clock.begin("")
        answer = {name: [seconds, clock.memory.get(name, 0.0)] for name, seconds in clock.spent.items()}
        Path(path).write_text(json.dumps(answer), encoding="utf-8")


if __name__ == "__main__":
    main()
