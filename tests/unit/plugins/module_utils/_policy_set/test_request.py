# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.fleet.aws_ssm.plugins.module_utils._errors import InputError
from ansible_collections.fleet.aws_ssm.plugins.module_utils._policy_set.document import checked_document
from ansible_collections.fleet.aws_ssm.plugins.module_utils._policy_set.family import policy_number
from ansible_collections.fleet.aws_ssm.plugins.module_utils._policy_set.request import (
    check_path,
    check_tags,
    parse_request,
)

STATEMENT = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}
PARAMS = {
    "state": "present",
    "owner": "us",
    "policies": [{"name": "P", "document": {"Version": "2012-10-17", "Statement": [STATEMENT]}}],
    "family": "",
    "attach_to": [],
    "detach": False,
    "path": "/",
    "description": "",
    "tags": {},
    "overwrite": False,
}


def test_text_stays_as_it_is_and_a_dictionary_becomes_json():
    text = '{ "Statement":\n [{"Resource": "*", "Action": "s3:*", "Effect": "Deny"}]}'
    assert checked_document("policies", "P", text) == text
    document = {"Version": "2012-10-17", "Statement": STATEMENT}
    assert json.loads(checked_document("policies", "P", document)) == document


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"Effect": "allow"}, "needs an Effect"),
        ({"Action": []}, "has no action: give SERVICE:ACTION"),
        ({"Action": 5}, "has the action 5"),
        ({"Action": ["s3:*", "s3"]}, "has the action 's3'"),
        ({"NotAction": "s3:*"}, "has both Action and NotAction"),
        ({"Resource": [""]}, "has the resource ''"),
        ({"NotResource": "*"}, "has both Resource and NotResource"),
        ({"Condition": "x"}, "has a Condition that is not a dictionary"),
        ({"Sid": "a b"}, "has the Sid 'a b'"),
        ({"Principal": "*"}, "has 'Principal'"),
    ],
)
def test_statements_that_iam_refuses(change, words):
    with pytest.raises(InputError) as error:
        checked_document("policies", "P", {"Statement": [STATEMENT, {**STATEMENT, **change}]})
    message = str(error.value)
    assert message.startswith("policies: statement 2 of 'P' ")
    assert words in message
    assert "\n" not in message


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ("[]", "has no Statement"),
        ("5", "has no Statement"),
        ({"Statement": [STATEMENT], "Version": "2012"}, "has the Version '2012'"),
        ({"Statement": [STATEMENT], "Version": 2012}, "has the Version 2012"),
        ({"Statement": [STATEMENT], "Statements": []}, "has 'Statements'"),
        ({"Statement": [{**STATEMENT, "Sid": "A"}, {**STATEMENT, "Sid": "A"}]}, "the Sid 'A'"),
        ('{"Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::\u20ac"}]}', "Latin-1"),
        ('{"Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]' + " " * 131_072 + "}", "131072"),
    ],
)
def test_documents_that_iam_refuses(document, words):
    with pytest.raises(InputError, match=r"^policies: ") as error:
        checked_document("policies", "P", document)
    assert words in str(error.value)


def test_options_are_called_what_the_role_calls_them():
    labels = {"policies": "s3_policy_name", "path": "s3_policy_path"}
    for change, words in (
        ({"policies": [{"name": "a b", "document": {}}]}, "s3_policy_name: 'a b' is not a policy name"),
        ({"path": "x y"}, "s3_policy_path: 'x y' is not a path"),
        ({"attach_to": ["x"]}, "attach_to: 'x': give role/NAME"),
    ):
        with pytest.raises(InputError) as error:
            parse_request({**PARAMS, **change}, lambda option: labels.get(option, option))
        assert str(error.value).startswith(words)


def test_targets_are_parsed_with_their_paths():
    found = parse_request({**PARAMS, "attach_to": ["role/a/B", "", "instance-profile/C", "role/a/B"]}, str).attach_to
    assert [(named.kind, named.name.name, named.name.path) for named in found] == [
        ("role", "B", "/a/"),
        ("instance-profile", "C", None),
    ]


def outcome(check, *options):
    """What a check returns, or else the message that it refuses with."""
    try:
        return check(*options), ""
    except InputError as error:
        return None, str(error)


@given(st.text())
def test_a_path_is_what_iam_takes_or_an_error_of_one_line(text):
    path, message = outcome(check_path, "path", text)
    assert len(message.splitlines()) == (path is None)
    assert path is None or (path[0], path[-1], len(path) <= 512) == ("/", "/", True)


@given(st.dictionaries(st.text(max_size=200), st.one_of(st.none(), st.text(max_size=300), st.integers()), max_size=60))
def test_tags_are_what_iam_takes_or_an_error_of_one_line(tags):
    found, message = outcome(check_tags, "tags", tags, "us")
    assert len(message.splitlines()) == (found is None)
    if found is not None:
        assert found["fleet.aws_ssm/made-by"] == "us"
        assert len(found) <= 50
        assert all(1 <= len(key) <= 128 and len(value) <= 256 for key, value in found.items())


@pytest.mark.parametrize(
    ("policy", "number"),
    [("Set", 1), ("Set-2", 2), ("Set-99", 99), ("Set-1", None), ("Set-100", None), ("Set-02", None), ("Setting", None)],
)
def test_the_numbers_of_a_family(policy, number):
    assert policy_number("Set", policy) == number
