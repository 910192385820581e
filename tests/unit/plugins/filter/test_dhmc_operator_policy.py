# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
import yaml
from ansible.errors import AnsibleFilterError

from ansible_collections.fleet.aws_ssm.plugins.filter import dhmc_operator_policy as plugin
from ansible_collections.fleet.aws_ssm.plugins.module_utils import _operator_policy as rules

dhmc_operator_policy = plugin.FilterModule().filters()["dhmc_operator_policy"]
ACCOUNT = "111122223333"


def test_a_list_and_a_string_give_the_same_document():
    from_list = dhmc_operator_policy(["eu-west-1", "us-east-1"], account=ACCOUNT)
    assert dhmc_operator_policy("eu-west-1, us-east-1", account=ACCOUNT) == from_list
    assert dhmc_operator_policy(iter(["eu-west-1", "us-east-1"]), account=ACCOUNT) == from_list
    assert [row["Sid"] for row in from_list["Statement"]] == ["SettingInTheseRegions", "PassRole"]


def test_empty_options_are_not_set():
    empty = dict.fromkeys((*rules.OPTIONS[1:],), "")
    assert dhmc_operator_policy("eu-west-1", account=ACCOUNT, **empty) == dhmc_operator_policy(
        "eu-west-1", account=ACCOUNT
    )


def test_wrong_input_is_an_error_of_the_filter_or_comes_back():
    with pytest.raises(AnsibleFilterError, match=r"^regions: 'eu-wset-1' is not an AWS region. Did you mean eu-west-1"):
        dhmc_operator_policy("eu-wset-1", account=ACCOUNT)
    with pytest.raises(AnsibleFilterError, match=r"^account: '' is not an account id: give its 12 digits"):
        dhmc_operator_policy("eu-west-1")
    found = dhmc_operator_policy("eu-west-1", account=ACCOUNT, feature="x", errors="return")
    assert found.startswith("feature: 'x' is not one of settings")


def test_an_option_that_there_is_not():
    with pytest.raises(
        AnsibleFilterError, match=r"^dhmc_operator_policy has no option rol: give account, partition, role"
    ):
        dhmc_operator_policy("eu-west-1", account=ACCOUNT, rol="x")


def test_without_botocore(monkeypatch):
    monkeypatch.setattr(plugin, "HAS_BOTOCORE", False)
    with pytest.raises(AnsibleFilterError, match="needs botocore on the controller"):
        dhmc_operator_policy("eu-west-1", account=ACCOUNT)


def test_the_documentation_has_every_option_feature_and_default():
    options = yaml.safe_load(plugin.DOCUMENTATION)["options"]
    assert set(options) == {"_input", "feature", "errors", *rules.OPTIONS}
    assert options["feature"]["choices"] == list(rules.FEATURES)
    assert options["role"]["default"] == rules.DEFAULT_ROLE
    assert options["instance_profile"]["default"] == rules.DEFAULT_PROFILE
    assert options["s3_policy"]["default"] == rules.DEFAULT_S3_POLICY
    assert options["name_prefix"]["default"] == rules.DEFAULT_PREFIX
