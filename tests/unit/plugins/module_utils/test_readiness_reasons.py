# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixes: a command that can be copied as it is, or a sentence."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest
import yaml

from ansible_collections.fleet.aws_ssm.plugins.module_utils._readiness_reasons import FIXES, TITLES, fix_of
from ansible_collections.fleet.aws_ssm.plugins.module_utils._report_words import fix_parts

ONE = {"region": "eu-west-1", "role": "service-role/R", "instance": "i-1", "profile": "Web", "vpc": "vpc-1",
       "subnet": "subnet-1"}  # fmt: skip
TWO = {key: f"{value}2" for key, value in ONE.items()}
MODULE = Path(__file__).resolve().parents[4] / "plugins" / "modules" / "ssm_managed_instance_info.py"


@pytest.mark.parametrize("code", FIXES)
@pytest.mark.parametrize("occurrences", [[ONE], [ONE, TWO], [ONE, TWO] * 50])
def test_no_fix_leaves_a_name_to_be_filled_in(code, occurrences):
    fix = fix_of(code, occurrences)
    assert not {"REGION", "REGIONS", "ROLE", "PROFILE", "INSTANCE", "INSTANCES", "PROFILES", "ID"} & set(
        fix.replace("=", " ").split()
    )
    assert "{" not in fix


@pytest.mark.parametrize("code", FIXES)
def test_every_command_that_replaces_something_names_the_backup(code):
    command = fix_parts(fix_of(code, [ONE], "undo/it.json"))[1]
    if command.startswith("ansible-playbook"):
        assert "-e ssm_backup_file=undo/it.json" in command
        assert shlex.split(command)[:4] == [
            "ansible-playbook",
            "fleet.aws_ssm.enable_ssm",
            "-e",
            "ssm_regions=eu-west-1",
        ]


def test_a_path_with_spaces_stays_one_value():
    command = fix_of("dhmc_off", [ONE], "my backup's file.json")
    assert json.loads(shlex.split(command)[-1]) == {"ssm_backup_file": "my backup's file.json"}


def test_what_one_command_can_not_do_is_said():
    assert (
        fix_of("dhmc_role_untrusted", [ONE, TWO])
        == "Each role needs a command of its own (2 roles): see the instances."
    )
    assert "instance_ids=i-1,i-12 " in fix_of("profile_recreated", [ONE, {**ONE, "instance": "i-12"}])


def test_a_long_list_in_a_sentence_is_cut():
    many = [{**ONE, "vpc": f"vpc-{number}"} for number in range(9)]
    assert "in vpc-0, vpc-1, vpc-2 and 6 more, with" in fix_of("missing_vpc_endpoints", many)
    assert "in its VPC, with" in fix_of("missing_vpc_endpoints", [{"region": "eu-west-1"}])


@pytest.mark.parametrize(
    "bad", ["R; rm -rf ~", "$(id)", "`id`", "a b", "a'b", 'a"b', "a\nb", "\u202eR", "{{ 7 }}", "a,b"]
)
@pytest.mark.parametrize(("code", "field"), [("dhmc_role_untrusted", "role"), ("profile_blocks_dhmc", "profile")])
def test_no_command_is_shown_that_a_shell_or_ansible_would_take_for_another(code, field, bad):
    fix = fix_of(code, [{**ONE, field: bad}])
    assert fix.startswith("No command is shown")
    assert bad not in fix


def test_the_module_documents_every_reason():
    documentation = yaml.safe_load(MODULE.read_text(encoding="utf-8").split('DOCUMENTATION = r"""')[1].split('"""')[0])
    notes = " ".join(documentation["notes"])
    assert [code for code in TITLES if f"V({code})" not in notes] == []
