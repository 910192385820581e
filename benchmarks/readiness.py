# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which instances of 4 regions are managed, and why others are not: our module against the fewest calls and its peers.

Each size is one account that all ways only read: most instances get in by Default Host Management Configuration, 8 in
each region have an instance profile, a twentieth has no agent and a twentieth no metadata service. The largest size has
2,400 instances in each region, AWS's default quota of nodes. The emulator adds 80 ms to each API call. The ways take
turns, so that a slow moment of the machine does not fall on one of them alone. What a way says of the number of managed
instances is compared with what the fleet was made to be.

The bound is measured: plain_readiness.py sends the fewest calls that the pages allow, all side by side, in one session.
It starts no Ansible, so (a) is held against it without what Ansible takes for a playbook with one module, which is
(d): (a) - (d) <= 1.3 x (b). The other comparisons are printed beside it.

The emulator renders each instance and each node, and all ways wait for that. Its share is told by its processor time
during a run, and by what the calls took beyond the added latency, summed over calls that overlap.

Memory is the peak of the largest process of a way. For (a) the module's process is told from ansible-playbook's, which
has to hold the result as well.

Prowler reads far more than the check needs, and an emulator that lacks three calls of EC2 and one of Systems Manager
answers them with an error, which Prowler logs and passes over (none of them is one that the check needs). Cloud
Custodian asks for 50 nodes by their ids in one call and does not ask for further pages, of which the API Reference says
that they have 10 nodes by default; the emulator takes that literally.

Usage: python benchmarks/readiness.py [--runs N] [--peer-runs N] [--sizes N...] [--latency MS] [--json]
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import re
import shlex
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from fleet_emulator import Emulator

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from benchmarks._common import ansible_environment, ansible_playbook, peer
from benchmarks._readiness_fleet import REGIONS, Fleet, make_fleet

WAYS = {
    "module": "(a) ssm_managed_instance_info, one task",
    "bound": "(b) the bound: plain boto3, the fewest calls",
    "empty": "(c) empty playbook",
    "ping": "(d) playbook with ansible.builtin.ping",
    "caller_info": "(e) playbook with amazon.aws.aws_caller_info",
    "custodian": "(f) Cloud Custodian, filter ssm",
    "prowler": "(g) Prowler, ec2_instance_managed_by_ssm",
}
MEASURED = ("module", "bound", "empty", "ping", "caller_info")
PEERS = ("custodian", "prowler")
COUNTS = ("module", "bound", *PEERS)
ANSIBLE = ("module", "empty", "ping", "caller_info")

# The result is used once, as it is in every playbook.
_USE = """
      register: found
    - ansible.builtin.debug:
        msg: "managed: {{ found.totals.managed | default(0) }}." """
_TASKS = {
    "module": f"\n    - fleet.aws_ssm.ssm_managed_instance_info:\n        regions: {json.dumps(REGIONS)}{_USE}",
    "empty": " []",
    "ping": f"\n    - ansible.builtin.ping:{_USE}",
    "caller_info": f"\n    - amazon.aws.aws_caller_info:{_USE}",
}
_POLICY = """policies:
  - name: managed
    resource: aws.ec2
    filters:
      - type: ssm
        key: PingStatus
        value: Online
"""


@dataclass(frozen=True)
class Run:
    """One run of one way.

    C(peak) is that of its largest process, C(own_peak) that of the process that was started, in MB. C(managed) is what
    it said, None if it does not say. C(emulator_cpu) is the emulator's processor time, C(emulator_calls) the time of
    all calls without the latency.
    """

    seconds: float
    peak: float
    own_peak: float
    calls: int
    managed: int | None
    failed: bool
    module_peak: float | None
    module_seconds: float | None
    emulator_cpu: float | None
    emulator_calls: float
    phases: dict[str, float]
    operations: dict[str, int]


class Bench:
    """Runs the ways on a fleet."""

    def __init__(self, emulator: Emulator, folder: Path, latency: int, *, peers: bool) -> None:
        self._emulator, self._folder, self._latency = emulator, folder, latency
        self._ansible = ansible_environment(folder)
        self._tree, self._module = folder / "tree", folder / "module"
        here = Path(__file__)
        self._measured = [sys.executable, "-I", "-S", str(here.with_name("_measured.py"))]
        interpreter = folder / "python"
        inner = shlex.join([*self._measured, str(self._module), sys.executable])
        interpreter.write_text(f'#!/bin/sh\nexec {inner} "$@"\n', encoding="utf-8")
        interpreter.chmod(0o755)
        (folder / "policy.yml").write_text(_POLICY, encoding="utf-8")
        python = ["-e", f"ansible_python_interpreter={interpreter}"]
        self._lines = {way: [*ansible_playbook(folder, way, _TASKS[way]), *python] for way in ANSIBLE}
        self._lines["bound"] = [sys.executable, str(here.with_name("plain_readiness.py")), *REGIONS]
        self._phases = [sys.executable, str(here.with_name("_readiness_phases.py")), str(folder / "phases"), *REGIONS]
        if peers:
            self._lines["custodian"] = [
                str(peer("c7n", "custodian")), "run", "--dryrun", "--output-dir", str(folder / "custodian"),
                "--cache-period", "0", *(word for region in REGIONS for word in ("--region", region)),
                str(folder / "policy.yml"),
            ]  # fmt: skip
            self._lines["prowler"] = [
                str(peer("prowler", "prowler")), "aws", "--check", "ec2_instance_managed_by_ssm", "--region", *REGIONS,
                "--output-formats", "csv", "--output-directory", str(folder / "prowler"), "--output-filename", "found",
                "--no-banner", "--no-color", "--ignore-exit-code-3",
            ]  # fmt: skip

    def run(self, way: str, fleet: Fleet) -> Run:
        """Run the way once."""
        for path in (self._tree, self._module):
            path.unlink(missing_ok=True)
        for name in PEERS:
            shutil.rmtree(self._folder / name, ignore_errors=True)
        control, account = self._emulator.control, fleet.account
        control.clear_calls(account)
        control.set_faults([{"latency": self._latency}], account)
        before = self._cpu()
        done = self._call([*self._measured, str(self._tree), *self._lines[way]], fleet, ansible=way in ANSIBLE)
        after = self._cpu()
        calls = control.calls(account)
        control.clear_faults(account)
        if done.returncode:
            print(f"{way} failed with {done.returncode}:\n{(done.stdout + done.stderr)[-2000:]}", file=sys.stderr)
        began, ended, peak, own = _numbers(self._tree)
        module = _numbers(self._module) if self._module.exists() else None
        return Run(
            seconds=ended - began,
            peak=peak,
            own_peak=own,
            calls=len(calls),
            managed=self._managed(way, done.stdout) if way in COUNTS else None,
            failed=bool(done.returncode),
            module_peak=module[2] if module else None,
            module_seconds=module[1] - module[0] if module else None,
            emulator_cpu=after - before if before is not None and after is not None else None,
            emulator_calls=sum(call["ms"] - self._latency for call in calls) / 1000,
            phases=_phases(calls, (began, ended), module) if module and calls else {},
            operations=dict(Counter(f"{call['service']}:{call['operation']}" for call in calls).most_common()),
        )

    def phases(self, fleet: Fleet) -> dict[str, list[float]]:
        """Seconds and memory of each part of the module's process."""
        self._emulator.control.set_faults([{"latency": self._latency}], fleet.account)
        # By way of _measured.py for the memory alone: a child is told from the peak of its parent.
        done = self._call([*self._measured, str(self._tree), *self._phases], fleet, ansible=True)
        self._emulator.control.clear_faults(fleet.account)
        if done.returncode:
            raise SystemExit(f"the phases failed:\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")
        found: dict[str, list[float]] = json.loads((self._folder / "phases").read_text(encoding="utf-8"))
        # What the module printed, as Ansible has to read it.
        found["result, MB"] = [0.0, len(done.stdout) / 1e6]
        return found

    def _call(self, line: list[str], fleet: Fleet, *, ansible: bool) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, **self._emulator.env(fleet.account), **(self._ansible if ansible else {})}
        return subprocess.run(
            line,
            env=environment,
            cwd=self._folder,
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
        )

    def _cpu(self) -> float | None:
        """The processor time of the emulator so far, where it was started here and the system tells."""
        path = Path(f"/proc/{self._emulator.pid}/stat")
        if not self._emulator.pid or not path.exists():
            return None
        fields = path.read_text(encoding="utf-8").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def _managed(self, way: str, printed: str) -> int | None:
        """How many managed instances the way found."""
        if way == "module":
            said = re.search(r"managed: (\d+)\.", printed)
            return int(said[1]) if said else None
        if way == "bound":
            return int(json.loads(printed)["managed"]) if printed else None
        if way == "custodian":
            files = (self._folder / "custodian").rglob("resources.json")
            return sum(len(json.loads(file.read_text(encoding="utf-8"))) for file in files)
        try:
            with (self._folder / "prowler" / "found.csv").open(encoding="utf-8", newline="") as file:
                return sum(row["STATUS"] == "PASS" for row in csv.DictReader(file, delimiter=";"))
        except FileNotFoundError:
            return None


def _numbers(path: Path) -> tuple[float, float, float, float]:
    """The last line of a file that _measured.py wrote."""
    began, ended, peak, own = map(float, path.read_text(encoding="utf-8").split()[-4:])
    return began, ended, peak, own


def _phases(
    calls: list[dict[str, Any]], whole: tuple[float, float], module: tuple[float, float, float, float]
) -> dict[str, float]:
    """From the start of ansible-playbook to its end."""
    first = min(call["time"] for call in calls)
    last = max(call["time"] + call["ms"] / 1000 for call in calls)
    times = {
        "Ansible, until the module starts": module[0],
        "the module, until the first call": first,
        "its calls": last,
        "the module, after the last answer": module[1],
        "Ansible, with the result": whole[1],
    }
    begins = [whole[0], *times.values()]
    return {name: time - begins[index] for index, (name, time) in enumerate(times.items())}


def measure(arguments: argparse.Namespace, say: Callable[[str], None]) -> list[dict[str, Any]]:
    """All sizes, the smallest first."""
    results = []
    peers = PEERS if arguments.peer_runs else ()
    with tempfile.TemporaryDirectory() as temporary, Emulator() as emulator:
        bench = Bench(emulator, Path(temporary), arguments.latency, peers=bool(peers))
        for number, size in enumerate([20 * len(REGIONS), *sorted(arguments.sizes)]):
            fleet = Fleet(f"{100_000_000_000 + number}", size // len(REGIONS))
            make_fleet(emulator, fleet)
            if number == 0:
                for way in (*MEASURED, *peers):
                    bench.run(way, fleet)
                say("warmed up")
                continue
            say(f"{size}: made")
            runs: dict[str, list[Run]] = {}
            for way in (*MEASURED * arguments.runs, *peers * arguments.peer_runs):
                run = bench.run(way, fleet)
                runs.setdefault(way, []).append(run)
                say(f"{size}: {way} {run.seconds:.1f} s")
            results.append(_summary(runs, fleet, arguments.latency, bench.phases(fleet)))
            emulator.control.reset(fleet.account)
    return results


def _summary(runs: dict[str, list[Run]], fleet: Fleet, latency: int, parts: dict[str, list[float]]) -> dict[str, Any]:
    phases: dict[str, list[float]] = {}
    for run in runs["module"]:
        for name, seconds in run.phases.items():
            phases.setdefault(name, []).append(seconds)
    result = {
        "instances": fleet.per_region * len(REGIONS),
        "regions": len(REGIONS),
        "managed": fleet.managed,
        "fewest_calls": fleet.fewest,
        "latency_ms": latency,
        "cpus": os.cpu_count(),
        "median": {way: statistics.median(run.seconds for run in found) for way, found in runs.items()},
        "phases": {name: statistics.median(seconds) for name, seconds in phases.items()},
        "module_parts": parts,
        "runs": {way: [asdict(run) for run in found] for way, found in runs.items()},
    }
    return {**result, "targets": [list(target) for target in targets(result)]}


def targets(result: dict[str, Any]) -> list[tuple[str, float, str, float, bool]]:
    """(name, figure, comparison, bound, reached) of what the project holds itself to."""
    median, runs = result["median"], result["runs"]
    wrong = sum(run["failed"] or run["managed"] != result["managed"] for run in (*runs["module"], *runs["bound"]))
    goals = [
        ("wrong answers of (a) and (b)", float(wrong), "<=", 0.0),
        ("calls of (a) / the fewest", _worst(runs["module"], "calls") / result["fewest_calls"], "<=", 1.1),
        ("((a) - (d)) / (b)", (median["module"] - median["ping"]) / median["bound"], "<=", 1.3),
        ("peak of the module, MB", _worst(runs["module"], "module_peak"), "<", 300.0),
    ]
    goals += [(f"(a) / {WAYS[way][:3]}", median["module"] / median[way], "<", 1.0) for way in PEERS if way in median]
    return [(*goal, goal[1] <= goal[3] if goal[2] == "<=" else goal[1] < goal[3]) for goal in goals]


def _worst(runs: list[dict[str, Any]], key: str) -> float:
    return max(run[key] or 0 for run in runs)


def report(result: dict[str, Any]) -> None:
    """Print one size."""
    median = result["median"]
    print(
        f"\n{result['instances']} instances in {result['regions']} regions, {result['managed']} managed, "
        f"{result['latency_ms']} ms a call; the fewest calls: {result['fewest_calls']}"
    )
    print(f"{'':48}{'median':>9}{'min - max':>16}  runs  calls  managed   peak, MB  emulator: CPU, calls")
    for way, title in WAYS.items():
        if way not in result["runs"]:
            continue
        runs = result["runs"][way]
        seconds = [run["seconds"] for run in runs]
        said = {run["managed"] for run in runs}
        managed = "-" if way not in COUNTS else "/".join(map(str, said)) + ("" if said == {result["managed"]} else " !")
        failed = "  FAILED" if any(run["failed"] for run in runs) else ""
        print(
            f"{title:48}{median[way]:7.2f} s{f'{min(seconds):.2f} - {max(seconds):.2f}':>16}{len(runs):6}"
            f"{_worst(runs, 'calls'):7}{managed:>9}{_worst(runs, 'peak'):11.0f}"
            f"{_worst(runs, 'emulator_cpu'):14.1f} s{_worst(runs, 'emulator_calls'):6.1f} s{failed}"
        )
    module = result["runs"]["module"]
    print(
        f"Peaks of (a): {_worst(module, 'module_peak'):.0f} MB the module's process, "
        f"{_worst(module, 'own_peak'):.0f} MB ansible-playbook's main process."
    )
    print("Where (a)'s time goes:")
    for name, spent in result["phases"].items():
        print(f"  {name:44}{spent * 1000:7.0f} ms")
    print("The module's process, run by itself, with its memory after each part:")
    for name, (spent, memory) in result["module_parts"].items():
        print(f"  {name:44}{spent * 1000:7.0f} ms{memory:7.1f} MB")
    print("Calls of (a):", result["runs"]["module"][0]["operations"])
    for name in ("empty", "caller_info"):
        ratio = (median["module"] - median[name]) / median["bound"]
        print(f"{f'((a) - {WAYS[name][:3]}) / (b)':32}{ratio:7.2f}")
    print(f"{'(a) / (b)':32}{median['module'] / median['bound']:7.2f}")
    for name, figure, comparison, bound, ok in result["targets"]:
        print(f"{name:32}{figure:7.2f}  {comparison} {bound}  {'reached' if ok else 'MISSED'}")


def growth(results: list[dict[str, Any]]) -> None:
    """Print how each way grows."""
    print(f"\n{'':48}" + "".join(f"{result['instances']:>26}" for result in results))
    for way in COUNTS:
        if any(way in result["runs"] for result in results):
            print(f"{WAYS[way]:48}" + "".join(f"{_cell(result, way):>26}" for result in results))


def _cell(result: dict[str, Any], way: str) -> str:
    runs = result["runs"].get(way)
    if not runs:
        return "-"
    peak = "module_peak" if way == "module" else "peak"
    return f"{result['median'][way]:.1f} s {_worst(runs, peak):.0f} MB {_worst(runs, 'calls')} calls"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=3, help="measured runs of (a) to (e) (default: 3)")
    parser.add_argument("--peer-runs", type=int, default=1, help="runs of each peer (default: 1; 0: none)")
    parser.add_argument(
        "--sizes", type=int, nargs="+", default=[240, 2400, 9600], help="instances in all (default: 240 2400 9600)"
    )
    parser.add_argument("--latency", type=int, default=80, help="milliseconds added to each API call (default: 80)")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    arguments = parser.parse_args()
    if any(size < 20 * len(REGIONS) for size in arguments.sizes):
        parser.error(f"--sizes: at least {20 * len(REGIONS)}")
    results = measure(arguments, lambda line: print(line, file=sys.stderr, flush=True))
    if arguments.json:
        print(json.dumps(results, indent=2))
    else:
        for result in results:
            report(result)
        growth(results)
    return 0 if all(target[-1] for result in results for target in result["targets"]) else 1


if __name__ == "__main__":
    raise SystemExit(main())
