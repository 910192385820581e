# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""enable_ssm.yml and disable_ssm.yml, from a checkout of any name and by the collection's name."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
OURS = "service-role/AWSSystemsManagerDefaultEC2InstanceManagementRole"
REGIONS = ["us-east-1", "eu-west-1"]
SSM_REGIONS = json.dumps({"ssm_regions": ",".join(REGIONS), "ssm_tags": {"team": "a"}})
# A checkout has an ansible.cfg of its own, and finds its collections without being told.
CHECKOUT = {"ANSIBLE_COLLECTIONS_PATH": None}


@pytest.fixture
def checkout(tmp_path):
    """A copy of what a user clones, in a folder whose name is not the collection's."""
    copy = tmp_path / "my fleet.checkout"
    copy.mkdir()
    for name in ("playbooks", "plugins", "roles", "meta"):
        shutil.copytree(ROOT / name, copy / name, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("ansible.cfg", "galaxy.yml"):
        shutil.copy(ROOT / name, copy / name)
    return copy


def test_the_playbooks_of_a_checkout_turn_it_on_and_off_again(account, checkout):
    def playbook(name, *options):
        words = ("ansible-playbook", f"playbooks/{name}.yml", "-e", SSM_REGIONS, *options)
        return account.command(*words, cwd=checkout, env=CHECKOUT)

    run = playbook("enable_ssm", "-e", "ssm_backup_file=before.json").ok()
    assert account.values(*REGIONS) == dict.fromkeys(REGIONS, OURS)
    assert account.roles()[f"/{OURS}"]["tags"] == {"team": "a", "fleet.aws_ssm/made-by": "dhmc"}
    assert "us-east-1 (unset) service-role/" in run.text
    assert "2 regions: 2 changed, 0 unchanged, 0 failed" in run.text
    # Where ansible-playbook was started.
    assert (checkout / "before.json").exists()

    run = playbook("enable_ssm").ok()
    assert run.writes == []
    assert "2 regions: 0 changed, 2 unchanged, 0 failed" in run.text
    assert "changed=0" in run.text

    run = playbook("disable_ssm", "-e", "dhmc_role_remove=true").ok()
    assert account.values(*REGIONS) == dict.fromkeys(REGIONS, "$None")
    assert account.roles() == {}
    assert "2 regions: 2 changed, 0 unchanged, 0 failed" in run.text

    run = playbook("disable_ssm", "-e", "dhmc_role_remove=true").ok()
    assert run.writes == []
    assert "changed=0" in run.text


def test_the_playbooks_run_by_name_and_check_mode_writes_nothing(account):
    run = account.command("ansible-playbook", "fleet.aws_ssm.enable_ssm", "-e", SSM_REGIONS, "--check", "--diff").ok()
    assert (run.writes, account.roles()) == ([], {})
    assert "2 regions: 2 to change, 0 unchanged, 0 failed" in run.text
    assert "would change" in run.text


def test_a_failing_region_is_shown_in_the_table_and_in_the_exit_code(account):
    account.put("AWS-QuickSetup-SSM-DefaultEC2MgmtRole-eu-west-1", "eu-west-1")
    everywhere = json.dumps({"ssm_regions": [*REGIONS, "eu-west-2"]})
    denied = {"code": "AccessDeniedException", "message": "not you"}
    account.faults({"service": "ssm", "region": "eu-west-2", "error": denied})
    run = account.command("ansible-playbook", "fleet.aws_ssm.enable_ssm", "-e", everywhere)
    assert run.rc == 2
    assert "FAILED: AlreadySet: " in run.text
    assert "FAILED: AccessDeniedException: not you" in run.text
    assert "3 regions: 1 changed, 0 unchanged, 2 failed" in run.text
    account.faults()
    assert account.values("us-east-1", "eu-west-2") == {"us-east-1": OURS, "eu-west-2": "$None"}

    account.faults({"service": "ssm", "region": "eu-west-1", "error": denied})
    run = account.command("ansible-playbook", "fleet.aws_ssm.disable_ssm", "-e", everywhere)
    assert run.rc == 2
    assert "3 regions: 1 changed, 1 unchanged, 1 failed" in run.text
    account.faults()
    assert account.value("us-east-1") == "$None"
    # Nobody asked for its removal.
    assert list(account.roles()) == [f"/{OURS}"]
