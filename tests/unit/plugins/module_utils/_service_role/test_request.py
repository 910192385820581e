# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json

import pytest

from ansible_collections.fleet.aws_ssm.plugins.module_utils._errors import InputError
from ansible_collections.fleet.aws_ssm.plugins.module_utils._service_role.request import Home, check_home, parse_request

DEFAULTS = {
    "name": "Role",
    "instance_profile": None,
    "path": "/",
    "service": "ec2.amazonaws.com",
    "description": "",
    "aws_policies": [],
    "managed_policies": [],
    "inline_policies": {},
    "permissions_boundary": "",
    "tags": {},
    "owner": "test",
    "create": True,
    "extend": False,
    "fix": False,
    "overwrite": False,
    "required_action": "",
    "required_resources": [],
    "option_names": {},
}
HOME = Home("123456789012", "aws")


def request(**options):
    return parse_request({**DEFAULTS, **options})


def inline(**statement):
    statement = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*", **statement}
    return {"p": {"Version": "2012-10-17", "Statement": {key: value for key, value in statement.items() if value}}}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"name": " "}, "name: name a role, or set instance_profile."),
        ({"name": "a*"}, "name: 'a*' does not name an IAM role"),
        ({"name": "a" * 65}, "name: the role name 'aaaa"),
        ({"name": "arn:aws:iam::aws:role/x"}, "name: 'arn:aws:iam::aws:role/x' is not of an account"),
        ({"name": "aws-service-role/x"}, "name: the path /aws-service-role/ is reserved for AWS."),
        ({"instance_profile": "arn:aws:iam::123456789012:role/x"}, "is not the ARN of an instance profile"),
        ({"path": "/aws-reserved/x"}, "path: the path /aws-reserved/x/ is reserved for AWS."),
        ({"path": "a b"}, "path: 'a b' is not a path of IAM"),
        ({"path": "a//b"}, "path: 'a//b' is not a path of IAM"),
        ({"path": "x" * 511}, "is not a path of IAM"),
        ({"service": "ec2"}, "service: 'ec2' is not a service"),
        ({"permissions_boundary": "PowerUserAccess"}, "permissions_boundary: 'PowerUserAccess' is not the ARN"),
        ({"required_action": "ssm:*"}, "'ssm:*' is not an IAM action"),
        ({"managed_policies": ["a*"]}, "managed_policies: 'a*' does not name a managed policy"),
        ({"description": "→"}, "description: IAM takes up to 1,000 characters"),
        ({"description": "x" * 1001}, "description: IAM takes up to 1,000 characters"),
        ({"tags": {"aws:x": 1}}, "tags: 'aws:x' begins with aws:"),
        ({"tags": {"": 1}}, "tags: '' is no key of a tag"),
        ({"tags": {"k" * 129: 1}}, "is no key of a tag"),
        ({"tags": {"k": "v" * 257}}, "tags: the value of 'k' is no tag's"),
        ({"tags": {"k": "a;b"}}, "tags: the value of 'k' is no tag's"),
        ({"tags": {"fleet.aws_ssm/made-by": "me"}}, "tags: fleet.aws_ssm/made-by is set by the module."),
        ({"tags": {f"k{number}": 1 for number in range(50)}}, "50 tags and fleet.aws_ssm/made-by are more than the 50"),
        ({"inline_policies": {"a/b": inline()["p"]}}, "inline_policies: 'a/b' is not the name of an inline policy"),
        ({"inline_policies": {"p": "{"}}, "inline_policies: the document of 'p' is not JSON"),
        ({"inline_policies": {"p": 5}}, "inline_policies: the document of 'p' has no Statement"),
        ({"inline_policies": {"p": {"Version": "2012-10-17"}}}, "the document of 'p' has no Statement"),
        ({"inline_policies": inline(Effect="Maybe")}, "statement 1 of 'p' needs an Effect"),
        ({"inline_policies": inline(Action=None)}, "statement 1 of 'p' needs an Action"),
        ({"inline_policies": inline(Action="s3")}, "statement 1 of 'p' has the Action 's3'"),
        ({"inline_policies": inline(Resource=None)}, "statement 1 of 'p' needs a Resource"),
        ({"inline_policies": inline(Resource="bucket")}, "statement 1 of 'p' has the Resource 'bucket'"),
        ({"inline_policies": inline(Principal="*")}, "statement 1 of 'p' has a Principal"),
        ({"inline_policies": {"p": {**inline()["p"], "Version": "2020"}}}, "the Version of 'p' is '2020'"),
    ],
)
def test_wrong_options_are_named_with_their_value(options, message):
    with pytest.raises(InputError) as caught:
        request(**options)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("option", ["name", "managed_policies", "tags", "inline_policies", "description", "path"])
def test_a_message_calls_an_option_as_the_user_does(option):
    wrong = {"name": "a*", "managed_policies": ["a*"], "tags": {"": 1}, "inline_policies": {"p": 5}, "path": "a b"}
    with pytest.raises(InputError, match=f"^role_{option}: "):
        request(**{option: wrong.get(option, "→")}, option_names={option: f"role_{option}"})


def test_names_in_lines_are_several_and_commas_belong_to_a_name():
    found = request(managed_policies=["A\nB\r\n", "c,d", " A "])
    assert [given.text for given in found.managed] == ["A", "B", "c,d"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"name": "arn:aws:iam::999999999999:role/x"}, ("name: arn:aws:iam::999999999999:role/x", "123456789012")),
        ({"name": "arn:aws-cn:iam::123456789012:role/x"}, ("partition aws-cn", "are of aws.")),
        (
            {"instance_profile": "arn:aws-us-gov:iam::123456789012:instance-profile/x"},
            ("instance_profile:", "aws-us-gov"),
        ),
        ({"managed_policies": ["arn:aws:iam::999999999999:policy/x"]}, ("managed_policies:", "999999999999")),
        ({"managed_policies": ["arn:aws-cn:iam::aws:policy/x"]}, ("managed_policies:", "aws-cn")),
        ({"permissions_boundary": "arn:aws:iam::999999999999:policy/x"}, ("permissions_boundary:", "999999999999")),
    ],
)
def test_an_arn_of_another_account_or_partition_is_refused(options, words):
    with pytest.raises(InputError) as caught:
        check_home(request(**options), HOME)
    assert [word for word in words if word not in str(caught.value)] == []


def test_policies_of_aws_and_of_the_account_are_at_home():
    mine = ["arn:aws:iam::aws:policy/x", "arn:aws:iam::123456789012:policy/a/x", "x"]
    check_home(request(name="arn:aws:iam::123456789012:role/x", managed_policies=mine), HOME)


@pytest.mark.parametrize(
    ("service", "partition", "written", "accepted"),
    [
        ("ec2.amazonaws.com", "aws", "ec2.amazonaws.com", 1),
        ("ec2.amazonaws.com", "aws-us-gov", "ec2.amazonaws.com", 1),
        ("ec2.amazonaws.com", "aws-cn", "ec2.amazonaws.com.cn", 2),
        ("ssm.amazonaws.com", "aws-cn", "ssm.amazonaws.com", 1),
    ],
)
def test_ec2_has_two_names_in_china(service, partition, written, accepted):
    found = request(service=service)
    assert json.loads(found.trust_policy(partition))["Statement"][0]["Principal"] == {"Service": written}
    assert len(found.principals(partition)) == accepted
