# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import os
import stat
import threading

import pytest

from ansible_collections.fleet.aws_ssm.plugins.module_utils import _backup_file
from ansible_collections.fleet.aws_ssm.plugins.module_utils._backup_file import check_free, read, section_of, write
from ansible_collections.fleet.aws_ssm.plugins.module_utils._errors import InputError

CONTENT = [{"region": "eu-west-1", "text": 'odd \n\t"white" space', "none": None, "ü": "\u2028"}]
AS_ROOT = os.geteuid() == 0


@pytest.fixture
def path(tmp_path):
    return tmp_path / "before.json"


def refused(function, *given):
    with pytest.raises(InputError) as caught:
        function(*given)
    message = str(caught.value)
    assert message.startswith("path: ")
    assert "\n" not in message
    return message


def test_what_was_written_is_read_again_and_only_its_owner_can_read_it(path):
    write(path, "dhmc", CONTENT)
    assert section_of(path, "dhmc") == CONTENT
    assert section_of(path, "other") is None
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [found.name for found in path.parent.iterdir()] == ["before.json"]


def test_sections_are_added_and_none_is_ever_overwritten(path):
    write(path, "dhmc", CONTENT)
    path.chmod(0o644)
    write(path, "profile_association", {"a": 1})
    assert read(path) == {"dhmc": CONTENT, "profile_association": {"a": 1}}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    before = path.read_bytes()
    for function, given in ((write, (path, "dhmc", [])), (check_free, (path, "dhmc"))):
        message = refused(function, *given)
        assert "holds dhmc already" in message
        assert "Name another file" in message
    assert path.read_bytes() == before
    check_free(path, "third")


def test_an_empty_section_counts_as_one(path):
    write(path, "dhmc", [])
    assert "holds dhmc already" in refused(write, path, "dhmc", CONTENT)


@pytest.mark.parametrize("text", ["", "no json", '{"a": ', "[1]", '"text"', "null", "\udcff"])
def test_a_file_that_is_no_backup_is_refused_and_stays_as_it_is(path, text):
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    before = path.read_bytes()
    for function, given in ((read, (path,)), (write, (path, "dhmc", [])), (check_free, (path, "dhmc"))):
        message = refused(function, *given)
        assert f"{path} is not a backup" in message
        assert "Name the file that an earlier run wrote" in message
    assert path.read_bytes() == before


def test_a_file_that_is_missing_can_be_written_but_not_read(path):
    check_free(path, "dhmc")
    assert not path.exists()
    assert "can't be read: No such file" in refused(read, path)


def test_a_folder_that_is_missing_is_named(tmp_path):
    message = refused(check_free, tmp_path / "missing" / "before.json", "dhmc")
    assert f"the folder {tmp_path / 'missing'} does not exist" in message


def test_a_folder_in_place_of_the_file_is_refused(tmp_path):
    assert f"{tmp_path} can't be read" in refused(write, tmp_path, "dhmc", [])


@pytest.mark.skipif(AS_ROOT, reason="root may write everywhere")
def test_a_folder_that_can_not_be_written_is_refused(path):
    path.parent.chmod(0o500)
    assert "can't be written" in refused(check_free, path, "dhmc")


def test_a_crash_leaves_the_old_file(path, monkeypatch):
    write(path, "dhmc", CONTENT)
    before = path.read_bytes()

    def fails(_handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(_backup_file.os, "fsync", fails)
    assert "can't be written: No space left on device" in refused(write, path, "other", [])
    assert path.read_bytes() == before


def test_of_two_runs_that_make_the_file_at_once_one_is_refused(path, monkeypatch):
    barrier, link = threading.Barrier(2, timeout=20), os.link

    def at_once(*names):
        barrier.wait()
        link(*names)

    monkeypatch.setattr(_backup_file.os, "link", at_once)
    outcomes = []

    def run(number):
        try:
            write(path, "dhmc", number)
            outcomes.append(number)
        except InputError as error:
            outcomes.append(str(error))

    threads = [threading.Thread(target=run, args=[number]) for number in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (winner,) = [outcome for outcome in outcomes if isinstance(outcome, int)]
    (loser,) = [outcome for outcome in outcomes if isinstance(outcome, str)]
    assert json.loads(path.read_text()) == {"dhmc": winner}
    assert "File exists" in loser
