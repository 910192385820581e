# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Calls that are held on their way: before they are carried out, after it, let go and dropped."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest
from botocore.exceptions import ConnectionClosedError
from conftest import DHMC

from fleet_emulator.control import ControlError
from fleet_emulator.holds import HoldError, Holds, parse


@dataclass
class Call:
    operation: str
    account: str = "1"
    service: str = "ssm"
    region: str = "eu-west-1"
    resource: str | None = None
    write: bool = False


@pytest.fixture
def side():
    with ThreadPoolExecutor(4) as pool:
        yield pool


def update(client, value, region="us-east-1"):
    return client("ssm", region).update_service_setting(SettingId=DHMC, SettingValue=value)


def value(client, region="us-east-1"):
    return client("ssm", region).get_service_setting(SettingId=DHMC)["ServiceSetting"]["SettingValue"]


def held(control, account):
    [hold] = control.holds(account, wait=10)
    assert hold["state"] == "holding"
    return hold


def test_before_it_is_carried_out(client, account, control, side):
    """AWS has not seen the call yet: others change the same thing meanwhile, and the held call then comes last."""
    control.hold({"operation": "Update*", "region": "us-east-1", "when": "before"}, account=account)
    late = side.submit(update, client, "Late")
    call = held(control, account)["call"]
    assert (call["operation"], call["region"]) == ("UpdateServiceSetting", "us-east-1")
    assert value(client) == "$None"
    update(client, "Early")
    assert value(client) == "Early"
    assert not late.done()
    assert control.release(account) == 1
    late.result(10)
    assert value(client) == "Late"
    assert [hold["state"] for hold in control.holds(account)] == ["released"]


def test_after_it_is_carried_out(client, account, control, side):
    """What was read is old when it arrives: the time between look and write."""
    control.hold({"operation": "GetServiceSetting", "when": "after", "nth": 2}, account=account)
    assert value(client) == "$None"
    late = side.submit(value, client)
    held(control, account)
    update(client, "Meanwhile")
    assert value(client) == "Meanwhile"
    control.release(account)
    assert late.result(10) == "$None"


@pytest.mark.parametrize(("when", "left"), [("before", "$None"), ("after", "Role")])
def test_dropped(client, account, control, side, when, left):
    """The caller gets no answer in both cases, and in one of them the change was made."""
    control.hold({"write": True, "when": when}, account=account)
    late = side.submit(update, client, "Role")
    held(control, account)
    assert control.release(account, drop=True) == 1
    with pytest.raises(ConnectionClosedError):
        late.result(10)
    assert value(client) == left
    # Nothing of it stays: the setting can be changed.
    update(client, "Another")


def test_the_nth_write_of_all(client, account, control, side):
    """Reads don't count, and neither do writes before the n-th."""
    control.hold({"write": True, "nth": 2, "seconds": 20}, account=account)
    update(client, "One")
    value(client)
    late = side.submit(update, client, "Two")
    assert held(control, account)["seen"] == 2
    assert value(client) == "One"
    control.clear_holds(account)
    late.result(10)
    assert control.holds(account) == []


def test_it_ends_by_itself(client, account, control):
    """A test that forgets a hold hangs for the hold's seconds only."""
    control.hold({"operation": "GetServiceSetting", "seconds": 0.3}, account=account)
    started = time.monotonic()
    assert value(client) == "$None"
    assert time.monotonic() - started >= 0.3
    assert control.holds(account)[0]["state"] == "expired"


def test_a_reset_drops_what_is_held(client, account, control, side):
    """Nothing is done to an account that has been forgotten."""
    control.hold({"write": True}, account=account)
    late = side.submit(update, client, "Role")
    held(control, account)
    control.reset(account)
    with pytest.raises(ConnectionClosedError):
        late.result(10)
    assert value(client) == "$None"


def test_waiting_for_a_call_that_does_not_come(control, account):
    control.hold({"write": True}, account=account)
    started = time.monotonic()
    assert control.holds(account, wait=0.3)[0]["state"] == "waiting"
    assert 0.3 <= time.monotonic() - started < 5


@pytest.mark.parametrize(
    "hold", [{"when": "later"}, {"nth": 0}, {"write": "yes"}, {"seconds": 0}, {"colour": "red"}, 5]
)
def test_holds_that_make_no_sense(control, account, hold):
    with pytest.raises(HoldError):
        parse(hold)
    with pytest.raises(ControlError, match="HTTP 400"):
        control.hold(hold, account=account)


def test_each_hold_counts_for_itself():
    holds = Holds()
    holds.set([{"operation": "Get*", "nth": 2}, {"region": "eu-*"}], "1")
    assert holds.arrive(Call("GetRole", region="us-east-1")) is None
    assert holds.arrive(Call("GetRole", account="2")) is None
    second = holds.arrive(Call("GetRole"))
    # Both match; the first one has the call, and the other has counted it.
    assert second is not None
    assert second.spec == {"operation": "Get*", "nth": 2}
    assert [hold["seen"] for hold in holds.get("1")] == [2, 1]
    assert holds.arrive(Call("GetRole")) is None
