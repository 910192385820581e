# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""SSM service settings."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from botocore.exceptions import ClientError
from conftest import DHMC

from fleet_emulator.control import ControlError

DEFAULTS = {
    DHMC: "$None",
    "/ssm/managed-instance/activation-tier": "standard",
    "/ssm/parameter-store/default-parameter-tier": "Standard",
    "/ssm/parameter-store/high-throughput-enabled": "false",
    "/ssm/documents/console/public-sharing-permission": "Enable",
    "/ssm/opsinsights/opscenter": "Disabled",
    "/ssm/automation/customer-script-log-destination": "$None",
    "/ssm/automation/customer-script-log-group-name": "$None",
    "/ssm/appmanager/appmanager-enabled": "False",
}


def test_defaults(client, account):
    """SSM API Reference, ServiceSetting: Status Default, changed by System, ARN of type servicesetting.

    That DHMC reads "$None" while it is off was seen at AWS (turbot/steampipe-plugin-aws, issue 2611).
    """
    ssm = client("ssm")
    for setting, value in DEFAULTS.items():
        got = ssm.get_service_setting(SettingId=setting)["ServiceSetting"]
        assert (got["SettingId"], got["SettingValue"]) == (setting, value)
        assert (got["Status"], got["LastModifiedUser"]) == ("Default", "System")
        assert got["ARN"] == f"arn:aws:ssm:us-east-1:{account}:servicesetting{setting}"


def test_update_and_reset(client, account):
    """SSM API Reference, UpdateServiceSetting (empty answer) and ResetServiceSetting (answers with the setting)."""
    ssm = client("ssm")
    arn = f"arn:aws:ssm:us-east-1:{account}:servicesetting{DHMC}"
    answer = ssm.update_service_setting(SettingId=arn, SettingValue="service-role/Role")
    assert set(answer) == {"ResponseMetadata"}
    before = ssm.get_service_setting(SettingId=DHMC)["ServiceSetting"]
    assert (before["SettingId"], before["SettingValue"], before["Status"]) == (DHMC, "service-role/Role", "Customized")
    assert before["LastModifiedUser"] == f"arn:aws:iam::{account}:root"
    after = ssm.reset_service_setting(SettingId=arn)["ServiceSetting"]
    assert (after["SettingId"], after["SettingValue"], after["Status"]) == (DHMC, "$None", "Default")


def test_each_account_and_region_has_its_own(client, emulator):
    """Systems Manager User Guide, Default Host Management Configuration: it is set for each account and Region."""
    client("ssm").update_service_setting(SettingId=DHMC, SettingValue="Role")
    assert client("ssm", "eu-west-1").get_service_setting(SettingId=DHMC)["ServiceSetting"]["SettingValue"] == "$None"
    other = emulator.session("999900001111").client("ssm")
    assert other.get_service_setting(SettingId=DHMC)["ServiceSetting"]["SettingValue"] == "$None"


def test_partition_in_the_arn(client, account):
    """AWS General Reference, Amazon Resource Names: aws-cn for the regions in China."""
    got = client("ssm", "cn-north-1").get_service_setting(SettingId=DHMC)["ServiceSetting"]
    assert got["ARN"] == f"arn:aws-cn:ssm:cn-north-1:{account}:servicesetting{DHMC}"


def test_unknown_id(client, refused):
    """SSM API Reference, GetServiceSetting: ServiceSettingNotFound."""
    ssm = client("ssm")
    refused("ServiceSettingNotFound", ssm.get_service_setting, SettingId="/ssm/no/such")
    refused("ServiceSettingNotFound", ssm.update_service_setting, SettingId="/ssm/no/such", SettingValue="x")
    refused("ServiceSettingNotFound", ssm.reset_service_setting, SettingId="/ssm/no/such")


@pytest.mark.parametrize("field", [{"region": "eu-west-1"}, {"account": "123456789012"}, {"partition": "aws-cn"}])
def test_arn_of_another_place(client, account, refused, field):
    """hashicorp/terraform-provider-aws, issue 30474: ValidationException: Invalid settingId : arn:..."""
    where = {"partition": "aws", "region": "us-east-1", "account": account, **field}
    arn = "arn:{partition}:ssm:{region}:{account}:servicesetting".format(**where) + DHMC
    error = refused("ValidationException", client("ssm").get_service_setting, SettingId=arn)
    assert f"Invalid settingId : {arn}" in str(error)


@pytest.mark.parametrize(
    ("setting", "good", "bad"),
    [
        (DHMC, "service-role/R", "arn:aws:iam::123456789012:role/R"),
        ("/ssm/managed-instance/activation-tier", "advanced", "Advanced"),
        ("/ssm/parameter-store/high-throughput-enabled", "true", "True"),
        ("/ssm/opsinsights/opscenter", "Enabled", "Enable"),
        ("/ssm/automation/customer-script-log-destination", "CloudWatch", "S3"),
        (DHMC, "R", "x" * 4097),
    ],
)
def test_allowed_values(client, refused, setting, good, bad):
    """SSM API Reference, UpdateServiceSetting: the values of each setting; the DHMC value is a role name with path."""
    ssm = client("ssm")
    refused("ValidationException", ssm.update_service_setting, SettingId=setting, SettingValue=bad)
    ssm.update_service_setting(SettingId=setting, SettingValue=good)
    assert ssm.get_service_setting(SettingId=setting)["ServiceSetting"]["SettingValue"] == good


def test_concurrent_updates_of_one_setting(client, account, control):
    """SSM API Reference, TooManyUpdates: concurrent updates for a resource that supports one at a time."""
    control.set_faults([{"operation": "UpdateServiceSetting", "latency": 300}], account)
    ssm = client("ssm")

    def update(setting, value):
        try:
            ssm.update_service_setting(SettingId=setting, SettingValue=value)
        except ClientError as error:
            return error.response["Error"]["Code"]
        return "ok"

    jobs = [(DHMC, "a"), (DHMC, "b"), ("/ssm/opsinsights/opscenter", "Enabled")]
    with ThreadPoolExecutor(3) as pool:
        results = list(pool.map(lambda job: update(*job), jobs))
    assert sorted(results[:2]) == ["TooManyUpdates", "ok"]
    assert results[2] == "ok"
    control.clear_faults(account)
    assert update(DHMC, "c") == "ok"


def test_other_operations_are_still_served(client):
    """Everything but the service settings and the nodes is LocalStack's own SSM."""
    ssm = client("ssm")
    ssm.put_parameter(Name="/a", Value="1", Type="String")
    assert ssm.get_parameter(Name="/a")["Parameter"]["Value"] == "1"


def test_age(client, account, control):
    """SSM API Reference, ServiceSetting: LastModifiedDate; the control interface may make a setting older."""
    ssm = client("ssm")

    def age():
        shown = ssm.get_service_setting(SettingId=DHMC)["ServiceSetting"]
        return (datetime.now(UTC) - shown["LastModifiedDate"]).total_seconds(), shown["SettingValue"]

    ssm.update_service_setting(SettingId=DHMC, SettingValue="R")
    assert age()[0] < 30
    control.set_setting_age(DHMC, 3600, account, "us-east-1")
    seconds, value = age()
    assert (3600 <= seconds < 3630, value) == (True, "R")
    ssm.update_service_setting(SettingId=DHMC, SettingValue="S")
    assert age()[0] < 30
    with pytest.raises(ControlError):
        control.set_setting_age("/ssm/unknown", 3600, account, "us-east-1")
