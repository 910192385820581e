# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module ec2_metadata_options: the options of the instances by plain boto3, and which calls were made."""

from __future__ import annotations

import pytest
from closed_regions import closed
from interruptions import journal, kill_after_journal

NAME = "ec2_metadata_options"
MODULE = f"fleet.aws_ssm.{NAME}"
EU, US = "eu-west-1", "us-east-1"
MODIFY, DEFAULTS = "ModifyInstanceMetadataOptions", "ModifyInstanceMetadataDefaults"
GONE = "i-0123456789abcdef0"
V1 = {
    "http_tokens": "optional",
    "http_endpoint": "enabled",
    "http_put_response_hop_limit": 1,
    "http_protocol_ipv6": "disabled",
    "instance_metadata_tags": "disabled",
}
UNSET = {
    "http_tokens": "no-preference",
    "http_endpoint": "no-preference",
    "http_put_response_hop_limit": -1,
    "instance_metadata_tags": "no-preference",
}


class Fleet:
    """Instances of an account and their metadata options, as plain boto3 makes and sees them."""

    def __init__(self, account):
        self.account, self.id = account, account.id

    def start(self, region, *, count=1, stopped=False, **options):
        ec2 = self.account.client("ec2", region)
        made = ec2.run_instances(ImageId="ami-12345678", MinCount=count, MaxCount=count, MetadataOptions=options)
        ids = [instance["InstanceId"] for instance in made["Instances"]]
        if stopped:
            ec2.stop_instances(InstanceIds=ids)
        return ids if count > 1 else ids[0]

    def options(self, *regions, name="HttpTokens"):
        """An option of each instance; all are in effect."""
        found = {}
        for region in regions:
            pages = self.account.client("ec2", region).get_paginator("describe_instances").paginate()
            found |= {row["InstanceId"]: row["MetadataOptions"] for row in pages.search("Reservations[].Instances[]")}
        assert {row["State"] for row in found.values()} <= {"applied"}
        return {key: row[name] for key, row in found.items()}

    def defaults(self, region):
        level = self.account.client("ec2", region).get_instance_metadata_defaults()["AccountLevel"]
        return {name: value for name, value in level.items() if not name.startswith("Managed")}

    def run(self, *options, env=None, **params):
        return self.account.module(NAME, *options, env=env, **params)


def by_id(run):
    return {row["instance_id"]: row for row in run.result["instances"]}


def defaults_of(run):
    return {row["region"]: row for row in run.result["account_defaults"]}


def sent(run, operation=MODIFY):
    return [call["params"] for call in run.calls if call["operation"] == operation]


@pytest.fixture
def fleet(account):
    return Fleet(account)


def test_only_instances_that_differ_are_written_in_every_region_and_check_mode_shows_the_same(fleet):
    old, stopped, abroad = fleet.start(EU), fleet.start(EU, stopped=True), fleet.start(US, HttpPutResponseHopLimit=3)
    strict, ended = fleet.start(EU, HttpTokens="required", HttpPutResponseHopLimit=2), fleet.start(EU)
    fleet.account.client("ec2", EU).terminate_instances(InstanceIds=[ended])
    before = fleet.options(EU, US)
    # Strings, as AWX hands them over; an empty one is a question that was not answered.
    given = {
        "instance_ids": f"{old}, {stopped},{strict} {ended}, {abroad}",
        "regions": f"{EU}, {US}",
        "http_tokens": "required",
        "http_put_response_hop_limit": "2",
        "http_endpoint": "",
        "wait": "true",
    }
    planned = fleet.run("--check", "--diff", **given).ok(changed=True)
    assert (planned.writes, fleet.options(EU, US)) == ([], before)

    run = fleet.run("--diff", **given).ok(changed=True)
    assert run.writes == [f"{MODIFY} {EU}", f"{MODIFY} {EU}", f"{MODIFY} {US}"]
    assert fleet.options(EU, US) == dict.fromkeys((old, stopped, strict, abroad), "required") | {ended: "optional"}
    hops = dict.fromkeys((old, stopped, strict, abroad), 2) | {ended: 1}
    assert fleet.options(EU, US, name="HttpPutResponseHopLimit") == hops
    assert planned.result["instances"] == run.result["instances"]
    assert planned.result["backup"] == run.result["backup"]
    diffs = [one.out.partition("localhost | ")[0] for one in (planned, run)]
    assert diffs[0] == diffs[1]
    assert [word for word in (old, stopped, abroad, '"optional"', '"required"') if word not in diffs[0]] == []
    assert strict not in diffs[0]
    rows = by_id(run)
    assert {key for key, row in rows.items() if row["changed"]} == {old, stopped, abroad}
    assert rows[old]["before"] == V1
    assert rows[old]["after"] == V1 | {"http_tokens": "required", "http_put_response_hop_limit": 2}
    assert (rows[stopped]["state"], rows[abroad]["region"]) == ("stopped", US)
    assert (rows[ended]["skipped"], rows[ended]["reason"]) == (True, "is terminated, neither running nor stopped")
    assert not any(row["failed"] for row in rows.values())

    again = fleet.run(**given).ok(changed=False)
    assert (again.writes, again.result["backup"]) == ([], [])
    # One reading a region, and no other call.
    assert again.reads == [f"DescribeInstances {EU}", f"DescribeInstances {US}"]


def test_what_is_not_given_stays_and_the_endpoint_and_imdsv2_are_named_so_that_they_stay(fleet):
    strict = fleet.start(EU, HttpTokens="required", InstanceMetadataTags="enabled", HttpProtocolIpv6="enabled")
    off = fleet.start(EU, HttpEndpoint="disabled")
    run = fleet.run(http_put_response_hop_limit=4, all_instances="yes", regions=[EU]).ok(changed=True)
    kept = {"HttpEndpoint": "enabled", "HttpTokens": "required"}
    asked = {row["InstanceId"]: {name: row[name] for name in row if name != "InstanceId"} for row in sent(run)}
    assert asked == {strict: {"HttpPutResponseHopLimit": 4, **kept}, off: {"HttpPutResponseHopLimit": 4}}
    assert fleet.options(EU, name="HttpEndpoint") == {strict: "enabled", off: "disabled"}
    assert fleet.options(EU, name="InstanceMetadataTags") == {strict: "enabled", off: "disabled"}
    changes = {"http_protocol_ipv6": "disabled", "instance_metadata_tags": "disabled"}
    run = fleet.run(**changes, all_instances=True, regions=[EU]).ok(changed=True)
    assert fleet.options(EU, name="HttpProtocolIpv6") == dict.fromkeys((strict, off), "disabled")
    whose = {"module": NAME, "kind": "instance_metadata_option", "account": fleet.id, "partition": "aws", "region": EU}
    assert run.result["backup"] == [
        {**whose, "resource": f"{strict}/{name}", "before": "enabled", "after": "disabled", "time": "", "run": ""}
        for name in changes
    ]


def test_instances_that_begin_end_or_belong_to_a_service_are_skipped_and_the_result_says_why(fleet, rewriting):
    begins, ends, service, plain = (fleet.start(EU) for _number in range(4))
    changes = {begins: "pending", ends: "shutting-down", service: "eks.amazonaws.com"}
    with rewriting(changes) as endpoint:
        env = {"AWS_ENDPOINT_URL": endpoint}
        run = fleet.run(env=env, http_tokens="required", all_instances=True, regions=[EU]).ok(changed=True)
    assert fleet.options(EU) == {**dict.fromkeys(changes, "optional"), plain: "required"}
    assert {key: row["reason"] for key, row in by_id(run).items() if row["skipped"]} == {
        begins: "is pending, neither running nor stopped",
        ends: "is shutting-down, neither running nor stopped",
        service: "operated by eks.amazonaws.com",
    }


def test_a_backup_restores_exactly_what_was_and_names_what_it_could_not_restore(fleet):
    old, hops, abroad = fleet.start(EU), fleet.start(EU, HttpPutResponseHopLimit=7), fleet.start(US, stopped=True)
    touched, ended = fleet.start(EU), fleet.start(EU)
    ec2 = fleet.account.client("ec2", US)
    ec2.modify_instance_metadata_defaults(HttpTokens="optional", InstanceMetadataTags="enabled")
    names = ("HttpTokens", "HttpPutResponseHopLimit")
    before = [fleet.options(EU, US, name=name) for name in names]
    wanted = {"http_tokens": "required", "http_put_response_hop_limit": 2}
    both = {**wanted, "all_instances": True, "account_defaults": wanted, "regions": [EU, US]}
    done = fleet.run(**both).ok(changed=True)
    assert done.writes == sorted([f"{MODIFY} {EU}"] * 4 + [f"{MODIFY} {US}", f"{DEFAULTS} {EU}", f"{DEFAULTS} {US}"])
    assert fleet.defaults(EU) == {"HttpTokens": "required", "HttpPutResponseHopLimit": 2}
    assert fleet.defaults(US) == {**fleet.defaults(EU), "InstanceMetadataTags": "enabled"}
    backup = done.result["backup"]
    assert {entry["account"] for entry in backup} == {fleet.id}
    kept = [entry for entry in backup if entry["kind"] == "instance_metadata_default" and entry["region"] == EU]
    assert {entry["resource"]: entry["before"] for entry in kept} == {
        "http_tokens": "no-preference",
        "http_put_response_hop_limit": -1,
    }

    client = fleet.account.client("ec2", EU)
    client.modify_instance_metadata_options(InstanceId=touched, HttpPutResponseHopLimit=9)
    client.terminate_instances(InstanceIds=[ended])
    backup.append({**backup[0], "resource": f"{GONE}/http_tokens", "region": EU, "before": "optional"})
    # The empty answer of a survey.
    restore = {"state": "restored", "backup": backup, "regions": ""}
    planned = fleet.run("--check", **restore).failed("3 of 6 instances", touched, ended, GONE, "could not be restored")
    assert (planned.writes, planned.result["changed"]) == ([], True)
    run = fleet.run(**restore).failed(
        "3 of 6 instances and the account defaults of 0 of 2 regions could not be restored"
    )
    assert run.writes == sorted([f"{MODIFY} {EU}"] * 3 + [f"{MODIFY} {US}", f"{DEFAULTS} {EU}", f"{DEFAULTS} {US}"])
    assert planned.result["instances"] == run.result["instances"]
    after = [fleet.options(EU, US, name=name) for name in names]
    assert [{key: found[key] for key in (old, hops, abroad)} for found in after] == [
        {key: found[key] for key in (old, hops, abroad)} for found in before
    ]
    # What nobody else touched is given back.
    assert (after[0][touched], after[1][touched]) == ("optional", 9)
    assert fleet.defaults(EU) == {}
    assert fleet.defaults(US) == {"HttpTokens": "optional", "InstanceMetadataTags": "enabled"}
    assert {key: row["error"]["code"] for key, row in by_id(run).items() if row["failed"]} == {
        touched: "ChangedSince",
        ended: "Gone",
        GONE: "Gone",
    }
    assert "http_put_response_hop_limit=9" in by_id(run)[touched]["reason"]

    run = fleet.run(**restore, overwrite=True).ok(changed=True)
    assert (run.writes, fleet.options(EU, name="HttpPutResponseHopLimit")[touched]) == ([f"{MODIFY} {EU}"], 1)
    assert {key for key, row in by_id(run).items() if row["skipped"]} == {ended, GONE}
    again = fleet.run(**restore, overwrite=True).ok(changed=False)
    assert (again.writes, again.result["backup"]) == ([], [])


def test_undoing_the_undoing_sets_it_again(fleet):
    instance = fleet.start(EU)
    done = fleet.run(http_tokens="required", all_instances=True, regions=[EU]).ok(changed=True)
    undone = fleet.run(state="restored", backup=done.result["backup"]).ok(changed=True)
    assert fleet.options(EU) == {instance: "optional"}
    fleet.run(state="restored", backup=undone.result["backup"]).ok(changed=True)
    assert fleet.options(EU) == {instance: "required"}


def test_the_journal_leads_back_to_what_was_at_first_also_after_a_kill(fleet):
    instance = fleet.start(EU)
    path = str(fleet.account.folder / "before.json")
    given = {"all_instances": True, "regions": [EU], "account_defaults": {"http_tokens": "required"}}
    # Killed between the journal and the change: the call that changes never ends, so only the file shows the plan.
    fleet.account.faults({"service": "ec2", "operation": "Modify*", "hang": 60})
    kill_after_journal(fleet.account, NAME, path, http_tokens="required", **given)
    fleet.account.faults()
    assert (fleet.options(EU), fleet.defaults(EU)) == ({instance: "optional"}, {})
    first = journal(path)
    assert [(e["resource"], e["before"], e["after"]) for e in first] == [
        (f"{instance}/http_tokens", "optional", "required"),
        ("http_tokens", "no-preference", "required"),
    ]

    check = fleet.run("--check", http_tokens="required", **given, backup_file=path).ok(changed=True)
    assert (check.writes, journal(path)) == ([], first)
    fleet.run(http_tokens="required", **given, backup_file=path).ok(changed=True)
    # The same entry again says nothing new.
    assert journal(path) == first
    fleet.run(http_tokens="required", http_put_response_hop_limit=3, **given, backup_file=path).ok(changed=True)
    fleet.run(http_put_response_hop_limit=5, all_instances=True, regions=[EU], backup_file=path).ok(changed=True)
    run = fleet.run(state="restored", backup_file=path).ok(changed=True)
    assert (fleet.options(EU), fleet.options(EU, name="HttpPutResponseHopLimit")) == (
        {instance: "optional"},
        {instance: 1},
    )
    assert fleet.defaults(EU) == {}
    assert run.writes == [f"{DEFAULTS} {EU}", f"{MODIFY} {EU}"]
    again = fleet.run(state="restored", backup_file=path).ok(changed=False)
    assert again.writes == []


def test_restoring_imdsv1_and_an_endpoint_that_was_off_takes_two_calls(fleet):
    instance = fleet.start(EU, HttpEndpoint="disabled")
    given = {"http_tokens": "required", "http_endpoint": "enabled", "all_instances": True, "regions": [EU]}
    done = fleet.run(**given).ok(changed=True)
    run = fleet.run(state="restored", backup=done.result["backup"]).ok(changed=True)
    assert [{k: v for k, v in call.items() if k != "InstanceId"} for call in sent(run)] == [
        {"HttpTokens": "optional", "HttpEndpoint": "enabled"},
        {"HttpEndpoint": "disabled"},
    ]
    assert fleet.options(EU, name="HttpEndpoint") == {instance: "disabled"}
    assert fleet.options(EU) == {instance: "optional"}


def test_with_all_regions_those_that_the_organization_closes_are_left_out_and_no_failure(fleet):
    instance = fleet.start(EU)
    # A policy that denies EC2 alone closes nothing: what could not be read is a failure.
    given = {"http_tokens": "required", "all_instances": True, "account_defaults": {"http_tokens": "required"}}
    ec2, ssm = closed("eu-west-3")
    fleet.account.faults(ec2)
    fleet.run("--check", **given, regions="all").failed("eu-west-3", "service control policy")
    fleet.account.faults(ec2, ssm)
    run = fleet.run(**given, regions="all").ok(changed=True)
    assert (run.result["forbidden_regions"], run.result["failed_regions"]) == (["eu-west-3"], [])
    assert "eu-west-3" not in defaults_of(run)
    assert fleet.options(EU) == {instance: "required"}
    run = fleet.run(**given, regions=[EU, "eu-west-3"]).failed("eu-west-3", "service control policy")
    assert run.result["forbidden_regions"] == []


def test_defaults_alone_need_no_instances_and_are_taken_back_one_by_one(fleet):
    instance = fleet.start(EU)
    given = {"account_defaults": {"http_tokens": "required", "http_endpoint": ""}, "regions": [EU, US]}
    planned = fleet.run("--check", **given).ok(changed=True)
    assert (planned.writes, fleet.defaults(EU)) == ([], {})
    run = fleet.run(**given).ok(changed=True)
    assert run.writes == [f"{DEFAULTS} {EU}", f"{DEFAULTS} {US}"]
    assert run.result["account_defaults"] == planned.result["account_defaults"]
    assert defaults_of(run)[EU] == {
        "region": EU,
        "before": UNSET,
        "after": {**UNSET, "http_tokens": "required"},
        "managed_by": "account",
        "changed": True,
        "skipped": False,
        "failed": False,
        "reason": "",
    }
    new = fleet.start(EU)
    assert fleet.options(EU) == {instance: "optional", new: "required"}
    assert fleet.run(**given).ok(changed=False).writes == []
    taken = {"http_tokens": "no-preference", "http_put_response_hop_limit": -1}
    run = fleet.run(account_defaults=taken, region=EU).ok(changed=True)
    assert sent(run, DEFAULTS) == [{"HttpTokens": "no-preference"}]
    assert (fleet.defaults(EU), fleet.defaults(US)) == ({}, {"HttpTokens": "required"})


def test_disabling_the_endpoint_is_done_with_a_warning(fleet):
    instance = fleet.start(EU)
    run = fleet.run(http_endpoint="disabled", all_instances=True, regions=[EU]).ok(changed=True)
    assert fleet.options(EU, name="HttpEndpoint") == {instance: "disabled"}
    assert "the SSM Agent needs the instance metadata service" in run.text
    assert "SSM Agent" not in fleet.run(http_endpoint="enabled", all_instances=True, regions=[EU]).ok().text


def test_a_run_that_changes_nothing_asks_for_no_account_and_writes_no_file(fleet):
    fleet.start(EU, HttpTokens="required")
    path = fleet.account.folder / "before.json"
    run = fleet.run(http_tokens="required", all_instances=True, regions=[EU], backup_file=str(path)).ok(changed=False)
    assert run.reads == [f"DescribeInstances {EU}"]
    assert not path.exists()
