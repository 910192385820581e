# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which names are slips: every variable with a letter too many or too few is, and none that the collection has."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.fleet.aws_ssm.plugins.plugin_utils._role_options.names import (
    KNOWN,
    OPTIONS,
    PREFIXES,
    misspelt,
)

ROOT = Path(__file__).resolve().parents[5]
# Variables that roles and playbooks set for their users, wherever a task does so.
_SET = re.compile(r"^\s+(?:register:\s*)?([a-z][a-z0-9_]*)(?::|$)", re.MULTILINE)


def test_no_variable_and_no_result_of_the_collection_is_a_slip():
    assert misspelt(KNOWN) == {}


def test_no_name_that_a_role_or_playbook_sets_is_a_slip():
    texts = [path.read_text(encoding="utf-8") for path in ROOT.glob("roles/*/[tv]a*/*.yml")]
    texts += [path.read_text(encoding="utf-8") for path in ROOT.glob("playbooks/**/*.yml")]
    names = {name for text in texts for name in _SET.findall(text)}
    assert "dhmc_result" in names
    assert misspelt(names) == {}


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("ssm_region", "ssm_regions"),
        ("ssm_backupfile", "ssm_backup_file"),
        ("ssm_mdoe", "ssm_mode"),
        ("ssm_wait_time", "ssm_wait_timeout"),
        ("ssm_tag", "ssm_tags"),
        ("dhmc_region", "dhmc_regions"),
        ("dhmc_regoin", "dhmc_regions"),
        ("dhcm_state", "dhmc_state"),
        ("dhmc_role_manged_policies", "dhmc_role_managed_policies"),
        ("preflight_fixes", "preflight_fix"),
        ("instance_profile_names", "instance_profile_name"),
        ("profile_association_instance_profiles", "profile_association_instance_profile"),
        ("s3_policy_atach_to", "s3_policy_attach_to"),
        ("operator_policy_feature", "operator_policy_features"),
        ("readiness_report_format", "readiness_report_formats"),
        ("audit_ssm_failunder", "audit_ssm_fail_under"),
    ],
)
def test_a_slip_names_the_variable_that_is_meant(wrong, right):
    assert misspelt([wrong]) == {wrong: right}


@pytest.mark.parametrize(
    "own",
    [
        "ssm_document",
        "ssm_port",
        "ssm_demo",
        "ssm_regions_2",
        "ssm_parameter_prefix",
        "ssm_agent_version",
        "ssm_wait_results",
        "dhcp_state",
        "dhmc_stage",
        "instance_profile_arn",
        "region",
        "aws_region",
        "regions",
        "preflight_done",
        "s3_policy_document_file",
        "readiness_report_url",
        "__dhmc_regio",
    ],
)
def test_a_name_that_is_not_close_to_any_is_somebodys_own(own):
    assert misspelt([own]) == {}


# What is left of `fix` is no word any more.
@given(st.sampled_from(sorted(OPTIONS - {"preflight_fix", "instance_profile_fix"})), st.data())
def test_a_letter_too_few_behind_the_prefix_is_always_found(name, data):
    prefix = max((one for one in PREFIXES if name.startswith(one)), key=len)
    place = data.draw(st.integers(len(prefix), len(name) - 1))
    wrong = name[:place] + name[place + 1 :]
    if wrong not in KNOWN:
        assert misspelt([wrong])[wrong] in OPTIONS
