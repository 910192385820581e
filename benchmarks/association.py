# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""An instance profile on the instances of 4 regions: our module against its peers and against the token buckets.

Every run starts from instances without a profile (an account of its own, full token buckets) and must leave all of them
with it, which is checked through boto3. The emulator adds 80 ms to each API call and keeps EC2's token buckets
(100 associations at once, then 5 a second, in each region). The ways take turns, so that a slow moment of the machine
does not fall on one of them alone. There is a round for each number of instances: with 100 a region the burst is just
enough, with more the buckets bind.

The bound is measured, not only computed: plain_association.py lists the instances and sends its calls as fast as the
buckets allow, and leaves out all else. So the emulator's own time for each call is in it as it is in every other way.

The peers run in the first round only. A loop of ec2_instance over the instances takes many minutes, so it is measured
on some of them and extrapolated from what one more costs; --full runs all.

Usage: python benchmarks/association.py [--runs N] [--peer-runs N] [--instances-per-region N...] [--sample N] [--full]
                                        [--latency MS] [--json]
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from fleet_emulator import Emulator

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from benchmarks._common import ansible_environment, ansible_playbook, peer

REGIONS = ("us-east-1", "us-west-2", "eu-west-1", "ap-southeast-2")
PROFILE = "fleet-benchmark"
# Amazon EC2 API Reference, "Request throttling for the Amazon EC2 API": AssociateIamInstanceProfile.
BURST, RATE = 100, 5
THREADS = 16  # for each region
ASSOCIATE = "AssociateIamInstanceProfile"

WAYS = {
    "module": "(a) instance_profile_association, one task",
    "bound": "(b) the bound: plain boto3 at the buckets' pace",
    "empty": "(c) empty playbook",
    "naive": "(d) plain boto3, as fast as it can",
    "custodian": "(e) Cloud Custodian, set-instance-profile",
    "loop_regions": "(f) ec2_instance, loop: over the regions",
    "loop": "(g) ec2_instance, loop: over the instances",
    "listing": "    (g) for no instance: its playbook and the listing",
}
MEASURED = ("module", "bound", "empty")
# That ec2_instance takes many ids is documented; whoever knows it needs no loop over the instances.
PEERS = ("custodian", "loop_regions", "listing", "loop")

_MODULE = """
    - fleet.aws_ssm.instance_profile_association:
        instance_profile: {profile}
        all_instances: true
        regions: {regions}"""
_LIST = """
    - amazon.aws.ec2_instance_info:
        region: "{{{{ item }}}}"
        filters: {{instance-state-name: [running, stopped]}}
      loop: {regions}
      register: found"""
_LOOP_REGIONS = """
    - amazon.aws.ec2_instance:
        region: "{{{{ item.item }}}}"
        instance_ids: "{{{{ item.instances | map(attribute='instance_id') }}}}"
        iam_instance_profile: {profile}
      loop: "{{{{ found.results }}}}"
      loop_control: {{label: "{{{{ item.item }}}}"}}"""
_LOOP = """
    - amazon.aws.ec2_instance:
        region: "{{{{ item.0.item }}}}"
        instance_ids: "{{{{ item.1.instance_id }}}}"
        iam_instance_profile: {profile}
      loop: "{{{{ (found.results | subelements('instances'))[:{sample}] }}}}"
      loop_control: {{label: "{{{{ item.1.instance_id }}}}"}}"""
_POLICY = """policies:
  - name: profile
    resource: aws.ec2
    filters:
      - IamInstanceProfile: absent
    actions:
      - type: set-instance-profile
        name: {profile}
"""


@dataclass(frozen=True)
class Run:
    """One run of one way. C(throttled): calls that EC2 refused; C(errors): those that the user was told of."""

    seconds: float
    calls: int
    throttled: int
    errors: int
    failed: bool
    without_profile: int
    phases: dict[str, float]


def commands(folder: Path, custodian: Path, arn: str, sample: int) -> dict[str, list[str]]:
    """The command line of each way. The peers are given the profile's ARN, which saves ec2_instance a call."""
    values = {"profile": PROFILE, "regions": json.dumps(REGIONS)}
    peer = {**values, "profile": arn}
    (folder / "policy.yml").write_text(_POLICY.format(**values), encoding="utf-8")
    plain = [sys.executable, str(Path(__file__).with_name("plain_association.py")), "--threads", str(THREADS)]
    regions = [word for region in REGIONS for word in ("--region", region)]
    return {
        "module": ansible_playbook(folder, "module", _MODULE.format(**values)),
        "bound": [*plain, "--burst", str(BURST), "--rate", str(RATE), PROFILE, *REGIONS],
        "empty": ansible_playbook(folder, "empty", " []"),
        "naive": [*plain, PROFILE, *REGIONS],
        "custodian": [
            str(custodian), "run", "--output-dir", str(folder / "custodian"), "--cache-period", "0", *regions,
            str(folder / "policy.yml"),
        ],
        "loop_regions": ansible_playbook(folder, "loop_regions", (_LIST + _LOOP_REGIONS).format(**peer)),
        "loop": ansible_playbook(folder, "loop", (_LIST + _LOOP).format(**peer, sample=sample)),
        "listing": ansible_playbook(folder, "listing", (_LIST + _LOOP).format(**peer, sample=0)),
    }  # fmt: skip


class Bench:
    """Runs the ways, each on an account of its own."""

    def __init__(self, emulator: Emulator, folder: Path, latency: int) -> None:
        self._emulator, self._folder, self._latency = emulator, folder, latency
        self._ansible = ansible_environment(folder)
        self._custodian = peer("c7n", "custodian")
        self._account = 100_000_000_000

    def run(self, way: str, per_region: int, sample: int) -> Run:
        """Make the instances, run the way (C(loop) on a sample of them), and look at what it left."""
        self._account += 1
        account = str(self._account)
        arn = self._prepare(account, per_region)
        line = commands(self._folder, self._custodian, arn, sample)[way]
        environment = {**os.environ, **self._emulator.env(account)}
        if way not in ("bound", "naive", "custodian"):
            environment.update(self._ansible)
        control = self._emulator.control
        control.clear_calls(account)
        control.set_faults([{"latency": self._latency}, {"throttle": "aws"}], account)
        began, started = time.time(), time.perf_counter()
        done = subprocess.run(line, env=environment, capture_output=True, text=True, check=False)
        elapsed = time.perf_counter() - started
        calls = control.calls(account)
        control.clear_faults(account)
        without = len(REGIONS) * per_region - self._associated(account, arn)
        control.reset(account)
        said = done.stdout + done.stderr
        if done.returncode and way != "naive":
            print(f"{way} failed with {done.returncode}:\n{said[-2000:]}", file=sys.stderr)
        return Run(
            seconds=elapsed,
            calls=len(calls),
            throttled=sum(call["error"] == "RequestLimitExceeded" for call in calls),
            errors=said.count("RequestLimitExceeded"),
            failed=bool(done.returncode),
            without_profile=without,
            phases=_phases(calls, began, began + elapsed),
        )

    def _prepare(self, account: str, per_region: int) -> str:
        session = self._emulator.session(account)
        iam = session.client("iam")
        statement = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
        trust = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        iam.create_role(RoleName=PROFILE, AssumeRolePolicyDocument=trust)
        profile = iam.create_instance_profile(InstanceProfileName=PROFILE)["InstanceProfile"]
        iam.add_role_to_instance_profile(InstanceProfileName=PROFILE, RoleName=PROFILE)
        for region in REGIONS:
            ec2 = session.client("ec2", region_name=region)
            for start in range(0, per_region, 100):
                count = min(100, per_region - start)
                ec2.run_instances(ImageId="ami-12345678", MinCount=count, MaxCount=count)
        return str(profile["Arn"])

    def _associated(self, account: str, arn: str) -> int:
        found = 0
        for region in REGIONS:
            ec2 = self._emulator.session(account).client("ec2", region_name=region)
            for page in ec2.get_paginator("describe_iam_instance_profile_associations").paginate():
                rows = page["IamInstanceProfileAssociations"]
                found += sum(r["State"] == "associated" and r["IamInstanceProfile"]["Arn"] == arn for r in rows)
        return found


def _phases(calls: list[dict[str, Any]], began: float, ended: float) -> dict[str, float]:
    """Seconds from the first call of each operation to the first of the next, as the recorder saw them."""
    starts: dict[str, float] = {}
    for call in sorted(calls, key=lambda call: call["time"]):
        starts.setdefault(call["operation"], call["time"])
    if not starts:
        return {}
    last = max(call["time"] + call["ms"] / 1000 for call in calls)
    names = ["before the first call", *starts, "after the last answer"]
    times = [began, *starts.values(), last, ended]
    return {name: times[index + 1] - times[index] for index, name in enumerate(names)}


def analytic(per_region: int, latency: int) -> float:
    """What buckets and latency alone ask for: one call to list, then the associations of a region."""
    return 2 * latency / 1000 + max(0, per_region - BURST) / RATE


def measure(arguments: argparse.Namespace, say: Callable[[str], None]) -> list[dict[str, Any]]:
    """All rounds: one for each number of instances."""
    rounds = []
    with tempfile.TemporaryDirectory() as temporary, Emulator() as emulator:
        bench = Bench(emulator, Path(temporary), arguments.latency)
        for way in MEASURED:
            bench.run(way, 5, 1)
        say("warmed up")
        for number, per_region in enumerate(arguments.instances_per_region):
            everything = per_region * len(REGIONS)
            sample = everything if arguments.full else min(arguments.sample, everything)
            peers = PEERS * arguments.peer_runs if number == 0 else ()
            runs: dict[str, list[Run]] = {}
            for way in (*MEASURED * arguments.runs, "naive", *peers):
                run = bench.run(way, per_region, sample)
                runs.setdefault(way, []).append(run)
                say(f"{per_region} a region: {way} {run.seconds:.1f} s")
            rounds.append(_summary(runs, per_region, sample, arguments.latency))
    return rounds


def _summary(runs: dict[str, list[Run]], per_region: int, sample: int, latency: int) -> dict[str, Any]:
    everything = per_region * len(REGIONS)
    median = {way: statistics.median(run.seconds for run in found) for way, found in runs.items()}
    if "loop" in median and sample < everything:
        each = (median["loop"] - median["listing"]) / sample
        median["loop"] = median["listing"] + each * everything
    phases: dict[str, dict[str, float]] = {}
    for way in ("module", "bound"):
        counts = Counter(name for run in runs[way] for name in run.phases)
        phases[way] = {
            name: statistics.median(run.phases[name] for run in runs[way])
            for name, count in counts.items()
            if count == len(runs[way])
        }
    result = {
        "instances_per_region": per_region,
        "regions": len(REGIONS),
        "latency_ms": latency,
        "cpus": os.cpu_count(),
        "analytic_bound": analytic(per_region, latency),
        "median": median,
        "loop_measured_on": sample,
        "phases": phases,
        "runs": {way: [asdict(run) for run in found] for way, found in runs.items()},
    }
    return {**result, "targets": [list(target) for target in targets(result)]}


def targets(result: dict[str, Any]) -> list[tuple[str, float, str, float, bool]]:
    """(name, figure, comparison, bound, reached) of what the project holds itself to."""
    median, runs = result["median"], result["runs"]["module"]
    goals = [
        ("(a) against 1.2 x (b) + (c)", median["module"], "<=", 1.2 * median["bound"] + median["empty"]),
        ("throttling errors of (a)", float(max(run["errors"] + run["failed"] for run in runs)), "<=", 0.0),
        ("left without by (a)", float(max(run["without_profile"] for run in runs)), "<=", 0.0),
    ]
    peers = [median[way] for way in ("custodian", "loop_regions", "loop") if way in median]
    if peers:
        goals.append(("(a) against the fastest peer", median["module"], "<", min(peers)))
    return [(*goal, goal[1] <= goal[3] if goal[2] == "<=" else goal[1] < goal[3]) for goal in goals]


def report(result: dict[str, Any]) -> None:
    """Print one round."""
    everything = result["instances_per_region"] * result["regions"]
    print(f"\n{everything} instances in {result['regions']} regions, {result['latency_ms']} ms a call, AWS's buckets")
    print(f"{'':54}{'median':>9}{'min - max':>18}  runs   calls throttled  errors without")
    for way, title in WAYS.items():
        runs = result["runs"].get(way)
        if not runs:
            continue
        seconds = [run["seconds"] for run in runs]
        worst = {key: max(run[key] for run in runs) for key in ("calls", "throttled", "errors", "without_profile")}
        part = way == "loop" and result["loop_measured_on"] < everything
        spread = f"{min(seconds):.1f} - {max(seconds):.1f}"
        without = "-" if part or way in ("empty", "listing") else worst["without_profile"]
        print(
            f"{title:54}{'~' if part else ' '}{result['median'][way]:6.1f} s{spread:>18}{len(runs):6}{worst['calls']:8}"
            f"{worst['throttled']:10}{worst['errors']:8}{without:>8}"
        )
        if part:
            print(
                f"{'':8}min - max and counts are of {result['loop_measured_on']} instances, the median is extrapolated"
            )
    print(f"Buckets and latency alone ask for {result['analytic_bound']:.2f} s.")
    for way, phases in result["phases"].items():
        print(f"Where {WAYS[way][:3]}'s time goes:")
        for name, spent in phases.items():
            print(f"  {name:44}{spent * 1000:6.0f} ms")
    for name, figure, comparison, bound, ok in result["targets"]:
        print(f"{name:32}{figure:7.2f}  {comparison} {bound:.2f}  {'reached' if ok else 'MISSED'}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=3, help="measured runs of (a) to (c) (default: 3)")
    parser.add_argument("--peer-runs", type=int, default=1, help="runs of each peer (default: 1; 0: none)")
    parser.add_argument(
        "--instances-per-region", type=int, nargs="+", default=[100, 150], help="a round for each (default: 100 150)"
    )
    parser.add_argument("--sample", type=int, default=12, help="how many instances (g) is measured on (default: 12)")
    parser.add_argument("--full", action="store_true", help="measure (g) on all instances: many minutes")
    parser.add_argument("--latency", type=int, default=80, help="milliseconds added to each API call (default: 80)")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    arguments = parser.parse_args()
    rounds = measure(arguments, lambda line: print(line, file=sys.stderr))
    if arguments.json:
        print(json.dumps(rounds, indent=2))
    else:
        for result in rounds:
            report(result)
    return 0 if all(target[-1] for result in rounds for target in result["targets"]) else 1


if __name__ == "__main__":
    raise SystemExit(main())
