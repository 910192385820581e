# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""audit_ssm.yml and the role readiness_report: files, gate, comparison, and what can't be read."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

HOSTILE = "{{ 7 * 7 }}</script><script>alert(1)</script>"
FORMULA = "=cmd|' /C calc'!A0"
REGIONS = "us-east-1,eu-west-1"


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
def fleet(account):
    """Two regions with instances; DHMC is on in one of them."""
    launch(account, "us-east-1", "web-1", HOSTILE)
    launch(account, "eu-west-1", FORMULA)
    account.command("ansible-playbook", "fleet.aws_ssm.enable_ssm", "-e", "ssm_regions=us-east-1").ok()
    return account


def files(folder):
    return sorted(path.name for path in Path(folder).iterdir())


def test_the_report_is_written_for_its_owner_and_shows_tags_as_they_are(fleet):
    run = audit(fleet, ssm_report_directory="deep/reports").ok()
    folder = fleet.folder / "deep" / "reports"
    assert files(folder) == ["ssm-readiness.csv", "ssm-readiness.html", "ssm-readiness.json"]
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
    assert "changed=0" in run.text
    assert "Coverage 66.7%: 2 of 3 instances in scope managed, 0 out of scope" in run.text
    assert str(folder / "ssm-readiness.html") in run.text

    result = json.loads((folder / "ssm-readiness.json").read_text(encoding="utf-8"))
    assert result["totals"]["coverage"] == 66.7
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
    fleet.command("ansible-playbook", "fleet.aws_ssm.enable_ssm", "-e", "ssm_regions=eu-west-1").ok()
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
    assert "No instance is in scope, so that the gate of 100% is passed." in run.text


def test_a_region_that_can_not_be_read_is_named_after_the_others_are_reported(fleet):
    denied = {"code": "AccessDeniedException", "message": "not you"}
    fleet.faults({"service": "ssm", "region": "eu-west-1", "error": denied})
    run = audit(fleet, ssm_report_directory="reports", audit_ssm_fail_under=100)
    run.failed("Not all could be read: eu-west-1: AccessDeniedException: not you")
    assert "passes the gate" not in run.text
    result = json.loads((fleet.folder / "reports" / "ssm-readiness.json").read_text(encoding="utf-8"))
    assert [row["region"] for row in result["failed_regions"]] == ["eu-west-1"]
    assert result["regions"][0]["coverage"] == 100
    assert "Not all could be read" in (fleet.folder / "reports" / "ssm-readiness.html").read_text(encoding="utf-8")


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
    ({"audit_ssm_fail_under": "950"}, "(readiness_report_fail_under): 950 is not a number from 0 to 100"),
    ({"audit_ssm_fail_under": "most"}, "most is not a number from 0 to 100"),
    ({"readiness_report_formats": "json,pdf"}, "readiness_report_formats: pdf is none of json, csv, html"),
    ({"readiness_report_name": "../x"}, "readiness_report_name: ../x is no file's name"),
    ({"ssm_report_baseline": "nowhere.json"}, "ssm_report_baseline (readiness_report_baseline)"),
    ({"ssm_report_baseline": "/etc/hostname"}, "/etc/hostname is not a report. Name the JSON file"),
])  # fmt: skip
def test_wrong_input_is_an_error_before_aws_is_asked(account, variables, words):
    run = audit(account, **variables)
    assert run.calls == []
    run.failed(words, "AWS was not asked.")
