# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was read counts for a short time from when it was asked for."""

from __future__ import annotations

import pytest

from ansible_collections.fleet.aws_ssm.plugins.module_utils._core import fresh


@pytest.fixture
def slow(monkeypatch):
    """slow(seconds, ...): a read whose answers take so long, and are 1, 2, 3 ..."""
    now = [1000.0]
    monkeypatch.setattr(fresh.time, "monotonic", lambda: now[0])

    def maker(*seconds):
        left, answers = list(seconds), iter(range(1, 100))

        def read():
            now[0] += left.pop(0)
            return next(answers)

        return read

    return maker


@pytest.mark.parametrize(
    ("seconds", "answer"),
    [
        ((0.1,), 1),
        ((fresh.FRESH,), 1),
        ((fresh.FRESH + 0.1, 0.1), 2),
        ((6, 6, 0.1), 3),
        # A service that is always slow is taken at its word.
        ((6, 6, 6), 3),
    ],
)
def test_an_answer_that_comes_late_is_asked_for_again(slow, seconds, answer):
    assert fresh.read_fresh(slow(*seconds)) == answer


def test_a_read_that_fails_fails(slow):
    def refused():
        raise PermissionError("no")

    with pytest.raises(PermissionError):
        fresh.read_fresh(refused)


def test_what_was_asked_for_long_ago_is_stale(slow):
    read = slow(fresh.FRESH, 0.1)
    read()
    assert not fresh.is_stale(1000.0)
    read()
    assert fresh.is_stale(1000.0)
