# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.fleet.aws_ssm.plugins.module_utils._core.backup import (
    ATTACHMENT,
    FORMAT,
    INLINE_POLICY,
    SERVICE_SETTING,
    Entry,
    appended,
    changed_by_others,
    from_rows,
    from_text,
    of_account,
    originals,
    to_rows,
    to_text,
)
from ansible_collections.fleet.aws_ssm.plugins.module_utils._errors import InputError

DOC = '{"Version": "2012-10-17", "Statement": []}'
SETTING = Entry(
    "ssm_service_setting", SERVICE_SETTING, "111111111111", "aws", "eu-west-1", "/ssm/x", None, "ours", "now", "run 1"
)
POLICY = Entry("other", INLINE_POLICY, "222222222222", "aws-cn", None, "Role/Policy", DOC, None)
NAME = "backup_file: /x/before.json"


def message(text):
    with pytest.raises(InputError) as caught:
        from_text(text, NAME)
    found = str(caught.value)
    assert found.startswith(NAME)
    assert found.endswith("Nothing was changed.")
    assert "\n" not in found
    return found


def test_what_is_written_is_read_again():
    odd = replace(POLICY, before='{"ü": "\\u2028\\n"}')
    assert from_text(to_text([SETTING, odd]), NAME) == [SETTING, odd]
    assert from_rows(to_rows([SETTING, odd]), "backup") == [SETTING, odd]


def test_an_empty_file_holds_nothing():
    assert from_text("", NAME) == []
    assert from_text(" \n", NAME) == []


@pytest.mark.parametrize("length", range(5, len(to_text([SETTING])) - 3, 17))
def test_a_file_that_was_cut_off_is_damaged(length):
    found = message(to_text([SETTING])[:length])
    assert "is damaged" in found or "is not a backup" in found


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"name": "package"}, "is not a backup of fleet.aws_ssm"),
        ([1], "is not a backup of fleet.aws_ssm"),
        ({"format": "fleet.aws_ssm report", "version": 1}, "is not a backup"),
        ({"format": FORMAT, "version": 2, "entries": []}, "the format 2 of a newer fleet.aws_ssm"),
        ({"format": FORMAT, "version": "1", "entries": []}, "has no version"),
        ({"format": FORMAT, "version": 1}, "no entries"),
        ({"format": FORMAT, "version": 1, "entries": [5]}, "entry 1 is not an entry"),
    ],
)
def test_a_file_of_another_kind_is_refused(content, words):
    assert words in message(json.dumps(content))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"region": None}, "has no region"),
        ({"region": 5}, "has 5 as its region, which is not text"),
        ({"kind": "role"}, "has a region, but its resource is global"),
        ({"kind": "nothing"}, "is of the unknown kind nothing"),
        ({"account": "1"}, "has '1' as its account"),
        ({"resource": ""}, "has '' as its resource"),
        ({"before": [1]}, "has no usable value in before"),
        ({"kind": ATTACHMENT, "region": None, "resource": "Role"}, "has 'Role' as its resource"),
        ({"kind": ATTACHMENT, "region": None, "resource": "Role/arn", "before": "yes"}, "no usable value in before"),
        ({"kind": INLINE_POLICY, "region": None, "resource": "Role/P", "before": "x"}, "no usable value in before"),
        ({"extra": 1}, "has the unknown field extra"),
    ],
)
def test_each_part_of_an_entry_is_checked(change, words):
    row = {**to_rows([SETTING])[0], **change}
    text = json.dumps({"format": FORMAT, "version": 1, "entries": [to_rows([POLICY])[0], row]})
    assert f"entry 2 {words}" in message(text) or words in message(text)
    del row["before"]
    assert "has no before" in message(json.dumps({"format": FORMAT, "version": 1, "entries": [row]}))


def test_a_repeated_change_is_not_added_again():
    again = replace(SETTING, time="later", run="run 2")
    assert appended([SETTING], [again]) == [SETTING]
    back = replace(SETTING, before="ours", after=None)
    assert appended([SETTING], [back, again]) == [SETTING, back, again]


values = st.sampled_from([None, "a", "b", "c"])


@given(
    st.lists(st.tuples(st.sampled_from(["eu-west-1", "us-east-1"]), values, values), max_size=12), st.integers(0, 12)
)
def test_the_first_before_is_kept_whatever_runs_add(changes, cut):
    entries = [replace(SETTING, region=region, before=before, after=after) for region, before, after in changes]
    journal = appended(appended([], entries[:cut]), entries[cut:])
    found = {original.region: original for original in originals(journal)}
    for region in {entry.region for entry in entries}:
        mine = [entry for entry in entries if entry.region == region]
        assert found[region].before == mine[0].before
        assert all(not found[region].changed_since(entry.after) for entry in mine)
        assert not found[region].changed_since(mine[0].before)
    # What a file holds leads back to the same.
    assert originals(from_text(to_text(journal), NAME)) == originals(journal)


def test_a_value_that_others_set_in_between_is_told():
    theirs = replace(SETTING, before="theirs", after="ours again")
    assert changed_by_others([SETTING], [theirs]) == [theirs]
    assert changed_by_others([SETTING], [replace(SETTING, before="ours"), replace(SETTING, before=None)]) == []
    assert changed_by_others([], [theirs]) == []


def test_accounts_and_modules_are_kept_apart():
    assert of_account([SETTING, POLICY], "222222222222") == [POLICY]
    assert of_account([SETTING, POLICY], "222222222222", "ssm_service_setting") == []
    both = originals([SETTING, replace(SETTING, account="333333333333", before="x")])
    assert [one.before for one in both] == [None, "x"]
