# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module ec2_metadata_options where something fails, takes long or is wrong."""

from __future__ import annotations

import time

import pytest

NAME = "ec2_metadata_options"
MODULE = f"fleet.aws_ssm.{NAME}"
EU, US = "eu-west-1", "us-east-1"
MODIFY, DEFAULTS = "ModifyInstanceMetadataOptions", "ModifyInstanceMetadataDefaults"
GONE = "i-0123456789abcdef0"


class Fleet:
    """Instances of an account, as plain boto3 makes and sees them."""

    def __init__(self, account):
        self.account, self.id = account, account.id

    def start(self, region, *, count=1, stopped=False):
        ec2 = self.account.client("ec2", region)
        made = ec2.run_instances(ImageId="ami-12345678", MinCount=count, MaxCount=count)
        ids = [instance["InstanceId"] for instance in made["Instances"]]
        if stopped:
            ec2.stop_instances(InstanceIds=ids)
        return ids if count > 1 else ids[0]

    def tokens(self, *regions):
        """HttpTokens of each instance."""
        found = {}
        for region in regions:
            pages = self.account.client("ec2", region).get_paginator("describe_instances").paginate()
            for row in pages.search("Reservations[].Instances[]"):
                found[row["InstanceId"]] = row["MetadataOptions"]["HttpTokens"]
        return found

    def run(self, *options, **params):
        return self.account.module(NAME, *options, **params)


def by_id(run):
    return {row["instance_id"]: row for row in run.result["instances"]}


def defaults_of(run):
    return {row["region"]: row for row in run.result["account_defaults"]}


@pytest.fixture
def fleet(account):
    return Fleet(account)


def test_a_region_of_a_declarative_policy_fails_if_it_differs_and_the_others_are_done(fleet):
    instance = fleet.start(EU)
    fleet.account.control.set_declarative_policy({"HttpTokens": "optional"}, fleet.id, EU, "Ask the platform team.")
    fleet.account.control.set_declarative_policy({"HttpTokens": "required"}, fleet.id, "eu-central-1")
    regions = [EU, US, "eu-central-1"]
    given = {"account_defaults": {"http_tokens": "required"}, "regions": regions}
    run = fleet.run(**given, http_tokens="required", all_instances=True)
    run.failed("the account defaults of 1 of 3 regions", EU, "ManagedByDeclarativePolicy", "Ask the platform team.")
    assert run.writes == sorted([f"{DEFAULTS} {US}", f"{MODIFY} {EU}"])
    assert fleet.tokens(EU) == {instance: "required"}
    rows = defaults_of(run)
    assert {region: (row["changed"], row["failed"], row["managed_by"]) for region, row in rows.items()} == {
        EU: (False, True, "declarative-policy"),
        US: (True, False, "account"),
        "eu-central-1": (False, False, "declarative-policy"),
    }
    assert rows[EU]["error"]["code"] == "ManagedByDeclarativePolicy"
    assert [entry["region"] for entry in run.result["backup"]["account_defaults"]] == [US]


def test_a_region_that_is_down_or_refuses_does_not_hide_the_others(fleet):
    here, there, refused = fleet.start(EU), fleet.start(US), fleet.start("eu-central-1")
    denied = {"code": "UnauthorizedOperation", "message": "not you", "status": 403}
    fleet.account.faults(
        {"service": "ec2", "region": US, "down": True},
        {"service": "ec2", "region": "eu-central-1", "operation": MODIFY, "error": denied},
        {"service": "ec2", "region": EU, "operation": "GetInstanceMetadataDefaults", "error": denied},
    )
    given = {"http_tokens": "required", "all_instances": True, "regions": [EU, US, "eu-central-1"]}
    run = fleet.run(**given, account_defaults={"http_tokens": "required"}, timeout=14)
    run.failed("1 of 2 instances and 1 regions", "account defaults of 2 of 3 regions", US, refused, "not you")
    fleet.account.faults()
    assert fleet.tokens(EU, US, "eu-central-1") == {here: "required", there: "optional", refused: "optional"}
    rows = by_id(run)
    assert (rows[here]["changed"], rows[refused]["changed"], rows[refused]["failed"]) == (True, False, True)
    assert rows[refused]["error"]["code"] == "UnauthorizedOperation"
    assert [entry["region"] for entry in run.result["failed_regions"]] == [US]
    failed = {region: row["failed"] for region, row in defaults_of(run).items()}
    assert failed == {EU: True, US: True, "eu-central-1": False}
    assert [entry["instance_id"] for entry in run.result["backup"]["instances"]] == [here]
    # What failed is done by the next run, and what was done stays.
    assert len(fleet.run(**given).ok(changed=True).writes) == 2


def test_130_instances_of_one_region_pass_the_buckets_of_ec2_without_an_error(fleet):
    instances = fleet.start(EU, count=130)
    fleet.account.faults({"service": "ec2", "throttle": "aws"})
    began = time.monotonic()
    wanted = {"http_tokens": "required"}
    run = fleet.run(**wanted, all_instances=True, account_defaults=wanted, regions=[EU, US]).ok(changed=True)
    took = time.monotonic() - began
    fleet.account.faults()
    assert fleet.tokens(EU) == dict.fromkeys(instances, "required")
    # 100 at once, then 5 a second.
    assert 5.5 < took < 60
    assert len([call for call in run.calls if call["error"]]) < 10


def test_the_change_is_waited_for_on_running_instances_and_reported_if_it_takes_too_long(fleet):
    running, stopped = fleet.start(EU), fleet.start(EU, stopped=True)
    slow = {"service": "ec2", "operation": MODIFY, "propagation": 3}
    fleet.account.faults(slow)
    began = time.monotonic()
    given = {"all_instances": True, "regions": [EU]}
    fleet.run(http_tokens="required", **given).ok(changed=True)
    assert time.monotonic() - began > 3
    assert fleet.tokens(EU) == dict.fromkeys((running, stopped), "required")

    fleet.account.faults({**slow, "propagation": 60})
    run = fleet.run(http_put_response_hop_limit=2, **given, wait=False).ok(changed=True)
    assert run.reads.count(f"DescribeInstances {EU}") == 1
    run = fleet.run(http_put_response_hop_limit=3, **given, timeout=6)
    run.failed("1 of 2 instances", running, "DeadlineExceeded", "the change was made but is not in effect yet")
    rows = by_id(run)
    assert (rows[running]["changed"], rows[running]["failed"]) == (True, True)
    assert rows[running]["after"]["http_put_response_hop_limit"] == 3
    assert (rows[stopped]["changed"], rows[stopped]["failed"]) == (True, False)
    assert {entry["instance_id"] for entry in run.result["backup"]["instances"]} == {running, stopped}


BACKUP = {"region": EU, "instance_id": GONE, "options": {"http_tokens": "optional"}, "replaced_with": {}}
CASES = {
    "nothing asked for": ({"all_instances": False, "http_tokens": ""}, ["Nothing to do", "account_defaults"]),
    "no option": ({"http_tokens": None}, ["Nothing to change", "http_tokens"]),
    "no selection": ({"all_instances": False}, ["instance_ids", "filters", "all_instances"]),
    "no selection, with defaults": (
        {"all_instances": False, "account_defaults": {"http_tokens": "required"}},
        ["instance_ids", "filters"],
    ),
    "tokens": ({"http_tokens": "maybe"}, ["http_tokens: maybe", "optional or required"]),
    "tokens of a default": ({"http_tokens": "no-preference"}, ["http_tokens: no-preference"]),
    "hop limit": ({"http_put_response_hop_limit": 65}, ["http_put_response_hop_limit: 65", "1 to 64"]),
    "hop limit of a default": ({"http_put_response_hop_limit": -1}, ["http_put_response_hop_limit: -1"]),
    "default": (
        {"account_defaults": {"http_put_response_hop_limit": 0}},
        ["account_defaults.http_put_response_hop_limit: 0", "-1"],
    ),
    "IPv6 as a default": ({"account_defaults": {"http_protocol_ipv6": "enabled"}}, ["http_protocol_ipv6"]),
    "unknown instance": ({"instance_ids": [GONE]}, ["instance_ids", GONE, EU, "correct the id"]),
    "malformed instance": ({"instance_ids": ["web-1"]}, ["instance_ids", "web-1", "i-"]),
    "no instances": ({"instance_ids": []}, ["instance_ids", "empty list"]),
    "unknown region": ({"regions": ["eu-wset-1"]}, ["regions", "'eu-wset-1'", "eu-west-1"]),
    "region that is off": ({"regions": [EU, "af-south-1"]}, ["regions", "af-south-1", "not enabled"]),
    "empty backup": ({"state": "restored", "backup": {}}, ["backup", "empty"]),
    "backup and regions": ({"state": "restored", "backup": {"instances": [BACKUP]}}, ["regions", "backup"]),
    "backup of another account": (
        {"state": "restored", "backup": {"account": "999999999999", "instances": [BACKUP]}, "regions": None},
        ["backup", "999999999999"],
    ),
    "value in a backup": (
        {"state": "restored", "backup": {"instances": [{**BACKUP, "options": {"http_tokens": "x"}}]}, "regions": None},
        ["backup.instances.options.http_tokens: x"],
    ),
}


def test_bad_input_is_refused_in_one_line_before_anything_is_written(fleet):
    fleet.start(EU)
    names = [f"case_{number}" for number in range(len(CASES))]
    tasks = []
    for register, (name, (params, _words)) in zip(names, CASES.items(), strict=True):
        selection = {} if "instance_ids" in params or "all_instances" in params else {"all_instances": True}
        given = {"http_tokens": "required", "regions": [EU], **selection, **params}
        given = {key: value for key, value in given.items() if value is not None}
        tasks.append({"name": name, MODULE: given, "register": register, "ignore_errors": True})
    run = fleet.account.play(tasks, keep=names).ok()
    results = dict(zip(CASES, run.result.values(), strict=True))
    assert run.writes == []
    assert [name for name, result in results.items() if not result.get("failed")] == []
    wrong = {
        name: results[name]["msg"]
        for name, (_params, words) in CASES.items()
        if "\n" in results[name]["msg"] or [word for word in words if word not in results[name]["msg"]]
    }
    assert wrong == {}
    assert "Traceback" not in run.text
