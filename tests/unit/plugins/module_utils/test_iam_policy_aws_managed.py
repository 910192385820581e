# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every AWS managed policy that moto ships, against moto's evaluator, which shares no code with the collection's.

moto's evaluator knows yes and no only, and is asked with the resource "*". Four things it does otherwise than IAM, so a
document is brought into a form without them before moto sees it (the collection sees the document as it is):

* It compares actions with regard to case; IAM does not. So actions are in lower case in moto's documents.
* "?" is not a wildcard to it. No AWS managed policy has one in an action, which a test makes sure of.
* A statement whose Condition is not met denies; at AWS it does not count.
* A statement with NotResource, or with a Resource that is not "*", is passed over or permits whatever its Effect.

The last two are where the collection answers "maybe". A true answer lies between two documents: in the *strict* one
every such doubtful Allow is left out and every doubtful Deny holds for all; in the *generous* one it is the other way
round. Where moto permits even the strict document the answer must be yes, where it does not permit even the generous
one it must be no, and where the two differ it must be maybe. No policy is exempt.
"""

from __future__ import annotations

import json

import pytest
from moto.iam.access_control import IAMPolicy, PermissionResult
from moto.iam.aws_managed_policies import aws_managed_policies_data

from ansible_collections.fleet.aws_ssm.plugins.module_utils._iam_policy import Policy, decide

DOCUMENTS = {name: entry["Document"] for name, entry in json.loads(aws_managed_policies_data).items()}
ACTIONS = ["ssm:UpdateInstanceInformation", "ssm:GetParameter", "S3:getobject", "ec2:RunInstances"]


def items(value):
    return value if isinstance(value, list) else [value]


def for_moto(document, *, doubtful_effect):
    """The document without what moto gets wrong; doubtful statements hold for all if they have this effect."""
    statements = []
    for statement in items(document["Statement"]):
        doubtful = bool(statement.get("Condition")) or "*" not in items(statement.get("Resource"))
        if doubtful and statement["Effect"] != doubtful_effect:
            continue
        element = "NotAction" if "NotAction" in statement else "Action"
        actions = [action.lower() for action in items(statement[element])]
        statements.append({"Effect": statement["Effect"], element: actions, "Resource": "*"})
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def moto_permits(document, action):
    return IAMPolicy(document).is_action_permitted(action.lower(), "*") is PermissionResult.PERMITTED


def expected_answer(document, action):
    if moto_permits(for_moto(document, doubtful_effect="Deny"), action):
        return "yes"
    return "maybe" if moto_permits(for_moto(document, doubtful_effect="Allow"), action) else "no"


@pytest.mark.parametrize("action", ACTIONS)
def test_every_aws_managed_policy_gets_the_answer_of_moto(action):
    assert len(DOCUMENTS) > 1500
    found = {name: decide(action, [Policy(name, "managed", document)]) for name, document in DOCUMENTS.items()}
    differing = {
        name: (decision.answer.value, expected)
        for name, decision in found.items()
        if decision.answer.value != (expected := expected_answer(DOCUMENTS[name], action))
    }
    assert differing == {}
    # The comparison is worth something only if all three answers occur.
    assert {decision.answer.value for decision in found.values()} == {"yes", "no", "maybe"}


def test_no_aws_managed_policy_has_a_question_mark_in_an_action():
    actions = [
        action
        for document in DOCUMENTS.values()
        for statement in items(document["Statement"])
        for action in items(statement.get("Action") or statement.get("NotAction"))
    ]
    assert [action for action in actions if "?" in action] == []


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("AmazonSSMManagedInstanceCore", "yes"),
        ("AmazonEC2RoleforSSM", "yes"),
        ("AdministratorAccess", "yes"),
        ("AmazonSSMManagedEC2InstanceDefaultPolicy", "yes"),
        ("CloudWatchAgentServerPolicy", "no"),
        ("AmazonSSMDirectoryServiceAccess", "no"),
        ("AmazonSSMPatchAssociation", "no"),
        ("AmazonEKSWorkerNodePolicy", "no"),
    ],
)
def test_well_known_policies_let_an_instance_register_or_not(name, expected):
    policy = Policy(name, "managed", DOCUMENTS[name])
    assert decide("ssm:UpdateInstanceInformation", [policy]).answer.value == expected
