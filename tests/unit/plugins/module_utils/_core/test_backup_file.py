# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
import threading
from dataclasses import replace

import pytest

from ansible_collections.fleet.aws_ssm.plugins.module_utils._core import backup_file
from ansible_collections.fleet.aws_ssm.plugins.module_utils._core.backup import SERVICE_SETTING, Entry, to_text
from ansible_collections.fleet.aws_ssm.plugins.module_utils._core.backup_file import BackupFile
from ansible_collections.fleet.aws_ssm.plugins.module_utils._errors import InputError

ENTRY = Entry("ssm_service_setting", SERVICE_SETTING, "111111111111", "aws", "eu-west-1", "/ssm/x", None, "ours")
AS_ROOT = os.geteuid() == 0


@pytest.fixture
def path(tmp_path):
    return tmp_path / "before.json"


def refused(function, *given):
    with pytest.raises(InputError) as caught:
        function(*given)
    message = str(caught.value)
    assert message.startswith("backup_file: ")
    assert "\n" not in message
    assert message.endswith("Nothing was changed.")
    return message


def names(path):
    return sorted(found.name for found in path.parent.iterdir())


def numbered(number):
    return replace(ENTRY, account=f"{number:012}")


def without_run(entries):
    return [replace(entry, time="", run="") for entry in entries]


def test_entries_are_added_and_only_the_owner_can_read_them(path):
    file = BackupFile(str(path))
    file.check()
    assert not path.exists()
    file.add([ENTRY])
    path.chmod(0o644)
    file.check()
    file.add([numbered(2)])
    assert without_run(file.read()) == [ENTRY, numbered(2)]
    assert all(entry.time.endswith("+00:00") and entry.run for entry in file.read())
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert names(path) == ["before.json"]


def test_the_run_is_the_job_of_awx(path, monkeypatch):
    monkeypatch.setenv("AWX_JOB_ID", "77")
    BackupFile(str(path)).add([ENTRY])
    assert BackupFile(str(path)).read()[0].run == "AWX job 77"


def test_a_run_that_is_repeated_goes_on_with_the_same_file(path):
    BackupFile(str(path)).add([ENTRY])
    kept = path.read_bytes()
    assert BackupFile(str(path)).add([ENTRY]) == []
    assert path.read_bytes() == kept
    theirs = replace(ENTRY, before="theirs")
    assert without_run(BackupFile(str(path)).add([theirs])) == [theirs]


@pytest.mark.parametrize("change", [{"account": "None"}, {"region": None}, {"resource": ""}, {"before": [1]}])
def test_an_entry_that_could_not_be_read_again_is_never_written(path, change):
    BackupFile(str(path)).add([ENTRY])
    before = path.read_bytes()
    assert "entry 1 has" in refused(BackupFile(str(path)).add, [replace(ENTRY, **change)])
    assert path.read_bytes() == before


def test_a_file_that_was_made_empty_is_taken(path):
    path.touch()
    BackupFile(str(path)).check()
    BackupFile(str(path)).add([ENTRY])
    assert without_run(BackupFile(str(path)).read()) == [ENTRY]


@pytest.mark.parametrize("content", [b'{"name": "x"}', b"[]", b"\xff\xfe", to_text([ENTRY])[:-20].encode(), b"text"])
def test_a_file_of_another_kind_is_neither_read_nor_written(path, content):
    path.write_bytes(content)
    file = BackupFile(str(path))
    for function, given in ((file.read, ()), (file.check, ()), (file.add, ([ENTRY],))):
        refused(function, *given)
    assert path.read_bytes() == content
    assert names(path) == ["before.json"]


def test_a_link_is_never_followed(path):
    target = path.with_name("package.json")
    target.write_text(to_text([]), encoding="utf-8")
    path.symlink_to(target)
    file = BackupFile(str(path))
    for function, given in ((file.read, ()), (file.check, ()), (file.add, ([ENTRY],))):
        assert "is a link" in refused(function, *given)
    target.unlink()
    assert "is a link" in refused(file.add, [ENTRY])
    assert names(path) == ["before.json"]


def test_what_is_no_file_is_refused(path, tmp_path):
    assert "not a regular file" in refused(BackupFile(str(tmp_path)).check)
    refused(BackupFile(str(tmp_path)).add, [ENTRY])
    os.mkfifo(path)
    file = BackupFile(str(path))
    for function, given in ((file.read, ()), (file.check, ()), (file.add, ([ENTRY],))):
        assert "not a regular file" in refused(function, *given)


@pytest.mark.parametrize("name", ["none/before.json", "x" * 300, "before.json/x", "a\0b"])
def test_a_path_that_can_not_be_is_refused(tmp_path, name):
    (tmp_path / "before.json").write_text(to_text([]), encoding="utf-8")
    file = BackupFile(str(tmp_path / name))
    for function, given in ((file.check, ()), (file.add, ([ENTRY],))):
        refused(function, *given)
    assert names(tmp_path / "x") == ["before.json"]


def test_a_name_as_long_as_can_be(tmp_path):
    path = tmp_path / ("x" * 255)
    BackupFile(str(path)).add([ENTRY])
    assert names(path) == [path.name]


def test_a_file_that_does_not_exist_can_not_be_read(path):
    assert "does not exist" in refused(BackupFile(str(path)).read)


@pytest.mark.skipif(AS_ROOT, reason="root may write everywhere")
def test_a_folder_that_can_not_be_written_to(path):
    path.parent.chmod(0o500)
    try:
        assert "can't be written to" in refused(BackupFile(str(path)).check)
        refused(BackupFile(str(path)).add, [ENTRY])
    finally:
        path.parent.chmod(0o700)


@pytest.mark.parametrize("there", [True, False])
@pytest.mark.parametrize("call", ["fsync", "write"])
def test_a_full_disk_leaves_what_was_there_and_nothing_else(path, monkeypatch, there, call):
    if there:
        BackupFile(str(path)).add([ENTRY])
    before = path.read_bytes() if there else None

    def full(*_given):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    class Full:
        def __init__(self, handle, mode):
            self.file = os.fdopen(handle, mode)

        def __enter__(self):
            return self

        def __exit__(self, *_what):
            self.file.close()

        write = full

    if call == "fsync":
        monkeypatch.setattr(backup_file.os, "fsync", full)
    else:
        real = os.fdopen
        monkeypatch.setattr(backup_file.os, "fdopen", lambda h, mode: Full(h, mode) if mode == "wb" else real(h, mode))
        Full.__init__ = lambda self, handle, mode: setattr(self, "file", real(handle, mode))
    assert "No space left" in refused(BackupFile(str(path)).add, [numbered(2)])
    monkeypatch.undo()
    assert (path.read_bytes() if there else None) == before
    assert names(path) == (["before.json"] if there else [])


def test_many_writers_lose_nothing(path):
    threads = [
        threading.Thread(target=lambda n=n: [BackupFile(str(path)).add([numbered(10 * n + i)]) for i in range(5)])
        for n in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {entry.account for entry in BackupFile(str(path)).read()} == {
        f"{10 * n + i:012}" for n in range(8) for i in range(5)
    }
    assert names(path) == ["before.json"]


WRITER = """
import sys
from ansible.plugins.loader import init_plugin_loader
init_plugin_loader([])
from ansible_collections.fleet.aws_ssm.plugins.module_utils._core.backup_file import BackupFile
from ansible_collections.fleet.aws_ssm.plugins.module_utils._core.backup import Entry
for number in range(int(sys.argv[2])):
    account = f"{int(sys.argv[3]) + number:012}"
    entry = Entry("ssm_service_setting", "service_setting", account, "aws", "eu-west-1", "/ssm/x", None, "ours")
    BackupFile(sys.argv[1]).add([entry])
    print(number, flush=True)
"""


def test_a_writer_that_is_killed_leaves_a_whole_file_and_no_lock(path):
    for turn in range(4):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path), "100000", str(turn * 10**6)], stdout=subprocess.PIPE, text=True
        )
        for _line in range(3 + turn):
            writer.stdout.readline()
        writer.kill()
        writer.wait()
        writer.stdout.close()
        accounts = [int(entry.account) for entry in BackupFile(str(path)).read()]
        assert len([account for account in accounts if account // 10**6 == turn]) >= 3 + turn
    BackupFile(str(path)).add([ENTRY])
    assert names(path) == ["before.json"]


def test_a_writer_waits_for_another_one_and_gives_up_in_time(path, monkeypatch):
    file = BackupFile(str(path))
    monkeypatch.setattr(backup_file, "_PATIENCE", 0.2)
    with file._locked():
        assert "locked by another run" in refused(BackupFile(str(path)).add, [ENTRY])
