# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bad input: one line that names the option, the value and what to do, and nothing is written."""

from __future__ import annotations

DHMC = "/ssm/managed-instance/default-ec2-instance-management-role"
TIER = "/ssm/managed-instance/activation-tier"
OURS = "service-role/Ours"
OTHER = "999999999999"

ENTRY = {
    "module": "ssm_service_setting",
    "kind": "service_setting",
    "account": OTHER,
    "partition": "aws",
    "region": "us-east-1",
    "resource": DHMC,
    "before": None,
    "after": "Ours",
}
CASES = {
    "unknown region": ({"regions": ["us-east-1", "eu-wset-1"]}, ["regions", "'eu-wset-1'", "eu-west-1"]),
    "region that nobody has": ({"regions": ["us-east-1", "eu-west-77"]}, ["regions", "'eu-west-77'"]),
    "region that is off": (
        {"regions": ["us-east-1", "af-south-1"]},
        ["regions", "af-south-1", "not enabled", "Enable"],
    ),
    "no regions": ({"regions": []}, ["regions", "empty list", "all"]),
    "malformed setting": ({"setting": "/ssm/a b"}, ["setting", "'/ssm/a b'", DHMC]),
    "value that is not allowed": (
        {"setting": TIER, "value": "Advanced"},
        ["value", "'Advanced'", "standard, advanced"],
    ),
    "role name too long": ({"value": "x" * 65}, ["value", "65", "64"]),
    "role of another account": ({"value": f"arn:aws:iam::{OTHER}:role/R"}, ["value", OTHER, "another account"]),
    "setting of another account": (
        {"setting": f"arn:aws:ssm:us-east-1:{OTHER}:servicesetting{DHMC}"},
        ["setting", OTHER, "another account"],
    ),
    "setting's region and regions": (
        {"setting": f"arn:aws:ssm:eu-west-1:{OTHER}:servicesetting{DHMC}", "regions": ["us-east-1"]},
        ["setting", "eu-west-1", "us-east-1"],
    ),
    "empty backup": ({"state": "restored", "backup": []}, ["backup", "backup_file"]),
    "backup and file": ({"state": "restored", "backup": [ENTRY], "backup_file": "b.json"}, ["not both"]),
    "backup without restored": ({"backup": [ENTRY]}, ["backup is for state=restored only"]),
    "backup of another account": ({"state": "restored", "backup": [ENTRY]}, ["backup", OTHER]),
    "damaged backup": ({"state": "restored", "backup": [{**ENTRY, "kind": "x"}]}, ["entry 1 is of the unknown kind x"]),
    "backup and regions": ({"state": "restored", "backup": [ENTRY], "regions": "us-east-1"}, ["regions", "backup"]),
    "backup of another setting": (
        {"state": "restored", "backup": [ENTRY], "setting": TIER},
        ["backup", OTHER],
    ),
    "file that is not there": ({"state": "restored", "backup_file": "none.json"}, ["none.json does not exist"]),
    "folder that is not there": ({"backup_file": "none/b.json"}, ["none does not exist"]),
}


def test_bad_input_is_refused_before_anything_is_written(account):
    # One playbook, as each would take seconds of its own.
    tasks = [
        {
            "name": name,
            "fleet.aws_ssm.ssm_service_setting": {"setting": DHMC, "value": OURS, **params},
            "register": f"case_{number}",
            "ignore_errors": True,
        }
        for number, (name, (params, _words)) in enumerate(CASES.items())
    ]
    run = account.play(tasks, keep=[f"case_{number}" for number in range(len(CASES))]).ok()
    results = dict(zip(CASES, run.result.values(), strict=True))
    assert run.writes == []
    assert [name for name, result in results.items() if not result.get("failed")] == []
    assert {
        name: results[name]["msg"]
        for name, (_params, words) in CASES.items()
        if "\n" in results[name]["msg"] or [word for word in words if word not in results[name]["msg"]]
    } == {}
    assert "Traceback" not in run.text


def test_missing_credentials_are_reported_with_the_places_that_were_looked_at(account):
    none = dict.fromkeys(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"))
    run = account.setting(value=OURS, env=none).failed(
        "No AWS credentials", "AWS_ACCESS_KEY_ID", "AWS_PROFILE", "metadata"
    )
    assert run.calls == []
    run = account.setting(value=OURS, profile="nobody", env=none).failed("nobody")
    assert run.calls == []


def test_without_any_region_the_ways_to_give_one_are_named(account):
    env = dict.fromkeys(("AWS_REGION", "AWS_DEFAULT_REGION"))
    assert account.setting(value=OURS, env=env).failed("No region", "regions", "AWS_REGION", "profile").calls == []


def test_regions_goes_before_the_region_that_module_defaults_set(account):
    """People set region once, for all the modules of amazon.aws."""
    run = account.setting(value=OURS, region="us-east-1", regions=["eu-west-1"], env={"AWS_REGION": None}).ok()
    assert run.writes == ["UpdateServiceSetting eu-west-1"]
