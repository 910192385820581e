# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from fractions import Fraction

import pytest
from ansible.errors import AnsibleFilterError
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.fleet.aws_ssm.plugins.filter.readiness_gate import FilterModule
from ansible_collections.fleet.aws_ssm.plugins.module_utils._errors import InputError
from ansible_collections.fleet.aws_ssm.plugins.plugin_utils._readiness_gate import judge, percentage

readiness_gate = FilterModule().filters()["readiness_gate"]


def result(managed, scope, unread=0):
    return {"totals": {"managed": managed, "in_scope": scope}, "failed_regions": [{}] * unread}


@pytest.mark.parametrize(("value", "wanted"), [
    ("", None), (None, None), ("  ", None), ("95", 95), (95, 95), ("95%", 95), (" 95 % ", 95), (95.5, Fraction(191, 2)),
    ("0", 0), (0, 0), (100, 100), ("100.0", 100), ("99.99", Fraction(9999, 100)),
])  # fmt: skip
def test_a_percentage_may_be_a_number_or_text(value, wanted):
    assert percentage(value, "x") == wanted


@pytest.mark.parametrize(
    "value",
    ["950", "-1", "most", "95,5", "1e2", "nan", "inf", "9_5", "%", "95%%", "0x5", "100.01", True, [95], "\u0669"],
)
def test_anything_else_is_refused_in_one_line(value):
    with pytest.raises(InputError, match=r"^fail_under: .* is not a number from 0 to 100\.$"):
        percentage(value, "fail_under")


@pytest.mark.parametrize(("managed", "scope", "wanted", "passed", "message"), [
    (95, 100, 95, True, "Coverage 95% passes the gate of 95%: 95 of 100 instances in scope are managed."),
    (94, 100, 95, False,
     "Coverage 94% is under the gate of 95%: 94 of 100 instances in scope are managed, 1 more must be."),
    # 94.996 per cent: rounded it would be 95.
    (94996, 100000, 95, False,
     "Coverage 94.99% is under the gate of 95%: 94,996 of 100,000 instances in scope are managed, 4 more must be."),
    (2, 3, "66.67", False,
     "Coverage 66.66% is under the gate of 66.67%: 2 of 3 instances in scope are managed, 1 more must be."),
    (2, 3, "66.66", True, "Coverage 66.66% passes the gate of 66.66%: 2 of 3 instances in scope are managed."),
    (0, 1, 100, False, "Coverage 0% is under the gate of 100%: 0 of 1 instance in scope is managed, 1 more must be."),
    (1, 1, 100, True, "Coverage 100% passes the gate of 100%: 1 of 1 instance in scope is managed."),
    (0, 5, 0, True, "Coverage 0% passes the gate of 0%: 0 of 5 instances in scope are managed."),
    (0, 0, 100, True, "No instance is in scope, so the gate of 100% is passed."),
])  # fmt: skip
def test_the_gate_compares_counts(managed, scope, wanted, passed, message):
    assert readiness_gate(result(managed, scope), wanted) == {"passed": passed, "decided": True, "message": message}


@pytest.mark.parametrize(("managed", "scope", "end"), [
    (3, 3, "In the others coverage is 100%: 3 of 3 instances in scope are managed."),
    (0, 3, "In the others coverage is 0%: 0 of 3 instances in scope are managed."),
    (0, 0, "No other instance is in scope."),
])  # fmt: skip
def test_a_region_that_was_not_read_leaves_it_open(managed, scope, end):
    found = readiness_gate(result(managed, scope, unread=1), 50)
    assert (found["passed"], found["decided"]) == (False, False)
    assert found["message"] == (
        f"It is unclear whether the gate of 50% is passed, because 1 region could not be read. {end}"
    )
    assert "2 regions could" in readiness_gate(result(1, 1, unread=2), 50)["message"]


def test_without_a_gate_it_is_passed():
    for none in ("", None):
        assert readiness_gate(result(0, 5, unread=1), none) == {"passed": True, "decided": True, "message": ""}


@given(st.integers(0, 10**6), st.integers(1, 10**6), st.integers(0, 10**4))
def test_so_many_more_as_it_says_pass(managed, scope, hundredths):
    managed = min(managed, scope)
    wanted = Fraction(hundredths, 100)
    found = judge(result(managed, scope), wanted)
    assert found.passed is (Fraction(100 * managed, scope) >= wanted)
    if not found.passed:
        more = int(found.message.rpartition(" more must be")[0].rpartition(" ")[2].replace(",", ""))
        assert judge(result(managed + more, scope), wanted).passed
        assert not judge(result(managed + more - 1, scope), wanted).passed
        # What is under never reads as if it were not.
        assert Fraction(found.message.split("%")[0].split()[-1]) < wanted


@pytest.mark.parametrize("wrong", ["text", [], None, {}, {"totals": 5}])
def test_anything_but_a_result_is_refused(wrong):
    with pytest.raises(AnsibleFilterError, match="readiness_gate takes what ssm_managed_instance_info returns"):
        readiness_gate(wrong, 95)


def test_a_gate_that_is_none_is_refused():
    with pytest.raises(AnsibleFilterError, match="fail_under: most is not a number from 0 to 100"):
        readiness_gate(result(1, 1), "most")
