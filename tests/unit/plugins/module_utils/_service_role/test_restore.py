# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is made, extended or removed, and then restored, is what there was at first."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.amazon.aws.plugins.module_utils.policy import compare_policies

from ansible_collections.fleet.aws_ssm.plugins.module_utils._core.backup import appended, from_text, originals, to_text
from ansible_collections.fleet.aws_ssm.plugins.module_utils._errors import InputError
from ansible_collections.fleet.aws_ssm.plugins.module_utils._permissions import ManagedPolicy
from ansible_collections.fleet.aws_ssm.plugins.module_utils._service_role.absent import plan_absent
from ansible_collections.fleet.aws_ssm.plugins.module_utils._service_role.plan import Found, plan_present, role_name
from ansible_collections.fleet.aws_ssm.plugins.module_utils._service_role.request import Home, parse_request
from ansible_collections.fleet.aws_ssm.plugins.module_utils._service_role.restore import (
    Now,
    check_values,
    in_order,
    names_in,
    plan_restored,
)
from ansible_collections.fleet.aws_ssm.plugins.module_utils._service_role.result import entries_of
from ansible_collections.fleet.aws_ssm.plugins.module_utils._service_role.types import (
    ProfileState,
    RoleState,
    changed,
    profile_from_journal,
    role_from_journal,
)

HOME = Home("123456789012", "aws")
OWNER = {"fleet.aws_ssm/made-by": "test"}
ARNS = [f"arn:aws:iam::aws:policy/{name}" for name in "ABC"]
DOCUMENTS = [
    json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": action, "Resource": "*"}]})
    for action in ("s3:*", "ssm:*")
]
POLICIES = {arn: ManagedPolicy(arn, arn[-1], DOCUMENTS[1], "v1") for arn in ARNS}
TRUSTS = [
    json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}],
        },
        indent=indent,
    )
    for service, indent in (("ec2.amazonaws.com", None), ("ec2.amazonaws.com", 2), ("lambda.amazonaws.com", None))
]
OPTIONS = {
    "name": "R",
    "instance_profile": None,
    "path": "/",
    "service": "ec2.amazonaws.com",
    "description": "",
    "aws_policies": [],
    "managed_policies": [],
    "inline_policies": {},
    "permissions_boundary": "",
    "tags": {},
    "owner": "test",
    "create": True,
    "extend": True,
    "fix": True,
    "overwrite": True,
    "required_action": "",
    "required_resources": [],
    "option_names": {},
}


class Account:
    """IAM as far as the rules go: what a change does is written here once more, from the entry alone."""

    def __init__(self, role, profile):
        self.roles = {"R": role} if role else {}
        self.profiles = {"P": profile} if profile else {}
        self.journal = []

    def state(self):
        return {name: replace(role) for name, role in self.roles.items()}, dict(self.profiles)

    def keep(self, changes):
        self.journal = appended(self.journal, entries_of("iam_service_role/test", HOME, changes))

    def make(self, change):
        if change.kind == "role":
            assert change.after or not [one for one in self.profiles.values() if one.role == change.name], "in use"
            self._put(self.roles, change, role_from_journal)
        elif change.kind == "instance_profile":
            self._put(self.profiles, change, profile_from_journal)
        elif change.kind == "instance_profile_role":
            self.profiles[change.name] = replace(self.profiles[change.name], role=change.after)
        elif change.kind == "instance_profile_tag":
            tags = {**self.profiles[change.name].tags, change.part: change.after}
            tags = {key: value for key, value in tags.items() if value is not None}
            self.profiles[change.name] = replace(self.profiles[change.name], tags=tags)
        else:
            self.roles[change.name] = changed(self.roles[change.name], [change])

    def _put(self, place, change, read):
        if change.after is None:
            del place[change.name]
        else:
            assert change.name not in place
            place[change.name] = read(change.name, change.after)

    def present(self, options, stop_after=99):
        request = parse_request({**OPTIONS, **options})
        profile = self.profiles.get("P") if request.profile else None
        role = self.roles.get(role_name(request, profile).name)
        arns = tuple(given.text for given in request.managed)
        found = plan_present(request, HOME, Found(role, profile, arns, POLICIES), compare_policies)
        self.keep(found.changes)
        for change in found.changes[:stop_after]:
            self.make(change)
        return found.changes

    def absent(self, options):
        request = parse_request({**OPTIONS, **options})
        outcomes = plan_absent(request, HOME, self.now(profiles=bool(request.profile)), compare_policies)
        self.keep([change for outcome in outcomes for change in outcome.changes])
        for _outcome, change in in_order(outcomes):
            self.make(change)
        return outcomes

    def now(self, *, profiles=True):
        holders = {name: [one.name for one in self.profiles.values() if one.role == name] for name in self.roles}
        return Now(self.roles, self.profiles if profiles else {}, holders)

    def restored(self, *, overwrite=False):
        found = originals(from_text(to_text(self.journal), "backup"))
        check_values(found)
        roles, profiles = names_in(found)
        now = self.now()
        now = replace(
            now,
            roles={name: self.roles.get(name) for name in roles},
            profiles={name: self.profiles.get(name) for name in profiles},
        )
        outcomes = plan_restored(found, now, owner="test", overwrite=overwrite)
        for _outcome, change in in_order(outcomes):
            self.make(change)
        return outcomes


tags = st.dictionaries(st.sampled_from(["a", "b/c"]), st.sampled_from(["1", "2"]))
role_states = st.builds(
    RoleState,
    name=st.just("R"),
    path=st.sampled_from(["/", "/x/"]),
    trust=st.sampled_from(TRUSTS),
    description=st.sampled_from(["", "text"]),
    boundary=st.sampled_from([None, ARNS[2]]),
    tags=st.one_of(tags, tags.map(lambda found: {**found, **OWNER})),
    managed=st.sets(st.sampled_from(ARNS)).map(lambda found: tuple(sorted(found))),
    inline=st.dictionaries(st.sampled_from(["p", "q"]), st.sampled_from(DOCUMENTS)),
)
options = st.fixed_dictionaries(
    {
        "instance_profile": st.sampled_from([None, "P"]),
        "managed_policies": st.lists(st.sampled_from(ARNS), unique=True),
        "inline_policies": st.dictionaries(st.sampled_from(["p", "q"]), st.sampled_from(DOCUMENTS)),
        "permissions_boundary": st.sampled_from(["", *ARNS[:2]]),
        "description": st.sampled_from(["", "one", "two"]),
        "tags": tags,
        "fix": st.booleans(),
        "extend": st.booleans(),
        "create": st.booleans(),
    }
)


def accounts():
    def build(role, profile):
        held = profile and (profile.role if role else None)
        return role, replace(profile, role=held) if profile else None

    profiles = st.builds(
        ProfileState,
        name=st.just("P"),
        path=st.sampled_from(["/", "/x/"]),
        role=st.sampled_from([None, "R"]),
        tags=st.one_of(tags, st.just(OWNER)),
    )
    return st.builds(build, st.none() | role_states, st.none() | profiles)


def tried(call, *parameters):
    try:
        call(*parameters)
    except InputError:
        return


@given(accounts(), st.lists(options, min_size=1, max_size=3), st.integers(0, 4), st.booleans())
def test_what_was_made_in_any_number_of_runs_is_taken_back_exactly(start, runs, stop_after, removed):
    account = Account(*start)
    before = account.state()
    for wanted in runs[:-1]:
        tried(account.present, wanted)
    tried(account.present, runs[-1], stop_after)  # the last one is killed
    if removed:
        tried(account.absent, runs[-1])
    if not account.journal:
        assert account.state() == before
        return
    outcomes = account.restored()
    assert [outcome.error for outcome in outcomes if outcome.error] == []
    assert account.state() == before
    # Once more changes nothing.
    assert [outcome.changes for outcome in account.restored() if outcome.changes] == []


@given(accounts(), options)
def test_a_second_run_has_nothing_to_do(start, wanted):
    account = Account(*start)
    tried(account.present, wanted)
    try:
        assert account.present(wanted) == []
    except InputError:
        return


@given(accounts(), options, st.sampled_from(["A", "B", "C"]))
def test_what_someone_else_has_added_to_a_role_that_was_made_is_never_lost(start, wanted, name):
    account = Account(None, None)
    tried(account.present, {**wanted, "create": True})
    role = account.roles.get("R")
    arn = f"arn:aws:iam::123456789012:policy/{name}"
    if role is None:
        return
    account.roles["R"] = replace(role, managed=tuple(sorted({*role.managed, arn})))
    for call in (account.restored, lambda: account.absent({**wanted, "overwrite": False})):
        outcomes = [outcome for outcome in call() if outcome.kind == "role"]
        assert [(outcome.error or ("",))[0] in ("ChangedSince", "InUse") for outcome in outcomes] == [True]
        assert arn in account.roles["R"].managed
    account.restored(overwrite=True)
    assert account.roles == {}


def made(**more):
    account = Account(None, None)
    account.present({"managed_policies": ARNS[:1], **more})
    return account


def only(outcomes):
    (outcome,) = outcomes
    return outcome


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ({"trust": TRUSTS[2]}, "the trust policy"),
        ({"boundary": ARNS[1]}, "the permissions boundary"),
        ({"managed": tuple(ARNS[:2])}, "the managed policy B"),
        ({"inline": {"p": DOCUMENTS[0]}}, "the inline policy p"),
        ({"tags": {}}, "the tag fleet.aws_ssm/made-by"),
        ({"tags": {**OWNER, "more": "x"}}, ""),
        ({"description": "another"}, ""),
        ({"managed": ()}, ""),
    ],
)
def test_what_counts_as_changed_by_someone_else(parts, words):
    account = made()
    account.roles["R"] = replace(account.roles["R"], **parts)
    outcome = only(account.restored())
    assert (outcome.error is not None) is bool(words)
    assert words in (outcome.error or ("", ""))[1]


def test_a_role_that_was_removed_comes_back_byte_for_byte():
    role = RoleState("R", "/x/", TRUSTS[1], "text", 7200, ARNS[2], {**OWNER, "a": "1"}, (ARNS[0],), {"p": DOCUMENTS[0]})
    account = Account(role, ProfileState("P", "/x/", "R", OWNER))
    before = account.state()
    wanted = {"instance_profile": "P", "managed_policies": ["A"], "inline_policies": {"p": DOCUMENTS[0]}}
    assert [outcome.error for outcome in account.absent({**wanted, "permissions_boundary": ARNS[2]})] == [None, None]
    assert account.state() == ({}, {})
    account.restored()
    assert account.state() == before
    # Someone has made another one meanwhile.
    account.absent({**wanted, "permissions_boundary": ARNS[2]})
    account.roles["R"] = replace(role, trust=TRUSTS[2])
    codes = {outcome.kind: (outcome.error or ("",))[0] for outcome in account.restored()}
    assert codes["role_trust_policy"] == "ChangedSince"
    assert account.roles["R"].trust == TRUSTS[2]


def test_what_is_gone_fails_and_overwrite_passes_over_it():
    account = Account(RoleState("R", "/", TRUSTS[0], inline={"p": DOCUMENTS[0]}), None)
    account.present({"inline_policies": {"p": DOCUMENTS[1]}, "managed_policies": ARNS[:1]})
    del account.roles["R"]
    codes = {outcome.resource: (outcome.error or ("",))[0] for outcome in account.restored()}
    # What was not there at first is gone as it should be.
    assert codes == {"R/p": "Gone", f"R/{ARNS[0]}": ""}
    assert [outcome.error for outcome in account.restored(overwrite=True)] == [None, None]


def test_a_part_that_someone_else_has_changed_stays_and_the_others_come_back():
    account = Account(RoleState("R", "/", TRUSTS[0], inline={"p": DOCUMENTS[0]}), None)
    account.present({"inline_policies": {"p": DOCUMENTS[1]}, "managed_policies": ARNS[:1]})
    theirs = DOCUMENTS[0].replace("s3", "ec2")
    account.roles["R"] = replace(account.roles["R"], inline={"p": theirs})
    codes = {outcome.resource: (outcome.error or ("",))[0] for outcome in account.restored()}
    assert codes == {"R/p": "ChangedSince", f"R/{ARNS[0]}": ""}
    assert (account.roles["R"].inline, account.roles["R"].managed) == ({"p": theirs}, ())
    account.restored(overwrite=True)
    assert account.roles["R"].inline == {"p": DOCUMENTS[0]}


def test_a_role_that_another_profile_holds_stays():
    account = made()
    account.profiles["Other"] = ProfileState("Other", "/", "R")
    for outcome in (only(account.restored(overwrite=True)), only(account.absent({"managed_policies": ARNS[:1]}))):
        assert outcome.error
        assert outcome.error[0] == "InUse"
        assert "Other" in outcome.error[1]


def test_a_profile_with_another_role_stays():
    account = made(instance_profile="P")
    account.profiles["P"] = replace(account.profiles["P"], role="Theirs")
    codes = {outcome.resource: (outcome.error or ("",))[0] for outcome in account.restored()}
    assert codes == {"P": "ChangedSince", "R": ""}


def test_the_order_is_role_then_profile_and_back():
    account = Account(None, None)
    assert [change.kind for change in account.present({"instance_profile": "P"})] == ["role", "instance_profile"]
    assert [change.kind for _outcome, change in in_order(account.restored())] == ["instance_profile", "role"]


@pytest.mark.parametrize(
    ("key", "value"), [("trust_policy", "[]"), ("tags", None), ("managed_policies", 5), ("path", ...)]
)
def test_a_role_that_is_damaged_in_the_backup_is_found_before_anything_is_changed(key, value):
    account = made()
    entry = account.journal[0]
    after = {**entry.after, key: value}
    if value is ...:
        del after[key]
    with pytest.raises(InputError, match="backup: the role R is damaged"):
        check_values(originals([replace(entry, after=after)]))


def test_only_what_was_made_here_goes():
    account = Account(RoleState("R", "/", TRUSTS[0]), ProfileState("P", "/", "R"))
    outcomes = account.absent({"instance_profile": "P"})
    assert [outcome.reason for outcome in outcomes] == ["was not made by fleet.aws_ssm"] * 2
    assert len(account.roles) == len(account.profiles) == 1
