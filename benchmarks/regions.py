# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Turning a service setting on in 17 regions: one task of ours against what people do today, in one run.

Every way starts from regions where the setting is unset (an account of its own for each run) and must leave all of
them set, which is checked through boto3. The emulator adds 80 ms to each API call. The ways take turns, so that a slow
moment of the machine does not fall on one of them alone.

Usage: python benchmarks/regions.py [--runs N] [--latency MS] [--json]
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fleet_emulator import Emulator

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from benchmarks._common import BIN, ansible_environment, ansible_playbook

SETTING = "/ssm/managed-instance/default-ec2-instance-management-role"
VALUE = "service-role/AWSSystemsManagerDefaultEC2InstanceManagementRole"
# The regions that every commercial account has enabled.
REGIONS = (
    "ap-northeast-1 ap-northeast-2 ap-northeast-3 ap-south-1 ap-southeast-1 ap-southeast-2 ca-central-1 eu-central-1 "
    "eu-north-1 eu-west-1 eu-west-2 eu-west-3 sa-east-1 us-east-1 us-east-2 us-west-1 us-west-2"
).split()

_SET = "\n    - fleet.aws_ssm.ssm_service_setting:\n        setting: {setting}\n        value: {value}\n        "
PLAYBOOKS = {
    "module": _SET + "regions: {regions}",
    "loop": _SET + 'region: "{{{{ item }}}}"\n      loop: {regions}',
    "caller_info": "\n    - amazon.aws.aws_caller_info:",
    "empty": " []",
}
WAYS = {
    "module": "(a) ssm_service_setting, one task, 17 regions",
    "loop": "(b) ssm_service_setting, loop: over 17 regions",
    "cli": "(c) AWS CLI in a shell loop, 17 regions",
    "boto3": "(d) plain boto3, one session, thread pool, 17 regions",
    "caller_info": "(e) amazon.aws.aws_caller_info, one region",
    "empty": "(f) empty playbook",
}
SETS_ALL = ("module", "loop", "cli", "boto3")

PHASES = """
import json, time
from types import SimpleNamespace
started = time.perf_counter()
phases = {}
def phase(name):
    global started
    now = time.perf_counter()
    phases[name] = now - started
    started = now
import ansible.module_utils.basic; phase("import ansible")
import boto3; phase("import boto3")
import ansible_collections.amazon.aws.plugins.module_utils.modules; phase("import amazon.aws")
from ansible_collections.fleet.aws_ssm.plugins.module_utils import _service_setting_module as body
phase("import fleet.aws_ssm")
regions = %r
clients = body.Clients(SimpleNamespace(params={"region": regions[0], "validate_certs": True})); phase("session")
clients.client("ssm", regions[0]); phase("first client")
for region in regions:
    clients.client("ssm", region)
phase("16 more clients")
deadline = time.monotonic() + 60
settings, errors = body._read(clients, %r, regions, deadline); phase("17 reads")
wanted = body.wanted_everywhere(%r, regions, state="present", value=%r, overwrite=False)
steps = body.plan(%r, settings.values(), wanted)
assert not errors and not body._carry_out(clients, %r, steps, deadline); phase("17 writes")
print(json.dumps(phases))
"""


def commands(folder: Path) -> dict[str, list[str]]:
    """The command line of each way."""
    values = {"setting": SETTING, "value": VALUE, "regions": json.dumps(REGIONS)}
    cli = "for region in {}; do {} ssm update-service-setting --region $region --setting-id {} --setting-value {}; done"
    return {
        **{name: ansible_playbook(folder, name, tasks.format(**values)) for name, tasks in PLAYBOOKS.items()},
        "cli": ["sh", "-ec", cli.format(" ".join(REGIONS), shlex.quote(str(BIN / "aws")), SETTING, VALUE)],
        "boto3": [sys.executable, str(Path(__file__).with_name("plain_boto3.py")), SETTING, VALUE, *REGIONS],
        "phases": [sys.executable, "-c", PHASES % (REGIONS, SETTING, SETTING, VALUE, SETTING, SETTING)],
    }


def measure(runs: int, latency: int, say: Callable[[str], None]) -> dict[str, Any]:
    """Run every way C(runs) times in turns, after one round that only warms up."""
    seconds: dict[str, list[float]] = {name: [] for name in WAYS}
    phases: dict[str, list[float]] = {}
    calls: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as temporary, Emulator() as emulator:
        lines = commands(Path(temporary))
        ansible = ansible_environment(Path(temporary))
        account = 100_000_000_000
        for round_ in range(runs + 1):
            for name in [*WAYS, "phases"]:
                account += 1
                emulator.control.set_faults([{"latency": latency}], str(account))
                environment = {**os.environ, **emulator.env(str(account)), **ansible}
                started = time.perf_counter()
                done = subprocess.run(lines[name], env=environment, capture_output=True, text=True, check=False)
                elapsed = time.perf_counter() - started
                if done.returncode:
                    raise SystemExit(f"{name} failed:\n{done.stdout}\n{done.stderr}")
                made = emulator.control.calls(str(account))
                if name in SETS_ALL:
                    _check(emulator, str(account), name)
                if round_ == 0:
                    continue
                if name == "phases":
                    for phase, spent in json.loads(done.stdout).items():
                        phases.setdefault(phase, []).append(spent)
                    continue
                seconds[name].append(elapsed)
                if name == "module":
                    calls.update(f"{c['service']}:{c['operation']}" for c in made)
            say(f"round {round_} of {runs}{' (warm-up)' if round_ == 0 else ''}")
    return {
        "runs": runs,
        "latency_ms": latency,
        "regions": len(REGIONS),
        "cpus": os.cpu_count(),
        "seconds": seconds,
        "median": {name: statistics.median(values) for name, values in seconds.items()},
        "phases": {name: statistics.median(values) for name, values in phases.items()},
        "api_calls_of_one_module_run": {name: count / runs for name, count in calls.items()},
    }


def _check(emulator: Emulator, account: str, name: str) -> None:
    emulator.control.clear_faults(account)
    session = emulator.session(account)
    for region in REGIONS:
        setting = session.client("ssm", region_name=region).get_service_setting(SettingId=SETTING)["ServiceSetting"]
        if setting["SettingValue"] != VALUE:
            raise SystemExit(f"{name} left {region} at {setting['SettingValue']}")


def targets(median: dict[str, float]) -> list[tuple[str, float, str, float, bool]]:
    """(name, figure, comparison, bound, reached) of what the project holds itself to."""
    goals = [
        ("(a) / (e)", median["module"] / median["caller_info"], "<=", 1.2),
        ("(b) / (a)", median["loop"] / median["module"], ">=", 7.0),
        ("((a) - (f)) / (d)", (median["module"] - median["empty"]) / median["boto3"], "<=", 1.8),
    ]
    return [(*goal, goal[1] <= goal[3] if goal[2] == "<=" else goal[1] >= goal[3]) for goal in goals]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=7, help="measured runs of each way (default: 7)")
    parser.add_argument("--latency", type=int, default=80, help="milliseconds added to each API call (default: 80)")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    arguments = parser.parse_args()
    result = measure(arguments.runs, arguments.latency, lambda line: print(line, file=sys.stderr))
    reached = targets(result["median"])
    if arguments.json:
        print(json.dumps({**result, "targets": [list(target) for target in reached]}, indent=2))
    else:
        print(f"{'':56}median    (min - max), {result['runs']} runs, {result['latency_ms']} ms a call")
        for name, title in WAYS.items():
            values = result["seconds"][name]
            print(f"{title:54}{result['median'][name]:6.2f} s  ({min(values):.2f} - {max(values):.2f})")
        print("\nWhere (a)'s time goes, beside Ansible's own start of a playbook and a module:")
        for name, spent in result["phases"].items():
            print(f"  {name:24}{spent * 1000:6.0f} ms")
        print("\nAPI calls of one run of (a):", result["api_calls_of_one_module_run"])
        for name, figure, comparison, bound, ok in reached:
            print(f"{name:20}{figure:6.2f}  {comparison} {bound}  {'reached' if ok else 'MISSED'}")
    return 0 if all(ok for *_rest, ok in reached) else 1


if __name__ == "__main__":
    raise SystemExit(main())
