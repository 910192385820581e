# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Properties: whatever an account holds, a plan does what was asked for and no more, and a restore undoes it."""

from __future__ import annotations

import copy
import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from iam_model import ACCOUNT, PARTITION, Held, Iam, IamRefuses, arn_of, document

from ansible_collections.fleet.aws_ssm.plugins.module_utils._core.backup import originals
from ansible_collections.fleet.aws_ssm.plugins.module_utils._policy_set.apply import apply
from ansible_collections.fleet.aws_ssm.plugins.module_utils._policy_set.journal import (
    arn_of as arn_of_original,
)
from ansible_collections.fleet.aws_ssm.plugins.module_utils._policy_set.journal import (
    check_originals,
    comparable,
    entry_of,
)
from ansible_collections.fleet.aws_ssm.plugins.module_utils._policy_set.plan import plan
from ansible_collections.fleet.aws_ssm.plugins.module_utils._policy_set.request import Request
from ansible_collections.fleet.aws_ssm.plugins.module_utils._policy_set.restore_plan import ordered, plan_restored
from ansible_collections.fleet.aws_ssm.plugins.module_utils._policy_set.types import OWNER_TAG, Holder, Refuse

NAMES = ("Set", "Set-2", "Set-3", "Setting", "Other")
HOLDERS = (Holder("role", "A"), Holder("role", "B"), Holder("user", "u"), Holder("group", "g"))
TEXTS = tuple(document(f"s3:Get{number}") for number in range(4))
OURS = {OWNER_TAG: "s3_policy"}


@st.composite
def held(draw, name):
    numbers = sorted(draw(st.sets(st.integers(1, 9), min_size=1, max_size=5)))
    return Held(
        name,
        path=draw(st.sampled_from(["/", "/team/"])),
        tags={
            **draw(st.sampled_from([OURS, OURS, {}, {OWNER_TAG: "somebody"}])),
            **draw(st.sampled_from([{}, {"a": "1"}])),
        },
        versions={f"v{number}": draw(st.sampled_from(TEXTS)) for number in numbers},
        default=f"v{draw(st.sampled_from(numbers))}",
        holders=draw(st.sets(st.sampled_from(HOLDERS))),
    )


@st.composite
def accounts(draw):
    names = draw(st.sets(st.sampled_from(NAMES)))
    return Iam([draw(held(name)) for name in sorted(names)], holders=HOLDERS)


@st.composite
def requests(draw):
    return Request(
        owner="s3_policy",
        policies={name: draw(st.sampled_from((*TEXTS, ""))) for name in draw(st.sets(st.sampled_from(NAMES[:3])))},
        family=draw(st.sampled_from(["", "Set"])),
        detach=draw(st.booleans()),
        path=draw(st.sampled_from(["/", "/new/"])),
        description=draw(st.sampled_from(["", "d"])),
        tags={**OURS, **draw(st.sampled_from([{}, {"a": "2"}, {"b": "3"}]))},
        overwrite=draw(st.booleans()),
    )


def differs(one, other):
    return one != other


def run(iam, request, targets, journal, steps=None):
    """Plan and carry out, as the module does; False if the plan refuses."""
    planned = plan(request, iam.now(request, targets), differs)
    if any(isinstance(step, Refuse) for step in planned):
        return False
    journal += [entry_of(step, ACCOUNT, PARTITION) for step in planned]
    for outcome in apply(planned[:steps], iam, time.monotonic() + 60, all_grants_first=True):
        assert outcome.done, (outcome.step, outcome.error)
    return True


def restore(iam, journal):
    given_back = [comparable(original) for original in originals(journal)]
    check_originals(given_back, "backup")
    found = iam.found({arn_of_original(original) for original in given_back})
    undone = plan_restored(given_back, found, overwrite=False)
    assert [undo for undo in undone if undo.code] == []
    outcomes = apply([step for _undo, step in ordered(undone)], iam, time.monotonic() + 60, all_grants_first=False)
    assert [outcome for outcome in outcomes if not outcome.done] == []


targets = st.sets(st.sampled_from(HOLDERS[:2])).map(sorted)


@given(accounts(), requests(), targets)
def test_a_plan_does_what_was_asked_for_and_nothing_else(iam, request, attach_to):
    before = copy.deepcopy(iam.held)
    if not run(iam, request, attach_to, []):
        assert iam.writes == []
        return
    by_name = {one.name: one for one in iam.held.values()}
    for name, text in request.policies.items():
        if text:
            one = by_name[name]
            assert json.loads(one.versions[one.default]) == json.loads(text)
            assert request.tags.items() <= one.tags.items()
            assert set(attach_to) <= one.holders
        else:
            assert name not in by_name or by_name[name].tags.get(OWNER_TAG) != "s3_policy"
    for arn, one in before.items():
        theirs = one.tags.get(OWNER_TAG) != "s3_policy"
        if theirs:
            # Nothing of theirs is lost: no version, no holder, and without overwrite no change at all.
            assert one.versions.items() <= iam.held[arn].versions.items()
            assert one.holders <= iam.held[arn].holders
        if theirs and not (request.overwrite and request.policies.get(one.name)):
            assert iam.held[arn] == one
        if one.name in ("Setting", "Other"):
            assert iam.held[arn] == one
    iam.writes.clear()
    assert run(iam, request, attach_to, [])
    assert iam.writes == []


@given(accounts(), st.lists(requests(), min_size=1, max_size=3), targets, st.integers(0, 12))
def test_a_restore_leads_back_however_far_the_runs_came(iam, asked, attach_to, steps):
    before = iam.state()
    journal = []
    for number, request in enumerate(asked):
        # The last run is cut off after some of its steps.
        run(iam, request, attach_to, journal, steps if number == len(asked) - 1 else None)
    restore(iam, journal)
    assert iam.state() == before
    iam.writes.clear()
    restore(iam, journal)
    assert iam.writes == []


@given(accounts(), requests(), targets, st.sampled_from(TEXTS), st.data())
def test_what_somebody_has_changed_since_stays_as_it_is(iam, request, attach_to, text, data):
    journal = []
    if not run(iam, request, attach_to, journal) or not iam.held or not journal:
        return
    arn = data.draw(st.sampled_from(sorted(iam.held)))
    theirs = document("s3:Theirs")
    iam.held[arn].versions[iam.held[arn].default] = theirs
    given_back = [comparable(original) for original in originals(journal)]
    undone = plan_restored(given_back, iam.found({arn_of_original(o) for o in given_back}), overwrite=False)
    for undo in undone:
        if undo.original.resource == arn:
            assert (undo.code, undo.steps) == ("ChangedSince", ())
        else:
            assert undo.code in ("", "InUse")
    apply([step for _undo, step in ordered(undone)], iam, time.monotonic() + 60, all_grants_first=False)
    assert iam.held[arn].versions[iam.held[arn].default] == theirs


@pytest.mark.parametrize(
    ("call", "code"),
    [
        (lambda iam: iam.delete(arn_of("Set")), "DeleteConflict"),
        (lambda iam: iam.delete_version(arn_of("Set"), "v1"), "DeleteConflict"),
        (lambda iam: iam.attach(arn_of("Gone"), HOLDERS[0]), "NoSuchEntity"),
    ],
)
def test_the_model_refuses_what_iam_refuses(call, code):
    # So that the properties above can fail.
    with pytest.raises(IamRefuses, match=code):
        call(Iam([Held("Set", versions={"v1": TEXTS[0], "v2": TEXTS[1]}, holders={HOLDERS[0]})]))
