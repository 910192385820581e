# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action of the role readiness_report, as a playbook calls it: no module starts."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest

from ansible_collections.fleet.aws_ssm.plugins.action import readiness_files as action

REPORT = {
    "generated": "2026-11-25T03:15:00+00:00",
    "account": "123456789012",
    "instances": [],
    "regions": [],
    "totals": {"instances": 0, "in_scope": 0, "managed": 0, "coverage": None, "verdicts": {}, "reasons": {}},
    "reasons": [],
    "failed_regions": [],
    "invocation": {"module_args": {"baseline": {}}},
}


def run(check=False, **args):
    task = SimpleNamespace(args=args, check_mode=check, async_val=0, action="fleet.aws_ssm.readiness_files")
    connection = SimpleNamespace(_shell=SimpleNamespace(tmpdir=None))
    return action.ActionModule(task, connection, None, None, None, None).run(task_vars={})


def test_it_checks_writes_and_compares(tmp_path):
    args = {"directory": str(tmp_path / "reports"), "name": "weekly", "formats": "json,html"}
    paths = [str(tmp_path / "reports" / f"weekly.{kind}") for kind in ("json", "html")]
    checked = run(**args)
    assert (checked["files"], checked["baseline"], checked["changed"]) == (paths, {}, False)
    assert list(tmp_path.iterdir()) == []
    written = run(**args, title="A <title>", report=REPORT)
    assert (written["files"], written["changed"]) == (paths, False)
    report = json.loads((tmp_path / "reports" / "weekly.json").read_text(encoding="utf-8"))
    assert "invocation" not in report
    assert "<title>A &lt;title&gt;</title>" in (tmp_path / "reports" / "weekly.html").read_text(encoding="utf-8")
    again = run(**args, baseline=paths[0])
    assert again["baseline"]["generated"] == REPORT["generated"]


def test_check_mode_and_no_folder_write_nothing(tmp_path):
    folder = tmp_path / "reports"
    assert run(check=True, directory=str(folder), report=REPORT)["files"] == [
        str(folder / f"ssm-readiness.{kind}") for kind in ("json", "csv", "html")
    ]
    assert run(report=REPORT)["files"] == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("report", "end"), [(None, "AWS was not asked."), (REPORT, "No file was written.")])
def test_what_is_in_the_way_is_one_line(tmp_path, report, end):
    path = tmp_path / "ssm-readiness.csv"
    path.write_text("mine", encoding="utf-8")
    found = run(directory=str(tmp_path), **({"report": report} if report else {}))
    assert found["failed"] is True
    assert found["msg"].startswith(f"ssm_report_directory (readiness_report_directory): {path} is not a report")
    assert found["msg"].endswith(f"readiness_report_name. {end}")
    assert [one.name for one in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("name", ["", "../x", ".hidden", "a/b", "a\x1bb", "a\nb"])
def test_a_name_stays_in_its_folder(tmp_path, name):
    found = run(directory=str(tmp_path), name=name)
    assert found["msg"].startswith("readiness_report_name: ")
    assert found["msg"].endswith(
        "is not a file's name. Name the folder in readiness_report_directory. AWS was not asked."
    )
    assert found["msg"].isprintable()
