# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What IAM's simulator says, as its API documents it."""

from __future__ import annotations

from ansible_collections.fleet.aws_ssm.plugins.module_utils._iam_fleet_api import simulate


class Client:
    def __init__(self, *results):
        self.results, self.asked = results, {}

    def get_paginator(self, operation):
        assert operation == "simulate_principal_policy"
        return self

    def paginate(self, **asked):
        self.asked = asked
        return [{"EvaluationResults": [one]} for one in self.results]


def result(**more):
    return {"EvalActionName": "ssm:UpdateInstanceInformation", "EvalDecision": "allowed", **more}


def test_what_service_control_policies_say_is_kept_apart():
    denied = result(EvalDecision="implicitDeny", OrganizationsDecisionDetail={"AllowedByOrganizations": False})
    found = simulate(Client(denied), "arn:role", ["ssm:UpdateInstanceInformation"], ["*"])
    assert found == {
        "ssm:UpdateInstanceInformation": {
            "decision": "implicitDeny",
            "missing_context": [],
            "allowed_by_organization": False,
        }
    }
    # An account that is in no organization.
    (one,) = simulate(Client(result()), "arn:role", ["ssm:UpdateInstanceInformation"], ["*"]).values()
    assert one["allowed_by_organization"] is None


def test_the_region_of_the_call_is_given():
    client = Client(result(MissingContextValues=["aws:ResourceTag/a"]))
    (one,) = simulate(client, "arn:role", ["ssm:UpdateInstanceInformation"], ["*"], "eu-west-1").values()
    assert one["missing_context"] == ["aws:ResourceTag/a"]
    (entry,) = client.asked["ContextEntries"]
    assert (entry["ContextKeyName"], entry["ContextKeyValues"]) == ("aws:RequestedRegion", ["eu-west-1"])
    simulate(client, "arn:role", ["ssm:UpdateInstanceInformation"], ["*"])
    assert client.asked["ContextEntries"] == []
