# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import random
import subprocess
import sys
import threading
import time

import pytest

from ansible_collections.fleet.aws_ssm.plugins.module_utils import _fan_out
from ansible_collections.fleet.aws_ssm.plugins.module_utils._fan_out import DeadlineExceeded, fan_out


def soon(seconds=30.0):
    return time.monotonic() + seconds


def test_results_and_errors_come_in_the_order_of_the_keys_whatever_ends_first():
    keys = [f"key-{number}" for number in range(60)]
    delays = {key: random.Random(key).random() / 50 for key in keys}

    def call(key):
        time.sleep(delays[key])
        if key.endswith("3"):
            raise ValueError(key)
        return key.upper()

    results, errors = fan_out(call, keys, deadline=soon(), max_workers=7)
    assert list(results.items()) == [(key, key.upper()) for key in keys if not key.endswith("3")]
    assert [(key, str(error)) for key, error in errors.items()] == [(key, key) for key in keys if key.endswith("3")]
    assert all(isinstance(error, ValueError) for error in errors.values())


def test_a_result_of_none_is_a_result():
    assert fan_out(lambda key: None, ["a"], deadline=soon()) == ({"a": None}, {})


def test_no_keys_need_no_threads():
    before = threading.active_count()
    assert fan_out(lambda key: key, [], deadline=soon()) == ({}, {})
    assert threading.active_count() == before


def test_calls_run_side_by_side_but_never_more_than_the_limit():
    lock, running, most = threading.Lock(), 0, 0
    two = threading.Barrier(2, timeout=20)

    def call(key):
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        two.wait()  # passes only if another call is under way
        with lock:
            running -= 1

    results, errors = fan_out(call, [str(number) for number in range(20)], deadline=soon(), max_workers=2)
    assert (len(results), errors, most) == (20, {}, 2)


def test_a_call_that_hangs_is_given_up_in_time_and_the_others_are_kept():
    release = threading.Event()

    def call(key):
        if key == "hangs":
            release.wait(30)
        if key == "fails":
            raise OSError("down")
        return key

    started = time.monotonic()
    try:
        results, errors = fan_out(call, ["hangs", "a", "fails", "b"], deadline=soon(0.4))
    finally:
        release.set()
    assert 0.3 < time.monotonic() - started < 5
    assert results == {"a": "a", "b": "b"}
    assert {key: type(error) for key, error in errors.items()} == {"hangs": DeadlineExceeded, "fails": OSError}
    assert list(errors) == ["hangs", "fails"]


def test_nothing_is_started_after_the_deadline():
    started = []
    results, errors = fan_out(started.append, ["a", "b"], deadline=time.monotonic() - 1)
    assert (started, results) == ([], {})
    assert {type(error) for error in errors.values()} == {DeadlineExceeded}


def test_keys_behind_a_hanging_call_are_not_called_once_the_time_is_up():
    called, release = [], threading.Event()

    def call(key):
        called.append(key)
        release.wait(30)

    errors = fan_out(call, ["first", "second"], deadline=soon(0.2), max_workers=1)[1]
    release.set()
    assert list(errors) == ["first", "second"]
    time.sleep(0.2)
    assert called == ["first"]


@pytest.mark.parametrize("ending", ["", "sys.exit(3)"])
def test_a_hanging_call_does_not_keep_the_interpreter_from_exiting(ending):
    # The file itself, so that the process needs no collection loader.
    source = f"""
import importlib.util, sys, time
spec = importlib.util.spec_from_file_location("_fan_out", {_fan_out.__file__!r})
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
results, errors = module.fan_out(lambda key: time.sleep(120), ["a", "b"], deadline=time.monotonic() + 0.2)
print(",".join(errors), flush=True)
{ending}
"""
    done = subprocess.run(
        [sys.executable, "-c", source], capture_output=True, text=True, timeout=60, check=False, env=dict(os.environ)
    )
    assert (done.returncode, done.stdout.strip(), done.stderr) == (3 if ending else 0, "a,b", "")
