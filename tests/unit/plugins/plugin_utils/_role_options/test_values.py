# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What each kind of variable may be, given as YAML has it and as an AWX survey hands it over."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.fleet.aws_ssm.plugins.module_utils._errors import InputError
from ansible_collections.fleet.aws_ssm.plugins.module_utils._iam_names import PROFILE, ROLE
from ansible_collections.fleet.aws_ssm.plugins.plugin_utils._role_options import iam, values

SECONDS = values.whole("seconds", 1, 86400)
PERCENT = values.number("percentage", 0, 100, unit="%")
FIXES = values.names("fixes", ("permissions", "imdsv2", "imds"))
DOCUMENT = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:Get*", "Resource": "*"}]}
JSON = '{"Statement": {"Effect": "Deny", "NotAction": "*", "Resource": "*"}}'


@pytest.mark.parametrize(
    ("parse", "given", "expected"),
    [
        (values.boolean, True, True),
        (values.boolean, " Yes\n", True),
        (values.boolean, 0, False),
        (values.boolean, "off", False),
        (SECONDS, "300", 300),
        (SECONDS, 300.0, 300),
        (SECONDS, " 1 ", 1),
        (PERCENT, "95%", 95),
        (PERCENT, "99.5 %", 99.5),
        (PERCENT, 0, 0),
        (values.choice("dhmc", "both"), " both\n", "both"),
        (FIXES, "imds, permissions\nimds", ["imds", "permissions"]),
        (FIXES, ["imdsv2", "imds,permissions"], ["imdsv2", "imds", "permissions"]),
        (values.regions, "eu-west-1,us-gov-west-1, cn-north-1,", ["eu-west-1", "us-gov-west-1", "cn-north-1"]),
        (values.regions, ["ALL"], ["all"]),
        (values.instance_ids, "i-0123456789abcdef0\ni-01234567", ["i-0123456789abcdef0", "i-01234567"]),
        (values.filters, '{"tag:role": ["a", "b"]}', {"tag:role": ["a", "b"]}),
        (values.text(20), 5, "5"),
        (iam.tags, {"team": "a", "size": 3, "on": True}, {"team": "a", "size": "3", "on": "True"}),
        (iam.tags, '{"team": "a"}', {"team": "a"}),
        (iam.iam_path, "service-role", "/service-role/"),
        (iam.iam_path, "//", "/"),
        # A name of IAM may have a comma, so a list is not split again.
        (iam.iam_names(ROLE, "roles"), ["a,b", "c"], ["a,b", "c"]),
        (iam.iam_names(ROLE, "roles"), "a,b", ["a", "b"]),
        (iam.iam_names(ROLE, "roles", wildcard=True), "*", ["*"]),
        (
            iam.iam_name(PROFILE),
            "arn:aws:iam::123456789012:instance-profile/x/P",
            "arn:aws:iam::123456789012:instance-profile/x/P",
        ),
        (iam.documents, {"Mine": DOCUMENT}, {"Mine": DOCUMENT}),
        (iam.targets, "dhmc_role, role/x/R,none", ["dhmc_role", "role/x/R"]),
        (iam.buckets, "one-bucket,two-bucket", ["one-bucket", "two-bucket"]),
        (iam.buckets, {"name": "arn:aws-cn:s3:::mine"}, [{"name": "arn:aws-cn:s3:::mine"}]),
        (iam.region_buckets, {"eu-west-9": "a-b,c-d"}, {"eu-west-9": ["a-b", "c-d"]}),
    ],
)
def test_a_value_has_one_form_whatever_was_given(parse, given, expected):
    assert parse("v", given) == expected


def test_a_document_may_be_text_inside_a_dictionary():
    assert iam.documents("v", {"Mine": JSON})["Mine"]["Statement"]["Effect"] == "Deny"


def test_a_relative_path_counts_from_the_folder_in_which_the_run_was_started(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "link.json").symlink_to("elsewhere.json")
    assert values.file("v", " link.json ") == str(tmp_path / "link.json")
    assert values.path("v", "~/reports") == str(tmp_path / "home" / "reports")
    assert values.path("v", "/x") == str(Path("/x"))


@pytest.mark.parametrize("given", [None, "", "  ", "\n"])
def test_null_and_blank_text_stand_for_the_default(given):
    assert values.is_empty(given)


@pytest.mark.parametrize("given", [False, 0, [], {}, "0", "none"])
def test_other_values_are_values(given):
    assert not values.is_empty(given)


@pytest.mark.parametrize(
    ("parse", "given"),
    [
        (SECONDS, given)
        for given in ("abc", True, 0, "-1", 1.5, "1e3", "1_0", "nan", float("inf"), 10**400, [3], {}, "٣", "86401")
    ]
    + [(values.boolean, given) for given in ("maybe", 2, [], {}, "truee", 1.5)]
    + [(FIXES, given) for given in (5, True, {"imds": 1}, [None], ["imds", ""], [["imds"]], "imdsv3")]
    + [(values.regions, given) for given in ([], [None], [""], "all,eu-west-1", "eu west 1", "eu-west", {}, 5, ["*"])]
    + [(values.filters, given) for given in ("role=web", [], {"a": None}, {"a": []}, {"a": {}}, {None: "x"}, {"": "x"})]
    + [
        (iam.tags, given)
        for given in ("owner=x", ["a"], {"a": None}, {"a": []}, {"aws:x": "y"}, {"a!": "b"}, {"a": "<"})
    ]
    + [(iam.tags, {"k" * 129: "v"}), (iam.tags, {"k": "v" * 257}), (iam.tags, {str(n): "v" for n in range(50)})]
    + [(iam.documents, given) for given in ("x", {"a b": DOCUMENT}, {"P": {}}, {"P": "x"}, {"P": {"Statement": []}})]
    + [(iam.documents, {"P": {"Statement": [{"Effect": "allow", "Action": "*", "Resource": "*"}]}})]
    + [(iam.documents, {"P": {"Statement": [{"Effect": "Allow", "Resource": "*"}]}})]
    + [(iam.iam_path, given) for given in ("/a b/", "é", [], "/x\n/", "x" * 511)]
    + [(iam.policy_arn, given) for given in ("Boundary", "arn:aws:iam::123456789012:role/R", 5)]
    + [(iam.account_id, given) for given in ("123", 12345678901, "abcdefghijkl", True)]
    + [(iam.targets, given) for given in ("dhmc", "user/x", [None], 5, "role/")]
    + [(iam.buckets, given) for given in (5, [None], [[]], "Bad_Bucket", "a*", {"bucket": "x"}, [{"name": ""}])]
    + [(values.text(3), given) for given in ("four", "a\nb", "\x1b[31m", [], None)]
    + [(values.file, given) for given in ("reports/", "a\0b", "x" * 256, "/y" * 2100, "~nobody-has-this-name/x", [])],
)
def test_a_wrong_value_is_refused_in_one_line_that_names_the_variable(parse, given):
    with pytest.raises(InputError) as caught:
        parse("the_variable", given)
    message = str(caught.value)
    assert message.startswith("the_variable: ")
    assert message.isprintable()
    assert len(message) < 400
    for word in ("None", "Traceback", "NoneType", "object", "Error"):
        assert word not in message
