# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Throttling, errors, cut connections, regions that are down or hang, slow IAM, and credentials that expire."""

from __future__ import annotations

import time

import pytest
from fault_account import DE, EU, US
from fault_scenarios import ATTACH, AUDIT, ENABLE, RESTORE
from fault_state import snapshot

NAMES = ("enable", "attach", "restore", "audit")
ALL = [ENABLE, ATTACH, RESTORE, AUDIT]
EVERY = pytest.mark.parametrize("scenario", ALL, ids=NAMES)
STORM = (
    {"probability": 0.2, "throttle": {"burst": 0, "rate": 0}},
    {"probability": 0.05, "error": {"code": "InternalFailure", "message": "An internal error.", "status": 500}},
    {"probability": 0.01, "down": "reset"},
    {"probability": 0.01, "lost": True},
)
STORM_WORDS = ("Throttling", "RequestLimitExceeded", "Rate exceeded", "InternalFailure", "connection", "retries")


def parameters(*short, points=(None,)):
    return [
        pytest.param(
            scenario, point, id=f"{scenario.name}-{point}", marks=[pytest.mark.short] * ((scenario, point) in short)
        )
        for scenario in ALL
        for point in points
    ]


@pytest.mark.parametrize(("scenario", "seed"), parameters((ENABLE, 1), points=(1,)))
def test_storm(case, scenario, seed):
    """20 % throttled, 5 % errors, 2 % of the connections cut: half of them after the call was carried out."""
    one = case(scenario)
    one.faults(*STORM, seed=seed)
    outcome = one.run()
    hit = {call["fault"] for call in outcome.calls}
    assert "throttle" in hit
    one.follow("in a storm", outcome, STORM_WORDS)
    assert one.problems == []


@EVERY
def test_a_region_is_down(case, scenario):
    """It is named, the others are done."""
    one = case(scenario)
    one.faults({"region": EU, "down": True})
    outcome = one.run()
    if outcome.rc == 0:
        one.problem("a region is down, and the exit status is 0")
    others_are_done(one)
    one.follow("a region is down", outcome, (EU,))
    assert one.problems == []


@pytest.mark.parametrize(("scenario", "_none"), parameters((AUDIT, None)))
def test_a_region_hangs(case, scenario, _none):
    """So is one that doesn't answer, and the roles' timeouts hold."""
    one = case(scenario)
    one.faults({"region": EU, "hang": 60})
    started = time.monotonic()
    outcome = one.run(**scenario.quick(10))
    if outcome.rc == 0:
        one.problem("a region hangs, and the exit status is 0")
    if (took := time.monotonic() - started) > 150:
        one.problem(f"with timeouts of 10 seconds it took {took:.0f}")
    others_are_done(one)
    one.follow("a region hangs", outcome, (EU,))
    assert one.problems == []


def others_are_done(one):
    """What has nothing to do with the region that fails."""
    one.faults()
    now, wanted = snapshot(one.session), one.undisturbed.state
    for name in (f"setting {US}", f"setting {DE}", f"instance {US} bare", f"instance {DE} team"):
        if now[name] != wanted[name]:
            one.problem(f"one region fails, and another is not done: {name}: {now[name]} instead of {wanted[name]}")


@pytest.mark.parametrize("scenario", [ENABLE, ATTACH], ids=["enable", "attach"])
def test_iam_takes_its_time(case, scenario):
    """What was just made is unknown elsewhere for 8 seconds: waited for, not failed for."""
    one = case(scenario)
    one.faults({"propagation": 8})
    outcome = one.run()
    one.check_worked("with IAM that takes 8 seconds", outcome)
    one.follow("with IAM that takes 8 seconds", outcome, ("IAM",))
    assert one.problems == []


@pytest.mark.parametrize(
    ("scenario", "percent"),
    [pytest.param(ENABLE, percent, id=f"enable-{percent}") for percent in (30, 60, 90)]
    + [pytest.param(scenario, 50, id=f"{scenario.name}-50") for scenario in (ATTACH, RESTORE, AUDIT)],
)
def test_credentials_expire(case, scenario, percent):
    """From one call on none works."""
    one = case(scenario)
    one.faults({"after": len(one.undisturbed.calls) * percent // 100, "expired": True})
    outcome = one.run()
    if outcome.rc == 0 and any(call["fault"] for call in outcome.calls):
        one.problem("the credentials expired, and the exit status is 0")
    one.follow("expired", outcome, ("expired",))
    assert one.problems == []
