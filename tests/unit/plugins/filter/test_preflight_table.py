# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of what keeps Default Host Management Configuration from working."""

from __future__ import annotations

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.fleet.aws_ssm.plugins.filter.preflight_table import preflight_table


def profile(name, answer="yes", *, instances=1, effect="Allow"):
    reason = {"policy": "Tools", "kind": "inline", "statement": "1", "effect": effect}
    return {
        "instance_profile": name,
        "role": f"{name}Role",
        "answer": answer,
        "instances": [{}] * instances,
        "permissions": [{"reasons": [reason, {**reason, "kind": "boundary"}]}],
    }


def host(name, **before):
    return {"instance_id": name, "region": "eu-west-1", "before": before}


def test_allowing_profiles_have_a_line_each_and_the_rest_is_counted():
    lines = preflight_table([profile("Web", instances=3), profile("Db", "maybe"), profile("Ok", "no")])
    assert [line.split() for line in lines[:3]] == [
        ["PROFILE", "ROLE", "INSTANCES", "ALLOWS", "IT", "THROUGH"],
        ["Web", "WebRole", "3", "yes", "Tools", "(inline,", "statement", "1)"],
        ["Db", "DbRole", "1", "maybe", "Tools", "(inline,", "statement", "1)"],
    ]
    assert lines[3].startswith(
        "1 of 3 profiles allows ssm:UpdateInstanceInformation, so that 3 instances don't use DHMC; it is unclear for "
        "1 more instance; "
    )


def test_instances_count_by_their_own_answers():
    mixed = {**profile("Web", "maybe"), "instances": [{"answer": one} for one in ("yes", "no", "maybe", "maybe")]}
    assert "so that 1 instance doesn't use DHMC; it is unclear for 2 more instances" in preflight_table([mixed])[-1]


def test_instances_say_what_is_wrong_with_their_metadata_service():
    hosts = [
        host("i-1", http_endpoint="disabled", http_tokens="optional"),
        host("i-2", http_endpoint="enabled", http_tokens="optional"),
    ]
    lines = preflight_table([], hosts)
    assert "i-1" in lines[1]
    assert "the metadata service is off" in lines[1]
    assert "takes IMDSv1" in lines[2]
    assert lines[3].endswith("1 instance has no metadata service, 1 takes IMDSv1")


def test_one_is_not_many():
    last = preflight_table([profile("Web")])[-1]
    assert last == (
        "1 of 1 profile allows ssm:UpdateInstanceInformation, so that 1 instance doesn't use DHMC; "
        "0 instances have no metadata service, 0 take IMDSv1"
    )


def test_what_aws_returns_can_not_reach_the_terminal_raw():
    bad = "a\x1b[2J\u202eb\x9bm\nc"
    hostile = profile(f"Web{bad}")
    hostile["permissions"][0]["reasons"][0]["policy"] = bad
    lines = preflight_table([hostile], [host(bad, http_endpoint="disabled")], [f"eu-west-1: {bad}"])
    assert all(line.isprintable() for line in lines)
    assert len(lines) == 6


def test_long_lists_are_cut_and_what_could_not_be_read_is_said():
    lines = preflight_table([profile(f"P{number}") for number in range(30)], [], ["eu-west-1: denied"], most=5)
    assert sum(line.startswith("P") for line in lines) == 1 + 5
    assert "... and 25 more profiles" in lines
    assert lines[-1] == "NOT ALL COULD BE READ: eu-west-1: denied"


@pytest.mark.parametrize("wrong", ["text", {"profiles": []}, [1]])
def test_what_is_no_list_of_profiles_is_refused(wrong):
    with pytest.raises(AnsibleFilterError, match="preflight_table takes the list 'profiles'"):
        preflight_table(wrong)
