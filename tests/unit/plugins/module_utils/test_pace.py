# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import threading
import time

import pytest

from ansible_collections.fleet.aws_ssm.plugins.module_utils import _pace
from ansible_collections.fleet.aws_ssm.plugins.module_utils._pace import EC2_BUCKETS, Bucket, wait_until


class Clock:
    """Time that passes only by sleeping."""

    def __init__(self):
        self.now, self.slept = 1000.0, []

    def __call__(self):
        return self.now

    def sleep(self, seconds):
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
def clock(monkeypatch):
    made = Clock()
    monkeypatch.setattr(_pace.time, "monotonic", made)
    monkeypatch.setattr(_pace.time, "sleep", made.sleep)
    return made


def bucket_of(clock, burst=3, rate=2):
    return Bucket(burst, rate, clock, clock.sleep)


def test_the_burst_goes_at_once_and_the_rest_at_the_rate():
    clock = Clock()
    bucket = bucket_of(clock)
    at = []
    for _call in range(7):
        bucket.take()
        at.append(clock.now - 1000)
    assert at == pytest.approx([0, 0, 0, 0.5, 1, 1.5, 2])


def test_a_pause_fills_the_bucket_but_never_over_the_burst():
    clock = Clock()
    bucket = bucket_of(clock)
    for _call in range(3):
        bucket.take()
    clock.now += 0.5
    bucket.take()
    clock.now += 1000
    for _call in range(3):
        bucket.take()
    assert clock.slept == []
    bucket.take()
    assert clock.slept == pytest.approx([0.5])


def test_a_drained_bucket_gives_only_what_flows_in():
    clock = Clock()
    bucket = bucket_of(clock)
    bucket.drain()
    bucket.take()
    assert clock.slept == pytest.approx([0.5])


def test_draining_does_not_give_back_what_is_owed():
    clock = Clock()
    waits = []
    bucket = Bucket(1, 2, clock, waits.append)  # callers that wait side by side: no time passes
    for _call in range(3):
        bucket.take()
    bucket.drain()
    bucket.take()
    assert waits == pytest.approx([0.5, 1, 1.5])


def test_threads_share_one_bucket():
    bucket = Bucket(5, 50)
    began = time.monotonic()
    threads = [threading.Thread(target=bucket.take) for _number in range(15)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 0.18 <= time.monotonic() - began < 5


def test_the_buckets_are_a_little_smaller_than_those_of_the_ec2_api_reference():
    assert EC2_BUCKETS == {
        "AssociateIamInstanceProfile": (100 - 2, 5),
        "DisassociateIamInstanceProfile": (100 - 2, 5),
        "ReplaceIamInstanceProfileAssociation": (50 - 2, 5),
        "ModifyInstanceMetadataOptions": (100 - 2, 5),
        "ModifyInstanceMetadataDefaults": (2, 2),
    }


def test_what_is_true_is_not_waited_for(clock):
    assert wait_until(lambda: True, clock.now) is True
    assert clock.slept == []


def test_the_pauses_grow_and_differ_until_it_is_true(clock):
    answers = iter([False] * 12 + [True])
    assert wait_until(lambda: next(answers), clock.now + 1000) is True
    assert len(clock.slept) == 12
    assert 0.375 <= clock.slept[0] <= 0.625
    assert max(clock.slept) <= 12.5
    assert clock.slept[-1] >= 7.5
    assert len(set(clock.slept)) == 12


def test_the_wait_ends_at_the_deadline_and_not_after_it(clock):
    assert wait_until(lambda: False, clock.now + 20) is False
    assert sum(clock.slept) == pytest.approx(20)
