# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json

import pytest

from ansible_collections.fleet.aws_ssm.plugins.module_utils._permissions import ManagedPolicy, RoleFacts
from ansible_collections.fleet.aws_ssm.plugins.module_utils._policy_set.protection import (
    changes_by_role,
    loses,
    may_take,
)
from ansible_collections.fleet.aws_ssm.plugins.module_utils._policy_set.types import (
    Attach,
    Create,
    Detach,
    Holder,
    NewVersion,
    Policy,
    Remove,
)

PING = "ssm:UpdateInstanceInformation"
ROLE, OTHER, USER = Holder("role", "R"), Holder("role", "O"), Holder("user", "R")


def text(action=PING, effect="Allow", resource="*"):
    return json.dumps({"Statement": {"Effect": effect, "Action": action, "Resource": resource}})


def policy(name="P", document=None, holders=()):
    return Policy(
        name, f"arn:aws:iam::111122223333:policy/{name}", "/", "", {}, document or text(), holders=frozenset(holders)
    )


def role(*documents):
    managed = tuple(
        ManagedPolicy(f"arn:aws:iam::111122223333:policy/{name}", name, document, "v1") for name, document in documents
    )
    return RoleFacts("R", {}, managed)


@pytest.mark.parametrize(
    ("before", "after", "answer"),
    [
        (text(), None, True),
        (text("ssm:Update*"), None, True),
        (text("*", resource="arn:aws:ec2:eu-west-1:*:instance/*"), None, True),
        (text("s3:GetObject"), None, False),
        (None, text(), False),
        (None, text(effect="Deny"), True),
        (text(effect="Deny"), None, False),
        (text("s3:*"), text("ssm:*", effect="Deny"), True),
    ],
)
def test_what_may_take_the_permission(before, after, answer):
    assert may_take(before, after) is answer


def test_changes_are_of_roles_and_of_nothing_else():
    held = policy(holders=[ROLE, USER])
    assert changes_by_role([Create(held), Remove(held), Detach(held, USER)]) == {}
    assert changes_by_role([NewVersion(held, text("s3:*"))]) == {"R": {held.arn: (held.document, text("s3:*"))}}
    assert changes_by_role([Detach(held, OTHER)]) == {"O": {held.arn: (held.document, None)}}
    assert changes_by_role([Attach(held, OTHER)]) == {}
    # A new version that is attached in the same run.
    grown = policy(document=text("s3:*"))
    assert changes_by_role([NewVersion(policy(holders=[ROLE]), grown.document), Attach(grown, ROLE)]) == {
        "R": {held.arn: (text(), grown.document)}
    }


@pytest.mark.parametrize(
    ("role", "changes", "answer"),
    [
        (role(("P", text())), {"P": (text(), None)}, True),
        (role(("P", text()), ("Q", text())), {"P": (text(), None)}, False),
        (role(("P", text())), {"P": (text(), None), "Q": (None, text())}, False),
        (role(("P", text())), {"P": (text(), text(resource="arn:aws:ec2:eu-west-1:111122223333:instance/i-1"))}, True),
        (role(("P", text()), ("Q", text(effect="Deny"))), {"P": (text(), None)}, False),
        (role(("P", text())), {"Q": (None, text(effect="Deny"))}, True),
        (role(("P", text("s3:*"))), {"P": (text("s3:*"), None)}, False),
    ],
)
def test_what_a_role_loses(role, changes, answer):
    changes = {f"arn:aws:iam::111122223333:policy/{name}": change for name, change in changes.items()}
    assert loses(role, changes, "aws", "111122223333") is answer
