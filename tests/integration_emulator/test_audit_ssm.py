# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""audit_ssm.yml and the role readiness_report: files, gate, comparison, and what can't be read."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from closed_regions import closed

HOSTILE = "{{ 7 * 7 }}</script><script>alert(1)</script>"
FORMULA = "=cmd|' /C calc'!A0"
REGIONS = "us-east-1,eu-west-1"
ROLE = "AWSSystemsManagerDefaultEC2InstanceManagementRole"
POLICY = "AmazonSSMManagedEC2InstanceDefaultPolicy"
# What moves the cursor, turns the line, hides. The XML of EC2 can't hold more; the JSON of SSM can, so it also sets the
# title of the terminal.
TAG = "y\u202ez\x9b2J\u200b"
RAW = f"x\x1b[2J\x1b]0;t\x07{TAG}"


def launch(account, region, *names):
    """Instances with IMDSv2; returns their ids."""
    ids = []
    for name in names:
        tags = [{"ResourceType": "instance", "Tags": [{"Key": "Name", "Value": name}]}]
        made = account.client("ec2", region).run_instances(
            ImageId="ami-12345678",
            MinCount=1,
            MaxCount=1,
            MetadataOptions={"HttpTokens": "required"},
            TagSpecifications=tags,
        )
        ids.append(made["Instances"][0]["InstanceId"])
    return ids


def audit(account, *options, **variables):
    variables = {"ssm_regions": REGIONS, **variables}
    run = account.command("ansible-playbook", "fleet.aws_ssm.audit_ssm", "-e", json.dumps(variables), *options)
    assert run.writes == []
    return run


@pytest.fixture
def fleet(account, aws_trust):
    """Two regions with instances; DHMC is on in one of them."""
    launch(account, "us-east-1", "web-1", HOSTILE)
    launch(account, "eu-west-1", FORMULA)
    account.add_role(
        ROLE, aws_trust("ssm.amazonaws.com"), "AmazonSSMManagedEC2InstanceDefaultPolicy", path="/service-role/"
    )
    account.put(f"service-role/{ROLE}", "us-east-1")
    return account


def files(folder):
    return sorted(path.name for path in Path(folder).iterdir())


def test_the_report_is_written_for_its_owner_and_shows_tags_as_they_are(fleet):
    run = audit(fleet, ssm_report_directory="deep/reports", ssm_backup_file="undo.json").ok()
    folder = fleet.folder / "deep" / "reports"
    assert files(folder) == ["ssm-readiness.csv", "ssm-readiness.html", "ssm-readiness.json"]
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
    assert "changed=0" in run.text
    assert "Coverage 66.7%: 2 of 3 instances in scope managed, 0 out of scope" in run.text
    assert str(folder / "ssm-readiness.html") in run.text

    result = json.loads((folder / "ssm-readiness.json").read_text(encoding="utf-8"))
    assert (result["format"], result["version"]) == ("fleet.aws_ssm report", 1)
    assert result["totals"]["coverage"] == 66.7
    command = "ansible-playbook fleet.aws_ssm.enable_ssm -e ssm_regions=eu-west-1 -e ssm_backup_file=undo.json"
    assert [row["fix"] for row in result["reasons"] if row["reason"] == "dhmc_off"] == [command]
    assert {row["name"] for row in result["instances"]} == {"web-1", HOSTILE, FORMULA}
    assert set(result) & {"invocation", "failed", "warnings", "ansible_facts"} == set()
    with (folder / "ssm-readiness.csv").open(encoding="utf-8", newline="") as file:
        assert {row["name"] for row in csv.DictReader(file)} == {"web-1", HOSTILE, f"'{FORMULA}"}
    html = (folder / "ssm-readiness.html").read_text(encoding="utf-8")
    assert "{{ 7 * 7 }}&lt;/script&gt;" in html
    assert "alert(1)</script>" not in html


def test_the_next_report_is_compared_with_the_one_that_it_replaces(fleet):
    (new,) = launch(fleet, "us-east-1", "new")
    fleet.client("ec2", "us-east-1").stop_instances(InstanceIds=[new])
    audit(fleet, ssm_report_directory="reports", readiness_report_formats="json", readiness_report_name="weekly").ok()
    assert files(fleet.folder / "reports") == ["weekly.json"]
    fleet.put(f"service-role/{ROLE}", "eu-west-1")
    fleet.client("ec2", "us-east-1").terminate_instances(InstanceIds=[new])
    run = audit(
        fleet,
        ssm_report_directory="reports",
        ssm_report_baseline="reports/weekly.json",
        readiness_report_name="weekly",
        readiness_report_formats=["json", "html"],
        readiness_report_title="Weekly <report>",
    ).ok()
    assert "coverage 66.7% -> 100%, 1 newly managed, 0 no longer managed, 0 new, 1 gone" in run.text
    assert "<title>Weekly &lt;report&gt;</title>" in (fleet.folder / "reports" / "weekly.html").read_text(
        encoding="utf-8"
    )
    assert json.loads((fleet.folder / "reports" / "weekly.json").read_text())["comparison"]["gone"] == [new]


def test_the_gate_fails_the_run_after_the_report_is_written(fleet):
    run = audit(fleet, ssm_report_directory="reports", audit_ssm_fail_under="95")
    run.failed("Coverage 66.66% is under the gate of 95%: 2 of 3 instances in scope are managed, 1 more must be.")
    assert len(files(fleet.folder / "reports")) == 3
    run = audit(fleet, audit_ssm_fail_under=66).ok()
    assert "Coverage 66.66% passes the gate of 66%: 2 of 3 instances in scope are managed." in run.text
    run = audit(fleet, ssm_regions="eu-west-2", audit_ssm_fail_under="100%").ok()
    assert "No instance is in scope, so the gate of 100% is passed." in run.text


def test_a_region_that_can_not_be_read_is_named_after_the_others_are_reported(fleet):
    denied = {"code": "AccessDeniedException", "message": "not you"}
    fleet.faults({"service": "ssm", "region": "eu-west-1", "error": denied})
    run = audit(fleet, ssm_report_directory="reports", audit_ssm_fail_under=100)
    run.failed(
        "Not all could be read: eu-west-1: AccessDeniedException: not you | Whether the gate of 100% is passed can't "
        "be told, as 1 region could not be read. In the others coverage is 100%: 2 of 2 instances in scope are managed."
    )
    # The reader sees the reason first, and not that of a condition in the playbook.
    assert "failed_when" not in run.text
    assert "passes the gate" not in run.text
    result = json.loads((fleet.folder / "reports" / "ssm-readiness.json").read_text(encoding="utf-8"))
    assert [row["region"] for row in result["failed_regions"]] == ["eu-west-1"]
    assert result["regions"][0]["coverage"] == 100
    assert "Not all could be read" in (fleet.folder / "reports" / "ssm-readiness.html").read_text(encoding="utf-8")


def test_a_region_that_the_organization_closes_is_listed_and_the_gate_works_on_the_rest(fleet):
    fleet.faults(*closed("eu-west-3"), *closed("ap-south-1"))
    run = audit(fleet, ssm_regions="all", ssm_report_directory="reports", audit_ssm_fail_under=60).ok()
    assert "2 regions closed by a service control policy: ap-south-1, eu-west-3" in run.text
    assert "Coverage 66.66% passes the gate of 60%" in run.text
    folder = fleet.folder / "reports"
    result = json.loads((folder / "ssm-readiness.json").read_text(encoding="utf-8"))
    assert result["forbidden_regions"] == ["ap-south-1", "eu-west-3"]
    assert result["failed_regions"] == []
    rows = {row["region"]: row for row in result["regions"]}
    assert (rows["eu-west-3"]["forbidden"], rows["eu-west-3"]["failed"]) == (True, False)
    with (folder / "ssm-readiness.csv").open(encoding="utf-8", newline="") as file:
        lines = [row for row in csv.DictReader(file) if not row["instance_id"]]
    assert [(row["region"], row["state"], row["reasons"]) for row in lines] == [
        ("ap-south-1", "forbidden", "region_forbidden"),
        ("eu-west-3", "forbidden", "region_forbidden"),
    ]
    assert "2 regions closed by a service control policy" in (folder / "ssm-readiness.html").read_text(encoding="utf-8")
    # Its instances are still those of the gate.
    audit(fleet, ssm_regions="all", audit_ssm_fail_under=90).failed("Coverage 66.66% is under the gate of 90%")


def test_a_closed_region_that_is_named_or_not_wholly_closed_is_a_failure(fleet):
    fleet.faults(*closed("eu-west-3"))
    run = audit(fleet, ssm_regions="us-east-1,eu-west-3", audit_ssm_fail_under=60)
    run.failed("eu-west-3: UnauthorizedOperation: You are not authorized", "because 1 region could not be read")
    fleet.faults(closed("eu-west-3")[0])
    run = audit(fleet, ssm_regions="all", audit_ssm_fail_under=60)
    run.failed("eu-west-3: UnauthorizedOperation", "It is unclear whether", "because 1 region could not be read")


def foreign(kind, folder):
    folder.mkdir()
    path = folder / "ssm-readiness.json"
    if kind == "link":
        path.symlink_to("elsewhere.json")
    elif kind == "folder":
        path.mkdir()
    else:
        path.write_text(kind, encoding="utf-8")
    return path


@pytest.mark.parametrize(("kind", "words"), [
    ('{"format": "fleet.aws_ssm backup", "version": 1, "entries": []}', "is not a report of fleet.aws_ssm, and is not"),
    ('{"name": "package"}', "is not a report of fleet.aws_ssm, and is not overwritten. Move it away"),
    ("link", "is a link. Name another folder"),
    ("folder", "is a folder. Name another folder"),
])  # fmt: skip
def test_a_report_overwrites_nothing_but_a_report_and_says_so_before_aws_is_asked(account, kind, words):
    path = foreign(kind, account.folder / "reports")
    run = audit(account, ssm_report_directory="reports").failed(f"{path} {words}", "AWS was not asked.")
    assert run.calls == []
    assert files(path.parent) == [path.name]
    if path.is_file():
        assert path.read_text(encoding="utf-8") == kind


def test_a_backup_is_no_baseline(account):
    path = account.folder / "before.json"
    path.write_text('{"format": "fleet.aws_ssm backup", "version": 1, "entries": []}', encoding="utf-8")
    run = audit(account, ssm_report_baseline="before.json")
    run.failed(f"{path} is not a report: it is a backup of fleet.aws_ssm. Name the JSON file", "AWS was not asked.")
    assert run.calls == []


def test_an_earlier_result_of_the_play_is_not_taken_for_this_ones(account):
    launch(account, "us-east-1", "web-1")
    role = {"ansible.builtin.include_role": {"name": "fleet.aws_ssm.readiness_report"}}
    tasks = [
        {**role, "vars": {"readiness_report_regions": "us-east-1", "readiness_report_directory": "reports"}},
        {**role, "vars": {"readiness_report_regions": "mars-1"}},
    ]
    run = account.play(tasks, keep=("readiness_report_result", "readiness_report_files"))
    assert run.rc != 0
    assert "readiness_report_regions: 'mars-1' is not the name of a region" in run.text
    assert files(account.folder / "reports") == ["ssm-readiness.csv", "ssm-readiness.html", "ssm-readiness.json"]
    assert run.result == {"readiness_report_result": {}, "readiness_report_files": []}


def test_what_aws_returns_reaches_neither_the_terminal_nor_a_template_nor_a_formula(fleet):
    launch(fleet, "eu-west-1", TAG)
    refused = {"code": "AccessDeniedException", "message": f"{RAW} {{{{ 7 * 7 }}}}"}
    fleet.faults({"service": "ssm", "region": "eu-north-1", "error": refused})
    run = audit(fleet, ssm_regions=f"{REGIONS},eu-north-1", ssm_report_directory="reports")
    assert run.rc == 2
    shown = run.out + run.err
    assert [line for line in shown.splitlines() if not line.isprintable()] == []
    assert "y\ufffdz\ufffd2J\ufffd" in shown
    assert "x\u241b[2J\u241b]0;t\u2407y\ufffdz" in shown
    assert "{{ 7 * 7 }}" in shown
    folder = fleet.folder / "reports"
    text = (folder / "ssm-readiness.json").read_text(encoding="utf-8")
    assert all(line.isprintable() for line in text.splitlines())
    assert TAG in {row["name"] for row in json.loads(text)["instances"]}
    assert "\x1b" not in (folder / "ssm-readiness.csv").read_text(encoding="utf-8")
    assert "\x1b" not in (folder / "ssm-readiness.html").read_text(encoding="utf-8")


def test_in_check_mode_nothing_is_written(fleet):
    run = audit(fleet, "--check", ssm_report_directory="reports").ok()
    assert not (fleet.folder / "reports").exists()
    assert "No files are written in check mode." in run.text
    assert "Coverage 66.7%" in run.text


def test_answers_of_a_survey_may_be_empty(fleet):
    empty = dict.fromkeys(
        [f"readiness_report_{name}" for name in ("instance_ids", "filters", "formats", "name", "title", "timeout")]
        + ["ssm_report_directory", "ssm_report_baseline", "audit_ssm_fail_under", "readiness_report_node_quota"],
        "",
    )
    assert "Coverage 66.7%" in audit(fleet, **empty).ok().text
    assert audit(fleet, **{**empty, "ssm_report_directory": "reports"}).ok()
    assert len(files(fleet.folder / "reports")) == 3


@pytest.mark.parametrize(("variables", "words"), [
    ({"audit_ssm_fail_under": "950"}, "audit_ssm_fail_under: '950' is not a percentage from 0 to 100"),
    ({"audit_ssm_fail_under": "most"}, "audit_ssm_fail_under: 'most' is not a percentage from 0 to 100"),
    ({"readiness_report_formats": "json,pdf"}, "readiness_report_formats: 'pdf' is not one of json, csv, html"),
    ({"readiness_report_name": "../x"}, "readiness_report_name: '../x' is not a file's name"),
    ({"ssm_report_baseline": "nowhere.json"}, "ssm_report_baseline (readiness_report_baseline)"),
    ({"ssm_report_baseline": "/etc/hostname"}, "/etc/hostname is not a report: it is not JSON, or not all of it. Name"),
    ({"ssm_report_baseline": "/etc"}, "/etc is a folder. Name the JSON file"),
    ({"ssm_report_directory": "/etc/hostname"}, "(readiness_report_directory): /etc/hostname is not a folder"),
    ({"ssm_report_directory": "x" * 300}, "is too long for a path: give a shorter one. Nothing was changed."),
])  # fmt: skip
def test_wrong_input_is_an_error_before_aws_is_asked(account, variables, words):
    run = audit(account, **variables)
    assert run.calls == []
    run.failed(words)
    assert "AWS was not asked." in run.text or "Nothing was changed." in run.text
