# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of reasons: a fix has a command that can be copied as it is, or it is words."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest
import yaml

from ansible_collections.fleet.aws_ssm.plugins.module_utils._readiness_reasons import (
    REASONS,
    SEVERITIES,
    fix_of,
    reason,
)
from ansible_collections.fleet.aws_ssm.plugins.module_utils._report_words import fix_parts

ONE = {"region": "eu-west-1", "role": "service-role/R", "instance": "i-1", "profile": "Web", "vpc": "vpc-1",
       "subnet": "subnet-1", "endpoint": "vpce-1", "group": "sg-1", "endpoint_group": "sg-e",
       "services": "ssm"}  # fmt: skip
TWO = {key: f"{value}2" for key, value in ONE.items()}
MODULE = Path(__file__).resolve().parents[4] / "plugins" / "modules" / "ssm_managed_instance_info.py"
# Each reason with each of its fixes.
FIXES = [(code, variant) for code, kind in REASONS.items() for variant in ("", *kind.variants)]
COMMANDS = [(code, variant) for code, variant in FIXES
            if (REASONS[code].variants[variant] if variant else REASONS[code].fix).command]  # fmt: skip


def fix(code, *occurrences, variant="", **given):
    return fix_of([reason(code, "", variant=variant, **names) for names in occurrences], **given)


@pytest.mark.parametrize(("code", "variant"), FIXES)
@pytest.mark.parametrize("occurrences", [[ONE], [ONE, TWO], [ONE, TWO] * 50, [{"region": "eu-west-1"}]])
def test_no_fix_leaves_a_name_to_be_filled_in(code, variant, occurrences):
    found = fix(code, *occurrences, variant=variant)
    assert re.findall(r"\{\w+\}|%s|\b[A-Z]{5,}\b", found.line) == []
    assert fix_parts({"fix": found.line, "command": found.command}) == (
        (found.before, found.command, found.after) if found.command else (found.line, "", "")
    )
    assert found.line


@pytest.mark.parametrize(("code", "variant"), COMMANDS)
def test_a_command_is_shown_where_all_names_are_known(code, variant):
    words = shlex.split(fix(code, ONE, variant=variant).command)
    assert words[0] in ("ansible-playbook", "ansible", "aws")
    assert fix(code, {}, variant=variant).command == ""


@pytest.mark.parametrize(("code", "variant"), FIXES)
def test_every_command_that_replaces_something_names_the_backup(code, variant):
    command = fix(code, ONE, variant=variant, backup="undo/it.json").command
    if command.startswith("ansible-playbook"):
        assert shlex.split(command)[:6] == [
            "ansible-playbook",
            "fleet.aws_ssm.enable_ssm",
            "-e",
            "ssm_regions=eu-west-1",
            "-e",
            "ssm_backup_file=undo/it.json",
        ]
    elif command.startswith("ansible "):
        # An association with the same profile replaces nothing.
        assert ("backup_file=undo/it.json" in command) is (code != "profile_recreated")


def test_a_path_with_spaces_stays_one_value():
    command = fix("dhmc_off", ONE, backup="my backup's file.json").command
    assert json.loads(shlex.split(command)[-1]) == {"ssm_backup_file": "my backup's file.json"}
    assert fix("imds_off", ONE, backup="my backup.json").command == ""


def test_what_one_command_can_not_do_is_said():
    assert fix("dhmc_role_untrusted", ONE, TWO).line == (
        "Each role needs a command of its own (2 roles): see the instances."
    )
    assert "Each VPC endpoint needs" in fix("private_dns_off", ONE, {**ONE, "endpoint": "vpce-2"}).line
    assert "instance_ids=i-1,i-12 " in fix("profile_recreated", ONE, {**ONE, "instance": "i-12"}).command
    mixed = [reason("private_dns_off", "", **ONE), reason("private_dns_off", "", variant="vpc", **ONE)]
    assert (fix_of(mixed).command, fix_of(mixed).line) == (
        "",
        "What fixes it is not the same for all: see the instances.",
    )


@pytest.mark.parametrize("code", ["profile_half_grants", "profile_untrusted"])
def test_one_profile_of_several_regions_has_one_command(code):
    assert "region=eu-west-1 " in fix(code, ONE, {**ONE, "region": "us-east-1"}).command


@pytest.mark.parametrize(("code", "option", "state"), [
    ("imds_off", {"http_endpoint": "enabled"}, {"metadata-options.http-endpoint": "disabled"}),
    ("imdsv1_allowed", {"http_tokens": "required"},
     {"metadata-options.http-tokens": "optional", "metadata-options.http-endpoint": "enabled"}),
])  # fmt: skip
def test_many_instances_are_named_by_their_state(code, option, state):
    some = [{**ONE, "instance": f"i-{number}"} for number in range(101)]
    assert fix(code, *some[:100]).command.count("i-") == 100
    words = shlex.split(fix(code, *some).command)
    assert json.loads(words[-1]) == {
        "filters": {**state, "instance-state-name": "running"},
        **option,
        "regions": "eu-west-1",
        "backup_file": "before.json",
    }
    assert "too many for one command (101 instances)" in fix("profile_recreated", *some).line


def test_a_long_list_in_a_sentence_is_cut():
    many = [{**ONE, "vpc": f"vpc-{number}"} for number in range(9)]
    assert "in vpc-0, vpc-1, vpc-2 and 6 more, with" in fix("missing_vpc_endpoints", *many).line
    assert "in its VPC, with" in fix("missing_vpc_endpoints", {"region": "eu-west-1"}).line


@pytest.mark.parametrize("bad", ["R; rm -rf ~", "$(id)", "`id`", "a b", "a'b", 'a"b', "a\nb", "\u202eR", "{{ 7 }}"])
@pytest.mark.parametrize(("code", "name"), [
    ("dhmc_role_untrusted", "role"),
    ("profile_blocks_dhmc", "profile"),
    ("profile_half_grants", "profile"),
    ("endpoint_group_closed", "group"),
])  # fmt: skip
def test_no_command_is_shown_that_a_shell_or_ansible_would_take_for_another(code, name, bad):
    found = fix(code, {**ONE, name: bad})
    assert found.line.startswith("No command is shown")
    assert (found.command, bad in found.line) == ("", False)
    # It says what to do all the same.
    assert found.line.endswith(REASONS[code].fix.instead)


def test_a_name_with_a_comma_is_a_name_unless_it_stands_in_a_list():
    assert "instance_profile=a,b " in fix("profile_half_grants", {**ONE, "profile": "a,b"}).command
    assert "name=a,b " in fix("dhmc_role_untrusted", {**ONE, "role": "a,b"}).command
    assert fix("profile_blocks_dhmc", {**ONE, "profile": "a,b"}).command == ""


def test_the_table_gives_the_usual_severity():
    assert {kind.severity for kind in REASONS.values()} <= set(SEVERITIES)
    assert reason("imds_off", "").row()["severity"] == "blocking"
    assert reason("profile_unclear", "", "info").row()["severity"] == "info"


def test_the_module_documents_every_reason():
    documentation = yaml.safe_load(MODULE.read_text(encoding="utf-8").split('DOCUMENTATION = r"""')[1].split('"""')[0])
    (note,) = [note for note in documentation["notes"] if note.startswith("The reasons:")]
    assert re.findall(r"V\((\w+)\)", note) == list(REASONS)
