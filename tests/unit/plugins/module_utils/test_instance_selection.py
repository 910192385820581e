# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which instances a task means."""

from __future__ import annotations

import pytest

from ansible_collections.fleet.aws_ssm.plugins.module_utils._errors import InputError
from ansible_collections.fleet.aws_ssm.plugins.module_utils._instance_selection import check_found, select_instances

NOTHING = {"instance_ids": None, "filters": None, "all_instances": False}
ALIVE = {"Name": "instance-state-name", "Values": ["pending", "running", "stopping", "stopped"]}


def test_ids_come_as_a_list_or_as_a_string_of_a_survey():
    assert select_instances({**NOTHING, "instance_ids": ["i-1, i-2"]}) == (["i-1", "i-2"], [])


def test_filters_leave_out_what_is_gone_unless_they_name_states():
    ids, filters = select_instances({**NOTHING, "filters": {"tag:role": "web"}})
    assert (ids, sorted(filters, key=lambda entry: entry["Name"])) == (
        [],
        [ALIVE, {"Name": "tag:role", "Values": ["web"]}],
    )
    assert select_instances({**NOTHING, "all_instances": True}) == ([], [ALIVE])
    _ids, filters = select_instances({**NOTHING, "filters": {"instance-state-name": "running"}})
    assert filters == [{"Name": "instance-state-name", "Values": ["running"]}]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, "Which instances: set instance_ids, filters, or all_instances to true"),
        ({"instance_ids": []}, "instance_ids: is an empty list"),
        ({"instance_ids": ["web-1"]}, "instance_ids: web-1 is not an instance id"),
    ],
)
def test_a_task_that_names_no_instances_is_refused(given, words):
    with pytest.raises(InputError, match=words):
        select_instances({**NOTHING, **given})


def test_ids_that_are_in_no_region_are_named():
    check_found(["i-1"], ["i-1"], ["eu-west-1"])
    with pytest.raises(InputError, match=r"instance_ids: i-2, i-3 are in none of the regions eu-west-1, us-east-1"):
        check_found(["i-1", "i-2", "i-3"], ["i-1"], ["eu-west-1", "us-east-1"])
    with pytest.raises(InputError, match=r"i-2 is in none of the regions eu-west-1: correct the id"):
        check_found(["i-2"], [], ["eu-west-1"])
