# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever is put into a filter, it returns something or says in one line what it takes."""

from __future__ import annotations

import importlib

import pytest
from ansible.errors import AnsibleFilterError
from hypothesis import given
from hypothesis import strategies as st

FILTERS = (
    "association_table",
    "operator_policy_document",
    "preflight_table",
    "readiness_csv",
    "readiness_page",
    "readiness_table",
    "region_table",
    "ssm_s3_policies",
)
# Keys that the filters look for, so that they get further than the first of them.
KEYS = st.sampled_from(["region", "regions", "instances", "totals", "failed", "error", "before", "answer", "verdict"])
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS | st.text(max_size=3), inner, max_size=4),
    max_leaves=12,
)


def load(name):
    module = importlib.import_module(f"ansible_collections.fleet.aws_ssm.plugins.filter.{name}")
    return module.FilterModule().filters()[name]


@pytest.mark.parametrize("name", FILTERS)
@given(ANYTHING)
def test_a_filter_returns_something_or_says_what_it_takes(name, value):
    try:
        load(name)(value)
    except AnsibleFilterError as error:
        message = str(error)
        assert "\n" not in message
        assert [word for word in ("NoneType", "object", "Undefined", "Traceback", "iterable") if word in message] == []


@pytest.mark.parametrize("value", [[{}], 5, None, [5], {"totals": 5}, [[]], "x"])
@pytest.mark.parametrize("name", [name for name in FILTERS if name.endswith(("_table", "_csv", "_page"))])
def test_wrong_input_names_the_filter_and_what_it_takes(name, value):
    with pytest.raises(AnsibleFilterError, match=f"{name} takes (the list|what)"):
        load(name)(value)
