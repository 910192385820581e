# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ansible_collections.fleet.aws_ssm.plugins.module_utils import _s3_policy
from ansible_collections.fleet.aws_ssm.plugins.module_utils._errors import InputError
from ansible_collections.fleet.aws_ssm.plugins.module_utils._s3_buckets import aws_buckets, known_regions
from ansible_collections.fleet.aws_ssm.plugins.module_utils._s3_options import OwnBucket

REGIONS = known_regions()
NAME = "SSMInstanceProfileS3Policy"
KEY = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"

own_buckets = st.lists(
    st.builds(
        OwnBucket,
        name=st.from_regex(r"[a-z][a-z0-9-]{1,40}[a-z0-9]", fullmatch=True),
        cross_account=st.booleans(),
        encrypted=st.booleans(),
        kms_key_arns=st.sampled_from([(), (KEY,)]),
    ),
    max_size=60,
    unique_by=lambda bucket: bucket.name,
)
regions = st.lists(st.sampled_from(REGIONS), unique=True)
bucket_sets = st.sampled_from(["current", "page"])


def grants(names, bucket_set="current", own=()):
    found = {name: aws_buckets(bucket_set, name) for name in names}
    return _s3_policy.region_grants(found, "aws") + _s3_policy.own_grants(own, "aws")


def size(policy):
    return len(json.dumps(policy["document"], separators=(",", ":")))


def allowed(policies):
    """Each action on each resource, as often as a policy has it."""
    found = []
    for policy in policies:
        for statement in policy["document"]["Statement"]:
            actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
            found += [(action, resource) for action in actions for resource in statement["Resource"]]
    return sorted(found)


def wanted(given_grants):
    return sorted(
        (action, resource)
        for grant in given_grants
        for action in ([grant.actions] if isinstance(grant.actions, str) else grant.actions)
        for resource in grant.resources
    )


@settings(max_examples=60)
@given(names=regions, bucket_set=bucket_sets, own=own_buckets, limit=st.integers(700, 6144))
def test_nothing_is_lost_nothing_added_and_no_policy_too_long(names, bucket_set, own, limit):
    what = grants(names, bucket_set, own)
    policies = _s3_policy.build(what, name=NAME, size_limit=limit, max_policies=99)
    assert allowed(policies) == wanted(what)
    assert all(size(policy) <= limit for policy in policies)
    assert [policy["name"] for policy in policies] == [NAME, *(f"{NAME}-{n}" for n in range(2, 99))][: len(policies)]


@settings(max_examples=60)
@given(names=regions, bucket_set=bucket_sets, own=own_buckets)
def test_no_wildcard_stands_for_a_region_or_a_bucket(names, bucket_set, own):
    policies = _s3_policy.build(grants(names, bucket_set, own), name=NAME)
    for _action, resource in allowed(policies):
        assert "*" not in resource.removesuffix("/*")
        assert "?" not in resource


@settings(max_examples=40)
@given(names=regions, bucket_set=bucket_sets, own=own_buckets, data=st.data())
def test_the_order_of_the_options_does_not_change_what_is_there(names, bucket_set, own, data):
    what = grants(names, bucket_set, own)
    policies = _s3_policy.build(what, name=NAME)
    assert _s3_policy.build(what, name=NAME) == policies
    shuffled = data.draw(st.permutations(what))
    assert _s3_policy.build(shuffled, name=NAME, existing=data.draw(st.permutations(policies))) == policies


@settings(max_examples=60)
@given(names=regions, bucket_set=bucket_sets, own=own_buckets, data=st.data())
def test_a_region_more_changes_one_policy_unless_one_more_is_needed(names, bucket_set, own, data):
    assume(names)
    new = names.pop(data.draw(st.integers(0, len(names) - 1)))
    before = _s3_policy.build(grants(names, bucket_set, own), name=NAME)
    after = _s3_policy.build(grants([new, *names], bucket_set, own), name=NAME, existing=before)
    changed = [policy["name"] for policy in after if policy not in before]
    if len(after) > len(before):
        assert changed == [after[-1]["name"]]
    else:
        free = max(6144 - size(policy) for policy in before)
        needs = len(_s3_policy.minified(grants([new], bucket_set)[0].statement(grants([new], bucket_set)[0].resources)))
        assert len(changed) == 1 or needs + 1 > free


@pytest.mark.parametrize(("bucket_set", "most", "all_of_them"), [("current", 9, 4), ("page", 13, 3)])
def test_so_many_regions_fit(bucket_set, most, all_of_them):
    longest = sorted(REGIONS, key=lambda name: (-len(name), name))
    assert len(_s3_policy.build(grants(longest[:most], bucket_set), name=NAME)) == 1
    assert len(_s3_policy.build(grants(longest[: most + 2], bucket_set), name=NAME)) == 2
    assert len(_s3_policy.build(grants(REGIONS, bucket_set), name=NAME)) == all_of_them


def test_a_second_policy_leaves_the_first_its_name_and_document():
    before = _s3_policy.build(grants(REGIONS[:14]), name=NAME)
    after = _s3_policy.build(grants(REGIONS[:20]), name=NAME, existing=before)
    assert after[0] == before[0]
    assert [policy["name"] for policy in after] == [NAME, f"{NAME}-2"]


def test_what_a_policy_holds_stays_there_under_another_bucket_set():
    before = _s3_policy.build(grants(REGIONS[:18], "current"), name=NAME)
    after = _s3_policy.build(grants(REGIONS[:18], "page"), name=NAME, existing=before)
    for old, new in zip(before, after, strict=True):
        assert len(old["document"]["Statement"]) == len(new["document"]["Statement"])


def test_what_two_policies_hold_stays_in_the_first_of_them():
    first, second = _s3_policy.build(grants(REGIONS[:20]), name=NAME)
    second["document"]["Statement"] += first["document"]["Statement"]
    assert _s3_policy.build(grants(REGIONS[:20]), name=NAME, existing=[first, second])[0] == first


def test_fewer_policies_are_made_where_they_are_enough():
    before = _s3_policy.build(grants(REGIONS), name=NAME)
    left = [name for number, name in enumerate(REGIONS) if number % 3]
    after = _s3_policy.build(grants(left), name=NAME, existing=before)
    assert (len(before), [policy["name"] for policy in after]) == (4, [NAME, f"{NAME}-2", f"{NAME}-3"])
    assert allowed(after) == wanted(grants(left))


def test_a_document_may_be_text_with_a_single_statement_and_resource():
    before = [
        {"name": NAME, "document": json.dumps({"Statement": {"Effect": "Allow", "Action": "*", "Resource": "x"}})},
        {"name": f"{NAME}-2", "document": {"Statement": {"Resource": "arn:aws:s3:::aws-ssm-us-east-1/*"}}},
        {"name": "Another-2", "document": {}},
    ]
    filler = [OwnBucket(f"a-long-name-for-a-bucket-{number:02}") for number in range(80)]
    after = _s3_policy.build(grants(["us-east-1"], own=filler), name=NAME, existing=before, size_limit=4000)
    assert "aws-ssm-us-east-1" not in json.dumps(after[0])
    assert "aws-ssm-us-east-1" in json.dumps(after[1])


@pytest.mark.parametrize("document", ["{", [], 7])
def test_an_existing_document_that_is_none_is_refused(document):
    with pytest.raises(InputError, match="existing"):
        _s3_policy.build(grants(["us-east-1"]), name=NAME, existing=[{"name": NAME, "document": document}])


@pytest.mark.parametrize(
    ("policy", "number"),
    [(NAME, 1), (f"{NAME}-2", 2), (f"{NAME}-99", 99)]
    + [(f"{NAME}{end}", None) for end in ("-1", "-02", "-100", "-2024", "2", "-x")]
    + [("Other", None), ("", None)],
)
def test_the_number_of_a_policy(policy, number):
    assert _s3_policy.policy_number(NAME, policy) == number


def test_more_policies_than_the_quota_are_refused():
    with pytest.raises(InputError, match=r"4 policies of at most 6144 characters.*allows 2"):
        _s3_policy.build(grants(REGIONS), name=NAME, max_policies=2)


def test_a_statement_that_no_policy_can_hold_is_refused():
    with pytest.raises(InputError, match="us-east-1 alone"):
        _s3_policy.build(grants(["us-east-1"]), name=NAME, size_limit=300)


def test_a_policy_may_be_exactly_as_long_as_the_limit():
    one = _s3_policy.build(grants(["us-east-1", "us-east-2"]), name=NAME)
    limit = size(one[0])
    assert len(_s3_policy.build(grants(["us-east-1", "us-east-2"]), name=NAME, size_limit=limit)) == 1
    assert len(_s3_policy.build(grants(["us-east-1", "us-east-2"]), name=NAME, size_limit=limit - 1)) == 2
