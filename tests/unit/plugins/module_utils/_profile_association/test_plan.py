# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.fleet.aws_ssm.plugins.module_utils._profile_association.plan import (
    Instance,
    Profile,
    backup_of,
    plan_absent,
    plan_present,
    plan_restored,
    read_instance,
)

PREFIX = "arn:aws:iam::111122223333:instance-profile/"
NEW, OLD, THIRD = f"{PREFIX}New", f"{PREFIX}path/Old", f"{PREFIX}Third"
PROFILE = Profile(NEW, "AIPANEW")


def instance(profile=None, state="running", number=1, **more):
    return Instance(f"i-{number}", "eu-west-1", state, profile, **more)


def only(steps):
    (step,) = steps
    return step.operation, step.after, step.reason


def restored(found, had, put, *, force=False):
    entry = {"instance_id": "i-1", "region": "eu-west-1", "instance_profile": had, "replaced_with": put}
    return only(plan_restored([found], [entry], force=force))


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
        (instance(NEW, "pending"), OLD, NEW, ("skip", NEW)),
        (instance(NEW, operator="eks.amazonaws.com"), None, NEW, ("skip", NEW)),
    ],
)
def test_a_backup_is_put_back(found, had, put, wanted):
    assert restored(found, had, put)[:2] == wanted
    assert restored(found, had, put, force=True)[:2] == wanted


def test_what_was_changed_since_the_backup_is_put_back_only_by_force():
    found = instance(THIRD)
    assert restored(found, OLD, NEW) == ("skip", THIRD, "changed since the backup: has Third")
    assert restored(found, OLD, NEW, force=True)[1] == OLD


def test_an_instance_that_has_lost_its_profile_since_the_backup_gets_the_old_one_back():
    assert restored(instance(), OLD, NEW)[:2] == ("associate", OLD)


def test_a_backup_holds_what_undoes_each_change_and_nothing_else():
    found = [
        instance(number=1),
        instance(OLD, number=2),
        instance(NEW, number=3),
        instance(NEW, number=4, profile_id="AIPAGONE"),
        instance(OLD, "pending", number=5),
    ]
    assert backup_of(plan_present(found, PROFILE, "replace")) == [
        {"region": "eu-west-1", "instance_id": "i-1", "instance_profile": None, "replaced_with": NEW},
        {"region": "eu-west-1", "instance_id": "i-2", "instance_profile": OLD, "replaced_with": NEW},
    ]
    assert backup_of(plan_present(found, PROFILE, "extend"))[1:] == []


def test_each_change_is_undone_by_its_backup():
    found = [instance(profile, state) for profile in (None, OLD, NEW) for state in ("running", "stopped")]
    for before in found:
        steps = [*plan_present([before], PROFILE, "replace"), *plan_absent([before], PROFILE)]
        for step in steps:
            entries = backup_of([step])
            if entries:
                now = instance(step.after, before.state)
                assert only(plan_restored([now], entries, force=False))[1] == before.profile
