# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import time
from urllib.parse import quote

import boto3
import pytest
from botocore.exceptions import ClientError

from ansible_collections.fleet.aws_ssm.plugins.module_utils._errors import ChangedMeanwhile
from ansible_collections.fleet.aws_ssm.plugins.module_utils._profile_permission import apply as module
from ansible_collections.fleet.aws_ssm.plugins.module_utils._profile_permission.apply import (
    NotConfirmed,
    NotDone,
    apply,
    confirm,
)
from ansible_collections.fleet.aws_ssm.plugins.module_utils._profile_permission.steps import Step

ARN = "arn:aws:iam::123456789012:policy/P"
OLD, NEW, THEIRS = '{"Statement": []}', '{"Statement": [{}]}', '{"Statement": [{}, {}]}'


class Iam:
    """IAM behind a real client, whose answers come from here. Reads show what is written `lag` reads later."""

    def __init__(self, *, lag=0, inline=None, attached=(), default=("v1", OLD)):
        self.inline, self.attached, self.default = dict(inline or {}), set(attached), default
        self.lag, self.pending, self.writes, self.errors = lag, [], [], {}
        self.client = boto3.client("iam", "us-east-1", aws_access_key_id="a", aws_secret_access_key="b")
        self.client.meta.events.register("before-call.iam", self.answer)

    def answer(self, model, params, **_event):
        name, given = model.name, params["body"]
        if error := self.errors.get(name):
            raise error
        if name.startswith(("Get", "List")):
            self.settle()
        else:
            self.writes.append(name)
        return type("Http", (), {"status_code": 200})(), getattr(self, name)(given)

    def settle(self):
        self.pending = [(left - 1, write) for left, write in self.pending]
        for left, write in self.pending:
            if left <= 0:
                write()
        self.pending = [entry for entry in self.pending if entry[0] > 0]

    def later(self, write):
        if self.lag:
            self.pending.append((self.lag, write))
        else:
            write()
        return {}

    def GetRolePolicy(self, given):  # noqa: N802
        if given["PolicyName"] not in self.inline:
            raise ClientError({"Error": {"Code": "NoSuchEntity", "Message": "no"}}, "GetRolePolicy")
        return {"PolicyDocument": quote(self.inline[given["PolicyName"]])}

    def PutRolePolicy(self, given):  # noqa: N802
        return self.later(lambda: self.inline.update({given["PolicyName"]: given["PolicyDocument"]}))

    def DeleteRolePolicy(self, given):  # noqa: N802
        return self.later(lambda: self.inline.pop(given["PolicyName"], None))

    def ListAttachedRolePolicies(self, _given):  # noqa: N802
        return {"AttachedPolicies": [{"PolicyArn": arn} for arn in sorted(self.attached)], "IsTruncated": False}

    def AttachRolePolicy(self, given):  # noqa: N802
        return self.later(lambda: self.attached.add(given["PolicyArn"]))

    def DetachRolePolicy(self, given):  # noqa: N802
        return self.later(lambda: self.attached.discard(given["PolicyArn"]))

    def GetPolicy(self, _given):  # noqa: N802
        return {"Policy": {"DefaultVersionId": self.default[0]}}

    def GetPolicyVersion(self, _given):  # noqa: N802
        return {"PolicyVersion": {"Document": quote(self.default[1])}}

    def CreatePolicyVersion(self, given):  # noqa: N802
        return self.later(lambda: setattr(self, "default", ("v2", given["PolicyDocument"])))

    def SetDefaultPolicyVersion(self, given):  # noqa: N802
        return self.later(lambda: setattr(self, "default", (given["VersionId"], OLD)))

    def DeletePolicyVersion(self, _given):  # noqa: N802
        return {}


PUT = Step("put", "own", "R", before=OLD, after=NEW)
ADD = Step("put", "own", "R", after=NEW)
DELETE = Step("delete", "own", "R", before=OLD)
DETACH = Step("detach", "P", "R", ARN)
ATTACH = Step("attach", "P", "R", ARN)
VERSION = Step("version", "P", arn=ARN, before=OLD, after=NEW, version="v1", versions=("v1",))
DEFAULT = Step("default", "P", arn=ARN, before=NEW, after=OLD, version="v1", surplus=("v2",))


def make(iam, *steps, stop=True):
    return apply(iam.client, dict(enumerate(steps)), time.monotonic() + 30, stop=stop)


@pytest.mark.parametrize(
    ("step", "there", "writes"),
    [
        (PUT, {"inline": {"own": OLD}}, ["PutRolePolicy"]),
        (ADD, {}, ["PutRolePolicy"]),
        (DELETE, {"inline": {"own": OLD}}, ["DeleteRolePolicy"]),
        (DETACH, {"attached": [ARN]}, ["DetachRolePolicy"]),
        (ATTACH, {}, ["AttachRolePolicy"]),
        (VERSION, {}, ["CreatePolicyVersion"]),
        (DEFAULT, {"default": ("v2", NEW)}, ["SetDefaultPolicyVersion", "DeletePolicyVersion"]),
        (DEFAULT, {"default": ("v1", OLD)}, ["SetDefaultPolicyVersion", "DeletePolicyVersion"]),
    ],
)
def test_what_is_as_it_was_seen_is_changed(step, there, writes):
    iam = Iam(**there)
    found = make(iam, step)
    assert (found.errors, found.done_before, iam.writes) == ({}, set(), writes)


@pytest.mark.parametrize(
    ("step", "there"),
    [
        (PUT, {"inline": {"own": NEW}}),
        (ADD, {"inline": {"own": NEW}}),
        (DELETE, {}),
        (DETACH, {}),
        (ATTACH, {"attached": [ARN]}),
        (VERSION, {"default": ("v2", NEW)}),
    ],
)
def test_what_someone_has_done_already_is_no_failure_and_no_write(step, there):
    iam = Iam(**there)
    found = make(iam, step)
    assert (found.errors, found.done_before, iam.writes) == ({}, {0}, [])


@pytest.mark.parametrize(
    ("step", "there"),
    [
        (PUT, {"inline": {"own": THEIRS}}),
        (PUT, {}),
        (ADD, {"inline": {"own": THEIRS}}),
        (DELETE, {"inline": {"own": THEIRS}}),
        (VERSION, {"default": ("v2", THEIRS)}),
        # The same text in another version: the backup would lead back to the wrong one.
        (VERSION, {"default": ("v3", OLD)}),
        (DEFAULT, {"default": ("v3", THEIRS)}),
    ],
)
def test_what_is_another_by_now_is_left_alone(step, there):
    iam = Iam(**there)
    found = make(iam, step)
    assert isinstance(found.errors[0], ChangedMeanwhile)
    assert iam.writes == []


def test_the_rest_of_a_role_is_left_out_after_a_failure_and_other_roles_are_not():
    iam = Iam(inline={"own": THEIRS, "more": OLD}, attached=[ARN])
    more = Step("delete", "more", "R", before=OLD)
    other = Step("delete", "more", "Other", before=OLD)
    found = make(iam, PUT, more, DETACH, other)
    assert [type(found.errors.get(number)) for number in range(4)] == [ChangedMeanwhile, NotDone, NotDone, type(None)]
    assert iam.writes == ["DeleteRolePolicy"]
    iam = Iam(inline={"own": THEIRS, "more": OLD})
    assert list(make(iam, PUT, more, stop=False).errors) == [0]


@pytest.mark.parametrize(
    ("step", "there"),
    [
        (PUT, {"inline": {"own": OLD}}),
        (DELETE, {"inline": {"own": OLD}}),
        (ATTACH, {}),
        (DEFAULT, {"default": ("v2", NEW)}),
    ],
)
def test_a_confirmation_waits_until_iam_shows_the_change(monkeypatch, step, there):
    monkeypatch.setattr(module, "_LAST_ANSWER", 0.1)
    iam = Iam(lag=3, **there)
    assert make(iam, step).errors == {}
    assert confirm(iam.client, {7: step}, time.monotonic() + 30) == {}
    assert iam.pending == []
    # Never shown.
    iam = Iam(lag=1000, **there)
    make(iam, step)
    (error,) = confirm(iam.client, {7: step}, time.monotonic() + 0.6).values()
    assert isinstance(error, NotConfirmed)
    assert isinstance(confirm(iam.client, {7: step}, time.monotonic() - 1)[7], NotConfirmed)


def test_what_can_not_be_read_is_not_confirmed():
    iam = Iam()
    denied = ClientError({"Error": {"Code": "AccessDenied", "Message": "not you"}}, "GetRolePolicy")
    iam.errors["GetRolePolicy"] = denied
    assert confirm(iam.client, {0: PUT, 1: Step("attach", "P", "R", ARN)}, time.monotonic() + 2)[0] is denied
