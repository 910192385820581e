# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json

import pytest

from ansible_collections.fleet.aws_ssm.plugins.module_utils._permissions import PING, ManagedPolicy
from ansible_collections.fleet.aws_ssm.plugins.module_utils._profile_policy.guard import may_take_away, takes_away
from ansible_collections.fleet.aws_ssm.plugins.module_utils._role_policies import Change, RolePolicies


def text(effect, action):
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": effect, "Action": action, "Resource": "*"}]})


ALLOWS, DENIES, OTHER = text("Allow", "ssm:*"), text("Deny", PING), text("Allow", "s3:GetObject")
CORE = ManagedPolicy("arn:core", "core", ALLOWS, "v1")
BUCKETS = ManagedPolicy("arn:buckets", "buckets", OTHER, "v1")
LOCKED = ManagedPolicy("arn:locked", "locked", DENIES, "v1")
DOCUMENTS = {policy.arn: policy for policy in (CORE, BUCKETS, LOCKED)}
DETACH = Change("detach", "core", CORE.arn)


@pytest.mark.parametrize(
    ("managed", "inline", "change", "may", "does"),
    [
        ([CORE], {}, DETACH, True, True),
        ([CORE, BUCKETS], {}, Change("detach", "buckets", BUCKETS.arn), False, False),
        ([CORE], {"own": ALLOWS}, DETACH, True, False),
        ([CORE], {}, Change("put", "deny", after=DENIES), True, True),
        ([CORE], {}, Change("put", "own", after=OTHER), False, False),
        ([], {"own": ALLOWS}, Change("put", "own", before=ALLOWS, after=OTHER), True, True),
        ([], {"own": ALLOWS}, Change("delete", "own", before=ALLOWS), True, True),
        ([], {"own": OTHER}, Change("delete", "own", before=OTHER), False, False),
        ([CORE], {"deny": DENIES}, Change("delete", "deny", before=DENIES), True, False),
        ([], {}, Change("attach", "core", CORE.arn), True, False),
        ([CORE], {}, Change("attach", "buckets", BUCKETS.arn), False, False),
        # A managed policy can take away by what it denies.
        ([CORE], {}, Change("attach", "locked", LOCKED.arn), True, True),
        ([CORE, LOCKED], {}, Change("detach", "locked", LOCKED.arn), True, False),
    ],
)
def test_what_takes_the_registration_away(managed, inline, change, may, does):
    now = RolePolicies({policy.arn: policy.name for policy in managed}, inline)
    assert may_take_away([change], DOCUMENTS) is may
    assert takes_away(now, [change], DOCUMENTS, "aws", "123456789012") is does
