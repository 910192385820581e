# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The messages for what is wrong in roles, playbooks and filters, without Ansible and AWS."""

from __future__ import annotations

import importlib
import json

import pytest
from ansible.errors import AnsibleFilterError
from wrong_inputs import FILTERS, MODULES, PLAYBOOKS, ROLES
from wrong_words import is_as_expected, strange_words

from ansible_collections.fleet.aws_ssm.plugins.module_utils._errors import InputError
from ansible_collections.fleet.aws_ssm.plugins.plugin_utils._role_options.check import read_playbook, read_role


def rows(table):
    return [
        pytest.param(name, given, expected, id=f"{name} {json.dumps(given)[:60]}")
        for name, cases in table.items()
        for given, expected in cases
    ]


def test_the_table_has_more_than_a_hundred_rows_and_none_twice():
    cases = [*(row.values for row in rows(ROLES) + rows(PLAYBOOKS)), *FILTERS, *MODULES]
    assert len(cases) > 100
    assert len({repr(case) for case in cases}) == len(cases)


@pytest.mark.parametrize(("role", "given", "expected"), rows(ROLES))
def test_a_role_refuses(role, given, expected):
    with pytest.raises(InputError) as caught:
        read_role(role, given.get, given)
    assert strange_words(str(caught.value)) == []
    assert is_as_expected(str(caught.value), f"{expected} Nothing was changed.")


@pytest.mark.parametrize(("playbook", "given", "expected"), rows(PLAYBOOKS))
def test_a_playbook_refuses(playbook, given, expected):
    with pytest.raises(InputError) as caught:
        read_playbook(playbook, given.get, given)
    assert strange_words(str(caught.value)) == []
    assert is_as_expected(str(caught.value), f"{expected} Nothing was changed.")


@pytest.mark.parametrize(("name", "value", "options", "expected"), FILTERS)
def test_a_filter_refuses(name, value, options, expected):
    module = importlib.import_module(f"ansible_collections.fleet.aws_ssm.plugins.filter.{name}")
    with pytest.raises(AnsibleFilterError) as caught:
        module.FilterModule().filters()[name](value, **options)
    assert strange_words(str(caught.value)) == []
    assert is_as_expected(str(caught.value), expected)
