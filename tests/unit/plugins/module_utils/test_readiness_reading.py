# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a region and its DHMC role are where not all could be read."""

from __future__ import annotations

import json

import pytest
from botocore.exceptions import ClientError

from ansible_collections.fleet.aws_ssm.plugins.module_utils._errors import Failure
from ansible_collections.fleet.aws_ssm.plugins.module_utils._permissions import RoleFacts
from ansible_collections.fleet.aws_ssm.plugins.module_utils._readiness_reading import RegionFacts, read_iam
from ansible_collections.fleet.aws_ssm.plugins.module_utils._service_setting import Setting

KINDS = ("machines", "nodes", "setting", "unfinished")


def error(message, code="AccessDeniedException"):
    return ClientError({"Error": {"Code": code, "Message": message}}, "Read")


CLOSED = error("with an explicit deny in a service control policy")
DENIED = error("not you")


@pytest.mark.parametrize(("errors", "closed"), [
    ({}, False),
    (dict.fromkeys(KINDS, CLOSED), True),
    (dict.fromkeys(KINDS[:3], CLOSED), False),
    ({**dict.fromkeys(KINDS, CLOSED), "nodes": DENIED}, False),
    ({**dict.fromkeys(KINDS, CLOSED), "nodes": error("service control policy", "ThrottlingException")}, False),
    (dict.fromkeys(KINDS, DENIED), False),
])  # fmt: skip
def test_a_region_is_closed_if_the_organization_denies_every_read(errors, closed):
    facts = RegionFacts(errors=errors)
    assert facts.closed is closed
    assert (facts.error is None) is (not errors)


def role(name):
    trusted = {"Effect": "Allow", "Principal": {"Service": "ssm.amazonaws.com"}, "Action": "sts:AssumeRole"}
    allowed = {"Effect": "Allow", "Action": "ssm:UpdateInstanceInformation", "Resource": "*"}
    trust = {"Statement": [trusted]}
    detail = {"Path": "/", "Arn": f"arn:aws:iam::123456789012:role/{name}", "AssumeRolePolicyDocument": trust}
    return RoleFacts(name, detail, inline={"p": json.dumps({"Statement": [allowed]})})


class Reader:
    def __init__(self, broken):
        self.broken = broken

    def profiles(self, names):
        if self.broken == "all":
            raise Failure("The instance profiles can't be read: AccessDenied: not you")
        return {}

    def roles(self, names):
        return {name: role(name) for name in names if name not in self.broken}, dict.fromkeys(self.broken, DENIED)


def facts(**roles):
    return {
        region: RegionFacts(setting=Setting(region.replace("_", "-"), value, last_modified_date=None))
        for region, value in roles.items()
    }


def usable(broken, **roles):
    found = read_iam(Reader(broken), [], facts(**roles))
    return {
        region: (one.usable, one.problem) for region in found.regions for one in [found.dhmc_of(region)]
    }, found.unread


def test_a_role_that_can_not_be_read_says_nothing_of_the_others():
    found, unread = usable(["Bad"], one="Good", two="Bad", three=None)
    assert found == {"one": (True, ""), "two": (None, "IAM could not be read"), "three": (None, "")}
    assert unread == ["The role Bad can't be read: AccessDeniedException: not you"]


def test_without_iam_nothing_is_said_of_any_role():
    found, unread = usable("all", one="Good", two=None)
    assert found == {"one": (None, "IAM could not be read"), "two": (None, "")}
    assert len(unread) == 1
