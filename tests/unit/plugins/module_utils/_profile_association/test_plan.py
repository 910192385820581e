# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.fleet.aws_ssm.plugins.module_utils._core.backup import ASSOCIATION, Original, originals
from ansible_collections.fleet.aws_ssm.plugins.module_utils._profile_association.plan import (
    Instance,
    Profile,
    entries_of,
    plan_absent,
    plan_present,
    plan_restored,
    read_instance,
    without_profiles,
)

PREFIX = "arn:aws:iam::111122223333:instance-profile/"
NEW, OLD, THIRD = f"{PREFIX}New", f"{PREFIX}path/Old", f"{PREFIX}Third"
PROFILE = Profile(NEW, "AIPANEW")


def instance(profile=None, state="running", number=1, **more):
    return Instance(f"i-{number}", "eu-west-1", state, profile, **more)


def only(steps):
    (step,) = steps
    return step.operation, step.after, step.reason


def original(had, *put):
    return Original("instance_profile_association", ASSOCIATION, "111122223333", "aws", "eu-west-1", "i-1", had, put)


def restored(found, had, *put, overwrite=False, unread=None):
    (step,) = plan_restored([found] if found else [], [original(had, *put)], unread or {}, overwrite=overwrite)
    return step


def test_an_instance_is_read_from_the_answer_of_ec2():
    answer = {"InstanceId": "i-1", "State": {"Name": "stopped"}}
    assert read_instance("eu-west-1", answer) == instance(state="stopped")
    answer["IamInstanceProfile"] = {"Arn": OLD, "Id": "AIPAOLD"}
    answer["Operator"] = {"Managed": False}
    assert read_instance("eu-west-1", answer) == instance(OLD, "stopped", profile_id="AIPAOLD")
    answer["Operator"] = {"Managed": True, "Principal": "eks.amazonaws.com"}
    assert read_instance("eu-west-1", answer).operator == "eks.amazonaws.com"
    answer["Operator"] = {"Managed": True}
    assert read_instance("eu-west-1", answer).operator == "an AWS service"


@pytest.mark.parametrize("existing", ["keep", "replace", "extend"])
@pytest.mark.parametrize("state", ["running", "stopped"])
def test_an_instance_without_a_profile_gets_it_whatever_is_done_with_other_profiles(state, existing):
    assert only(plan_present([instance(state=state)], PROFILE, existing)) == ("associate", NEW, "")


@pytest.mark.parametrize("existing", ["keep", "replace", "extend"])
@pytest.mark.parametrize("known", [None, "AIPANEW"])
def test_an_instance_that_has_it_keeps_it(known, existing):
    assert only(plan_present([instance(NEW, profile_id=known)], PROFILE, existing)) == ("keep", NEW, "")


@pytest.mark.parametrize(
    ("existing", "state", "wanted"),
    [
        ("keep", "running", ("keep", OLD, "has the profile Old")),
        ("keep", "stopped", ("keep", OLD, "has the profile Old")),
        ("replace", "running", ("replace", NEW, "")),
        ("replace", "stopped", ("swap", NEW, "")),
        ("extend", "running", ("extend", OLD, "")),
        ("extend", "stopped", ("extend", OLD, "")),
    ],
)
def test_what_happens_with_another_profile_is_what_was_asked_for(existing, state, wanted):
    assert only(plan_present([instance(OLD, state)], PROFILE, existing)) == wanted


@pytest.mark.parametrize(("state", "operation"), [("running", "replace"), ("stopped", "swap")])
def test_a_profile_that_was_made_again_is_associated_again_even_with_keep(state, operation):
    found, after, reason = only(plan_present([instance(NEW, state, profile_id="AIPAGONE")], PROFILE, "keep"))
    assert (found, after) == (operation, NEW)
    assert "made again" in reason


@pytest.mark.parametrize("state", ["pending", "stopping", "shutting-down", "terminated"])
@pytest.mark.parametrize("existing", ["keep", "replace", "extend"])
@pytest.mark.parametrize("profile", [None, OLD])
def test_an_instance_that_neither_runs_nor_is_stopped_is_skipped_with_its_state(profile, existing, state):
    wanted = ("skip", profile, f"is {state}, neither running nor stopped")
    assert only(plan_present([instance(profile, state)], PROFILE, existing)) == wanted


@pytest.mark.parametrize("existing", ["keep", "replace", "extend"])
@pytest.mark.parametrize("state", ["running", "stopped"])
def test_an_instance_of_an_aws_service_is_skipped_with_the_services_name(state, existing):
    found = instance(OLD, state, operator="eks.amazonaws.com")
    assert only(plan_present([found], PROFILE, existing)) == ("skip", OLD, "operated by eks.amazonaws.com")


def test_absent_takes_off_this_profile_and_no_other():
    assert only(plan_absent([instance(NEW)], PROFILE)) == ("disassociate", None, "")
    assert only(plan_absent([instance(NEW, "stopped")], PROFILE)) == ("disassociate", None, "")
    assert only(plan_absent([instance(OLD)], PROFILE)) == ("keep", OLD, "has the profile Old")
    assert only(plan_absent([instance()], PROFILE)) == ("keep", None, "")
    assert only(plan_absent([instance(NEW, "pending")], PROFILE))[0] == "skip"
    assert only(plan_absent([instance(NEW, operator="eks.amazonaws.com")], PROFILE))[0] == "skip"


@pytest.mark.parametrize(
    ("found", "had", "put", "wanted"),
    [
        (instance(NEW), None, NEW, ("disassociate", None)),
        (instance(NEW), OLD, NEW, ("replace", OLD)),
        (instance(NEW, "stopped"), OLD, NEW, ("swap", OLD)),
        (instance(), OLD, None, ("associate", OLD)),
        (instance(OLD), OLD, NEW, ("keep", OLD)),
        (instance(), None, NEW, ("keep", None)),
        # A swap that failed half-way: nothing of anyone else's is lost.
        (instance(), OLD, NEW, ("associate", OLD)),
        # As it was already, so that it can't be changed now does not matter.
        (instance(OLD, "pending"), OLD, NEW, ("keep", OLD)),
        (instance(None, operator="eks.amazonaws.com"), None, NEW, ("keep", None)),
    ],
)
def test_a_backup_is_put_back(found, had, put, wanted):
    for overwrite in (False, True):
        step = restored(found, had, put, overwrite=overwrite)
        assert (step.operation, step.after, step.code) == (*wanted, "")


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize(
    ("found", "reason"),
    [
        (instance(NEW, "pending"), "is pending, neither running nor stopped"),
        (instance(NEW, "stopping"), "is stopping, neither running nor stopped"),
        (instance(NEW, operator="eks.amazonaws.com"), "operated by eks.amazonaws.com"),
    ],
)
def test_an_instance_that_cannot_be_changed_now_fails_even_with_overwrite(found, reason, overwrite):
    step = restored(found, OLD, NEW, overwrite=overwrite)
    assert (step.operation, step.after, step.code, step.reason) == ("refuse", NEW, "NotChangeable", reason)


def test_what_someone_else_changed_since_fails_unless_it_is_to_be_overwritten():
    step = restored(instance(THIRD), OLD, NEW)
    assert (step.operation, step.after, step.code) == ("refuse", THIRD, "ChangedSince")
    assert step.reason == "changed since the backup: has the profile Third. Set overwrite to restore it anyway"
    assert restored(instance(THIRD), OLD, NEW, overwrite=True).after == OLD
    # Every value that one of our runs gave it is ours.
    assert restored(instance(THIRD), OLD, NEW, THIRD).after == OLD


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        (None, "no longer exists"),
        (instance(NEW, "terminated"), "is terminated"),
        (instance(NEW, "shutting-down"), "is shutting-down"),
    ],
)
def test_an_instance_that_is_gone_fails_unless_that_is_to_be_passed_over(found, reason):
    step = restored(found, OLD, NEW)
    assert (step.operation, step.code, step.reason, step.instance.id) == ("refuse", "Gone", reason, "i-1")
    step = restored(found, OLD, NEW, overwrite=True)
    assert (step.operation, step.code, step.reason) == ("skip", "", reason)


@pytest.mark.parametrize("overwrite", [False, True])
def test_an_instance_of_a_region_that_was_not_read_is_not_taken_for_gone(overwrite):
    step = restored(None, OLD, NEW, unread={"eu-west-1": TimeoutError("no answer")}, overwrite=overwrite)
    assert (step.operation, step.code, step.reason) == ("refuse", "TimeoutError", "no answer")


def test_an_instance_of_the_same_id_in_another_region_is_another_one():
    elsewhere = Instance("i-1", "us-east-1", "running", NEW)
    assert restored(elsewhere, OLD, NEW).code == "Gone"


def test_a_profile_that_is_gone_fails_only_where_it_is_to_be_given_back():
    steps = [restored(instance(NEW), OLD, NEW), restored(instance(NEW), None, NEW), restored(instance(OLD), OLD, NEW)]
    found = without_profiles(steps, {OLD: "the profile Old is gone"})
    assert [(step.operation, step.after, step.code, step.reason) for step in found] == [
        ("refuse", NEW, "NoSuchProfile", "the profile Old is gone"),
        ("disassociate", None, "", ""),
        ("keep", OLD, "", ""),
    ]


def test_a_backup_holds_what_undoes_each_change_and_nothing_else():
    found = [
        instance(number=1),
        instance(OLD, number=2),
        instance(NEW, number=3),
        instance(NEW, number=4, profile_id="AIPAGONE"),
        instance(OLD, "pending", number=5),
    ]
    entries = entries_of(plan_present(found, PROFILE, "replace"), "111122223333", "aws-cn")
    assert [(entry.resource, entry.before, entry.after) for entry in entries] == [("i-1", None, NEW), ("i-2", OLD, NEW)]
    assert {(e.module, e.kind, e.account, e.partition, e.region) for e in entries} == {
        ("instance_profile_association", ASSOCIATION, "111122223333", "aws-cn", "eu-west-1")
    }
    extend = entries_of(plan_present(found, PROFILE, "extend"), "111122223333", "aws")
    assert [entry.resource for entry in extend] == ["i-1"]


def test_each_change_is_undone_by_its_backup():
    found = [instance(profile, state) for profile in (None, OLD, NEW) for state in ("running", "stopped")]
    for before in found:
        for step in [*plan_present([before], PROFILE, "replace"), *plan_absent([before], PROFILE)]:
            entries = entries_of([step], "111122223333", "aws")
            if entries:
                now = instance(step.after, before.state)
                (back,) = plan_restored([now], originals(entries), {}, overwrite=False)
                assert back.after == before.profile
