# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from ansible_collections.amazon.aws.plugins.module_utils.iam import AnsibleIAMError

from ansible_collections.fleet.aws_ssm.plugins.module_utils import _errors


def client_error(code, message):
    return ClientError({"Error": {"Code": code, "Message": message}}, "GetServiceSetting")


def test_aws_code_and_message_are_kept_in_one_line():
    error = client_error("AccessDeniedException", "User: arn:aws:iam::1:user/a is not\n  authorized\tto perform")
    assert _errors.describe(error) == {
        "code": "AccessDeniedException",
        "message": "User: arn:aws:iam::1:user/a is not authorized to perform",
    }
    assert _errors.code_of(error) == "AccessDeniedException"


def test_what_aws_says_can_not_reach_the_terminal_raw():
    found = _errors.describe(client_error("Bad\x1b[1m", "a\x1b]0;x\x07b\u202ec\x9bd\u200be\x00f\r\ng"))
    assert found == {"code": "Bad\u241b[1m", "message": "a\u241b]0;x\u2407b\ufffdc\ufffdd\ufffde\u2400f g"}
    seen = str(_errors.ChangedMeanwhile("a\x1b[2J", "b\u2067"))
    assert seen.isprintable()


def test_what_amazon_aws_wraps_has_the_code_of_what_it_wraps():
    wrapped = AnsibleIAMError(message="Failed to get role", exception=client_error("AccessDenied", "not you"))
    assert _errors.describe(wrapped) == {"code": "AccessDenied", "message": "not you"}
    assert _errors.describe(AnsibleIAMError(message="no cause")) == {"code": "AnsibleIAMError", "message": "no cause"}


def test_an_error_that_no_api_answered_has_its_class_as_code():
    found = _errors.describe(EndpointConnectionError(endpoint_url="https://ssm.eu-west-1.amazonaws.com/"))
    assert found["code"] == "EndpointConnectionError"
    assert "https://ssm.eu-west-1.amazonaws.com/" in found["message"]


@pytest.mark.parametrize("error", [ValueError(), client_error("Throttling", ""), ClientError({}, "GetRole")])
def test_code_and_message_are_never_empty(error):
    found = _errors.describe(error)
    assert found["code"]
    assert found["message"]


def test_a_response_that_is_not_a_dictionary_is_passed_over():
    error = RuntimeError("broken")
    error.response = object()
    assert _errors.describe(error) == {"code": "RuntimeError", "message": "broken"}


@pytest.mark.parametrize(
    "text",
    [
        "SecretAccessKey=hunter2hunter2 was given",
        "aws_session_token: hunter2hunter2",
        "X-Amz-Signature=hunter2hunter2&X-Amz-Date=1",
        "Credential=hunter2hunter2, SignedHeaders=host",
    ],
)
def test_secrets_are_blotted_out(text):
    assert "hunter2" not in _errors.describe(RuntimeError(text))["message"]
    assert "***" in _errors.describe(RuntimeError(text))["message"]


def test_a_failure_carries_the_partial_result():
    failure = _errors.InputError("value: wrong", regions=[1])
    assert isinstance(failure, _errors.Failure)
    assert (str(failure), failure.result) == ("value: wrong", {"regions": [1]})
