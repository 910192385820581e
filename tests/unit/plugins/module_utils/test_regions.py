# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import botocore.session
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.fleet.aws_ssm.plugins.module_utils import _regions
from ansible_collections.fleet.aws_ssm.plugins.module_utils._errors import InputError

NAMES = st.from_regex(r"[a-z]{2}-[a-z]{4,7}-[1-9]", fullmatch=True)
SEPARATORS = st.from_regex(r"[ \t\n]*[,\s][ \t\n]*", fullmatch=True)


@pytest.fixture(scope="module")
def partitions():
    return _regions.partitions_of(botocore.session.get_session().get_data("partitions"))


@given(names=st.lists(NAMES, min_size=1), data=st.data())
def test_a_string_with_any_separators_holds_the_same_names_as_the_list(names, data):
    text = names[0]
    for name in names[1:]:
        text += data.draw(SEPARATORS) + name
    unique = list(dict.fromkeys(names))
    assert _regions.split_names(text) == unique
    assert _regions.split_names(names) == unique
    assert _regions.split_names([text]) == unique, "Ansible makes a list of one out of a string"
    assert _regions.split_names(text.split(",")) == unique, "Ansible splits strings at commas"


@given(st.lists(st.one_of(NAMES, st.just(""), st.text(alphabet=", \t\n", max_size=5))))
def test_names_have_no_separators_and_are_unique(items):
    names = _regions.split_names(items)
    assert (names or []) == list(dict.fromkeys(name for item in items for name in item.replace(",", " ").split()))


@pytest.mark.parametrize("nothing", [None, "", "  ", ",", [""], [" ", ","]])
def test_an_unanswered_question_of_a_survey_is_not_given(nothing):
    assert _regions.split_names(nothing) is None


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["app,db@prod", "plain"], ["app,db@prod", "plain"]),
        (["app,db@prod\nplain"], ["app,db@prod", "plain"]),
        ("app,db", ["app", "db"]),
        ([" "], None),
        ([], []),
    ],
)
def test_a_name_in_a_list_keeps_its_comma_where_names_may_have_one(values, expected):
    assert _regions.split_names(values, in_lists=False) == expected


def test_an_empty_list_stays_empty_and_is_refused():
    assert _regions.split_names([]) == []
    with pytest.raises(InputError, match=r"regions is an empty list.*at least one"):
        _regions.requested_regions([], None)


@pytest.mark.parametrize(
    ("regions", "region", "expected"),
    [
        (["eu-west-1", "us-east-1"], None, ["eu-west-1", "us-east-1"]),
        ("eu-west-1, us-east-1", "ap-south-1", ["eu-west-1", "us-east-1"]),
        (None, "ap-south-1", ["ap-south-1"]),
        ("", "ap-south-1", ["ap-south-1"]),
        (["ALL"], "ap-south-1", ["all"]),
    ],
)
def test_regions_come_before_the_region(regions, region, expected):
    assert _regions.requested_regions(regions, region) == expected


@pytest.mark.parametrize(
    ("regions", "region", "words"),
    [
        (["all", "eu-west-1"], None, ["regions", "all", "eu-west-1"]),
        (None, None, ["regions", "AWS_REGION", "AWS_DEFAULT_REGION", "profile"]),
        ("", "", ["regions", "AWS_REGION"]),
    ],
)
def test_contradictions_and_no_region_at_all_are_refused_in_one_line(regions, region, words):
    with pytest.raises(InputError) as caught:
        _regions.requested_regions(regions, region)
    assert [word for word in words if word not in str(caught.value)] == []
    assert "\n" not in str(caught.value)


def test_every_region_of_botocore_belongs_to_its_partition(partitions):
    assert {"aws", "aws-cn", "aws-us-gov"} <= {partition.name for partition in partitions}
    for partition in partitions:
        # A partition that is announced but has no region yet has nothing to check.
        if not partition.regions:
            continue
        assert _regions.partition_of(partition.regions, partitions) == partition
        assert partition.home in partition.regions
        assert not [name for name in partition.regions if name.endswith("-global")]
        assert _regions.unlisted(partition.regions, partition) == []


def test_a_region_newer_than_botocore_is_accepted_but_reported_as_unlisted(partitions):
    found = _regions.partition_of(["eu-west-1", "eu-west-99"], partitions)
    assert found.name == "aws"
    assert _regions.unlisted(["eu-west-1", "eu-west-99"], found) == ["eu-west-99"]
    assert _regions.partition_of(["cn-west-99"], partitions).name == "aws-cn"


def test_an_unknown_region_is_refused_with_the_nearest_names(partitions):
    with pytest.raises(InputError, match=r"regions: 'eu-wset-1\.' is not an AWS region\. Did you mean .*eu-west-1"):
        _regions.partition_of(["eu-wset-1."], partitions)
    with pytest.raises(InputError, match=r"regions: '!' is not an AWS region\.$"):
        _regions.partition_of(["!"], partitions)


def test_regions_of_two_partitions_are_refused(partitions):
    with pytest.raises(InputError, match=r"regions spans the AWS partitions aws, aws-cn"):
        _regions.partition_of(["eu-west-1", "cn-north-1"], partitions)


OPT_IN = {"us-east-1": "opt-in-not-required", "af-south-1": "not-opted-in", "eu-south-1": "opted-in"}


def test_enabled_regions_leave_out_only_those_not_opted_in():
    assert _regions.enabled_regions(OPT_IN) == ["eu-south-1", "us-east-1"]
    _regions.check_enabled(["us-east-1", "eu-south-1"], OPT_IN)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["us-east-1", "af-south-1"], r"not enabled in this account: af-south-1\. Enable it .*leave it out"),
        (["us-east-11"], r"'us-east-11' is not an AWS region\. Did you mean us-east-1"),
    ],
)
def test_a_region_that_is_off_or_not_there_is_refused(names, message):
    with pytest.raises(InputError, match=message):
        _regions.check_enabled(names, OPT_IN)
