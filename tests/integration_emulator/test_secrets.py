# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""No secret key and no session token is printed at the highest verbosity, nor is one in any file that is left."""

from __future__ import annotations

import json

import pytest
import yaml

SECRET = "known/Secret+Key0123456789abcdefghijklmnop"
TOKEN = "known-Session-Token/0123456789+abcdef=="
VARIABLES = {
    "ssm_regions": "us-east-1,eu-west-1",
    "ssm_backup_file": "before.json",
    "ssm_report_directory": "reports",
    "ssm_wait": True,
    "ssm_wait_timeout": 1,
    "preflight_fix": "imdsv2",
}


def found(folder, run):
    """Where a secret is: in what was printed, or in a file."""
    places = [name for name, text in (("stdout", run.out), ("stderr", run.err)) if SECRET in text or TOKEN in text]
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink():
            content = path.read_bytes()
            places += [str(path) for secret in (SECRET, TOKEN) if secret.encode() in content]
    return places


def files_in(folder):
    """Every file that Ansible makes is in the folder that is searched; a module's own one, too."""
    return {
        "ANSIBLE_LOG_PATH": str(folder / "ansible.log"),
        "ANSIBLE_REMOTE_TMP": str(folder / ".ansible" / "tmp"),
        "TMPDIR": str(folder / "tmp"),
    }


@pytest.fixture
def fleet(account):
    account.client("ec2").run_instances(ImageId="ami-12345678", MinCount=1, MaxCount=1)
    (account.folder / "tmp").mkdir()
    return account


def test_keys_of_the_environment(fleet):
    env = {
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_SESSION_TOKEN": TOKEN,
        "ANSIBLE_PIPELINING": "false",
        # So that the modules, with all that they were given, stay in the temporary folders.
        "ANSIBLE_KEEP_REMOTE_FILES": "true",
        **files_in(fleet.folder),
    }
    words = ("ansible-playbook", "fleet.aws_ssm.enable_ssm", "-e", json.dumps(VARIABLES), "-vvvv")
    run = fleet.command(*words, env=env, timeout=600).ok()
    assert (fleet.folder / "before.json").exists()
    assert (fleet.folder / "reports" / "ssm-readiness.json").exists()
    assert list(fleet.folder.rglob("AnsiballZ_*")) != []
    assert found(fleet.folder, run) == []


def test_keys_of_the_options(fleet):
    keys = {"access_key": fleet.id, "secret_key": SECRET, "session_token": TOKEN}
    roles = ("fleet.aws_ssm.dhmc", "fleet.aws_ssm.readiness_report")
    play = {
        "hosts": "localhost",
        "connection": "local",
        "gather_facts": False,
        "module_defaults": {"group/fleet.aws_ssm.aws": keys},
        "tasks": [{"ansible.builtin.include_role": {"name": role}} for role in roles],
    }
    # Not in the folder that is searched.
    book = fleet.folder.parent / f"{fleet.id}.yml"
    book.write_text(yaml.safe_dump([play]), encoding="utf-8")
    env = {
        "AWS_ACCESS_KEY_ID": None,
        "AWS_SECRET_ACCESS_KEY": None,
        "ANSIBLE_PIPELINING": "false",
        **files_in(fleet.folder),
    }
    run = fleet.command("ansible-playbook", str(book), "-e", json.dumps(VARIABLES), "-vvvv", env=env, timeout=600).ok()
    assert (fleet.folder / "reports" / "ssm-readiness.json").exists()
    # What the modules were given is gone with them.
    assert list(fleet.folder.rglob("AnsiballZ_*")) == []
    assert found(fleet.folder, run) == []
    # The search finds what is there.
    planted = fleet.folder / ".ansible" / "planted"
    planted.write_text(f"x{TOKEN}x", encoding="utf-8")
    assert found(fleet.folder, run) == [str(planted)]
