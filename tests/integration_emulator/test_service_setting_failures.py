# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ssm_service_setting, where AWS says no: what can be done is done, and the task says what could not."""

from __future__ import annotations

import time
from threading import Timer

from closed_regions import closed

DHMC = "/ssm/managed-instance/default-ec2-instance-management-role"
OURS = "service-role/Ours"
REGIONS = ["us-east-1", "eu-west-1", "ap-southeast-2"]
DENIED = {"code": "AccessDeniedException", "message": "no, by an\nexplicit deny"}


def updates(*regions):
    return sorted(f"UpdateServiceSetting {region}" for region in regions)


def test_a_role_of_somebody_else_fails_its_region_only(account):
    theirs = "AWS-QuickSetup-SSM-DefaultEC2MgmtRole-eu-west-1"
    account.put(theirs, "eu-west-1")
    planned = account.setting("--check", value=OURS, regions=REGIONS).failed("1 of 3 regions failed", "eu-west-1")
    assert planned.writes == []
    run = account.setting(value=OURS, regions=REGIONS).failed("eu-west-1", "AlreadySet", theirs, "Quick Setup")
    assert run.result["regions"] == planned.result["regions"]
    assert run.writes == updates("us-east-1", "ap-southeast-2")
    assert account.values(*REGIONS) == dict.fromkeys(REGIONS, OURS) | {"eu-west-1": theirs}
    assert {region: row["failed"] for region, row in run.rows.items()} == {
        "us-east-1": False,
        "eu-west-1": True,
        "ap-southeast-2": False,
    }
    assert sorted(entry["region"] for entry in run.result["backup"]) == ["ap-southeast-2", "us-east-1"]
    # What failed can be done on its own.
    run = account.setting(value=OURS, regions=REGIONS, overwrite=True).ok(changed=True)
    assert run.writes == updates("eu-west-1")
    assert run.result["backup"][0]["before"] == theirs
    assert account.value("eu-west-1") == OURS


def test_a_region_that_denies_the_read_does_not_hide_the_others(account):
    account.faults({"service": "ssm", "region": "eu-west-1", "error": DENIED})
    run = account.setting(value=OURS, regions=REGIONS).failed(
        "1 of 3 regions failed", "eu-west-1: AccessDeniedException: no, by an explicit deny"
    )
    assert run.writes == updates("us-east-1", "ap-southeast-2")
    assert list(run.rows) == REGIONS
    assert run.rows["eu-west-1"]["error"] == {
        "code": "AccessDeniedException",
        "message": "no, by an explicit deny",
    }
    assert run.result["changed"] is True
    info = account.module("ssm_service_setting_info", setting=DHMC, regions=REGIONS).failed("eu-west-1: AccessDenied")
    assert {region: row.get("value") for region, row in info.rows.items()} == {
        "us-east-1": OURS,
        "eu-west-1": None,
        "ap-southeast-2": OURS,
    }
    account.faults()
    assert account.values(*REGIONS) == dict.fromkeys(REGIONS, OURS) | {"eu-west-1": "$None"}


def test_a_region_that_denies_the_write_keeps_its_value_in_the_result(account):
    account.put("Theirs", "eu-west-1")
    account.faults({"service": "ssm", "operation": "Update*", "region": "eu-west-1", "error": DENIED})
    run = account.setting(value=OURS, regions=REGIONS, overwrite=True).failed("eu-west-1: AccessDeniedException")
    row = run.rows["eu-west-1"]
    assert (row["changed"], row["failed"], row["before"], row["after"]) == (False, True, "Theirs", "Theirs")
    assert sorted(entry["region"] for entry in run.result["backup"]) == ["ap-southeast-2", "us-east-1"]
    account.faults()
    assert account.values(*REGIONS) == dict.fromkeys(REGIONS, OURS) | {"eu-west-1": "Theirs"}


def test_a_region_that_hangs_is_given_up_when_the_time_is_up(account):
    account.faults({"service": "ssm", "region": "eu-west-1", "hang": 25})
    started = time.monotonic()
    run = account.setting(value=OURS, regions=REGIONS, timeout=4).failed("eu-west-1: DeadlineExceeded")
    assert time.monotonic() - started < 15
    assert run.rows["eu-west-1"]["error"]["code"] == "DeadlineExceeded"
    account.faults()
    # What the others answered is carried out in the time that is left.
    assert {region: row["changed"] for region, row in run.rows.items()} == {
        region: value == OURS for region, value in account.values(*REGIONS).items()
    }


def test_a_hanging_read_leaves_time_for_writing_the_other_regions(account):
    # Regression: the reads waited for the slowest region up to the deadline, which left no time for any write.
    account.faults({"service": "ssm", "region": "eu-west-1", "hang": 25})
    run = account.setting(value=OURS, regions=REGIONS, timeout=6).failed("eu-west-1: DeadlineExceeded")
    account.faults()
    assert account.values(*REGIONS) == dict.fromkeys(REGIONS, OURS) | {"eu-west-1": "$None"}
    assert [region for region, row in run.rows.items() if row["failed"]] == ["eu-west-1"]


def test_a_value_that_is_replaced_while_another_region_hangs_is_left_alone(account):
    """A slow region can keep the plan waiting: what was read by then may be old when it comes to the writes."""
    account.faults({"service": "ssm", "region": "eu-west-1", "operation": "Get*", "hang": 40})
    change = Timer(5, account.put, ("Theirs", "us-east-1"))
    change.start()
    run = account.setting(value=OURS, regions=REGIONS, timeout=20, backup_file=str(account.folder / "b.json"))
    change.join()
    run.failed("us-east-1: ChangedMeanwhile", "is Theirs now: left alone", "eu-west-1: DeadlineExceeded")
    account.faults()
    assert account.values(*REGIONS) == {"us-east-1": "Theirs", "eu-west-1": "$None", "ap-southeast-2": OURS}
    # The backup holds the region that was left alone, with what was seen there: it is not put back over theirs.
    run = account.setting(state="restored", backup_file=str(account.folder / "b.json"))
    run.failed("1 of 2 regions failed", "us-east-1: ChangedSince: holds Theirs")
    assert account.values(*REGIONS) == {"us-east-1": "Theirs", "eu-west-1": "$None", "ap-southeast-2": "$None"}


def test_a_region_that_could_not_be_read_while_planning_is_neither_written_nor_in_the_backup(account):
    account.put("Theirs", "eu-west-1")
    account.faults({"service": "ssm", "region": "eu-west-1", "operation": "Get*", "error": {**DENIED, "times": 1}})
    run = account.setting(value=OURS, regions=REGIONS, overwrite=True, backup_file=str(account.folder / "b.json"))
    run.failed("1 of 3 regions failed", "eu-west-1: AccessDeniedException")
    assert run.writes == updates("us-east-1", "ap-southeast-2")
    assert account.value("eu-west-1") == "Theirs"
    assert "eu-west-1" not in (account.folder / "b.json").read_text("utf-8")


def test_a_region_that_the_organization_closes_is_left_out_of_all_regions(account):
    ec2, ssm = closed("eu-west-3")
    # A policy that denies this alone closes nothing: what could not be read is a failure.
    account.faults(ssm)
    account.setting("--check", value=OURS, regions="all").failed("eu-west-3: AccessDeniedException")
    account.faults(ssm, ec2)
    run = account.setting(value=OURS, regions="all").ok(changed=True)
    assert run.result["forbidden_regions"] == ["eu-west-3"]
    assert "eu-west-3" not in run.rows
    info = account.module("ssm_service_setting_info", setting=DHMC, regions="all").ok()
    assert info.result["forbidden_regions"] == ["eu-west-3"]
    # A region that the task names is not left out without a failure.
    account.setting(value=OURS, regions=["eu-west-1", "eu-west-3"]).failed("eu-west-3: AccessDeniedException")


def test_throttling_and_concurrent_updates_are_waited_out(account):
    account.faults(
        {"service": "ssm", "region": "us-east-1", "throttle": {"burst": 1, "rate": 1, "shared": True}},
        {
            "service": "ssm",
            "region": "eu-west-1",
            "operation": "Update*",
            "error": {"code": "TooManyUpdates", "times": 2},
        },
        {
            "service": "ssm",
            "region": "ap-southeast-2",
            "operation": "Update*",
            "error": {"code": "ThrottlingException", "times": 2},
        },
    )
    run = account.setting(value=OURS, regions=REGIONS).ok(changed=True)
    applied = {rule["region"]: rule["applied"] for rule in account.control.faults(account.id)}
    assert min(applied.values()) > 0, applied
    assert (applied["eu-west-1"], applied["ap-southeast-2"]) == (2, 2)
    assert [call["error"] for call in run.calls if call["region"] == "eu-west-1" and call["write"]] == [
        "TooManyUpdates",
        "TooManyUpdates",
        None,
    ]
    account.faults()
    assert account.values(*REGIONS) == dict.fromkeys(REGIONS, OURS)


def test_a_new_role_that_systems_manager_can_not_see_yet_is_waited_for(account, aws_trust):
    account.add_role("Ours", aws_trust("ssm.amazonaws.com"), path="/service-role/")
    account.faults({"service": "ssm", "propagation": 3.5})
    run = account.setting(value=OURS, region="eu-west-1").ok(changed=True)
    assert "ValidationException" in [call["error"] for call in run.calls]
    account.faults()
    assert account.value("eu-west-1") == OURS


def test_a_region_that_is_down_fails_after_some_attempts(account):
    account.faults({"service": "ssm", "region": "eu-west-1", "down": True})
    run = account.setting(value=OURS, regions=REGIONS, aws_config={"retries": {"total_max_attempts": 2}})
    run.failed("1 of 3 regions failed", "eu-west-1: ServiceUnavailable")
    assert run.writes == updates("us-east-1", "ap-southeast-2")
    # Regression: AWSRetry repeated what botocore had repeated already, so aws_config had no say.
    assert len([call for call in run.calls if call["region"] == "eu-west-1"]) == 2


def test_the_attempts_of_the_environment_and_of_the_configuration_file_count(account):
    account.faults({"service": "ssm", "region": "eu-west-1", "down": True})
    twice = {"AWS_MAX_ATTEMPTS": "2", "AWS_RETRY_MODE": "standard"}
    run = account.setting(value=OURS, regions=["eu-west-1"], env=twice)
    assert len(run.failed("eu-west-1: ServiceUnavailable").calls) == 2
    config = account.folder / "config"
    config.write_text("[default]\nmax_attempts = 1\n", encoding="utf-8")
    run = account.setting(value=OURS, regions=["eu-west-1"], env={"AWS_CONFIG_FILE": str(config)})
    assert len(run.failed("eu-west-1: ServiceUnavailable").calls) == 1
    run = account.setting(value=OURS, regions=["eu-west-1"], env={"AWS_MAX_ATTEMPTS": "many"})
    assert run.failed("AWS_MAX_ATTEMPTS (max_attempts): 'many' is not a number of attempts").calls == []
