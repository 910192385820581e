# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module ec2_metadata_options where something fails, takes long or is wrong."""

from __future__ import annotations

import time

import pytest
from interruptions import during, journal

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
    kept = [entry["region"] for entry in run.result["backup"] if entry["kind"] == "instance_metadata_default"]
    assert kept == [US]


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
    run.failed("1 of 2 instances and 1 region", "account defaults of 2 of 3 regions", US, refused, "not you")
    fleet.account.faults()
    assert fleet.tokens(EU, US, "eu-central-1") == {here: "required", there: "optional", refused: "optional"}
    rows = by_id(run)
    assert (rows[here]["changed"], rows[refused]["changed"], rows[refused]["failed"]) == (True, False, True)
    assert rows[refused]["error"]["code"] == "UnauthorizedOperation"
    assert [entry["region"] for entry in run.result["failed_regions"]] == [US]
    failed = {region: row["failed"] for region, row in defaults_of(run).items()}
    assert failed == {EU: True, US: True, "eu-central-1": False}
    assert [entry["resource"] for entry in run.result["backup"]] == [f"{here}/http_tokens", "http_tokens"]
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
    name = "http_put_response_hop_limit"
    assert {entry["resource"] for entry in run.result["backup"]} == {f"{running}/{name}", f"{stopped}/{name}"}


def test_of_two_regions_one_that_hangs_is_named_and_the_other_is_done_and_restored(fleet):
    here, there = fleet.start(EU), fleet.start(US)
    path = str(fleet.account.folder / "before.json")
    hang = {"service": "ec2", "region": US, "hang": 60}
    given = {"http_tokens": "required", "all_instances": True, "regions": [EU, US]}
    fleet.account.faults(hang)
    run = fleet.run(**given, backup_file=path, timeout=10).failed(
        "0 of 1 instance and 1 region", US, "DeadlineExceeded"
    )
    fleet.account.faults()
    assert fleet.tokens(EU, US) == {here: "required", there: "optional"}
    # What could not be read was not to be changed, so it is not in the backup.
    assert [entry["resource"] for entry in journal(path)] == [f"{here}/http_tokens"]
    fleet.run(**given, backup_file=path).ok(changed=True)

    fleet.account.faults(hang)
    run = fleet.run(state="restored", backup_file=path, timeout=10)
    run.failed("1 of 2 instances could not be restored", there, "DeadlineExceeded")
    fleet.account.faults()
    assert fleet.tokens(EU, US) == {here: "optional", there: "required"}
    assert [row["region"] for row in run.result["failed_regions"]] == [US]
    run = fleet.run(state="restored", backup_file=path).ok(changed=True)
    assert (run.writes, fleet.tokens(EU, US)) == ([f"{MODIFY} {US}"], {here: "optional", there: "optional"})


def test_instances_that_cannot_be_changed_now_fail_a_restore_and_are_named(fleet, rewriting):
    begins, service, plain = (fleet.start(EU) for _number in range(3))
    done = fleet.run(http_tokens="required", all_instances=True, regions=[EU]).ok(changed=True)
    with rewriting({begins: "pending", service: "eks.amazonaws.com"}) as endpoint:
        restore = {"state": "restored", "backup": done.result["backup"], "overwrite": True}
        run = fleet.account.module(NAME, env={"AWS_ENDPOINT_URL": endpoint}, **restore)
    run.failed("2 of 3 instances could not be restored", f"{begins} ({EU}): NotChangeable: is pending", service)
    assert fleet.tokens(EU) == {begins: "required", service: "required", plain: "optional"}


def test_where_a_policy_enforces_imdsv2_an_undo_fails_with_the_words_of_aws(fleet):
    here, there = fleet.start(EU), fleet.start(US)
    done = fleet.run(http_tokens="required", all_instances=True, regions=[EU, US]).ok(changed=True)
    fleet.account.control.set_declarative_policy({"HttpTokensEnforced": "enabled"}, fleet.id, EU)
    run = fleet.run(state="restored", backup=done.result["backup"])
    run.failed("1 of 2 instances could not be restored", here, "UnsupportedOperation", "httpTokensEnforced is enabled")
    assert fleet.tokens(EU, US) == {here: "required", there: "optional"}
    assert [entry["resource"] for entry in run.result["backup"]] == [f"{there}/http_tokens"]


def test_what_someone_else_changes_while_the_module_waits_is_left_alone(fleet):
    instances = fleet.start(EU, count=2)
    slow = {"service": "ec2", "region": US, "operation": "DescribeInstances", "latency": 8000}
    fleet.account.faults(slow)
    path = str(fleet.account.folder / "before.json")
    given = {"http_tokens": "required", "all_instances": True, "regions": [EU, US], "backup_file": path}

    def meanwhile():
        ec2 = fleet.account.client("ec2", EU)
        ec2.modify_instance_metadata_options(InstanceId=instances[0], HttpTokens="required")

    run = during(fleet.account, lambda: fleet.run(**given), meanwhile, after=f"DescribeInstances {EU}")
    run.failed("1 of 2 instances", instances[0], "ChangedMeanwhile", "http_tokens=optional when it was read")
    fleet.account.faults()
    assert [row["changed"] for row in by_id(run).values()] == [False, True]
    assert [entry["resource"] for entry in run.result["backup"]] == [f"{instances[1]}/http_tokens"]


def test_the_account_is_asked_for_in_the_partition_of_the_regions(fleet):
    env = {"AWS_DEFAULT_REGION": None, "AWS_REGION": None}
    given = {"http_tokens": "required", "all_instances": True, "regions": ["cn-north-1"]}
    instance = fleet.start("cn-north-1")
    run = fleet.account.module(NAME, env=env, **given).ok(changed=True)
    assert [call["region"] for call in run.calls if call["service"] == "sts"] == ["cn-north-1"]
    assert [(e["partition"], e["resource"]) for e in run.result["backup"]] == [("aws-cn", f"{instance}/http_tokens")]


ENTRY = {
    "module": NAME,
    "kind": "instance_metadata_option",
    "account": "999999999999",
    "partition": "aws",
    "region": EU,
    "resource": f"{GONE}/http_tokens",
    "before": "optional",
    "after": "required",
}
RESTORED = {"state": "restored", "regions": None}
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
    "no backup": (RESTORED, ["state=restored needs backup", "backup_file"]),
    "empty backup": ({**RESTORED, "backup": []}, ["state=restored needs backup"]),
    "backup and regions": ({"state": "restored", "backup": [ENTRY]}, ["regions: eu-west-1", "the backup names its"]),
    "backup of another account": ({**RESTORED, "backup": [ENTRY]}, ["backup", "999999999999", "nothing"]),
    "backup of another module": (
        {**RESTORED, "backup": [{**ENTRY, "module": "instance_profile_association"}]},
        ["backup", "nothing", "holds no such entry"],
    ),
    "backup that is none": ({**RESTORED, "backup": [{"region": EU}]}, ["backup: entry 1", "has no module"]),
    "backup that is not for it": ({"backup": [ENTRY]}, ["backup is for state=restored only"]),
    "value in a backup": (
        {**RESTORED, "backup": [{**ENTRY, "before": "x"}]},
        ["backup: instance_metadata_option", "http_tokens: x"],
    ),
    "folder that is not there": ({"backup_file": "/no/such/before.json"}, ["backup_file", "/no/such"]),
    "timeout": ({"timeout": 0}, ["timeout: 0"]),
    "timeout of a restore": ({**RESTORED, "backup": [ENTRY], "timeout": -1}, ["timeout: -1"]),
}


def test_bad_input_is_refused_in_one_line_before_anything_is_written(fleet):
    fleet.start(EU)
    names = [f"case_{number}" for number in range(len(CASES))]
    tasks = []
    for register, (name, (params, _words)) in zip(names, CASES.items(), strict=True):
        selection = {} if "instance_ids" in params or "all_instances" in params else {"all_instances": True}
        given = {"http_tokens": "required", "regions": [EU], **selection, **params}
        given = {key: value for key, value in given.items() if value is not None}
        if name == "value in a backup":
            given["backup"] = [{**row, "account": fleet.id} for row in given["backup"]]
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
