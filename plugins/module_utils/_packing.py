# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Rules: pack items into the fewest bins, and leave those that are packed already where they are. Pure.

The search is bin completion (R. Korf, "An Improved Algorithm for Optimal Bin Packing", IJCAI 2003), the lower bound
that of dual feasible functions (S. Fekete, J. Schepers, "New classes of fast lower bounds for bin packing problems",
2001).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations, count

# The search is exponential in the worst case, and where it finds no packing the next larger number of bins is right in
# all likelihood. A count of steps, not of seconds, so that the result never depends on the machine.
SEARCH_STEPS = 200_000
_FUNCTIONS = 40


@dataclass(frozen=True)
class Item:
    """Something to pack. Items of one C(group) share an overhead, C(setup), that each bin with any of them has once."""

    key: str
    weight: int
    group: str = ""
    setup: int = 0


@dataclass
class Bin:
    """What is packed together."""

    capacity: int
    items: list[Item] = field(default_factory=list)
    used: int = 0
    groups: set[str] = field(default_factory=set)

    def cost(self, item: Item) -> int:
        """What the item would take here."""
        return item.weight + (0 if item.group in self.groups else item.setup)

    def add(self, item: Item) -> bool:
        """Put the item in if there is room."""
        cost = self.cost(item)
        if self.used + cost > self.capacity:
            return False
        self.items.append(item)
        self.used += cost
        self.groups.add(item.group)
        return True


def pack(items: Sequence[Item], capacity: int, homes: Mapping[str, int] | None = None) -> list[list[Item]]:
    """The fewest bins, in the order of their numbers, for items that fit into a bin each.

    C(homes) has the number (from 0) of the bin in which an item, by its key, is already. It stays there unless fewer
    bins are possible without; then as few bins as possible are packed anew. A new item goes into the first with room.
    """
    homes = homes or {}
    if not items:
        return []
    for number in count(lower_bound(items, capacity)):
        bins = _keep(items, number, capacity, homes)
        if bins is None:
            found = first_fit(items, number, capacity) or search(items, number, capacity)
            if found is None:
                continue
            bins = _reopen(items, number, capacity, homes) or _nearest(items, found, homes)
        order = {item.key: position for position, item in enumerate(items)}
        return [sorted(packed, key=lambda item: order[item.key]) for packed in bins if packed]
    return []


def lower_bound(items: Iterable[Item], capacity: int) -> int:
    """A number of bins that no packing can do without."""
    found = list(items)
    setups = {item.group: item.setup for item in found}
    bound = _ceil(sum(item.weight for item in found) + sum(setups.values()), capacity)
    for k in range(1, _FUNCTIONS):
        total = 0
        for item in found:
            whole, rest = divmod((k + 1) * item.weight, capacity)
            total += whole * (k + 1) if rest else whole * k
        bound = max(bound, _ceil(total, k * (k + 1)))
    return bound


def _ceil(number: int, divisor: int) -> int:
    return -(-number // divisor)


def first_fit(items: Iterable[Item], number: int, capacity: int) -> list[list[Item]] | None:
    """Each item in the first bin with room, the largest first; None if the bins don't suffice."""
    bins = [Bin(capacity) for _index in range(number)]
    left = _place(sorted(items, key=lambda item: -item.weight), bins)
    return None if left else [packed.items for packed in bins]


def _place(items: Iterable[Item], bins: Sequence[Bin]) -> list[Item]:
    """Put each item into the first bin with room, and return those that fit nowhere."""
    return [item for item in items if not any(packed.add(item) for packed in bins)]


def _keep(items: Sequence[Item], number: int, capacity: int, homes: Mapping[str, int]) -> list[list[Item]] | None:
    """The packing that moves nothing, new items in the first bin with room; None if there is none."""
    for largest_first in (False, True):
        bins, homeless = _at_home(items, number, capacity, homes)
        if largest_first:
            homeless.sort(key=lambda item: -item.weight)
        if not _place(homeless, bins):
            return [packed.items for packed in bins]
    bins, homeless = _at_home(items, number, capacity, homes)
    homeless.sort(key=lambda item: -item.weight)
    return _Placement(bins, SEARCH_STEPS // 10).solve(homeless)


class _Placement:
    """Finds room for items in bins that hold something already, if there is any."""

    def __init__(self, bins: Sequence[Bin], steps: int) -> None:
        self._bins = bins
        self._steps = steps

    def solve(self, items: Sequence[Item]) -> list[list[Item]] | None:
        if not items:
            return [packed.items for packed in self._bins]
        tried = set()
        for packed in self._bins:
            self._steps -= 1
            state = (packed.used, frozenset(packed.groups))
            if self._steps < 0 or state in tried or not packed.add(items[0]):
                continue
            tried.add(state)
            if (found := self.solve(items[1:])) is not None:
                return found
            packed.items.pop()
            packed.used, packed.groups = state[0], set(state[1])
        return None


def _at_home(
    items: Sequence[Item], number: int, capacity: int, homes: Mapping[str, int]
) -> tuple[list[Bin], list[Item]]:
    """The bins with the items that are there already, and the items that have no bin or no room in it."""
    bins = [Bin(capacity) for _index in range(number)]
    homeless = []
    for item in items:
        home = homes.get(item.key, number)
        if home >= number or not bins[home].add(item):
            homeless.append(item)
    return bins, homeless


def _reopen(items: Sequence[Item], number: int, capacity: int, homes: Mapping[str, int]) -> list[list[Item]] | None:
    """A packing that moves what is in two or three bins at most, and leaves the others alone; None if there is none."""
    for opened in (2, 3):
        for chosen in combinations(range(number), opened) if opened < number else ():
            bins, homeless = _at_home(items, number, capacity, homes)
            closed = [packed for index, packed in enumerate(bins) if index not in chosen]
            loose = _place(homeless, closed) + [item for index in chosen for item in bins[index].items]
            if lower_bound(loose, capacity) > opened:
                continue
            if found := first_fit(loose, opened, capacity) or search(loose, opened, capacity, SEARCH_STEPS // 100):
                nearest = iter(
                    _nearest(loose, found, {key: chosen.index(n) for key, n in homes.items() if n in chosen})
                )
                return [next(nearest) if index in chosen else packed.items for index, packed in enumerate(bins)]
    return None


def _nearest(items: Sequence[Item], bins: Sequence[list[Item]], homes: Mapping[str, int]) -> list[list[Item]]:
    """Bins numbered so that as much as possible stays under its number; the rest in the order of the items."""
    position = {item.key: index for index, item in enumerate(items)}
    common = {
        (index, number): sum(item.weight for item in packed if homes.get(item.key) == number)
        for index, packed in enumerate(bins)
        for number in range(len(bins))
    }
    first = [min((position[item.key] for item in packed), default=len(items)) for packed in bins]
    numbered: dict[int, list[Item]] = {}
    done: set[int] = set()
    for index, number in sorted(common, key=lambda pair: (-common[pair], first[pair[0]], pair)):
        if index not in done and number not in numbered:
            numbered[number] = bins[index]
            done.add(index)
    return [numbered[number] for number in range(len(bins))]


@dataclass(frozen=True)
class _Type:
    """Items that are the same to the packing."""

    weight: int
    group: str
    setup: int


def search(items: Iterable[Item], number: int, capacity: int, steps: int = SEARCH_STEPS) -> list[list[Item]] | None:
    """A packing into so many bins, or None if there is none, or none was found in the steps allowed."""
    by_type: dict[_Type, list[Item]] = {}
    for item in items:
        by_type.setdefault(_Type(item.weight, item.group, item.setup), []).append(item)
    types = sorted(by_type, key=lambda kind: (-kind.weight, kind.group))
    found = _Search(types, capacity, steps).solve(tuple(len(by_type[kind]) for kind in types), number)
    if found is None:
        return None
    stock = [iter(by_type[kind]) for kind in types]
    return [[next(stock[index]) for index, amount in enumerate(counts) for _one in range(amount)] for counts in found]


_Counts = tuple[int, ...]


class _Search:
    """Fills one bin after the other, each with the largest item that is left and all that still fits beside it."""

    def __init__(self, types: Sequence[_Type], capacity: int, steps: int) -> None:
        self._types = types
        self._capacity = capacity
        self._steps = steps
        self._failed: set[tuple[_Counts, int]] = set()

    def solve(self, left: _Counts, number: int) -> list[_Counts] | None:
        if not any(left):
            return []
        if number == 0 or self._needed(left) > number * self._capacity or (left, number) in self._failed:
            return None
        first = next(index for index, amount in enumerate(left) if amount)
        for chosen in self._completions(left, first):
            self._steps -= 1
            if self._steps < 0:
                return None
            rest = self.solve(tuple(have - taken for have, taken in zip(left, chosen, strict=True)), number - 1)
            if rest is not None:
                return [chosen, *rest]
        self._failed.add((left, number))
        return None

    def _needed(self, left: _Counts) -> int:
        setups = {kind.group: kind.setup for kind, amount in zip(self._types, left, strict=True) if amount}
        weights = sum(kind.weight * amount for kind, amount in zip(self._types, left, strict=True))
        return weights + sum(setups.values())

    def _completions(self, left: _Counts, first: int) -> Iterator[_Counts]:
        """Every content of a bin with one of the first type to which nothing that is left could be added.

        One that is not full need not be tried: what is added to it is only taken from the bins that follow.
        """
        kind = self._types[first]
        room = self._capacity - kind.weight - kind.setup
        chosen = [0] * len(left)
        chosen[first] = 1
        yield from self._fill(left, first, room, chosen, frozenset({kind.group}))

    def _fill(
        self, left: _Counts, index: int, room: int, chosen: list[int], groups: frozenset[str]
    ) -> Iterator[_Counts]:
        if index == len(left):
            if not any(
                have > taken and kind.weight + (0 if kind.group in groups else kind.setup) <= room
                for kind, have, taken in zip(self._types, left, chosen, strict=True)
            ):
                yield tuple(chosen)
            return
        kind, taken = self._types[index], chosen[index]
        setup = 0 if kind.group in groups else kind.setup
        most = min(left[index] - taken, max(0, (room - setup) // kind.weight))
        for amount in range(most, -1, -1):
            self._steps -= 1
            if self._steps < 0:
                return
            chosen[index] = taken + amount
            cost = amount * kind.weight + setup if amount else 0
            yield from self._fill(left, index + 1, room - cost, chosen, groups | {kind.group} if amount else groups)
        chosen[index] = taken
