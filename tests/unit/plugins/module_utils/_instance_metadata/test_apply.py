# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import time

import pytest

from ansible_collections.fleet.aws_ssm.plugins.module_utils._core.fresh import FRESH
from ansible_collections.fleet.aws_ssm.plugins.module_utils._errors import ChangedMeanwhile, code_of
from ansible_collections.fleet.aws_ssm.plugins.module_utils._instance_metadata.apply import (
    carry_out,
    change_defaults,
)
from ansible_collections.fleet.aws_ssm.plugins.module_utils._instance_metadata.plan import (
    Instance,
    plan_defaults,
    plan_instances,
    read_defaults,
)

REGION = "eu-west-1"
V1 = {"HttpTokens": "optional", "HttpEndpoint": "enabled", "HttpPutResponseHopLimit": 1}
SEEN = {"http_tokens": "optional", "http_endpoint": "enabled", "http_put_response_hop_limit": 1}


class Ec2:
    """One region, as it is now."""

    def __init__(self, **instances):
        self.instances = {name.replace("_", "-"): {**V1, **changed} for name, changed in instances.items()}
        self.states, self.level = {}, {}
        self.writes, self.looks = [], []

    def of_instances(self, ids):
        self.looks.append(list(ids))
        return {
            name: {
                "InstanceId": name,
                "State": {"Name": self.states.get(name, "running")},
                "MetadataOptions": {**self.instances[name], "State": "applied"},
            }
            for name in ids
            if name in self.instances
        }

    def modify(self, instance, request):
        self.writes.append((instance, request))
        return {"State": "applied"}

    def defaults(self):
        self.looks.append("defaults")
        return self.level

    def modify_defaults(self, request):
        self.writes.append(("defaults", request))


def planned(count=1, **wanted):
    instances = [Instance(f"i-{number}", REGION, "running", SEEN) for number in range(1, count + 1)]
    return plan_instances(instances, wanted)


def run(ec2, steps, age):
    now = time.monotonic()
    return carry_out(ec2, steps, read_at=now - age, deadline=now + 5, wait=False)


def test_what_was_read_a_moment_ago_is_not_read_again():
    ec2 = Ec2(i_1={"HttpTokens": "required"})
    outcome = run(ec2, planned(http_put_response_hop_limit=2), 0)
    assert (ec2.looks, outcome.changed, len(ec2.writes)) == ([], {"i-1"}, 1)


def test_what_someone_else_changed_since_is_left_alone_and_the_others_are_changed():
    ec2 = Ec2(i_1={"HttpTokens": "required"}, i_2={}, i_4={})
    ec2.states["i-4"] = "stopping"
    outcome = run(ec2, planned(4, http_tokens="required"), FRESH + 1)
    assert [instance for instance, _request in ec2.writes] == ["i-2"]
    assert (outcome.changed, outcome.unknown) == ({"i-2"}, set())
    assert {name: str(error).partition(": ")[0] for name, error in outcome.errors.items()} == {
        "i-1": "was http_tokens=optional when it was read and is http_tokens=required now",
        "i-3": "was running when it was read and is not there now",
        "i-4": "was running when it was read and is stopping now",
    }
    assert {code_of(error) for error in outcome.errors.values()} == {"ChangedMeanwhile"}


def test_an_option_that_is_not_to_be_changed_may_have_changed_and_keeps_its_new_value():
    ec2 = Ec2(i_1={"HttpTokens": "required"})
    outcome = run(ec2, planned(http_put_response_hop_limit=2), FRESH + 1)
    assert outcome.errors == {}
    # Without naming it, IMDSv2 would be lost.
    request = {"HttpPutResponseHopLimit": 2, "HttpEndpoint": "enabled", "HttpTokens": "required"}
    assert ec2.writes == [("i-1", request)]


def test_a_large_fleet_is_read_again_in_parts_right_before_each_is_changed():
    names = [f"i-{number}" for number in range(1, 231)]
    ec2 = Ec2(**{name.replace("-", "_"): {} for name in names})
    outcome = run(ec2, planned(230, http_tokens="required"), FRESH + 1)
    assert [len(ids) for ids in ec2.looks] == [100, 100, 30]
    assert outcome.changed == set(names)


def test_what_cannot_be_read_again_is_not_changed():
    ec2 = Ec2(i_1={})
    ec2.of_instances = lambda _ids: (none for none in ()).throw(TimeoutError("no answer"))
    outcome = run(ec2, planned(http_tokens="required"), FRESH + 1)
    assert (ec2.writes, outcome.changed, outcome.unknown) == ([], set(), set())
    assert str(outcome.errors["i-1"]) == "no answer"


def test_defaults_are_read_again_after_a_while_and_left_alone_if_someone_else_changed_them():
    (step,) = plan_defaults([read_defaults(REGION, {})], {"http_tokens": "required"})
    ec2 = Ec2()
    ec2.level = {"HttpTokens": "optional"}
    with pytest.raises(ChangedMeanwhile, match=r"was http_tokens=no-preference .* is http_tokens=optional now"):
        change_defaults(ec2, step, time.monotonic() - FRESH - 1)
    assert ec2.writes == []
    ec2.level = {"HttpPutResponseHopLimit": 3}
    change_defaults(ec2, step, time.monotonic() - FRESH - 1)
    assert (ec2.writes, len(ec2.looks)) == ([("defaults", {"HttpTokens": "required"})], 2)
    change_defaults(ec2, step, time.monotonic())
    assert len(ec2.looks) == 2
