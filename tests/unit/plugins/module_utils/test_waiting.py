# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.fleet.aws_ssm.plugins.module_utils._errors import InputError
from ansible_collections.fleet.aws_ssm.plugins.module_utils._waiting import (
    DOUBTFUL,
    HOPELESS,
    NOTHING,
    OPEN,
    REACHED,
    check_numbers,
    duration,
    look_timeout,
    merged,
    missing_of,
    next_pause,
    outlook,
    progress,
    refused,
    region_counts,
    totals_of,
    unless_none,
    why,
)

GOOD = {"wait_timeout": 2100, "interval": 15.0, "max_interval": 120.0, "coverage": 100.0, "min_managed": 0}
THROTTLED = {"code": "ThrottlingException", "message": "slow down"}
DENIED = {"code": "AccessDeniedException", "message": "not you"}


def row(number, verdict, *reasons, region="r", state="running"):
    """A row of ssm_managed_instance_info; a reason is a code, with ! before it if it is blocking."""
    found = [
        {
            "reason": one.lstrip("!"),
            "severity": "blocking" if "!" in one else "info",
            "fix": "mend",
            "command": "mend",
            "message": "",
        }
        for one in reasons
    ]
    name = f"i-{number}"
    return {
        "region": region,
        "instance_id": name,
        "name": name,
        "state": state,
        "verdict": verdict,
        "reasons": found,
    }


def outlook_of(rows, errors=None, regions=("r",), **aim):
    counts = region_counts(regions, rows, errors or {})
    return outlook(counts, missing_of(rows), **{"coverage": 100, "min_managed": 0, **aim})


def state_of(rows, errors=None, regions=("r",)):
    return merged(None, {"regions": region_counts(regions, rows, errors or {}), "missing": missing_of(rows)})


def test_no_instance_is_no_success_and_an_unread_region_may_have_some():
    empty = region_counts(["r", "s"], [], {})
    assert unless_none(outlook_of([]), empty) == NOTHING
    assert unless_none(outlook_of([row(1, "managed")]), region_counts(["r"], [row(1, "managed")], {})) == REACHED
    assert unless_none(outlook_of([], {"r": THROTTLED}), empty) == OPEN
    assert unless_none(outlook_of([], min_managed=1), empty) == OPEN


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("wait_timeout", -1.0, "wait_timeout: -1 is not a number of seconds; 0 stands for one look."),
        ("wait_timeout", float("inf"), "wait_timeout: inf is not"),
        ("wait_timeout", float("nan"), "wait_timeout: nan is not"),
        ("interval", 0.0, "interval: 0 is not a number of seconds above 0."),
        ("max_interval", -0.5, "max_interval: -0.5 is not"),
        ("coverage", 100.5, "coverage: 100.5 is not a percentage from 0 to 100."),
        ("min_managed", -3, "min_managed: -3 is not a number of instances."),
    ],
)
def test_a_number_that_cannot_be_meant_is_refused(name, value, words):
    with pytest.raises(InputError, match="^" + words.replace(".", r"\.")):
        check_numbers({**GOOD, name: value})


def test_fractions_of_a_second_and_one_look_are_allowed():
    check_numbers({**GOOD, "wait_timeout": 0.0, "interval": 0.2, "max_interval": 0.2, "coverage": 0.0})


def test_only_instances_that_run_or_will_soon_are_waited_for():
    rows = [
        row(1, "managed"),
        row(2, "not_managed", "!dhmc_off"),
        row(3, "out_of_scope", "not_running", state="stopped"),
        row(4, "out_of_scope", "not_running", state="pending"),
        row(5, "out_of_scope", "service_managed", state="pending"),
    ]
    none = {"in_scope": 0, "managed": 0, "forbidden": False, "failed": False}
    assert region_counts(["r", "empty", "shut"], rows, {"empty": THROTTLED}, ["shut"]) == [
        {**none, "region": "r", "in_scope": 3, "managed": 1},
        {**none, "region": "empty", "failed": True, "error": THROTTLED},
        {**none, "region": "shut", "forbidden": True},
    ]
    missing = {one["instance_id"]: one for one in missing_of(rows)}
    assert list(missing) == ["i-2", "i-4"]
    assert (missing["i-4"]["verdict"], missing["i-4"]["fix"], missing["i-4"]["command"]) == (
        "pending",
        "Wait until it runs.",
        "",
    )
    assert missing["i-4"]["may_come"]


def test_a_missing_instance_has_its_gravest_reason_and_what_mends_it():
    (found,) = missing_of([row(1, "not_managed", "!imds_off", "imdsv1_allowed")])
    assert (found["verdict"], found["reason"], found["fix"]) == ("not_managed", "imds_off", "mend")
    assert found["command"] == "mend"
    (found,) = missing_of([row(1, "pending", "imdsv1_allowed", "changed_recently")])
    assert found["reason"] == "changed_recently"


@pytest.mark.parametrize(
    ("reasons", "comes"),
    [
        (["changed_recently"], True),
        (["!agent_silent"], True),
        (["profile_blocks_dhmc", "changed_recently"], True),
        (["!dhmc_off"], False),
        (["!no_egress"], False),
        # The profile may let it register as soon as the association is finished.
        (["!dhmc_off", "association_stuck"], True),
    ],
)
def test_an_instance_comes_by_itself_unless_something_else_is_wrong(reasons, comes):
    (found,) = missing_of([row(1, "not_managed", *reasons)])
    assert found["may_come"] is comes


def test_the_target_is_met_by_share_and_by_number():
    nine_of_ten = [*(row(n, "managed") for n in range(9)), row(9, "not_managed", "!agent_silent")]
    assert outlook_of(nine_of_ten) == OPEN
    assert outlook_of(nine_of_ten, coverage=90) == REACHED
    assert outlook_of(nine_of_ten, coverage=90.1) == OPEN
    assert outlook_of(nine_of_ten, coverage=90, min_managed=9) == REACHED
    assert outlook_of(nine_of_ten, coverage=90, min_managed=10) == OPEN


def test_nothing_to_wait_for_is_all_unless_there_must_be_some():
    assert outlook_of([]) == REACHED
    # They may be launched yet.
    assert outlook_of([], min_managed=1) == OPEN
    assert outlook_of([row(1, "not_managed", "!dhmc_off")], min_managed=2) == OPEN


def test_it_is_hopeless_only_where_nobody_may_come():
    lost = [row(n, "not_managed", "!dhmc_off") for n in range(3)]
    assert outlook_of([*lost, row(9, "managed")]) == HOPELESS
    assert outlook_of([*lost, row(9, "pending", "changed_recently")]) == OPEN
    # What IAM said is wrong, which may be old, or could not be read at all.
    assert outlook_of([*lost, row(9, "not_managed", "!dhmc_role_missing")]) == DOUBTFUL
    assert outlook_of(lost, all_known=False) == OPEN


def test_a_region_that_could_not_be_read_leaves_it_open_unless_it_refuses():
    here = [row(1, "managed")]
    both = ("r", "s")
    assert outlook_of(here, {"s": THROTTLED}, both) == OPEN
    assert outlook_of(here, {"s": DENIED}, both) == HOPELESS
    assert outlook_of([row(1, "pending", "changed_recently")], {"s": DENIED}, both) == OPEN


def test_refused_is_only_where_no_region_answers_otherwise():
    assert refused(region_counts(["a", "b"], [], {"a": DENIED, "b": DENIED}))
    assert not refused(region_counts(["a", "b"], [], {"a": DENIED, "b": THROTTLED}))
    assert not refused(region_counts(["a", "b"], [], {"a": DENIED}))
    assert not refused([])


def test_what_was_known_of_a_region_stays_where_it_cannot_be_read():
    rows = [
        row(1, "managed"),
        row(2, "managed", region="s"),
        row(3, "pending", "changed_recently", region="s"),
    ]
    before = state_of(rows, regions=("r", "s"))
    now = merged(before, {"regions": region_counts(["r", "s"], rows[:1], {"s": THROTTLED}), "missing": []})
    assert now["totals"] == {"in_scope": 3, "managed": 2, "missing": 1, "coverage": 66.7}
    assert [one["instance_id"] for one in now["missing"]] == ["i-3"]
    assert now["regions"][1]["failed"]
    assert "certain" not in now["missing"][0]
    # And it is as it is again as soon as it can.
    after = merged(now, {"regions": region_counts(["r", "s"], rows[:2], {}), "missing": []})
    assert after["totals"] == {"in_scope": 2, "managed": 2, "missing": 0, "coverage": 100.0}
    assert after["missing"] == []


def test_totals_of_nothing_have_no_coverage():
    assert totals_of([]) == {"in_scope": 0, "managed": 0, "missing": 0, "coverage": None}


@given(
    st.integers(1, 5000),
    st.floats(0.1, 1000),
    st.floats(0.1, 5000),
    st.floats(-10, 10000),
    st.floats(0, 1),
)
def test_a_pause_is_never_beyond_the_deadline_and_never_far_beyond_the_longest(looks, interval, longest, left, roll):
    pause = next_pause(looks, interval, longest, left, roll)
    assert 0 <= pause <= max(0, left)
    assert pause <= 1.25 * max(longest, interval) + 1e-6


def test_the_pauses_grow_up_to_the_longest():
    pauses = [next_pause(looks, 15, 120, 1e6, 0.5) for looks in range(1, 8)]
    assert pauses == pytest.approx([15, 22.5, 33.75, 50.625, 75.9375, 113.90625, 120])
    assert next_pause(1, 15, 120, 1e6, 0) == 15 * 0.75
    assert next_pause(1, 15, 120, 1e6, 1) == 15 * 1.25
    # The first pause is what was asked for, also if it is longer than the longest by default.
    assert next_pause(1, 300, 120, 1e6, 0.5) == 300


@pytest.mark.parametrize(("left", "seconds"), [(2000, 300), (100.5, 101), (3, 30), (-5, 30)])
def test_a_look_near_the_deadline_gets_less_time_but_some(left, seconds):
    assert look_timeout(300, left) == seconds


def test_a_look_never_gets_more_time_than_it_may_take():
    assert look_timeout(10, 3) == 10


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (0.24, "0.2s"),
        (9.94, "9.9s"),
        (9.96, "10s"),
        (59.6, "1m"),
        (200, "3m20s"),
        (2100, "35m"),
        (3723, "1h2m3s"),
        (7200, "2h"),
    ],
)
def test_a_duration_is_short(seconds, text):
    assert duration(seconds) == text


def test_the_line_counts_each_region_that_has_instances_or_an_error():
    rows = [row(1, "managed"), row(2, "not_managed", "!dhmc_off"), row(3, "managed", region="s")]
    state = state_of(rows, {"s": THROTTLED, "t": DENIED}, ("r", "s", "t", "empty"))
    assert progress(state, 200) == (
        "2 of 3 managed after 3m20s (r 1/2, s 1/1 not read: ThrottlingException, t not read: AccessDeniedException)"
    )
    assert progress(state_of([]), 1) == "0 of 0 managed after 1s"


def test_why_counts_the_reasons_the_most_frequent_first():
    rows = [row(1, "not_managed", "!imds_off"), *(row(n, "not_managed", "!dhmc_off") for n in (2, 3))]
    assert why(state_of(rows, {"s": DENIED}, ("r", "s"))) == "2 dhmc_off, 1 imds_off, s: AccessDeniedException"
    assert why(state_of([row(1, "managed")])) == ""
