# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.fleet.aws_ssm.plugins.filter.ssm_s3_policies import FilterModule

ssm_s3_policies = FilterModule().filters()["ssm_s3_policies"]

NAME = "SSMInstanceProfileS3Policy"
KEY = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"


def statements(regions, **options):
    (policy,) = ssm_s3_policies(regions, **options)
    assert policy["name"] == NAME
    assert policy["document"]["Version"] == "2012-10-17"
    return policy["document"]["Statement"]


def test_the_document_is_the_page_s():
    bucket = {"name": "amzn-s3-demo-bucket", "cross_account": True, "encrypted": True}
    assert statements(["us-east-2"], bucket_set="page", buckets=[bucket]) == [
        {
            "Effect": "Allow",
            "Action": "s3:GetObject",
            "Resource": [
                "arn:aws:s3:::aws-ssm-us-east-2/*",
                "arn:aws:s3:::aws-windows-downloads-us-east-2/*",
                "arn:aws:s3:::amazon-ssm-us-east-2/*",
                "arn:aws:s3:::amazon-ssm-packages-us-east-2/*",
                "arn:aws:s3:::us-east-2-birdwatcher-prod/*",
                "arn:aws:s3:::aws-ssm-distributor-file-us-east-2/*",
                "arn:aws:s3:::aws-ssm-document-attachments-us-east-2/*",
                "arn:aws:s3:::patch-baseline-snapshot-us-east-2/*",
            ],
        },
        {
            "Effect": "Allow",
            "Action": ["s3:GetObject", "s3:PutObject", "s3:PutObjectAcl", "s3:GetEncryptionConfiguration"],
            "Resource": ["arn:aws:s3:::amzn-s3-demo-bucket/*", "arn:aws:s3:::amzn-s3-demo-bucket"],
        },
    ]


def test_the_current_buckets_are_aws_s_example_and_the_page_s():
    assert statements("us-east-2")[0]["Resource"] == [
        f"arn:aws:s3:::{name}/*"
        for name in (
            "aws-windows-downloads-us-east-2",
            "amazon-ssm-us-east-2",
            "aws-ssm-us-east-2",
            "patch-baseline-snapshot-us-east-2",
            "aws-patch-manager-us-east-2-552881074",
            "aws-patchmanager-macos-us-east-2-552881074",
            "us-east-2-birdwatcher-prod",
            "amazon-ssm-packages-us-east-2",
            "aws-ssm-distributor-file-us-east-2",
            "aws-ssm-document-attachments-us-east-2",
        )
    ]


def test_each_region_has_its_statement():
    assert len(statements("us-east-1,eu-west-1 us-east-1")) == 2


@pytest.mark.parametrize(
    ("options", "actions", "resources"),
    [
        ({}, [], ["/*"]),
        ({"cross_account": "true"}, ["s3:PutObjectAcl"], ["/*"]),
        ({"encrypted": "yes"}, ["s3:GetEncryptionConfiguration"], ["/*", ""]),
    ],
)
def test_a_bucket_gets_what_its_options_need(options, actions, resources):
    (statement,) = statements([], buckets=[{"name": "logs", **options}])
    assert statement == {
        "Effect": "Allow",
        "Action": ["s3:GetObject", "s3:PutObject", *actions],
        "Resource": [f"arn:aws:s3:::logs{end}" for end in resources],
    }


def test_buckets_with_the_same_needs_share_a_statement():
    (statement,) = statements("", buckets="logs-2, arn:aws:s3:::logs-1")
    assert statement["Resource"] == ["arn:aws:s3:::logs-1/*", "arn:aws:s3:::logs-2/*"]


def test_keys_are_allowed_on_request():
    bucket, keys = statements(
        "", buckets=[{"name": "logs", "kms_key_arns": KEY}, {"name": "logs", "kms_key_arns": [KEY]}]
    )
    assert bucket["Resource"] == ["arn:aws:s3:::logs/*", "arn:aws:s3:::logs"]
    assert keys == {"Effect": "Allow", "Action": ["kms:GenerateDataKey", "kms:Decrypt"], "Resource": [KEY]}


def test_without_vpc_endpoints_aws_s_buckets_are_left_out():
    assert len(statements("us-east-1", vpc_endpoints="false", buckets="logs")) == 1


def test_extra_buckets_stand_beside_the_table_s_or_for_it():
    extra = {"us-east-1": ["aws-ssm-new"], "cn-north-1": "aws-ssm-cn-north-1"}
    assert len(statements("us-east-1", extra_region_buckets=extra)[0]["Resource"]) == 11
    assert statements("cn-north-1", partition="aws-cn", extra_region_buckets=extra) == [
        {"Effect": "Allow", "Action": "s3:GetObject", "Resource": ["arn:aws-cn:s3:::aws-ssm-cn-north-1/*"]}
    ]


def test_a_policy_that_is_there_is_taken_into_account():
    first = ssm_s3_policies("eu-west-1", size_limit=700)
    both = ssm_s3_policies("us-east-1,eu-west-1", size_limit="700", existing=first)
    assert both[0] == first[0]
    assert both[1]["name"] == f"{NAME}-2"


@pytest.mark.parametrize(
    ("regions", "options", "words"),
    [
        ("us-*", {}, "regions: 'us-*' wildcard"),
        ("*", {}, "regions: '*' wildcard"),
        ("all", {}, "regions: 'all'"),
        ("us-east-9", {}, "regions: us-east-9 us-east-2? extra_region_buckets: leave"),
        ("me-west-1", {}, "regions: me-west-1 extra_region_buckets:"),
        ("cn-north-1", {}, "regions: cn-north-1 aws-cn"),
        ("cn-north-1", {"partition": "aws-cn"}, "regions: extra_region_buckets:"),
        ("us-east-1", {"partition": "aws-cn"}, "regions: us-east-1 aws-cn"),
        ("us-east-1", {"partition": "*"}, "partition: '*'"),
        ("us-east-1", {"bucket_set": "seed"}, "bucket_set: 'seed' current page"),
        ("us-east-1", {"vpc_endpoints": "maybe"}, "vpc_endpoints: 'maybe'"),
        ("", {"vpc_endpoints": True}, "regions: vpc_endpoints"),
        ("", {}, "buckets: nothing"),
        ([], {"vpc_endpoints": ""}, "buckets: nothing"),
        ("us-east-1", {"extra_region_buckets": ["x"]}, "extra_region_buckets: dictionary"),
        ("us-east-1", {"extra_region_buckets": {"us-east-1": "x-*"}}, "extra_region_buckets: us-east-1 wildcard"),
        ("", {"buckets": "logs-*"}, "buckets: 'logs-*' wildcard"),
        ("", {"buckets": ["log?"]}, "buckets: 'log?' wildcard"),
        ("", {"buckets": "arn:aws:s3:::logs/*"}, "buckets: wildcard"),
        ("", {"buckets": "arn:aws-cn:s3:::logs"}, "buckets: aws-cn"),
        ("", {"buckets": ["Logs"]}, "buckets: 'Logs' lower-case"),
        ("", {"buckets": ["lo"]}, "buckets: 'lo' 3"),
        ("", {"buckets": ["l" * 64]}, "buckets: 63"),
        ("", {"buckets": ["a..b"]}, "buckets: 'a..b'"),
        ("", {"buckets": ["-logs"]}, "buckets: '-logs'"),
        ("", {"buckets": ["10.0.0.1"]}, "buckets: '10.0.0.1'"),
        ("", {"buckets": ["xn--logs"]}, "buckets: 'xn--logs'"),
        ("", {"buckets": ["logs-s3alias"]}, "buckets: 'logs-s3alias'"),
        ("", {"buckets": ["${aws:username}"]}, "buckets: '${aws:username}'"),
        ("", {"buckets": [{"encrypted": True}]}, "buckets: no name"),
        ("", {"buckets": [{"name": "logs", "crossaccount": True}]}, "buckets: crossaccount cross_account"),
        ("", {"buckets": [{"name": "logs", "encrypted": "si"}]}, "buckets: logs: encrypted: 'si'"),
        ("", {"buckets": ["logs", {"name": "logs", "encrypted": True}]}, "buckets: logs twice"),
        ("", {"buckets": [{"name": "logs", "kms_key_arns": ["alias/x"]}]}, "buckets: logs: 'alias/x' alias"),
        ("", {"buckets": [{"name": "logs", "kms_key_arns": [KEY], "encrypted": False}]}, "kms_key_arns encrypted"),
        ("", {"buckets": [{"name": "logs", "kms_key_arns": KEY.replace("aws:", "aws-cn:")}]}, "logs: aws-cn"),
        ("us-east-1", {"name": "a b"}, "name: 'a b'"),
        ("us-east-1", {"name": "Ours-2"}, "name: 'Ours-2' number"),
        ("us-east-1", {"name": "n" * 129}, "name: 129 128"),
        ("us-east-1,us-east-2", {"name": "n" * 127, "size_limit": 700}, "name: 129 128 number"),
        ("us-east-1", {"size_limit": 0}, "size_limit: 0"),
        ("us-east-1", {"max_policies": "many"}, "max_policies: 'many'"),
        ("us-east-1,us-east-2", {"max_policies": 1, "size_limit": 700}, "regions, buckets: 2 policies 1"),
        ("us-east-1", {"existing": "x"}, "existing: list"),
    ],
)
def test_wrong_input_is_told_in_one_line(regions, options, words):
    with pytest.raises(AnsibleFilterError) as error:
        ssm_s3_policies(regions, **options)
    message = str(error.value)
    assert len(message.splitlines()) == 1
    for word in words.split(" "):
        assert word in message


def test_the_longest_name_is_as_long_as_iam_allows():
    assert ssm_s3_policies("us-east-1", name="n" * 128)[0]["name"] == "n" * 128
    policies = ssm_s3_policies("us-east-1,us-east-2", name="n" * 126, size_limit=700)
    assert len(policies[1]["name"]) == 128
