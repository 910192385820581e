# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every module prints: Ansible shows the message and the diff as they are."""

from __future__ import annotations

import pytest

from ansible_collections.fleet.aws_ssm.plugins.module_utils._errors import Failure
from ansible_collections.fleet.aws_ssm.plugins.module_utils._module import execute

BAD = "x\x1b[2J\u202ey"
SHOWN = "x\u241b[2J\ufffdy"


class Module:
    def exit_json(self, **result):
        self.result = result

    fail_json = exit_json


@pytest.fixture
def module():
    return Module()


def test_message_and_diff_are_printable_and_the_data_stay(module):
    diff = {"before": {BAD: [BAD, None]}, "after": f"{BAD}\nline\n", "before_header": BAD}

    def body(_module):
        raise Failure(BAD, name=BAD, diff=diff)

    execute(module, body)
    assert module.result == {
        "msg": SHOWN,
        "name": BAD,
        "diff": {"before": {SHOWN: [SHOWN, None]}, "after": f"{SHOWN}\nline\n", "before_header": SHOWN},
    }


def test_a_result_without_a_diff_is_what_it_is(module):
    execute(module, lambda _module: {"changed": False, "name": BAD})
    assert module.result == {"changed": False, "name": BAD}
