# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.fleet.aws_ssm.plugins.module_utils import _service_setting as rules
from ansible_collections.fleet.aws_ssm.plugins.module_utils._errors import InputError

DHMC = rules.DHMC
TIER = "/ssm/parameter-store/default-parameter-tier"
OPSCENTER = "/ssm/opsinsights/opscenter"
SEGMENT = st.from_regex(r"[A-Za-z0-9_.-]{1,12}", fullmatch=True)
IDS = st.lists(SEGMENT, min_size=1, max_size=5).map(lambda parts: "/ssm/" + "/".join(parts))
REGION = st.from_regex(r"[a-z]{2}-[a-z]{4,7}-[1-9]", fullmatch=True)
ACCOUNT = st.from_regex(r"[0-9]{12}", fullmatch=True)


@given(path=IDS, partition=st.sampled_from(["aws", "aws-cn", "aws-us-gov"]), region=REGION, account=ACCOUNT)
def test_path_and_arn_of_a_setting_are_turned_into_the_same_id(path, partition, region, account):
    arn = f"arn:{partition}:ssm:{region}:{account}:servicesetting{path}"
    assert rules.setting_id(arn) == (path, region, account)
    assert rules.setting_id(f" {arn}\n") == (path, region, account)
    assert rules.setting_id(path) == rules.setting_id(path[1:]) == (path, None, None)


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        "/",
        "/ssm",
        "/ssm/",
        "/ssm//x",
        "/ssm/x/",
        "/other/x",
        "/ssm/x y",
        "/ssm/" + "x" * 1000,
        "arn:aws:ssm:eu-west-1:123456789012:parameter/ssm/x",
        "arn:aws:ssm:eu-west-1:1234:servicesetting/ssm/x",
        "arn:aws:ssm:eu-west-1:123456789012:servicesetting/ssm/x y",
        "/ssm/x\n/ssm/y",
    ],
)
def test_what_is_no_setting_id_is_refused_in_one_line(wrong):
    with pytest.raises(InputError) as caught:
        rules.setting_id(wrong)
    assert str(caught.value).startswith("setting: ")
    assert repr(wrong) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("setting", [setting for setting, known in rules.SETTINGS.items() if known.allowed])
def test_documented_values_are_allowed_in_their_own_case_only(setting):
    for value in rules.SETTINGS[setting].allowed:
        assert rules.check_value(setting, value) == value
        with pytest.raises(InputError, match=f"value: '{value.swapcase()}' is not allowed for {setting}: use one of"):
            rules.check_value(setting, value.swapcase())


def test_a_default_is_one_of_the_allowed_values():
    for known in rules.SETTINGS.values():
        assert known.default is None or known.default in known.allowed


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("service-role/Role", "service-role/Role"),
        ("/service-role/Role", "service-role/Role"),
        ("/Role", "Role"),
        ("arn:aws-cn:iam::123456789012:role/a/b/Role", "a/b/Role"),
    ],
)
def test_a_role_is_taken_by_name_path_or_arn(value, expected):
    assert rules.check_value(DHMC, value) == expected


@pytest.mark.parametrize(
    ("setting", "value", "words"),
    [
        (DHMC, "$None", ["value", "$None", "state=default"]),
        (DHMC, "x" * 65, ["value", "65", "64"]),
        (DHMC, "arn:aws:iam::123456789012:user/x", ["value", "user/x", "ARN"]),
        ("/ssm/a/b", "", ["value", "4096", "state=default"]),
        ("/ssm/a/b", "x" * 4097, ["value", "4096"]),
    ],
)
def test_a_wrong_value_is_refused_with_the_option_and_what_to_do(setting, value, words):
    with pytest.raises(InputError) as caught:
        rules.check_value(setting, value)
    assert [word for word in words if word not in str(caught.value)] == []


def test_the_value_of_an_unknown_setting_is_passed_on():
    assert rules.check_value("/ssm/new/setting", "Anything") == "Anything"


@pytest.mark.parametrize("value", ["$None", "", None])
def test_what_aws_shows_for_unset_is_read_as_unset(value):
    answer = {"ServiceSetting": {"SettingValue": value, "Status": "Customized"}}
    assert rules.read_setting("eu-west-1", answer).value is None


def test_a_setting_is_read_with_a_date_that_json_can_carry():
    when = dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.UTC)
    answer = {
        "SettingValue": "x",
        "Status": "Default",
        "ARN": "arn",
        "LastModifiedUser": "me",
        "LastModifiedDate": when,
    }
    assert rules.read_setting("eu-west-1", {"ServiceSetting": answer}) == rules.Setting(
        "eu-west-1", "x", "Default", "arn", "me", "2026-01-02T03:04:05+00:00"
    )


def one_step(setting, holds, status=None, **asked):
    """The step for a region that holds a value."""
    wanted = rules.wanted_everywhere(setting, ["r"], **{"state": "present", "value": None, "overwrite": False, **asked})
    return rules.plan(setting, [rules.Setting("r", holds, status)], wanted)[0]


@pytest.mark.parametrize("status", ["Default", "Custom", "Customized", "PendingUpdate", None])
def test_the_value_decides_and_never_the_status(status):
    assert one_step(DHMC, "Ours", status, value="Ours").operation == "keep"
    assert one_step(DHMC, None, status, value="Ours").operation == "update"
    assert one_step(DHMC, None, status, state="default").operation == "keep"
    assert one_step(TIER, "Standard", status, state="default").operation == "keep"
    assert one_step(TIER, "Advanced", status, state="default").operation == "reset"


def test_a_role_of_somebody_else_is_refused_with_its_owner_and_the_way_out():
    quick_setup = "AWS-QuickSetup-SSM-DefaultEC2MgmtRole-eu-west-1"
    step = one_step(DHMC, quick_setup, value="Ours")
    assert (step.operation, step.before, step.after) == ("refuse", quick_setup, quick_setup)
    assert [word for word in (quick_setup, "Quick Setup", "overwrite") if word not in step.reason] == []
    assert "someone else" in one_step(DHMC, "Theirs", value="Ours").reason
    assert one_step(DHMC, "Theirs", value="Ours", overwrite=True).operation == "update"


def test_the_same_role_spelled_with_another_path_is_put_right():
    step = one_step(DHMC, "Ours", value="service-role/Ours")
    assert (step.operation, step.before, step.after) == ("update", "Ours", "service-role/Ours")


def test_default_with_a_value_resets_only_regions_that_hold_it():
    assert one_step(DHMC, "Ours", state="default", value="Ours").operation == "reset"
    left = one_step(DHMC, "Theirs", state="default", value="Ours")
    assert (left.operation, left.after) == ("keep", "Theirs")
    assert "left alone: holds Theirs" in left.reason
    assert one_step(DHMC, "Theirs", state="default", value="Ours", overwrite=True).operation == "reset"
    assert one_step(DHMC, "Theirs", state="default").operation == "reset"


def test_default_with_a_value_also_resets_the_same_role_spelled_otherwise():
    # Regression: the rule "the same name is the same role" held for state=present only, so disabling left DHMC on.
    assert one_step(DHMC, "Ours", state="default", value="service-role/Ours").operation == "reset"


def test_a_setting_whose_default_is_not_documented_is_reset_by_its_status():
    assert one_step(OPSCENTER, "Enabled", "Customized", state="default").operation == "reset"
    assert one_step(OPSCENTER, "Disabled", "Default", state="default").operation == "keep"
