# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
from datetime import datetime, timezone

import botocore.session
import pytest
from botocore.utils import parse_timestamp

from ansible_collections.fleet.aws_ssm.plugins.module_utils._clients import Clients, parse_time
from ansible_collections.fleet.aws_ssm.plugins.module_utils._regions import partitions_of


@pytest.mark.parametrize(
    "value",
    [
        "2026-11-25T03:52:38.000Z",
        "2026-11-25T03:52:38.123456Z",
        "2026-11-25T03:52:38Z",
        "2026-11-25T03:52Z",
        "2026-11-25T03:52:38.1Z",
        "2026-11-25T03:52:38+02:00",
        "2026-11-25",
        "20261125T035238Z",
        "Wed, 25 Nov 2026 03:52:38 GMT",
        "1512121200",
        1512121200,
        1512121200.25,
    ],
)
def test_a_time_is_what_botocore_makes_of_it(value):
    assert parse_time(value) == parse_timestamp(value)
    assert parse_time(value).isoformat() == parse_timestamp(value).isoformat()


def test_a_time_of_aws_is_in_utc():
    assert parse_time("2026-11-25T03:52:38.000Z") == datetime(2026, 11, 25, 3, 52, 38, tzinfo=timezone.utc)


@pytest.mark.parametrize("value", ["2026-11-25Tnow, at 3Z", "yesterday", ""])
def test_what_is_no_time_is_an_error_as_in_botocore(value):
    with pytest.raises(ValueError):
        parse_time(value)


@pytest.mark.parametrize(
    ("own", "regions", "partition", "host"),
    [
        (None, ["us-gov-west-1"], None, "iam.us-gov.amazonaws.com"),
        ("us-east-1", ["us-gov-east-1"], None, "iam.us-gov.amazonaws.com"),
        ("eu-west-1", ["cn-northwest-1", "cn-north-1"], None, "iam.cn-north-1.amazonaws.com.cn"),
        ("cn-north-1", ["eu-west-1"], None, "iam.amazonaws.com"),
        ("us-gov-west-1", [], None, "iam.us-gov.amazonaws.com"),
        ("us-east-1", [], "aws-cn", "iam.cn-north-1.amazonaws.com.cn"),
        (None, [], "aws-us-gov", "iam.us-gov.amazonaws.com"),
        (None, [], None, "iam.amazonaws.com"),
    ],
)
def test_iam_is_asked_at_the_host_of_the_regions_partition(monkeypatch, own, regions, partition, host):
    # GH prowler-cloud/prowler#4244: whatever the environment's region is.
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    session = botocore.session.get_session()
    clients = Clients.__new__(Clients)
    clients.region = own
    clients.partitions = lambda: partitions_of(session.get_data("partitions"))
    iam = session.create_client(
        "iam", clients.global_region(regions, partition), aws_access_key_id="x", aws_secret_access_key="x"
    )
    assert iam.meta.endpoint_url == f"https://{host}"
