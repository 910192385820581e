# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong is refused in one line, as the table wrong_inputs.py has it, and nothing is written.

The messages of roles, playbooks and filters are asked for without Ansible in the unit tests. Here users run it.
"""

from __future__ import annotations

import json

import pytest
from wrong_inputs import MODULES, PLAYBOOKS, ROLES
from wrong_words import is_as_expected, strange_words

# Tasks of one playbook: each playbook would take seconds of its own.
BATCH = 10


def wrong(messages, cases):
    """The messages that are not as expected, beside what was expected."""
    return [
        (message, expected)
        for message, expected in zip(messages, cases, strict=True)
        if strange_words(message) or not is_as_expected(message, expected)
    ]


@pytest.mark.parametrize("first", range(0, len(MODULES), BATCH))
def test_modules_refuse(account, first):
    rows = MODULES[first : first + BATCH]
    tasks = [
        {f"fleet.aws_ssm.{module}": options, "register": f"case_{number}", "ignore_errors": True}
        for number, (module, options, _expected) in enumerate(rows)
    ]
    run = account.play(tasks, keep=[f"case_{number}" for number in range(len(rows))]).ok()
    results = list(run.result.values())
    assert [rows[number] for number, result in enumerate(results) if not result.get("failed")] == []
    assert wrong([result["msg"] for result in results], [expected for *_given, expected in rows]) == []
    assert run.writes == []
    assert "Traceback" not in run.text


def test_roles_refuse_before_they_ask_aws(account):
    cases = [(role, *case) for role, rows in ROLES.items() for case in (rows[0], rows[-1])]
    # A value that can't be worked out is told by Ansible, which reads the variables of a role first.
    assert {role for role, *_given in cases} == set(ROLES)
    note = {"ansible.builtin.set_fact": {"said": "{{ said | default([]) + [ansible_failed_result.msg] }}"}}
    tasks = [
        {
            "block": [{"ansible.builtin.include_role": {"name": f"fleet.aws_ssm.{role}"}, "vars": given}],
            "rescue": [note],
        }
        for role, given, _expected in cases
    ]
    run = account.play(tasks, keep=["said"]).ok()
    assert wrong(run.result["said"], [f"{expected} Nothing was changed." for *_given, expected in cases]) == []
    assert run.calls == []
    assert "Traceback" not in run.text


@pytest.mark.parametrize("playbook", PLAYBOOKS)
def test_playbooks_refuse_all_that_is_wrong_at_once_and_before_they_ask_aws(account, playbook):
    given = {"dhmc_regoin": "x", "readiness_report_timeout": "{{ nothere }}", "preflight_timeout": "abc"}
    expected = ["dhmc_regoin: there is no such variable. Did you mean dhmc_regions?"]
    if playbook in ("enable_ssm", "disable_ssm"):
        expected.append("preflight_timeout: 'abc' is not a whole number of seconds from 1 to 86400.")
    if playbook != "disable_ssm":
        expected.append("readiness_report_timeout: uses nothere, which is not set: set it, or give the value itself.")
    variables, message = PLAYBOOKS[playbook][0]
    expected.append(message)
    run = account.command("ansible-playbook", f"fleet.aws_ssm.{playbook}", "-e", json.dumps({**given, **variables}))
    assert run.rc == 2
    assert run.calls == []
    # The first line that a user sees.
    said = next(line for line in run.out.splitlines() if line.startswith("[ERROR]"))
    said = said.removeprefix("[ERROR]: Task failed: Action failed: ")
    assert sorted(said.removesuffix(" Nothing was changed.").split(" | ")) == sorted(expected)
    assert said.endswith(" Nothing was changed.")
    assert strange_words(said) == []
    assert "Traceback" not in run.text
