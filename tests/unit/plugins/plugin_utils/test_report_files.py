# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of a report: over nothing but a report, all or none, for their owner only."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import pytest

from ansible_collections.fleet.aws_ssm.plugins.module_utils._core.backup import to_text
from ansible_collections.fleet.aws_ssm.plugins.module_utils._errors import InputError
from ansible_collections.fleet.aws_ssm.plugins.plugin_utils import _report_files
from ansible_collections.fleet.aws_ssm.plugins.plugin_utils._report_files import ReportFiles, read_baseline
from ansible_collections.fleet.aws_ssm.plugins.plugin_utils._report_marks import FORMATS, is_report, text_of

RESULT = {
    "changed": False,
    "invocation": {"module_args": {}},
    "generated": "2026-11-25T03:15:00+00:00",
    "account": None,
    "instances": [],
    "regions": [],
    "totals": {"instances": 0, "in_scope": 0, "managed": 0, "coverage": None, "verdicts": {}, "reasons": {}},
    "reasons": [],
    "failed_regions": [],
}
TEXTS = {kind: text_of(kind, RESULT, "Title") for kind in FORMATS}
BACKUP = to_text([])


def made(folder, kinds=FORMATS, name="ssm-readiness"):
    return ReportFiles(str(folder), name, list(kinds))


def listed(folder):
    return sorted(path.name for path in Path(folder).iterdir())


def test_each_kind_has_a_mark_of_its_own():
    found = {(kind, other) for kind in FORMATS for other in FORMATS if is_report(kind, TEXTS[other].encode()[:2048])}
    assert found == {(kind, kind) for kind in FORMATS}
    report = json.loads(TEXTS["json"])
    assert (report["format"], report["version"]) == ("fleet.aws_ssm report", 1)
    assert list(report)[:2] == ["format", "version"]
    # What Ansible adds is no part of it.
    assert {"changed", "invocation"} & set(report) == set()


def test_the_json_keeps_the_data_and_escapes_what_a_terminal_acts_on():
    bad = "a\x1b[2J\x7f\x9b\u202e\u2028{{ 7 }}"
    text = text_of("json", {**RESULT, "account": bad}, "")
    assert json.loads(text)["account"] == bad
    assert text.isascii()
    assert all(line.isprintable() for line in text.splitlines())


@pytest.mark.parametrize("kind", FORMATS)
def test_a_report_is_written_for_its_owner_and_replaces_a_report(tmp_path, kind):
    folder = tmp_path / "deep" / "reports"
    for _time in range(2):
        files = made(folder, [kind])
        files.check()
        files.write(TEXTS)
    (path,) = files.paths.values()
    assert path.read_text(encoding="utf-8") == TEXTS[kind]
    assert path.stat().st_mode & 0o777 == 0o600
    assert [folder.stat().st_mode & 0o777, folder.parent.stat().st_mode & 0o777] == [0o700, 0o700]
    assert listed(folder) == [path.name]


def test_the_mode_of_a_folder_stays(tmp_path):
    tmp_path.chmod(0o751)
    made(tmp_path).write(TEXTS)
    assert tmp_path.stat().st_mode & 0o777 == 0o751


FOREIGN = {
    "a backup": BACKUP,
    "an old form": json.dumps(RESULT),
    "any JSON": "{}",
    "another mark": '{"format": "fleet.aws_ssm reports"}',
    "a page": "<!doctype html>\n<html></html>",
    "a sheet": "account,region\n",
    "nothing": "",
    "binary": "\x00\x01",
}


@pytest.mark.parametrize("what", FOREIGN)
@pytest.mark.parametrize("kind", FORMATS)
def test_nothing_but_a_report_is_overwritten(tmp_path, kind, what):
    path = tmp_path / f"ssm-readiness.{kind}"
    path.write_text(FOREIGN[what], encoding="utf-8")
    for step in (made(tmp_path).check, lambda: made(tmp_path).write(TEXTS)):
        with pytest.raises(InputError) as caught:
            step()
        assert str(caught.value) == (
            f"ssm_report_directory (readiness_report_directory): {path} is not a report of fleet.aws_ssm, and is not "
            "overwritten. Move it away, or name another folder, or other files with readiness_report_name."
        )
    assert path.read_text(encoding="utf-8") == FOREIGN[what]
    assert listed(tmp_path) == [path.name]


def test_what_has_become_foreign_since_the_check_is_not_overwritten_either(tmp_path):
    files = made(tmp_path)
    files.check()
    path = tmp_path / "ssm-readiness.html"
    path.write_text("mine", encoding="utf-8")
    with pytest.raises(InputError, match="is not overwritten"):
        files.write(TEXTS)
    assert (listed(tmp_path), path.read_text(encoding="utf-8")) == (["ssm-readiness.html"], "mine")


def put_link(path, tmp_path):
    other = tmp_path / "other.json"
    other.write_text(TEXTS["json"], encoding="utf-8")
    path.symlink_to(other)


@pytest.mark.parametrize(("put", "words"), [
    (put_link, "is a link"),
    (lambda path, _tmp: path.symlink_to("nowhere"), "is a link"),
    (lambda path, _tmp: path.mkdir(), "is a folder"),
    (lambda path, _tmp: os.mkfifo(path), "is not a regular file"),
])  # fmt: skip
def test_links_folders_and_pipes_are_refused(tmp_path, put, words):
    folder = tmp_path / "reports"
    folder.mkdir()
    path = folder / "ssm-readiness.json"
    put(path, tmp_path)
    with pytest.raises(
        InputError, match=rf"^ssm_report_directory \(readiness_report_directory\): {path} {words}\. Name"
    ):
        made(folder).check()
    with pytest.raises(InputError, match=words):
        made(folder).write(TEXTS)
    assert listed(folder) == [path.name]


def test_a_folder_that_can_not_be_used_is_one_line(tmp_path):
    file = tmp_path / "file"
    file.write_text("", encoding="utf-8")
    cases = {
        file: f"{file} is not a folder",
        file / "deep": "Not a directory",
        tmp_path / ("x" * 300): "File name too long",
        tmp_path / "a\0b": "a path has no null characters",
        "~nobody-has-this-name/x": "Could not determine home directory",
    }
    for folder, words in cases.items():
        with pytest.raises(InputError, match=r"^ssm_report_directory") as caught:
            made(folder).write(TEXTS)
        with pytest.raises(InputError, match=r"^ssm_report_directory"):
            made(folder).check()
        assert words in str(caught.value)
        assert str(caught.value).isprintable()
    # What only the attempt shows.
    with pytest.raises(InputError, match=r"^ssm_report_directory .*: /proc/nothing/reports: No such file"):
        made("/proc/nothing/reports").write(TEXTS)
    with pytest.raises(InputError, match="File name too long"):
        made(tmp_path, name="x" * 300).check()
    assert listed(tmp_path) == ["file"]


@pytest.mark.skipif(os.getuid() == 0, reason="root may write everywhere")
def test_a_folder_that_is_not_ours_is_one_line(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(InputError, match="can't be written to"):
        made(tmp_path / "reports").check()


@pytest.mark.parametrize("failing", [0, 1, 2])
def test_a_full_disk_leaves_everything_as_it_was(tmp_path, monkeypatch, failing):
    old = {"json": TEXTS["json"].replace("null", "1"), "csv": TEXTS["csv"], "html": TEXTS["html"]}
    made(tmp_path / "old").write(old)
    synced = []

    def full(handle):
        synced.append(handle)
        if len(synced) > failing:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(_report_files.os, "fsync", full)
    with pytest.raises(InputError, match="No space left on device"):
        made(tmp_path / "old").write(TEXTS)
    assert {kind: (tmp_path / "old" / f"ssm-readiness.{kind}").read_text(encoding="utf-8") for kind in FORMATS} == old
    synced.clear()
    with pytest.raises(InputError, match="No space left on device"):
        made(tmp_path / "deep" / "new").write(TEXTS)
    assert listed(tmp_path) == ["old"]
    assert len(listed(tmp_path / "old")) == 3


# The earlier report.

REPORT = {
    **RESULT,
    "totals": {"coverage": 50.0},
    "instances": [{"instance_id": "i-1", "verdict": "managed", "name": "x"}],
}


def baseline(tmp_path, content):
    path = tmp_path / "before.json"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_of_an_earlier_report_only_what_a_comparison_needs_is_read(tmp_path):
    path = baseline(tmp_path, text_of("json", REPORT, ""))
    link = tmp_path / "latest.json"
    link.symlink_to(path)
    for way in (path, link):
        assert read_baseline(str(way)) == {
            "generated": "2026-11-25T03:15:00+00:00",
            "totals": {"coverage": 50.0},
            "instances": [{"instance_id": "i-1", "verdict": "managed"}],
        }


MARKED = json.loads(text_of("json", REPORT, ""))


@pytest.mark.parametrize(("content", "words"), [
    (BACKUP, "is not a report: it is a backup of fleet.aws_ssm."),
    (json.dumps(REPORT), 'is not a report: it lacks "format": "fleet.aws_ssm report", which every report has.'),
    ("{}", 'is not a report: it has no "format": "fleet.aws_ssm report".'),
    ("[]", "is not a report: it has no"),
    ("null", "is not a report: it has no"),
    ("", "is not a report: it is not JSON, or not all of it."),
    (text_of("json", REPORT, "")[:-20], "it is not JSON, or not all of it."),
    ("[" * 100_000, "it is not JSON, or not all of it."),
    (b"\xff\xfe\x00", "it is not JSON, or not all of it."),
    (json.dumps({**MARKED, "version": 2}), "is a report of version 2, and this release reads version 1."),
    (json.dumps({**MARKED, "version": "1\x1b[2J"}), "is a report of version '1\\x1b[2J', and"),
    (json.dumps({**MARKED, "instances": 5}), "is a damaged report"),
    (json.dumps({**MARKED, "instances": [{}]}), "is a damaged report"),
    (json.dumps({**MARKED, "instances": [{"instance_id": ["i-1"], "verdict": "managed"}]}), "is a damaged report"),
    (json.dumps({**MARKED, "totals": []}), "is a damaged report"),
])  # fmt: skip
def test_what_is_no_earlier_report_is_one_line(tmp_path, content, words):
    path = baseline(tmp_path, content)
    with pytest.raises(InputError) as caught:
        read_baseline(str(path))
    text = str(caught.value)
    assert text.startswith(f"ssm_report_baseline (readiness_report_baseline): {path} is ")
    assert words in text
    assert text.endswith("Name the JSON file that an earlier run wrote, or none.")
    assert text.isprintable()


def link_to_itself(path):
    path.symlink_to(path)


@pytest.mark.parametrize(("make", "words"), [
    (lambda path: None, "No such file"),
    (Path.mkdir, "is a folder"),
    (os.mkfifo, "is not a regular file"),
    (link_to_itself, "symbolic links"),
])  # fmt: skip
def test_what_can_not_be_read_is_one_line(tmp_path, make, words):
    path = tmp_path / "before.json"
    make(path)
    with pytest.raises(InputError, match=rf"^ssm_report_baseline .*{words}.* Name the JSON file"):
        read_baseline(str(path))
