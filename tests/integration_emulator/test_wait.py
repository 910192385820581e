# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ssm_managed_instance_wait, and the switch ssm_wait of enable_ssm.yml."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

import pytest

US, EU = "us-east-1", "eu-west-1"
REGIONS = f"{US},{EU}"
ROLE = "service-role/Fleet"
SHORT = {"interval": 0.2, "max_interval": 0.4}
THROTTLED = {"code": "ThrottlingException", "message": "Rate exceeded"}
DENIED = {"code": "AccessDeniedException", "message": "not you"}
NO_RETRIES = {"aws_config": {"retries": {"total_max_attempts": 1}}}


def online(account, region):
    """The emulator's default VPC has no way out, as AWS's has; its agents don't mind, but the module does."""
    ec2 = account.client("ec2", region)
    for table in ec2.describe_route_tables(Filters=[{"Name": "association.main", "Values": ["true"]}])["RouteTables"]:
        if not any(route["DestinationCidrBlock"] == "0.0.0.0/0" for route in table["Routes"]):
            gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
            ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=table["VpcId"])
            ec2.create_route(RouteTableId=table["RouteTableId"], DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)


def start(account, region, count=1, **tags):
    online(account, region)
    pairs = [{"Key": key.replace("_", ":"), "Value": value} for key, value in tags.items()]
    given = {"TagSpecifications": [{"ResourceType": "instance", "Tags": pairs}]} if tags else {}
    made = account.client("ec2", region).run_instances(ImageId="ami-12345678", MinCount=count, MaxCount=count, **given)
    return [one["InstanceId"] for one in made["Instances"]]


def open_the_way(account, *regions):
    """DHMC with a role that works."""
    account.put(ROLE, *regions)


@pytest.fixture
def role(account, aws_trust):
    account.add_role("Fleet", aws_trust("ssm.amazonaws.com"), path="/service-role/")
    account.iam.attach_role_policy(
        RoleName="Fleet", PolicyArn="arn:aws:iam::aws:policy/AmazonSSMManagedEC2InstanceDefaultPolicy"
    )


@pytest.fixture
def fleet(account, role):
    """Two instances in each of two regions, and agents that would come."""
    open_the_way(account, US, EU)
    return start(account, US, 2) + start(account, EU, 2)


def wait(account, *options, **params):
    """The task, with pauses of tenths of a second."""
    given = {"regions": REGIONS, "wait_timeout": 60, **SHORT, **params}
    task = {
        "fleet.aws_ssm.ssm_managed_instance_wait": {name: value for name, value in given.items() if value is not None},
        "register": "waited",
    }
    run = account.play([task], *options, keep=("waited",))
    run.result = run.result["waited"]
    return run


def lines(run):
    return re.findall(r"^ssm: .*$", run.out, re.MULTILINE)


@contextmanager
def meanwhile(account, region, action):
    """Does something while a playbook waits: when it has looked once, and looks again."""
    # Calls of the test itself are no looks.
    account.control.clear_calls(account.id)

    def later():
        deadline = time.monotonic() + 120
        while len(account.control.calls(account.id, operation="DescribeInstances", region=region)) < 2:
            assert time.monotonic() < deadline, "it did not look twice"
            time.sleep(0.1)
        action()

    thread = Thread(target=later)
    thread.start()
    yield
    thread.join()


def stop_agent(account, region, ids, state="stopped"):
    account.client("ec2", region).create_tags(Resources=ids, Tags=[{"Key": "fleet:agent", "Value": state}])


def test_all_that_are_managed_are_not_waited_for(account, fleet):
    run = wait(account).ok(changed=False)
    assert [run.result[key] for key in ("reached", "timed_out", "hopeless", "looks")] == [True, False, False, 1]
    assert run.result["totals"] == {"in_scope": 4, "managed": 4, "missing": 0, "coverage": 100.0}
    (line,) = lines(run)
    assert re.fullmatch(r"ssm: 4 of 4 managed after [\d.]+s \(us-east-1 2/2, eu-west-1 2/2\), done", line)
    assert run.writes == []


def test_it_waits_until_they_are_managed(account, fleet):
    late = start(account, EU, 1, fleet_agent="stopped")
    with meanwhile(account, EU, lambda: stop_agent(account, EU, late, "running")):
        run = wait(account).ok(changed=False)
    assert run.result["reached"], run.out
    assert run.result["looks"] == len(lines(run)) > 1
    assert re.search(r"4 of 5 managed after [\dms.]+ \(us-east-1 2/2, eu-west-1 2/3\), next look in 0\.\ds", run.out)
    assert lines(run)[-1].endswith(", done")
    assert run.result["missing"] == []


def test_a_wait_that_runs_out_has_what_is_known_and_does_not_fail(account, fleet):
    (late,) = start(account, EU, 1, fleet_agent="stopped")
    run = wait(account, wait_timeout="3.5").ok(changed=False)
    assert (run.result["reached"], run.result["timed_out"], run.result["hopeless"]) == (False, True, False)
    assert run.result["elapsed"] >= 3.5
    (missing,) = run.result["missing"]
    assert (missing["region"], missing["instance_id"], missing["verdict"]) == (EU, late, "pending")
    assert "changed_recently" in run.result["msg"]
    assert missing["may_come"]
    assert missing["fix"]
    assert run.rows[US] == {"region": US, "in_scope": 2, "managed": 2, "failed": False, "forbidden": False}
    assert lines(run)[-1].endswith(", the time is up")


def test_it_fails_with_the_same_if_asked(account, fleet):
    start(account, EU, 1, fleet_agent="stopped")
    run = wait(account, wait_timeout=0, fail_on_timeout="true").failed(
        "4 of 5 instances are managed", "the time was up"
    )
    assert run.result["timed_out"]
    assert len(run.result["missing"]) == 1
    # Nearly all may be enough, and so may a number.
    assert wait(account, wait_timeout=0, coverage=80, min_managed=4).ok().result["reached"]


def test_without_hope_it_ends_at_once_and_names_the_reasons(account, role):
    open_the_way(account, US)
    start(account, US, 1)
    lost = start(account, EU, 2)
    run = wait(account).ok()
    assert (run.result["hopeless"], run.result["looks"], run.result["timed_out"]) == (True, 1, False)
    assert "1 of 3 instances is managed, and waiting does not help: 2 dhmc_off" in run.result["msg"]
    assert sorted(one["instance_id"] for one in run.result["missing"]) == sorted(lost)
    assert {one["reason"] for one in run.result["missing"]} == {"dhmc_off"}
    assert lines(run)[-1].endswith("waiting does not help: 2 dhmc_off")
    wait(account, fail_on_timeout=True).failed("waiting does not help: 2 dhmc_off")
    run = wait(account, stop_when_hopeless="false", wait_timeout=0).ok()
    assert (run.result["hopeless"], run.result["timed_out"]) == (True, True)


def test_somebody_turns_it_on_meanwhile(account, role):
    start(account, US, 1)
    with meanwhile(account, US, lambda: open_the_way(account, US)):
        run = wait(account, regions=US, stop_when_hopeless=False).ok()
    assert run.result["reached"]
    assert run.result["looks"] > 1


def test_a_role_that_iam_does_not_show_yet_is_looked_at_twice(account):
    account.put("service-role/Nobody", US)
    start(account, US, 1)
    run = wait(account, regions=US).ok()
    assert (run.result["hopeless"], run.result["looks"]) == (True, 2)
    assert "1 dhmc_role_missing" in run.result["msg"]


def test_check_mode_looks_once(account, fleet):
    start(account, EU, 1, fleet_agent="stopped")
    run = wait(account, "--check", fail_on_timeout=True).ok(changed=False)
    assert (run.result["looks"], run.result["reached"], run.result["timed_out"]) == (1, False, False)
    assert "Check mode: there was one look and no waiting" in run.result["msg"]
    assert lines(run)[0].endswith("check mode: not waiting")


def test_a_region_that_cannot_be_read_is_told_and_read_again(account, fleet):
    account.faults({"operation": "DescribeInstanceProperties", "region": EU, "error": {**THROTTLED, "times": 2}})
    run = wait(account, **NO_RETRIES).ok()
    assert run.result["reached"]
    assert run.result["looks"] == 3
    assert "(us-east-1 2/2, eu-west-1 not read: ThrottlingException), next look in" in lines(run)[0]
    assert lines(run)[-1].endswith("(us-east-1 2/2, eu-west-1 2/2), done")


def test_a_region_that_stays_down_leaves_the_others_counts(account, fleet):
    account.faults({"service": "ssm", "region": EU, "down": True})
    run = wait(account, wait_timeout=2, **NO_RETRIES).ok()
    assert (run.result["timed_out"], run.result["reached"]) == (True, False)
    assert run.rows[US]["managed"] == 2
    assert run.rows[EU]["failed"]
    # One that refuses is not waited for.
    account.faults({"service": "ssm", "region": EU, "error": DENIED})
    run = wait(account).ok()
    assert (run.result["hopeless"], run.result["looks"]) == (True, 1)
    assert "eu-west-1: AccessDeniedException" in run.result["msg"]


def test_instances_that_are_about_to_run_and_those_to_be_launched_are_waited_for(account, fleet, rewriting):
    with rewriting({fleet[0]: "pending"}) as endpoint:
        run = wait(account, regions=US, wait_timeout=0, endpoint_url=endpoint).ok()
    assert run.result["totals"]["in_scope"] == 2
    assert [(one["instance_id"], one["verdict"]) for one in run.result["missing"]] == [(fleet[0], "pending")]
    with meanwhile(account, US, lambda: start(account, US, 2, role="web")):
        run = wait(account, regions=US, filters={"tag:role": "web"}, min_managed=2).ok()
    assert run.result["totals"] == {"in_scope": 2, "managed": 2, "missing": 0, "coverage": 100.0}
    assert run.result["looks"] > 1


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"regions": "eu-mars-1"}, "'eu-mars-1' is not an AWS region"),
        ({"interval": 0}, "interval: 0 is not a number of seconds above 0"),
        ({"wait_timeout": -1}, "wait_timeout: -1 is not a number of seconds"),
        ({"wait_timeout": "soon"}, "wait_timeout"),
        ({"coverage": 101}, "coverage: 101 is not a percentage from 0 to 100"),
        ({"instance_ids": "i-0123456789abcdef0"}, "i-0123456789abcdef0 is in none of the regions"),
        ({"instance_ids": "web"}, "web is not an instance id"),
        ({"instance_ids": "i-0123456789abcdef0", "filters": {"tag:a": "b"}}, "mutually exclusive"),
        ({"wait": 5}, "Unsupported parameters"),
    ],
)
def test_bad_input_fails_at_once_in_one_line(account, params, words):
    run = wait(account, **params).failed(words)
    assert lines(run) == []
    assert run.writes == []


def test_no_credentials_fail_at_once(account):
    nothing = {"AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None, "AWS_EC2_METADATA_DISABLED": "true"}
    account.module("ssm_managed_instance_wait", regions=US, env=nothing).failed("No AWS credentials found")


def test_credentials_that_no_region_takes_fail_at_once(account, fleet):
    account.faults({"error": {"code": "UnrecognizedClientException", "message": "no such token"}})
    run = wait(account).failed("No region could be read: us-east-1: ", "in all 2 regions")
    assert lines(run) == []


def test_defaults_of_the_group_and_of_the_module_reach_it(account, fleet):
    start(account, EU, 1, fleet_agent="stopped")
    name = "fleet.aws_ssm.ssm_managed_instance_wait"
    task = {name: {"interval": "", "coverage": ""}, "register": "waited"}
    defaults = {"group/fleet.aws_ssm.aws": {"region": EU}, name: {"wait_timeout": "0", "coverage": "60"}}
    run = account.play([{"block": [task], "module_defaults": defaults}], keep=("waited",)).ok()
    waited = run.result["waited"]
    # The task's empty string hides the default of the play, and stands for the module's own, 100.
    assert (waited["totals"]["in_scope"], waited["timed_out"], waited["looks"]) == (3, True, 1)


def test_async_is_refused(account):
    name = "fleet.aws_ssm.ssm_managed_instance_wait"
    run = account.play([{name: {"regions": US}, "async": 60, "poll": 1}])
    assert run.rc == 2
    assert "does not support async" in run.text


@pytest.mark.parametrize("pipelining", ["true", "false"])
def test_ctrl_c_ends_it(account, fleet, pipelining):
    start(account, EU, 1, fleet_agent="stopped")
    env = account.environment({"ANSIBLE_PIPELINING": pipelining, "PYTHONUNBUFFERED": "1"})
    params = json.dumps({"regions": REGIONS, "interval": 100})
    command = [
        str(Path(sys.executable).parent / "ansible"),
        "localhost",
        "-m",
        "fleet.aws_ssm.ssm_managed_instance_wait",
        "-a",
        params,
    ]
    with subprocess.Popen(
        command,
        cwd=account.folder,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        # The line is there while it waits, and not only at its end.
        for line in process.stdout:
            if "next look in" in line:
                break
        # Ansible itself hangs if its worker is ended while it still hands the line over.
        time.sleep(1)
        began = time.monotonic()
        os.killpg(process.pid, signal.SIGINT)
        try:
            process.communicate(timeout=30)
        finally:
            process.kill()
    assert time.monotonic() - began < 20
    assert process.returncode != 0


def enable(account, *options, **variables):
    given = {"ssm_regions": REGIONS, **variables}
    return account.command("ansible-playbook", "fleet.aws_ssm.enable_ssm", "-e", json.dumps(given), *options)


def test_enabling_waits_if_asked(account):
    start(account, US, 2)
    run = enable(account).ok()
    assert lines(run) == []
    start(account, EU, 1)
    run = enable(account, ssm_wait="true").ok()
    assert lines(run)[-1].endswith("(us-east-1 2/2, eu-west-1 1/1), done")


def test_a_wait_that_runs_out_fails_the_enabling_only_if_asked(account):
    start(account, US, 1, fleet_agent="stopped")
    short = {"ssm_wait": "true", "ssm_wait_timeout": "1"}
    run = enable(account, **short).ok()
    assert lines(run)[-1].endswith("the time is up")
    assert "2 regions: 2 changed" in run.text
    run = enable(account, **short, ssm_wait_fail="true")
    assert run.rc == 2
    assert "Wait: 0 of 1 instance is managed" in run.text
    # One that can't look at all is another thing: nobody knows what it would have seen.
    account.faults(
        {"operation": "DescribeInstanceProperties", "error": DENIED},
        {"operation": "DescribeInstanceInformation", "error": DENIED},
    )
    run = enable(account, **short)
    assert run.rc == 2
    assert "Wait: No region could be read" in run.text
    assert "Report: " in run.text
    account.faults()
    run = enable(account, ssm_wait="true", ssm_wait_timeout="soon")
    assert run.rc == 2
    assert "ssm_wait_timeout: 'soon' is not a number of seconds from 0 to 604800. Nothing was changed." in run.text
    assert run.writes == []


def test_nothing_to_wait_for_fails_unless_it_may_be_so(account, fleet):
    run = wait(account, filters={"tag:role": "wbe"}).failed(
        "No instance is in scope in us-east-1, eu-west-1: correct instance_ids, filters or regions", "allow_none"
    )
    assert run.result["looks"] == 1
    run = wait(account, filters={"tag:role": "wbe"}, allow_none=True).ok()
    assert run.result["msg"] == "No instance is in scope in us-east-1, eu-west-1, so there was nothing to wait for."


def test_an_account_without_instances_is_enabled_and_told_that_nothing_was_waited_for(account):
    run = enable(account, ssm_wait="true").ok()
    assert "No instance is in scope in us-east-1, eu-west-1, so there was nothing to wait for." in run.text


def test_check_mode_of_the_enabling_does_not_wait(account):
    start(account, US, 1)
    run = enable(account, "--check", ssm_wait="true").ok()
    assert lines(run)[-1].endswith("check mode: not waiting")
    assert run.writes == []
