# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the other tests of the operator's policies are judged by."""

from __future__ import annotations

from operator_needs import Need, denied, unused


def test_the_check_finds_what_is_too_little_and_too_much():
    statement = {"Sid": "A", "Effect": "Allow", "Action": ["iam:GetRole", "iam:DeleteRole"], "Resource": "role"}
    more = {"Sid": "B", "Effect": "Allow", "Action": ["iam:GetRole"], "Resource": "role"}
    needs = {Need("iam:GetRole", "role")}
    assert denied([statement], [*needs, Need("iam:GetRole", "other")]) == [Need("iam:GetRole", "other")]
    assert unused([statement], needs) == ["A: iam:DeleteRole"]
    assert unused([statement, more], needs) == ["A", "A: iam:DeleteRole", "B"]
