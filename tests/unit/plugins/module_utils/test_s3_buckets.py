# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
from pathlib import Path

import pytest
from botocore.session import get_session

from ansible_collections.fleet.aws_ssm.plugins.module_utils import _s3_buckets

# AWS's two lists, name by name; its key "seed" is the bucket set "page".
PUBLISHED = json.loads((Path(__file__).parents[2] / "fixtures" / "ssm_s3_buckets.json").read_text())


def test_the_table_has_the_published_regions():
    assert sorted(_s3_buckets.known_regions()) == sorted(PUBLISHED)


@pytest.mark.parametrize(("bucket_set", "keys"), [("current", ("current", "seed")), ("page", ("seed",))])
def test_the_names_are_the_published_ones_in_their_order(bucket_set, keys):
    # The default set has every bucket that one of AWS's pages names, each once: who leaves one out finds it denied.
    found = {region: list(_s3_buckets.aws_buckets(bucket_set, region)) for region in PUBLISHED}
    wanted = {region: [name for key in keys for name in names[key]] for region, names in PUBLISHED.items()}
    assert found == {region: list(dict.fromkeys(names)) for region, names in wanted.items()}


@pytest.mark.parametrize("bucket_set", ["current", "page"])
def test_every_name_has_its_region_in_it(bucket_set):
    for region in _s3_buckets.known_regions():
        assert all(region in name for name in _s3_buckets.aws_buckets(bucket_set, region))


@pytest.mark.parametrize("region", ["me-west-1", "cn-north-1", "us-gov-west-1", "us-east-1a", ""])
def test_nothing_is_guessed_for_a_region_that_is_not_in_the_table(region):
    assert _s3_buckets.aws_buckets("current", region) is None


def test_a_region_s_partition_is_the_one_that_botocore_has():
    for partition in get_session().get_data("partitions")["partitions"]:
        for region in partition["regions"]:
            if not region.endswith("-global"):
                assert _s3_buckets.partition_of_region(region) == partition["id"], region
