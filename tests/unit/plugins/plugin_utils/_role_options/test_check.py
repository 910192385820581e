# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The variables of a role or a playbook together: defaults, where a value comes from, and what must hold for them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.fleet.aws_ssm.plugins.module_utils._errors import InputError
from ansible_collections.fleet.aws_ssm.plugins.plugin_utils._role_options.check import read_playbook, read_role
from ansible_collections.fleet.aws_ssm.plugins.plugin_utils._role_options.playbooks import PLAYBOOKS
from ansible_collections.fleet.aws_ssm.plugins.plugin_utils._role_options.roles import ROLES


def role(name, state="", **variables):
    return read_role(name, variables.get, variables, state)


def playbook(name, **variables):
    return read_playbook(name, variables.get, variables)


def refused(read, *args, **variables):
    with pytest.raises(InputError) as caught:
        read(*args, **variables)
    return str(caught.value)


@pytest.mark.parametrize("name", ROLES)
@pytest.mark.parametrize("empty", ["", None, " "])
def test_empty_answers_stand_for_the_defaults_of_every_variable(name, empty):
    wanted = {option.name for option in ROLES[name].options}
    assert role(name, **dict.fromkeys(wanted, empty)) == role(name)


@pytest.mark.parametrize("name", PLAYBOOKS)
def test_empty_answers_to_every_question_of_a_playbook_change_nothing(name):
    tables = [PLAYBOOKS[name], *(ROLES[one] for one in PLAYBOOKS[name].roles)]
    wanted = {option.name for table in tables for option in table.options}
    assert playbook(name, **dict.fromkeys(wanted, "")) == playbook(name)


def test_a_role_takes_what_the_roles_share_unless_it_has_its_own():
    shared = {"ssm_regions": "eu-west-1", "ssm_tags": {"team": "a"}}
    assert role("dhmc", **shared)["regions"] == ["eu-west-1"]
    assert role("dhmc", dhmc_regions="", dhmc_role_tags=None, **shared)["role_tags"] == {"team": "a"}
    assert role("dhmc", dhmc_regions=["us-east-1"], **shared)["regions"] == ["us-east-1"]


def test_an_error_names_the_variable_that_holds_the_value():
    # In a role the default of dhmc_regions is the value of ssm_regions.
    assert refused(role, "dhmc", dhmc_regions="here", ssm_regions="here").startswith("ssm_regions: 'here' ")
    assert refused(role, "dhmc", dhmc_regions="here", ssm_regions="eu-west-1").startswith("dhmc_regions: 'here' ")


def test_all_that_is_wrong_is_told_in_one_line():
    message = refused(playbook, "enable_ssm", ssm_region="x", ssm_mode="DHMC", preflight_timeout="abc")
    assert message == (
        "ssm_region: there is no such variable. Did you mean ssm_regions? | "
        "preflight_timeout: 'abc' is not a whole number of seconds from 1 to 86400. | "
        "ssm_mode: 'DHMC' is not one of dhmc, instance_profile, both. Did you mean dhmc? Nothing was changed."
    )


def test_a_value_that_several_roles_share_is_complained_of_once():
    assert refused(playbook, "enable_ssm", ssm_tags="owner=x") == (
        'ssm_tags: \'owner=x\' is not a dictionary: give one, such as {"team": "a"}. Nothing was changed.'
    )


def test_what_an_entry_point_is_for_is_no_variable():
    for given_state in ("present", "", "nonsense"):
        assert role("dhmc", state="absent", dhmc_state=given_state)["state"] == "absent"
    assert role("dhmc", dhmc_state="absent")["state"] == "absent"
    assert "mode" not in playbook("attach_instance_profile", ssm_mode="dhmc")


def test_an_empty_answer_does_not_undo_a_playbooks_wiring():
    wired = {"instance_profile_name": "Mine", "__ssm_attach_to": ["dhmc_role"]}
    assert role("profile_association", profile_association_instance_profile="", **wired)["instance_profile"] == "Mine"
    assert role("s3_policy", s3_policy_attach_to="", **wired)["attach_to"] == ["dhmc_role"]
    assert role("s3_policy", s3_policy_attach_to="none", **wired)["attach_to"] == []


def test_a_fix_needs_a_backup_where_it_is_made():
    message = refused(role, "preflight", preflight_fix="imds")
    assert message.startswith("preflight_fix: imds needs a backup")
    assert role("preflight", preflight_fix="imds", ssm_backup_file="x.json")["fix"] == ["imds"]
    assert refused(role, "preflight", state="restored").startswith("preflight_backup_file: is empty")
    # The same variables, kept in a file for both playbooks.
    assert playbook("disable_ssm", preflight_fix="imds")["mode"] == "dhmc"


@pytest.mark.parametrize("mode", ["both", "instance_profile"])
def test_a_mode_and_a_fix_that_undo_each_other_are_refused(mode):
    given_variables = {"ssm_mode": mode, "preflight_fix": "permissions", "ssm_backup_file": "x.json"}
    assert refused(playbook, "enable_ssm", **given_variables) == (
        f"preflight_fix: permissions takes away what ssm_mode={mode} gives: use ssm_mode=dhmc. Nothing was changed."
    )


def test_a_backup_is_never_where_the_report_is_written(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    same = {"ssm_backup_file": "out/ssm-readiness.json", "ssm_report_directory": "out"}
    assert "is where the report is going to be written" in refused(playbook, "enable_ssm", **same)
    assert playbook("enable_ssm", ssm_report="no", **same)["report"] is False
    assert "name the JSON file of a report" in refused(
        playbook, "enable_ssm", ssm_backup_file="a.json", ssm_report_baseline=str(tmp_path / "a.json")
    )


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5) | st.none(), inner, max_size=3),
    max_leaves=6,
)


@given(st.data())
def test_whatever_is_given_there_are_options_or_one_line(data):
    table = data.draw(st.sampled_from(list(ROLES.values())))
    option = data.draw(st.sampled_from(table.options))
    value = data.draw(ANYTHING)
    try:
        found = role(table.name, **{option.name: value})
    except InputError as error:
        message = str(error)
        assert message.startswith((f"{option.name}: ", "preflight_backup_file: "))
        assert message.endswith("Nothing was changed.")
        assert message.isprintable()
    else:
        assert set(found) == {table.key(one) for one in table.options}
