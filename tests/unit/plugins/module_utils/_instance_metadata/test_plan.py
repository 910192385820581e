# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from types import SimpleNamespace

import pytest

from ansible_collections.fleet.aws_ssm.plugins.module_utils._instance_metadata.api import unknown_to_botocore
from ansible_collections.fleet.aws_ssm.plugins.module_utils._errors import Failure, InputError
from ansible_collections.fleet.aws_ssm.plugins.module_utils._fan_out import DeadlineExceeded
from ansible_collections.fleet.aws_ssm.plugins.module_utils._instance_metadata.plan import (
    UNSET,
    Defaults,
    Instance,
    Outcome,
    Part,
    backup_of,
    check_options,
    plan_defaults,
    plan_defaults_restored,
    plan_instances,
    plan_instances_restored,
    read_defaults,
    read_instance,
    request_of,
)
from ansible_collections.fleet.aws_ssm.plugins.module_utils._instance_metadata.result import report

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
        ({}, {TOKENS: "required"}, {"HttpTokens": "required", "HttpEndpoint": "enabled"}),
        ({}, {HOPS: 2}, {"HttpPutResponseHopLimit": 2, "HttpEndpoint": "enabled"}),
        (V2, {HOPS: 2}, {"HttpPutResponseHopLimit": 2, "HttpEndpoint": "enabled", "HttpTokens": "required"}),
        (V2, {TOKENS: "optional"}, {"HttpTokens": "optional", "HttpEndpoint": "enabled"}),
        (V2, {ENDPOINT: "disabled"}, {"HttpEndpoint": "disabled"}),
        ({**V2, ENDPOINT: "disabled"}, {ENDPOINT: "enabled"}, {"HttpEndpoint": "enabled", "HttpTokens": "required"}),
        ({**V2, ENDPOINT: "disabled"}, {HOPS: 2}, {"HttpPutResponseHopLimit": 2}),
    ],
)
def test_a_request_names_the_endpoint_that_stays_on_and_imdsv2_that_stays_required(has, wanted, sent):
    (step,) = plan_instances([instance(has)], wanted)
    assert request_of(step) == sent


def test_defaults_that_a_policy_sets_are_refused_only_where_they_differ():
    wanted = {TOKENS: "required", HOPS: -1}
    assert only(plan_defaults([defaults()], wanted)) == ("modify", {TOKENS: "required"}, "")
    assert only(plan_defaults([defaults("declarative-policy", http_tokens="required")], wanted))[0] == "keep"
    operation, changes, reason = only(plan_defaults([defaults("declarative-policy", "Ask us.")], wanted))
    assert (operation, changes) == ("refuse", {})
    assert reason.endswith("can't change them: Ask us.")
    (step,) = plan_defaults([defaults()], wanted)
    (entry,) = backup_of([step])
    assert (
        only(plan_defaults_restored([defaults("declarative-policy", http_tokens="required")], [entry]))[0] == "refuse"
    )


@pytest.mark.parametrize(
    ("now", "wanted"),
    [
        ({TOKENS: "required", HOPS: 2}, ("modify", {TOKENS: "optional", HOPS: 1}, "")),
        ({}, ("keep", {}, "")),
        ({HOPS: 2}, ("modify", {HOPS: 1}, "")),
        ({TOKENS: "required", HOPS: 3}, ("skip", {}, f"changed since the backup: has {HOPS}=3")),
        ({TOKENS: "required", HOPS: 2, ENDPOINT: "disabled"}, ("modify", {TOKENS: "optional", HOPS: 1}, "")),
    ],
)
def test_a_backup_is_put_back_where_what_was_set_still_stands(now, wanted):
    backup = backup_of(plan_instances([instance()], {TOKENS: "required", HOPS: 2}))
    assert only(plan_instances_restored([instance(now)], backup, [REGION])) == wanted


def test_an_instance_of_a_backup_that_is_gone_is_told_from_one_in_a_region_that_was_not_read():
    backup = backup_of(plan_instances([instance()], V2))
    assert only(plan_instances_restored([], backup, [REGION])) == ("skip", {}, "no longer exists")
    assert plan_instances_restored([], backup, ["us-east-1"]) == []


@pytest.mark.parametrize("had", [{}, {"http_tokens": "optional"}, {"http_tokens": "required", HOPS: 3}])
def test_defaults_are_given_back_also_where_they_were_not_set(had):
    before = defaults(**had)
    (step,) = plan_defaults([before], {TOKENS: "required", HOPS: 2})
    (entry,) = backup_of([step])
    (back,) = plan_defaults_restored([Defaults(REGION, step.after)], [entry])
    assert back.after == before.options


def test_a_change_without_an_answer_is_in_the_backup_and_one_that_is_late_is_changed_and_failed():
    steps = plan_instances([instance(number=number) for number in (1, 2, 3)], V2)
    refused = Exception("not you")
    refused.response = {"Error": {"Code": "UnauthorizedOperation", "Message": "not you"}}
    errors = {"i-1": DeadlineExceeded("not in effect yet"), "i-2": DeadlineExceeded("no answer"), "i-3": refused}
    with pytest.raises(Failure, match="3 of 3 instances and 0 regions failed: i-1") as caught:
        report(Part(steps, Outcome({"i-1"}, errors)), Part(), {}, None)
    result = caught.value.result
    assert [(row["changed"], row["failed"]) for row in result["instances"]] == [
        (True, True),
        (False, True),
        (False, True),
    ]
    assert [entry["instance_id"] for entry in result["backup"]["instances"]] == ["i-1", "i-2"]


def test_what_the_installed_botocore_does_not_know_is_found_out():
    shape = SimpleNamespace(input_shape=SimpleNamespace(members={"InstanceId": 1, "HttpTokens": 1}))
    model = SimpleNamespace(operation_names=["Modify"], operation_model=lambda _name: shape)
    client = SimpleNamespace(meta=SimpleNamespace(service_model=model))
    assert unknown_to_botocore(client, "Modify", ["HttpTokens"]) == []
    assert unknown_to_botocore(client, "Modify", ["HttpTokens", "HttpProtocolIpv6"]) == ["HttpProtocolIpv6"]
    assert unknown_to_botocore(client, "Newer", ["HttpTokens"]) == ["Newer"]
