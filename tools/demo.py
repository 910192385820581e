# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Show the main job in a local AWS account: instances that Systems Manager can't manage, enable_ssm.yml, and they can.

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

ROOT = Path(__file__).resolve().parent.parent
REGIONS = ["us-east-1", "eu-west-1", "ap-southeast-2"]
SETTING = "/ssm/managed-instance/default-ec2-instance-management-role"
BACKUP = ROOT / ".cache" / "demo-backup.json"
BOLD, RESET = ("\033[1m", "\033[0m") if sys.stdout.isatty() else ("", "")


def headline(text: str) -> None:
    print(f"\n{BOLD}### {text}{RESET}", flush=True)


def launch() -> None:
    """One instance a region, without an instance profile."""
    for region in REGIONS:
        boto3.client("ec2", region_name=region).run_instances(
            ImageId="ami-12345678", MinCount=1, MaxCount=1, MetadataOptions={"HttpTokens": "required"}
        )


def show() -> None:
    """What AWS's API says of each region."""
    print(f"{'REGION':16}{'DHMC ROLE':68}INSTANCES, MANAGED BY SYSTEMS MANAGER")
    for region in REGIONS:
        ssm = boto3.client("ssm", region_name=region)
        ec2 = boto3.client("ec2", region_name=region)
        value = ssm.get_service_setting(SettingId=SETTING)["ServiceSetting"]["SettingValue"]
        reservations = ec2.get_paginator("describe_instances").paginate().build_full_result()["Reservations"]
        running = [instance["InstanceId"] for reservation in reservations for instance in reservation["Instances"]]
        managed = {
            node["InstanceId"]
            for page in ssm.get_paginator("describe_instance_information").paginate()
            for node in page["InstanceInformationList"]
            if node["PingStatus"] == "Online"
        }
        states = ", ".join(f"{instance} {'yes' if instance in managed else 'NO'}" for instance in running)
        print(f"{region:16}{value:68}{states}")


def playbook(name: str, *options: str) -> None:
    command = ["ansible-playbook", f"playbooks/{name}.yml", "-e", f"ssm_regions={','.join(REGIONS)}", *options]
    print(f"{BOLD}$ {shlex.join(command)}{RESET}\n", flush=True)
    executable = Path(sys.executable).parent / command[0]
    subprocess.run([str(executable), *command[1:]], cwd=ROOT, check=True)


def main() -> None:
    BACKUP.parent.mkdir(exist_ok=True)
    BACKUP.unlink(missing_ok=True)
    # Quiet what is not the point here.
    os.environ.update(ANSIBLE_DISPLAY_SKIPPED_HOSTS="false", ANSIBLE_DEPRECATION_WARNINGS="false")
    launch()
    headline("Before: an instance in each region, and Systems Manager manages none of them")
    show()
    headline("What would be done? Check mode calls no writing API")
    playbook("enable_ssm", "--check", "--diff")
    headline("Do it, and keep what is replaced in a file")
    playbook("enable_ssm", "-e", f"ssm_backup_file={BACKUP.relative_to(ROOT)}")
    headline("After: every instance is a managed instance (on AWS this takes up to 30 minutes)")
    show()
    headline("Again: nothing to do")
    playbook("enable_ssm")
    headline("Undo it: the settings as they were, and the role is gone")
    playbook("disable_ssm", "-e", f"ssm_backup_file={BACKUP.relative_to(ROOT)}", "-e", "dhmc_role_remove=true")
    headline("As it was before")
    show()
    print("\nThat was an emulated AWS account; it is gone now. README.md says how to do this in yours.")


if __name__ == "__main__":
    main()
