# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from types import SimpleNamespace

import pytest

from ansible_collections.fleet.aws_ssm.plugins.module_utils._core.backup import Original, originals
from ansible_collections.fleet.aws_ssm.plugins.module_utils._errors import Failure, InputError
from ansible_collections.fleet.aws_ssm.plugins.module_utils._fan_out import DeadlineExceeded
from ansible_collections.fleet.aws_ssm.plugins.module_utils._instance_metadata.api import unknown_to_botocore
from ansible_collections.fleet.aws_ssm.plugins.module_utils._instance_metadata.plan import (
    UNSET,
    Defaults,
    Instance,
    Outcome,
    Part,
    check_options,
    entries_of,
    plan_defaults,
    plan_defaults_restored,
    plan_instances,
    plan_instances_restored,
    read_defaults,
    read_instance,
    requests_of,
)
from ansible_collections.fleet.aws_ssm.plugins.module_utils._instance_metadata.request import request_to_restore
from ansible_collections.fleet.aws_ssm.plugins.module_utils._instance_metadata.result import Around, report

REGION = "eu-west-1"
TOKENS, ENDPOINT, HOPS = "http_tokens", "http_endpoint", "http_put_response_hop_limit"
V1 = {TOKENS: "optional", ENDPOINT: "enabled", HOPS: 1}
V2 = {**V1, TOKENS: "required"}


def instance(options=None, state="running", number=1, **more):
    return Instance(f"i-{number}", REGION, state, {**V1, **(options or {})}, **more)


def defaults(managed_by="account", message="", **options):
    return Defaults(REGION, {**UNSET, **options}, managed_by, message)


def only(steps):
    (step,) = steps
    return step.operation, dict(step.changes), step.reason


def test_an_instance_and_defaults_are_read_from_the_answers_of_ec2():
    answer = {"InstanceId": "i-1", "State": {"Name": "running"}}
    assert read_instance(REGION, answer) == Instance("i-1", REGION, "running")
    answer["MetadataOptions"] = {"State": "applied", "HttpTokens": "optional", "HttpPutResponseHopLimit": 1}
    answer["Operator"] = {"Managed": True}
    assert read_instance(REGION, answer).options == {TOKENS: "optional", HOPS: 1}
    assert read_instance(REGION, answer).operator == "an AWS service"
    assert read_defaults(REGION, {}) == defaults()
    managed = {"HttpTokens": "required", "ManagedBy": "declarative-policy", "ManagedExceptionMessage": "No."}
    assert read_defaults(REGION, managed) == defaults("declarative-policy", "No.", http_tokens="required")


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ({TOKENS: "required", ENDPOINT: "", HOPS: None}, {TOKENS: "required"}),
        ({HOPS: 64}, {HOPS: 64}),
        ({HOPS: "2"}, {HOPS: 2}),
        ({"http_protocol_ipv6": "enabled", "instance_metadata_tags": "disabled"}, None),
        ({}, {}),
        (None, {}),
    ],
)
def test_options_that_are_not_given_or_empty_are_left_out(given, wanted):
    assert check_options("", given) == (given if wanted is None else wanted)


@pytest.mark.parametrize("value", [0, 65, -1, "two", 1.5])
def test_a_hop_limit_is_a_number_from_1_to_64(value):
    with pytest.raises(InputError, match=f"^{HOPS}: {value} is not a number from 1 to 64"):
        check_options("", {HOPS: value})


def test_only_a_default_can_be_taken_back():
    assert check_options("d.", UNSET, defaults=True) == UNSET
    with pytest.raises(InputError, match=r"^http_tokens: no-preference is not optional or required\.$"):
        check_options("", {TOKENS: "no-preference"})
    with pytest.raises(InputError, match=r"^d\.http_protocol_ipv6: there is no such option"):
        check_options("d.", {"http_protocol_ipv6": "enabled"}, defaults=True)


@pytest.mark.parametrize("state", ["running", "stopped"])
def test_only_what_differs_is_changed(state):
    assert only(plan_instances([instance(state=state)], V2)) == ("modify", {TOKENS: "required"}, "")
    assert only(plan_instances([instance(V2, state)], V2)) == ("keep", {}, "")
    assert only(plan_instances([instance(V2, state)], {HOPS: 2})) == ("modify", {HOPS: 2}, "")


@pytest.mark.parametrize("state", ["pending", "stopping", "shutting-down", "terminated"])
def test_an_instance_that_neither_runs_nor_is_stopped_is_skipped_with_its_state(state):
    wanted = ("skip", {}, f"is {state}, neither running nor stopped")
    assert only(plan_instances([instance(state=state)], V2)) == wanted


def test_an_instance_of_an_aws_service_is_skipped_with_the_services_name():
    found = instance(operator="eks.amazonaws.com")
    assert only(plan_instances([found], V2)) == ("skip", {}, "operated by eks.amazonaws.com")


@pytest.mark.parametrize(
    ("has", "wanted", "sent"),
    [
        ({}, {TOKENS: "required"}, [{"HttpTokens": "required", "HttpEndpoint": "enabled"}]),
        ({}, {HOPS: 2}, [{"HttpPutResponseHopLimit": 2, "HttpEndpoint": "enabled"}]),
        (V2, {HOPS: 2}, [{"HttpPutResponseHopLimit": 2, "HttpEndpoint": "enabled", "HttpTokens": "required"}]),
        (V2, {TOKENS: "optional"}, [{"HttpTokens": "optional", "HttpEndpoint": "enabled"}]),
        (V2, {ENDPOINT: "disabled"}, [{"HttpEndpoint": "disabled"}]),
        ({**V2, ENDPOINT: "disabled"}, {ENDPOINT: "enabled"}, [{"HttpEndpoint": "enabled", "HttpTokens": "required"}]),
        ({**V2, ENDPOINT: "disabled"}, {HOPS: 2}, [{"HttpPutResponseHopLimit": 2}]),
        # Together EC2 would not take them.
        (
            V2,
            {TOKENS: "optional", ENDPOINT: "disabled"},
            [{"HttpTokens": "optional", "HttpEndpoint": "enabled"}, {"HttpEndpoint": "disabled"}],
        ),
    ],
)
def test_a_request_names_the_endpoint_that_stays_on_and_imdsv2_that_stays_required(has, wanted, sent):
    (step,) = plan_instances([instance(has)], wanted)
    assert requests_of(step) == sent


def test_defaults_that_a_policy_sets_are_refused_only_where_they_differ():
    wanted = {TOKENS: "required", HOPS: -1}
    assert only(plan_defaults([defaults()], wanted)) == ("modify", {TOKENS: "required"}, "")
    assert only(plan_defaults([defaults("declarative-policy", http_tokens="required")], wanted))[0] == "keep"
    (step,) = plan_defaults([defaults("declarative-policy", "Ask us.")], wanted)
    assert (step.operation, step.changes, step.code) == ("refuse", {}, "ManagedByDeclarativePolicy")
    assert step.reason.endswith("can't change them: Ask us.")
    managed = defaults("declarative-policy", http_tokens="required")
    kept = originals(entries(plan_defaults([defaults()], wanted)))
    assert only(plan_defaults_restored([managed], kept, overwrite=True))[0] == "refuse"


ACCOUNT = ("111122223333", "aws")


def entries(steps):
    return entries_of(steps, *ACCOUNT)


def restored(now, *plans, overwrite=False, unread=None):
    """The plan to restore one instance after these plans were carried out for it, one after the other."""
    kept = originals(entry for steps in plans for entry in entries(steps))
    return plan_instances_restored([now] if now else [], kept, unread or {}, overwrite=overwrite)


BOTH = {TOKENS: "required", HOPS: 2}
SINCE = "changed since the backup: has {}. Set overwrite to restore it anyway"


@pytest.mark.parametrize(
    ("now", "wanted", "code"),
    [
        (BOTH, ("modify", {TOKENS: "optional", HOPS: 1}, ""), ""),
        ({}, ("keep", {}, ""), ""),
        ({HOPS: 2}, ("modify", {HOPS: 1}, ""), ""),
        # What someone else changed is left alone, and the rest is restored.
        ({**BOTH, HOPS: 3}, ("modify", {TOKENS: "optional"}, SINCE.format(f"{HOPS}=3")), "ChangedSince"),
        ({HOPS: 3}, ("refuse", {}, SINCE.format(f"{HOPS}=3")), "ChangedSince"),
        ({**BOTH, ENDPOINT: "disabled"}, ("modify", {TOKENS: "optional", HOPS: 1}, ""), ""),
    ],
)
def test_a_backup_is_put_back_option_by_option(now, wanted, code):
    plan = plan_instances([instance()], BOTH)
    steps = restored(instance(now), plan)
    assert (only(steps), steps[0].code) == (wanted, code)
    (step,) = restored(instance(now), plan, overwrite=True)
    assert {**step.after, ENDPOINT: "enabled"} == V1
    assert step.code == ""


def test_the_first_value_is_what_a_restore_leads_back_to():
    first, second = plan_instances([instance()], {HOPS: 2}), plan_instances([instance({HOPS: 2})], {HOPS: 5})
    for now in (2, 5):
        assert only(restored(instance({HOPS: now}), first, second)) == ("modify", {HOPS: 1}, "")


@pytest.mark.parametrize(
    ("now", "reason"),
    [
        (None, "no longer exists"),
        (instance(BOTH, "terminated"), "is terminated"),
        (instance(BOTH, "shutting-down"), "is shutting-down"),
    ],
)
def test_an_instance_that_is_gone_fails_unless_that_is_to_be_passed_over(now, reason):
    plan = plan_instances([instance()], BOTH)
    (step,) = restored(now, plan)
    assert (step.operation, step.code, step.reason, step.target.id) == ("refuse", "Gone", reason, "i-1")
    (step,) = restored(now, plan, overwrite=True)
    assert (step.operation, step.code, step.reason) == ("skip", "", reason)


@pytest.mark.parametrize("overwrite", [False, True])
def test_an_instance_that_cannot_be_changed_now_fails_unless_it_is_as_it_was(overwrite):
    plan = plan_instances([instance()], BOTH)
    for blocked in ({"state": "pending"}, {"operator": "eks.amazonaws.com"}):
        (step,) = restored(instance(BOTH, **blocked), plan, overwrite=overwrite)
        assert (step.operation, step.code, step.changes) == ("refuse", "NotChangeable", {})
        assert only(restored(instance(**blocked), plan, overwrite=overwrite)) == ("keep", {}, "")


def test_an_instance_of_a_region_that_was_not_read_is_not_taken_for_gone():
    (step,) = restored(None, plan_instances([instance()], BOTH), unread={REGION: TimeoutError("no answer")})
    assert (step.operation, step.code, step.reason) == ("refuse", "TimeoutError", "no answer")


def test_an_option_that_ec2_did_not_show_before_has_no_value_to_give_back():
    bare = Instance("i-1", REGION, "running", {})
    (step,) = restored(Instance("i-1", REGION, "running", {TOKENS: "required"}), plan_instances([bare], V2))
    assert (step.operation, step.code) == ("refuse", "NotChangeable")
    assert TOKENS in step.reason


@pytest.mark.parametrize("had", [{}, {"http_tokens": "optional"}, {"http_tokens": "required", HOPS: 3}])
def test_defaults_are_given_back_also_where_they_were_not_set(had):
    before = defaults(**had)
    (step,) = plan_defaults([before], BOTH)
    (back,) = plan_defaults_restored([Defaults(REGION, step.after)], originals(entries([step])), overwrite=False)
    assert back.after == before.options


def test_entries_name_instance_and_option_or_the_option_alone():
    of_instances, of_defaults = entries(plan_instances([instance()], V2)), entries(plan_defaults([defaults()], V2))
    assert [(e.kind, e.resource, e.before, e.after) for e in of_instances] == [
        ("instance_metadata_option", "i-1/http_tokens", "optional", "required")
    ]
    assert [(e.kind, e.resource, e.before) for e in of_defaults][:1] == [
        ("instance_metadata_default", "http_tokens", "no-preference")
    ]
    assert {(e.module, e.account, e.partition, e.region) for e in of_instances + of_defaults} == {
        ("ec2_metadata_options", *ACCOUNT, REGION)
    }


def an_original(resource, before, *ours, kind="instance_metadata_option"):
    return Original("ec2_metadata_options", kind, *ACCOUNT, REGION, resource, before, ours)


def test_what_a_backup_holds_is_read_as_the_module_writes_it():
    kept = [
        an_original(f"i-1/{HOPS}", "1", "2"),
        an_original("i-2/http_tokens", None, "required"),
        an_original(HOPS, -1, 2, kind="instance_metadata_default"),
    ]
    request = request_to_restore(kept, overwrite=False)
    assert [(o.before, o.ours) for o in request.of_instances] == [(1, (2,)), (None, ("required",))]
    assert request.options_used() == ([HOPS, "http_tokens"], [HOPS])
    assert (request.regions, request.instances_in(REGION)) == ([REGION], (["i-1", "i-2"], []))


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (an_original("i-1/http_tokens", "maybe", "required"), "i-1/http_tokens: http_tokens: maybe is not optional or"),
        (an_original("i-1/http_tokens", "optional", ""), "i-1/http_tokens: http_tokens is empty"),
        (an_original("i-1/colour", "red", "blue"), "there is no such option"),
        (an_original("i-1/colour", None, "blue"), "colour is empty"),
        (an_original(HOPS, 0, 2, kind="instance_metadata_default"), "0 is not a number from 1 to 64"),
    ],
)
def test_an_option_or_a_value_that_aws_does_not_know_is_refused_before_anything_is_written(wrong, words):
    with pytest.raises(InputError, match=f"^backup: .*{words}"):
        request_to_restore([wrong], overwrite=False)


def aws_error(code, status=400):
    error = Exception("not you")
    error.response = {"Error": {"Code": code, "Message": "not you"}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return error


def test_a_change_without_an_answer_is_in_the_backup_and_one_that_is_late_is_changed_and_failed():
    steps = plan_instances([instance(number=number) for number in (1, 2, 3)], V2)
    late, unknown = DeadlineExceeded("not in effect yet"), DeadlineExceeded("no answer")
    errors = {"i-1": late, "i-2": unknown, "i-3": aws_error("UnauthorizedOperation", 403)}
    with pytest.raises(Failure, match="3 of 3 instances and 0 regions failed: i-1") as caught:
        report(Part(steps, Outcome({"i-1"}, {"i-2"}, errors)), Part(), Around(*ACCOUNT))
    result = caught.value.result
    assert [(row["changed"], row["failed"]) for row in result["instances"]] == [
        (True, True),
        (False, True),
        (False, True),
    ]
    assert [entry["resource"] for entry in result["backup"]] == ["i-1/http_tokens", "i-2/http_tokens"]


def test_a_restore_counts_what_it_could_not_restore_and_names_it():
    plans = [plan_instances([instance(number=number)], V2) for number in (1, 2)]
    steps = [*restored(instance(V2), plans[0]), *restored(None, plans[1])]
    outcome = Outcome(changed={"i-1"})
    with pytest.raises(Failure) as caught:
        report(Part(steps, outcome), Part(), Around(*ACCOUNT, restore=True))
    assert str(caught.value) == "1 of 2 instances could not be restored: i-2 (eu-west-1): Gone: no longer exists"
    assert [row["changed"] for row in caught.value.result["instances"]] == [True, False]


def test_what_the_installed_botocore_does_not_know_is_found_out():
    shape = SimpleNamespace(input_shape=SimpleNamespace(members={"InstanceId": 1, "HttpTokens": 1}))
    model = SimpleNamespace(operation_names=["Modify"], operation_model=lambda _name: shape)
    client = SimpleNamespace(meta=SimpleNamespace(service_model=model))
    assert unknown_to_botocore(client, "Modify", ["HttpTokens"]) == []
    assert unknown_to_botocore(client, "Modify", ["HttpTokens", "HttpProtocolIpv6"]) == ["HttpProtocolIpv6"]
    assert unknown_to_botocore(client, "Newer", ["HttpTokens"]) == ["Newer"]
