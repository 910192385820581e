# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ansible_collections.fleet.aws_ssm.plugins.module_utils._packing import Item, first_fit, lower_bound, pack, search

CAPACITY = 30
SETUPS = {"": 0, "a": 3, "b": 7}


def item(index, weight, group=""):
    return Item(f"item {index}", weight, group, SETUPS[group])


@st.composite
def some_items(draw, most=8, heaviest=23):
    pairs = draw(st.lists(st.tuples(st.integers(1, heaviest), st.sampled_from(sorted(SETUPS))), max_size=most))
    return [item(index, weight, group) for index, (weight, group) in enumerate(pairs)]


def cost(packed):
    return sum(one.weight for one in packed) + sum(SETUPS[group] for group in {one.group for one in packed})


def fewest(items):
    """By trying every partition of the items into bins."""
    best = len(items)

    def place(rest, bins):
        nonlocal best
        if len(bins) >= best:
            return
        if not rest:
            best = len(bins)
            return
        for index, packed in enumerate(bins):
            if cost([*packed, rest[0]]) <= CAPACITY:
                place(rest[1:], [*bins[:index], [*packed, rest[0]], *bins[index + 1 :]])
        place(rest[1:], [*bins, [rest[0]]])

    if items:
        best += 1
        place(items, [])
    return best


def where(bins):
    return {one.key: number for number, packed in enumerate(bins) for one in packed}


@given(some_items())
def test_nothing_is_lost_and_no_bin_is_too_full(items):
    bins = pack(items, CAPACITY)
    assert sorted(one.key for packed in bins for one in packed) == sorted(one.key for one in items)
    assert all(packed and cost(packed) <= CAPACITY for packed in bins)


@settings(max_examples=150)
@given(some_items())
def test_no_packing_takes_fewer_bins(items):
    assert len(pack(items, CAPACITY)) == fewest(items)


@settings(max_examples=150)
@given(some_items(most=7))
def test_the_lower_bound_is_one(items):
    assert lower_bound(items, CAPACITY) <= fewest(items)


@settings(max_examples=150)
@given(some_items())
def test_the_search_finds_a_packing_exactly_if_there_is_one(items):
    number = fewest(items)
    found = search(items, number, CAPACITY)
    assert sorted(one.key for packed in found for one in packed) == sorted(one.key for one in items)
    assert all(cost(packed) <= CAPACITY for packed in found)
    assert not items or search(items, number - 1, CAPACITY) is None


@given(some_items(), st.data())
def test_homes_don_t_cost_bins(items, data):
    homes = data.draw(st.dictionaries(st.sampled_from([one.key for one in items] or ["x"]), st.integers(0, 9)))
    assert len(pack(items, CAPACITY, homes)) == fewest(items)


@given(some_items())
def test_packing_what_is_packed_moves_nothing(items):
    bins = pack(items, CAPACITY)
    assert pack(items[::-1], CAPACITY, where(bins)) == [packed[::-1] for packed in bins]


@settings(max_examples=150)
@given(some_items(most=8), st.data())
def test_one_more_item_changes_one_bin_unless_that_would_take_more_bins(items, data):
    assume(items)
    new = items.pop(data.draw(st.integers(0, len(items) - 1)))
    homes = where(pack(items, CAPACITY))
    number = max(homes.values(), default=-1) + 1
    room = any(cost([one for one in items if homes[one.key] == bin_] + [new]) <= CAPACITY for bin_ in range(number))
    after = pack([new, *items], CAPACITY, homes)
    if room or len(after) > number:
        assert {key: bin_ for key, bin_ in where(after).items() if key != new.key} == homes


@given(some_items(most=8), st.data())
def test_an_item_less_moves_nothing_unless_a_bin_can_be_spared(items, data):
    assume(items)
    homes = where(pack(items, CAPACITY))
    items.pop(data.draw(st.integers(0, len(items) - 1)))
    after = where(pack(items, CAPACITY, homes))
    if max(after.values(), default=-1) == max(homes.values()):
        assert after == {one.key: homes[one.key] for one in items}


def test_a_packing_that_first_fit_misses_is_found():
    items = [item(index, weight) for index, weight in enumerate([12, 12, 9, 9, 9, 9])]
    assert first_fit(items, 2, CAPACITY) is None
    assert len(pack(items, CAPACITY)) == 2


def test_two_bins_are_packed_anew_before_all_are():
    packed = [[item(0, 20), item(1, 4)], [item(2, 17), item(3, 8)], [item(4, 15), item(5, 12)]]
    homes = where(packed)
    after = where(pack([*(one for bin_ in packed for one in bin_), item(6, 10)], CAPACITY, homes))
    assert after == {**homes, "item 1": 1, "item 6": 0}


def test_what_is_packed_moves_where_only_that_saves_a_bin():
    packed = [[item(0, 12), item(1, 12)], [item(2, 9), item(3, 9), item(4, 9)]]
    items = [one for bin_ in packed for one in bin_]
    assert len(pack([*items, item(5, 9)], CAPACITY, where(packed))) == 2


def test_new_items_go_where_they_fit_together_and_nothing_moves():
    packed = [[item(0, 13), item(1, 7)], [item(2, 12), item(3, 8)]]
    homes = where(packed)
    new = [item(index, weight) for index, weight in enumerate([5, 4, 4, 3, 2, 2], start=4)]
    after = where(pack([*(one for bin_ in packed for one in bin_), *new], CAPACITY, homes))
    assert {key: after[key] for key in homes} == homes
    assert max(after.values()) == 1


def test_the_search_gives_up_after_its_steps_and_a_bin_more_is_used():
    items = [item(index, weight) for index, weight in enumerate([12, 12, 9, 9, 9, 9])]
    assert search(items, 2, CAPACITY, steps=1) is None


def test_hundreds_of_items_take_no_time():
    items = [Item(str(index), 300 + index % 41) for index in range(350)]
    assert len(pack(items, 6107)) == lower_bound(items, 6107)
