# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Regions, opt-in and partitions."""

from __future__ import annotations

import pytest
from conftest import DHMC


def names(answer):
    return {region["RegionName"] for region in answer["Regions"]}


def test_describe_regions(client, refused):
    """EC2 API Reference, DescribeRegions: enabled regions of the partition by default, all with AllRegions."""
    ec2 = client("ec2")
    usual = ec2.describe_regions()["Regions"]
    assert {region["OptInStatus"] for region in usual} == {"opt-in-not-required"}
    assert len(usual) == 17
    every = ec2.describe_regions(AllRegions=True)
    assert len(every["Regions"]) == 34
    assert not any(name.startswith(("cn-", "us-gov-")) for name in names(every))
    off = [{"Name": "opt-in-status", "Values": ["not-opted-in"]}]
    assert len(ec2.describe_regions(AllRegions=True, Filters=off)["Regions"]) == 17
    assert names(ec2.describe_regions(RegionNames=["eu-west-1"])) == {"eu-west-1"}
    refused("InvalidParameterValue", ec2.describe_regions, RegionNames=["xx-nowhere-1"])
    assert names(ec2.describe_regions(Filters=[{"Name": "region-name", "Values": ["eu-west-*"]}])) == {
        "eu-west-1",
        "eu-west-2",
        "eu-west-3",
    }


@pytest.mark.parametrize(("region", "count"), [("cn-north-1", 2), ("us-gov-west-1", 2)])
def test_other_partitions(client, region, count):
    """AWS General Reference: a partition knows only its own regions, and its ARNs name it."""
    found = client("ec2", region).describe_regions()["Regions"]
    assert len(found) == count
    assert (
        client("sts", region).get_caller_identity()["Arn"].split(":")[1]
        == f"aws-{region.rpartition('-')[0][:6].removesuffix('-nor')}"
    )


def test_region_not_opted_in(client, refused):
    """AWS General Reference, Managing AWS Regions: credentials are not valid in a region that is not enabled."""
    refused("AuthFailure", client("ec2", "me-south-1").describe_vpcs)
    refused("UnrecognizedClientException", client("ssm", "me-south-1").get_service_setting, SettingId=DHMC)
    error = refused("InvalidClientTokenId", client("sts", "me-south-1").get_caller_identity)
    assert error.response["ResponseMetadata"]["HTTPStatusCode"] == 403


def test_enable_and_disable(client, refused):
    """Account Management API Reference, EnableRegion, DisableRegion, GetRegionOptStatus, ListRegions."""
    account, ec2 = client("account"), client("ec2")
    assert account.get_region_opt_status(RegionName="me-south-1")["RegionOptStatus"] == "DISABLED"
    account.enable_region(RegionName="me-south-1")
    assert account.get_region_opt_status(RegionName="me-south-1")["RegionOptStatus"] == "ENABLED"
    status = {region["RegionName"]: region["OptInStatus"] for region in ec2.describe_regions()["Regions"]}
    assert status["me-south-1"] == "opted-in"
    assert client("ssm", "me-south-1").get_service_setting(SettingId=DHMC)
    account.disable_region(RegionName="me-south-1")
    refused("UnrecognizedClientException", client("ssm", "me-south-1").get_service_setting, SettingId=DHMC)
    refused("ValidationException", account.enable_region, RegionName="us-east-1")
    refused("ValidationException", account.enable_region, RegionName="xx-nowhere-1")


def test_list_regions_pages(client, account, refused):
    """Account Management API Reference, ListRegions: MaxResults 1 to 50, a filter on the status."""
    api = client("account")
    pages = list(api.get_paginator("list_regions").paginate(PaginationConfig={"PageSize": 10}))
    assert [len(page["Regions"]) for page in pages] == [10, 10, 10, 4]
    enabled = api.list_regions(RegionOptStatusContains=["ENABLED_BY_DEFAULT"])["Regions"]
    assert len(enabled) == 17
    refused("ValidationException", api.list_regions, AccountId=account)
    refused("AccessDeniedException", api.list_regions, AccountId="123456789012")


def test_management_account_asks_for_a_member(client):
    """Account Management API Reference, ListRegions: AccountId from the organization's management account."""
    organizations, api = client("organizations"), client("account")
    organizations.create_organization(FeatureSet="ALL")
    member = organizations.create_account(AccountName="m", Email="m@example.com")["CreateAccountStatus"]["AccountId"]
    api.enable_region(AccountId=member, RegionName="af-south-1")
    assert api.get_region_opt_status(AccountId=member, RegionName="af-south-1")["RegionOptStatus"] == "ENABLED"
    assert api.get_region_opt_status(RegionName="af-south-1")["RegionOptStatus"] == "DISABLED"
