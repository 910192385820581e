# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Show the main job in a local AWS account: a fleet with every reason not to be managed, and what becomes of it.

Run by `make demo`, which starts the emulator around it. Everything that is shown is what the commands print, and what
AWS's API answers afterwards.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import boto3
from demo_fleet import REGIONS, Fleet

ROOT = Path(__file__).resolve().parent.parent
FOLDER = Path(".cache") / "demo"
# Apart from the reports, which never overwrite it.
BACKUP = FOLDER / "backup.json"
BOLD, RESET = ("\033[1m", "\033[0m") if sys.stdout.isatty() else ("", "")


def headline(text: str) -> None:
    print(f"\n{BOLD}### {text}{RESET}", flush=True)


def managed() -> str:
    """What AWS's API says: running instances, and nodes of Systems Manager that ping."""
    running = online = 0
    for region in REGIONS:
        ec2, ssm = boto3.client("ec2", region), boto3.client("ssm", region)
        rows = ec2.describe_instances(Filters=[{"Name": "instance-state-name", "Values": ["running"]}])["Reservations"]
        running += sum(len(row["Instances"]) for row in rows)
        nodes = ssm.describe_instance_information(MaxResults=50)["InstanceInformationList"]
        online += sum(node["PingStatus"] == "Online" for node in nodes)
    return f"{online} of {running} running instances are managed, says ssm:DescribeInstanceInformation"


def playbook(name: str, *options: str) -> None:
    command = ["ansible-playbook", f"playbooks/{name}.yml", "-e", f"ssm_regions={','.join(REGIONS)}", *options]
    print(f"{BOLD}$ {shlex.join(command)}{RESET}\n", flush=True)
    executable = Path(sys.executable).parent / command[0]
    subprocess.run([str(executable), *command[1:]], cwd=ROOT, check=True)


def main() -> None:
    folder = ROOT / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    for file in folder.iterdir():
        file.unlink()
    # Quiet what is not the point here.
    os.environ.update(ANSIBLE_DISPLAY_SKIPPED_HOSTS="false", ANSIBLE_DEPRECATION_WARNINGS="false")
    headline("A fleet in five regions, with an instance for every reason not to be managed")
    Fleet().build()
    before = managed()
    print(before)
    headline("Who is managed, who is not, and why? Read-only")
    playbook("audit_ssm", "-e", f"ssm_report_directory={FOLDER}", "-e", "readiness_report_name=before")
    fix = [
        "-e",
        "preflight_fix=permissions,imdsv2,imds",
        "-e",
        "dhmc_overwrite=true",
        "-e",
        f"ssm_backup_file={BACKUP}",
    ]
    headline("What would be done? Check mode calls no writing API")
    playbook("enable_ssm", *fix, "-e", "ssm_report=false", "--check", "--diff")
    headline("Do it, and keep what is replaced in a file")
    playbook("enable_ssm", *fix, "-e", "ssm_report=false")
    after = managed()
    headline("Again: nothing to do")
    playbook("enable_ssm", *fix, "-e", "ssm_report=false")
    headline("And now? (On AWS agents take up to 30 minutes to notice)")
    report = ["-e", f"ssm_report_directory={FOLDER}", "-e", "readiness_report_name=after"]
    playbook("audit_ssm", *report, "-e", f"ssm_report_baseline={FOLDER}/before.json")
    headline("Undo it: settings, policies and instances as they were, and the role is gone")
    playbook("disable_ssm", "-e", f"ssm_backup_file={BACKUP}", "-e", "dhmc_role_remove=true")
    headline("Summary")
    print(f"Before:  {before}\nAfter:   {after}\nUndone:  {managed()}")
    print(f"The reports: {folder / 'before.html'} and {folder / 'after.html'}")
    print("\nThat was an emulated AWS account; it is gone now. README.md says how to do this in yours.")


if __name__ == "__main__":
    main()
