# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module ec2_metadata_options: the options of the instances by plain boto3, and which calls were made."""

from __future__ import annotations

import pytest

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
EMPTY = {"account": None, "instances": [], "account_defaults": []}


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
    assert [planned.result[key] for key in ("instances", "backup")] == [
        run.result[key] for key in ("instances", "backup")
    ]
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
    assert (again.writes, again.result["backup"]) == ([], EMPTY)
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
    backup = {entry["instance_id"]: entry for entry in run.result["backup"]["instances"]}
    assert backup == {
        strict: {
            "region": EU,
            "instance_id": strict,
            "options": dict.fromkeys(changes, "enabled"),
            "replaced_with": changes,
        }
    }


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


def test_a_backup_restores_exactly_what_was_unless_somebody_changed_it_since(fleet):
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
    assert backup["account"] == fleet.id
    assert backup["account_defaults"][0]["options"] == {
        "http_tokens": "no-preference",
        "http_put_response_hop_limit": -1,
    }

    client = fleet.account.client("ec2", EU)
    client.modify_instance_metadata_options(InstanceId=touched, HttpPutResponseHopLimit=9)
    client.terminate_instances(InstanceIds=[ended])
    gone = {"region": EU, "instance_id": GONE, "options": {"http_tokens": "optional"}, "replaced_with": wanted}
    backup["instances"].append(gone)
    planned = fleet.run("--check", state="restored", backup=backup).ok(changed=True)
    assert planned.writes == []
    run = fleet.run(state="restored", backup=backup).ok(changed=True)
    assert run.writes == sorted([f"{MODIFY} {EU}"] * 2 + [f"{MODIFY} {US}", f"{DEFAULTS} {EU}", f"{DEFAULTS} {US}"])
    assert planned.result["instances"] == run.result["instances"]
    after = [fleet.options(EU, US, name=name) for name in names]
    assert [{key: found[key] for key in (old, hops, abroad)} for found in after] == [
        {key: found[key] for key in (old, hops, abroad)} for found in before
    ]
    assert (after[0][touched], after[1][touched]) == ("required", 9)
    assert fleet.defaults(EU) == {}
    assert fleet.defaults(US) == {"HttpTokens": "optional", "InstanceMetadataTags": "enabled"}
    assert {key: row["reason"] for key, row in by_id(run).items() if row["skipped"]} == {
        touched: "changed since the backup: has http_put_response_hop_limit=9",
        ended: "is terminated, neither running nor stopped",
        GONE: "no longer exists",
    }
    # Once more changes nothing; undoing the undoing sets it again.
    assert fleet.run(state="restored", backup=backup).ok(changed=False).writes == []
    fleet.run(state="restored", backup=run.result["backup"]).ok(changed=True)
    assert fleet.options(EU)[old] == "required"
    assert fleet.defaults(EU) == {"HttpTokens": "required", "HttpPutResponseHopLimit": 2}


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


def test_a_backup_of_a_run_that_changed_nothing_puts_nothing_back(fleet):
    strict = fleet.start(EU, HttpTokens="required")
    run = fleet.run(http_tokens="required", all_instances=True, regions=[EU]).ok(changed=False)
    run = fleet.run(state="restored", backup=run.result["backup"]).ok(changed=False)
    assert (run.calls, fleet.options(EU)) == ([], {strict: "required"})
