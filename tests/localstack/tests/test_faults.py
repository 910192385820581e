# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Faults: what they do on the wire, and how the rules decide."""

from __future__ import annotations

import contextlib
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError
from conftest import DHMC, SSM_TRUST

from fleet_emulator.control import ControlError


def get(client, region="us-east-1"):
    return client("ssm", region).get_service_setting(SettingId=DHMC)


def test_latency_does_not_serialise(client, account, control):
    """A slow endpoint answers many callers at once."""
    ssm = client("ssm")
    ssm.get_service_setting(SettingId=DHMC)  # loads the service
    control.set_faults([{"service": "ssm", "latency": 400}], account)
    started = time.monotonic()
    with ThreadPoolExecutor(10) as pool:
        list(pool.map(lambda _: ssm.get_service_setting(SettingId=DHMC), range(10)))
    assert 0.4 <= time.monotonic() - started < 1.5


@pytest.mark.parametrize(
    ("service", "call", "code", "status"),
    [
        ("ssm", lambda api: api.get_service_setting(SettingId=DHMC), "ThrottlingException", 400),
        ("iam", lambda api: api.list_roles(), "Throttling", 400),
        ("sts", lambda api: api.get_caller_identity(), "Throttling", 400),
        ("ec2", lambda api: api.describe_regions(), "RequestLimitExceeded", 503),
    ],
)
def test_throttling_errors(client, account, control, refused, service, call, code, status):
    """Each service in its own words: EC2 API Reference, Request throttling; SSM API Reference, Common Errors."""
    control.set_faults([{"service": service, "throttle": {"burst": 2, "rate": 0.001}}], account)
    api = client(service)
    call(api)
    call(api)
    error = refused(code, lambda: call(api))
    assert error.response["ResponseMetadata"]["HTTPStatusCode"] == status


def test_throttling_is_per_region_and_refills(client, account, control, refused):
    """EC2 API Reference, Request throttling: a bucket for each account and Region, refilled at a fixed rate."""
    control.set_faults([{"service": "ssm", "throttle": {"burst": 1, "rate": 4}}], account)
    get(client)
    refused("ThrottlingException", get, client=client)
    get(client, "eu-west-1")
    time.sleep(0.3)
    get(client)


def test_botocore_retries_throttling(client, account, control):
    """AWS SDKs: the standard retry mode retries throttling errors."""
    control.set_faults([{"service": "ssm", "throttle": {"burst": 1, "rate": 5}}], account)
    retrying = client("ssm", config=Config(retries={"total_max_attempts": 8, "mode": "standard"}))
    for _ in range(2):
        retrying.get_service_setting(SettingId=DHMC)
    assert {call["error"] for call in control.calls(account)} == {None, "ThrottlingException"}


def test_aws_preset(client, account, control, refused):
    """EC2 API Reference, Request throttling: ModifyInstanceMetadataDefaults has a bucket of 2."""
    control.set_faults([{"throttle": "aws"}], account)
    ec2 = client("ec2")
    for _ in range(2):
        ec2.modify_instance_metadata_defaults(HttpTokens="required")
    refused("RequestLimitExceeded", ec2.modify_instance_metadata_defaults, HttpTokens="required")
    for _ in range(12):
        get(client)


def test_error_n_times(client, account, control, refused):
    """An error with a limit: the first n matching calls fail, the next one goes through."""
    error = {"code": "InternalServerError", "message": "oops", "status": 500, "times": 2}
    control.set_faults([{"operation": "GetServiceSetting", "error": error}], account)
    for _ in range(2):
        caught = refused("InternalServerError", get, client=client)
        assert caught.response["ResponseMetadata"]["HTTPStatusCode"] == 500
    get(client)
    assert [call["fault"] for call in control.calls(account)] == ["error", "error", None]
    assert control.faults(account)[0]["applied"] == 2


def test_error_rate_is_repeatable(client, account, control):
    """The same seed makes the same calls fail."""

    def outcomes(seed):
        control.set_faults([{"error": {"code": "X", "probability": 0.5}}], account, seed=seed)
        control.clear_calls(account)
        for _ in range(20):
            with contextlib.suppress(ClientError):
                get(client)
        return [call["error"] for call in control.calls(account)]

    first = outcomes(1)
    assert first == outcomes(1)
    assert first != outcomes(2)
    assert {None, "X"} == set(first)


@pytest.mark.parametrize(
    ("service", "call", "denied", "expired"),
    [
        ("ssm", lambda api: api.get_service_setting(SettingId=DHMC), "AccessDeniedException", "ExpiredTokenException"),
        ("iam", lambda api: api.list_roles(), "AccessDenied", "ExpiredToken"),
        ("sts", lambda api: api.get_caller_identity(), "AccessDenied", "ExpiredToken"),
        ("ec2", lambda api: api.describe_regions(), "UnauthorizedOperation", "RequestExpired"),
    ],
)
def test_denied_and_expired(client, account, control, refused, service, call, denied, expired):
    """IAM User Guide, "Troubleshoot access denied error messages": who, what, and why."""
    api = client(service)
    control.set_faults([{"denied": True}], account)
    error = refused(denied, call, api)
    operation = control.calls(account)[-1]["operation"]
    assert f"User: arn:aws:iam::{account}:root is not authorized to perform: {service}:{operation}" in str(error)
    assert f"because no identity-based policy allows the {service}:{operation} action" in str(error)
    control.set_faults([{"denied": "scp"}], account)
    assert "with an explicit deny in a service control policy" in str(refused(denied, call, api))
    control.set_faults([{"expired": True}], account)
    refused(expired, call, api)


def test_from_the_nth_call_on(client, account, control, refused):
    """Credentials that expire in the middle: the first calls work, none after them does."""
    control.set_faults([{"after": 2, "expired": True}], account)
    get(client)
    client("iam").list_roles()
    for _ in range(2):
        refused("ExpiredTokenException", get, client=client)
    control.set_faults([{"after": 1, "times": 1, "expired": True}], account)
    get(client)
    refused("ExpiredTokenException", get, client=client)
    get(client)


def test_region_down_and_accounts_apart(client, account, control, refused, emulator):
    """One region fails; the others, and other accounts, do not notice."""
    control.set_faults([{"region": "eu-*", "down": True}], account)
    error = refused("ServiceUnavailable", get, client=client, region="eu-west-1")
    assert error.response["ResponseMetadata"]["HTTPStatusCode"] == 503
    get(client)
    emulator.session("999900003333", "eu-west-1").client("ssm").get_service_setting(SettingId=DHMC)


def test_connection_cut(client, account, control):
    """A region that can't be reached: the connection ends without an answer."""
    control.set_faults([{"down": "reset"}], account)
    with pytest.raises(ConnectionClosedError):
        get(client)
    assert control.calls(account)[0]["error"] == "ConnectionReset"


def test_answer_lost(client, account, control):
    """The call was carried out and nobody heard of it: what a caller must expect of every connection that is cut."""
    control.set_faults([{"operation": "UpdateServiceSetting", "lost": True, "times": 1}], account)
    with pytest.raises(ConnectionClosedError):
        client("ssm").update_service_setting(SettingId=DHMC, SettingValue="Role")
    assert get(client)["ServiceSetting"]["SettingValue"] == "Role"
    update, _get = control.calls(account)
    assert (update["status"], update["error"], update["fault"]) == (200, None, "lost")


def test_hang(client, account, control):
    """A region that holds the connection and then cuts it."""
    control.set_faults([{"hang": 0.5}], account)
    started = time.monotonic()
    with pytest.raises(ConnectionClosedError):
        get(client)
    assert time.monotonic() - started >= 0.5


def test_new_role_is_unknown_to_ssm(client, account, control, refused):
    """IAM User Guide, Troubleshooting IAM: changes are eventually consistent; text from aws/aws-cli issue 4232."""
    control.set_faults([{"service": "ssm", "propagation": 1}], account)
    client("iam").create_role(RoleName="R", AssumeRolePolicyDocument=SSM_TRUST)
    ssm = client("ssm")
    error = refused("ValidationException", ssm.update_service_setting, SettingId=DHMC, SettingValue="R")
    assert f"Not existing role: arn:aws:iam::{account}:role/R" in str(error)
    time.sleep(1.1)
    ssm.update_service_setting(SettingId=DHMC, SettingValue="R")


def test_new_profile_is_unknown_to_ec2(aws, account, control, refused):
    """hashicorp/terraform-provider-aws retries on this text after CreateInstanceProfile."""
    control.set_faults([{"service": "ec2", "propagation": 1}], account)
    aws.profile("P")
    error = refused("InvalidParameterValue", aws.instance, IamInstanceProfile={"Name": "P"})
    assert "Invalid IAM Instance Profile name" in str(error)
    time.sleep(1.1)
    aws.instance(IamInstanceProfile={"Name": "P"})


@pytest.mark.parametrize(
    "rule",
    [
        {"service": "ssm"},
        {"latency": "slow"},
        {"error": {"message": "no code"}},
        {"throttle": {"burst": 1}},
        {"down": "maybe"},
        {"colour": "red", "latency": 1},
        {"latency": 1, "probability": 2},
        {"denied": "weather"},
        "latency",
    ],
)
def test_rules_that_make_no_sense(control, account, rule):
    """A rule with a mistake is refused whole, and says what is wrong."""
    with pytest.raises(ControlError, match="HTTP 400"):
        control.set_faults([rule], account)
    assert control.faults(account) == []
