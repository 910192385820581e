# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import time

import pytest

from ansible_collections.fleet.aws_ssm.plugins.module_utils._errors import code_of
from ansible_collections.fleet.aws_ssm.plugins.module_utils._profile_association.apply import carry_out, change
from ansible_collections.fleet.aws_ssm.plugins.module_utils._profile_association.plan import Instance, Step

PREFIX = "arn:aws:iam::111122223333:instance-profile/"
OLD, NEW, THIRD = f"{PREFIX}Old", f"{PREFIX}New", f"{PREFIX}Third"
EU, US = "eu-west-1", "us-east-1"


def aws_error(code, message="refused"):
    error = Exception(message)
    error.response = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": 400}}
    return error


class Ec2:
    """One region's associations: a change gives an association another id, as EC2 does.

    `meanwhile` are profiles that someone else gives to instances right after the look before the writes. `lost`: the
    calls are made, but their answers are lost, so that botocore makes them again.
    """

    def __init__(self, profiles=(), meanwhile=(), *, lost=False):
        self.profiles, self.meanwhile, self.lost = dict(profiles), dict(meanwhile), lost
        self.numbers = dict.fromkeys(self.profiles, 0)
        self.writes, self.looks = [], 0

    def _row(self, instance):
        number = f"{instance}#{self.numbers.get(instance, 0)}"
        arn = {"Arn": self.profiles[instance]}
        return {"AssociationId": number, "InstanceId": instance, "IamInstanceProfile": arn, "State": "associated"}

    def of_instances(self, ids):
        found = {name: [self._row(name)] for name in ids if self.profiles.get(name)}
        self.looks += 1
        self._others()
        return found

    def _others(self):
        for instance, profile in self.meanwhile.items():
            self._set(instance, profile)
        self.meanwhile = {}

    def _set(self, instance, profile):
        self.profiles[instance] = profile
        self.numbers[instance] = self.numbers.get(instance, 0) + 1

    def _again(self, call):
        """botocore's second try, whose answer is the one that is seen."""
        lost, self.lost = self.lost, False
        return call() if lost else {"State": "associated"}

    def associate(self, instance, profile):
        self._others()
        if self.profiles.get(instance):
            raise aws_error("IncorrectState", "There is an existing association")
        self._set(instance, profile)
        self.writes.append(("associate", instance, profile))
        return self._again(lambda: self.associate(instance, profile))

    def replace(self, association, profile):
        instance = self._instance(association)
        self._set(instance, profile)
        self.writes.append(("replace", instance, profile))
        return self._again(lambda: self.replace(association, profile))

    def disassociate(self, association):
        instance = self._instance(association)
        self._set(instance, None)
        self.writes.append(("disassociate", instance, None))
        return {**self._again(lambda: self.disassociate(association)), "State": "disassociated"}

    def _instance(self, association):
        instance, _hash, number = association.partition("#")
        if not self.profiles.get(instance) or str(self.numbers[instance]) != number:
            raise aws_error("InvalidAssociationID.NotFound")
        return instance


def step(operation, before, after, number=1):
    return Step(Instance(f"i-{number}", EU, "running", before), operation, after)


def run(ec2, *steps, **more):
    return carry_out(ec2, steps, deadline=time.monotonic() + 5, wait=False, try_one_first=False, **more)


STEPS = {
    "associate": step("associate", None, NEW),
    "replace": step("replace", OLD, NEW),
    "swap": step("swap", OLD, NEW),
    "disassociate": step("disassociate", OLD, None),
}


@pytest.mark.parametrize("name", STEPS)
def test_a_change_is_made_as_planned(name):
    planned = STEPS[name]
    ec2 = Ec2({"i-1": planned.instance.profile})
    outcome = run(ec2, planned)
    assert (outcome.changed, outcome.errors) == ({"i-1"}, {})
    assert ec2.profiles == {"i-1": planned.after}


@pytest.mark.parametrize("name", STEPS)
def test_what_someone_else_changed_since_it_was_read_is_left_alone(name):
    ec2 = Ec2({"i-1": THIRD})
    outcome = run(ec2, STEPS[name])
    assert (ec2.writes, ec2.profiles) == ([], {"i-1": THIRD})
    assert code_of(outcome.errors["i-1"]) == "ChangedMeanwhile"
    assert f"is {THIRD} now" in str(outcome.errors["i-1"])
    assert (outcome.changed, outcome.unknown) == (set(), set())


@pytest.mark.parametrize("name", STEPS)
def test_what_someone_else_changes_between_the_look_and_the_write_is_left_alone(name):
    planned = STEPS[name]
    ec2 = Ec2({"i-1": planned.instance.profile}, meanwhile={"i-1": THIRD})
    outcome = run(ec2, planned)
    assert (ec2.writes, ec2.profiles) == ([], {"i-1": THIRD})
    assert code_of(outcome.errors["i-1"]) == "ChangedMeanwhile"
    assert outcome.changed == set()


@pytest.mark.parametrize("name", ["replace", "swap"])
def test_an_instance_that_lost_its_profile_meanwhile_gets_no_other_one(name):
    ec2 = Ec2()
    outcome = run(ec2, STEPS[name])
    assert ec2.writes == []
    assert str(outcome.errors["i-1"]) == f"was {OLD} when it was read and is not there now: left alone, run again"


def test_a_profile_that_is_off_already_is_no_failure():
    ec2 = Ec2()
    outcome = run(ec2, STEPS["disassociate"])
    assert (ec2.writes, outcome.changed, outcome.errors) == ([], set(), {})
    ec2 = Ec2({"i-1": OLD}, meanwhile={"i-1": None})
    outcome = run(ec2, STEPS["disassociate"])
    assert (ec2.writes, outcome.errors) == ([], {})


@pytest.mark.parametrize("name", STEPS)
def test_a_change_whose_answer_was_lost_is_done(name):
    planned = STEPS[name]
    ec2 = Ec2({"i-1": planned.instance.profile}, lost=True)
    outcome = run(ec2, planned)
    assert (outcome.changed, outcome.errors) == ({"i-1"}, {})
    assert ec2.profiles == {"i-1": planned.after}


def test_a_refusal_about_something_else_stays_what_it_is():
    ec2 = Ec2({"i-1": OLD})
    ec2.replace = lambda *_given: (none for none in ()).throw(aws_error("IncorrectState", "not the active association"))
    outcome = run(ec2, STEPS["replace"])
    assert code_of(outcome.errors["i-1"]) == "IncorrectState"
    ec2.replace = lambda *_given: (none for none in ()).throw(aws_error("UnauthorizedOperation"))
    outcome = run(ec2, STEPS["replace"])
    assert (code_of(outcome.errors["i-1"]), outcome.unknown) == ("UnauthorizedOperation", set())


def test_associations_that_cannot_be_looked_up_are_not_changed_and_the_others_are():
    ec2 = Ec2({"i-1": OLD})
    ec2.of_instances = lambda _ids: (none for none in ()).throw(aws_error("UnauthorizedOperation"))
    outcome = run(ec2, STEPS["replace"], step("associate", None, NEW, number=2))
    assert (outcome.changed, outcome.unknown) == ({"i-2"}, set())
    assert list(outcome.errors) == ["i-1"]


def test_a_region_without_an_answer_may_have_been_changed_and_the_others_are():
    slow, fast = Ec2(), Ec2()
    slow.associate = lambda *_given: time.sleep(5)
    steps = [step("associate", None, NEW), Step(Instance("i-2", US, "running"), "associate", NEW)]
    outcome = change({EU: slow, US: fast}, steps, deadline=time.monotonic() + 0.3, wait=False, try_one_first=False)
    assert (outcome.changed, outcome.unknown) == ({"i-2"}, {"i-1"})
    assert code_of(outcome.errors["i-1"]) == "DeadlineExceeded"
