# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
import yaml
from ansible.errors import AnsibleFilterError

from ansible_collections.fleet.aws_ssm.plugins.doc_fragments.operator_policy import ModuleDocFragment
from ansible_collections.fleet.aws_ssm.plugins.filter import operator_policy_document as plugin
from ansible_collections.fleet.aws_ssm.plugins.module_utils import _operator_policy as rules
from ansible_collections.fleet.aws_ssm.plugins.modules import operator_policy_info

operator_policy_document = plugin.FilterModule().filters()["operator_policy_document"]
ACCOUNT = "111122223333"


def test_a_list_and_a_string_give_the_same_document():
    from_list = operator_policy_document(["eu-west-1", "us-east-1"], account=ACCOUNT)
    assert operator_policy_document("eu-west-1, us-east-1", account=ACCOUNT) == from_list
    assert operator_policy_document(iter(["eu-west-1", "us-east-1"]), account=ACCOUNT) == from_list
    assert [row["Sid"] for row in from_list["Statement"]] == ["SettingInTheseRegions", "PassRole"]


def test_empty_options_are_not_set():
    empty = dict.fromkeys((*rules.OPTIONS[1:],), "")
    assert operator_policy_document("eu-west-1", account=ACCOUNT, **empty) == operator_policy_document(
        "eu-west-1", account=ACCOUNT
    )


def test_wrong_input_is_an_error_of_the_filter():
    with pytest.raises(AnsibleFilterError, match=r"^regions: 'eu-wset-1' is not an AWS region. Did you mean eu-west-1"):
        operator_policy_document("eu-wset-1", account=ACCOUNT)
    with pytest.raises(AnsibleFilterError, match=r"^account: '' is not an account id: give its 12 digits"):
        operator_policy_document("eu-west-1")
    with pytest.raises(AnsibleFilterError, match=r"^feature: 'x' is not one of settings"):
        operator_policy_document("eu-west-1", account=ACCOUNT, feature="x")


def test_an_option_that_there_is_not():
    with pytest.raises(
        AnsibleFilterError, match=r"^operator_policy_document has no option rol: give account, partition, role"
    ):
        operator_policy_document("eu-west-1", account=ACCOUNT, rol="x")


def test_without_botocore(monkeypatch):
    monkeypatch.setattr(plugin, "HAS_BOTOCORE", False)
    with pytest.raises(AnsibleFilterError, match="needs botocore on the controller"):
        operator_policy_document("eu-west-1", account=ACCOUNT)


def test_the_documentation_has_every_option_feature_and_default():
    shared = yaml.safe_load(ModuleDocFragment.DOCUMENTATION)["options"]
    options = {**yaml.safe_load(plugin.DOCUMENTATION)["options"], **shared}
    assert set(options) == {"_input", "feature", *rules.OPTIONS}
    module = yaml.safe_load(operator_policy_info.DOCUMENTATION)["options"]
    assert set(module) | set(shared) == {"features", "regions", "labels", *rules.OPTIONS}
    assert options["feature"]["choices"] == list(rules.FEATURES)
    assert options["role"]["default"] == rules.DEFAULT_ROLE
    assert options["instance_profile"]["default"] == rules.DEFAULT_PROFILE
    assert options["s3_policy"]["default"] == rules.DEFAULT_S3_POLICY
    assert options["name_prefix"]["default"] == rules.DEFAULT_PREFIX
