# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.fleet.aws_ssm.plugins.module_utils._core.backup import originals
from ansible_collections.fleet.aws_ssm.plugins.module_utils._errors import InputError
from ansible_collections.fleet.aws_ssm.plugins.module_utils._profile_policy.restore import entries_of, plan_restored
from ansible_collections.fleet.aws_ssm.plugins.module_utils._role_policies import (
    Request,
    RolePolicies,
    apply,
    document_size,
    document_text,
    ordered,
    plan_absent,
    plan_present,
)

NO_LIMITS = {}
DOCUMENT = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
TEXT = json.dumps(DOCUMENT)


def differs(one, other):
    return one != other


def present(now, want, *, purge=False):
    return plan_present(now, want, purge=purge, differs=differs)


def operations(changes):
    return [(change.operation, change.name) for change in changes]


def managed(*names):
    return {f"arn:{name}": name for name in names}


def test_text_stays_as_it_is_and_a_dict_becomes_json():
    odd = "\n" + json.dumps(DOCUMENT, indent=5) + "\t "
    assert document_text("inline_policies", "a", odd) == odd
    assert json.loads(document_text("inline_policies", "a", DOCUMENT)) == DOCUMENT


@pytest.mark.parametrize(
    "statement",
    [
        {"Effect": "Allow", "Action": "*", "Resource": "*"},
        {"Effect": "Deny", "NotAction": ["*"], "NotResource": ["*"]},
    ],
)
def test_a_single_statement_needs_no_list(statement):
    assert document_text("inline_policies", "a", {"Statement": statement})


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ("{'a'", "is not JSON"),
        ("", "is not JSON"),
        ("[]", "has no Statement"),
        ("null", "has no Statement"),
        (None, "has no Statement"),
        (["x"], "has no Statement"),
        ({"Version": "2012-10-17"}, "has no Statement"),
        ({"Statement": []}, "has no Statement"),
        ({"Statement": ["x"]}, "statement 1 of 'a' needs an Effect"),
        ({"Statement": [{"Effect": "allow", "Action": "*", "Resource": "*"}]}, "Allow or Deny"),
        ({"Statement": [DOCUMENT["Statement"][0], {"Effect": "Allow", "Resource": "*"}]}, "statement 2 of 'a'"),
        ({"Statement": {"Effect": "Allow", "Action": "*"}}, "needs a Resource or a NotResource"),
    ],
)
def test_what_can_not_be_a_policy_is_refused_with_the_options_and_the_policys_name(document, words):
    with pytest.raises(InputError, match=words) as caught:
        document_text("inline_policies", "a", document)
    message = str(caught.value)
    assert message.startswith("inline_policies: ")
    assert "'a'" in message
    assert "\n" not in message


def test_only_what_is_missing_or_differs_is_put_on():
    now = RolePolicies(managed("A", "B"), {"same": TEXT, "other": '{"Statement": []}', "kept": TEXT})
    changes = present(now, Request(managed("B", "C"), {"same": TEXT, "other": TEXT, "new": TEXT}))
    assert operations(changes) == [("attach", "C"), ("put", "other"), ("put", "new")]
    assert changes[1].before == '{"Statement": []}'


def test_purge_takes_all_others_off():
    now = RolePolicies(managed("A", "B"), {"same": TEXT, "other": TEXT})
    changes = present(now, Request(managed("B"), {"same": TEXT}), purge=True)
    assert operations(changes) == [("detach", "A"), ("delete", "other")]


def test_absent_takes_off_what_is_named_and_there():
    now = RolePolicies(managed("A", "B"), {"same": TEXT, "other": TEXT})
    changes = plan_absent(now, Request(managed("B", "C"), {"other": "", "never": ""}))
    assert operations(changes) == [("detach", "B"), ("delete", "other")]
    assert [(change.arn, change.before) for change in changes] == [("arn:B", None), (None, TEXT)]


def test_a_document_without_a_version_is_compared_as_the_version_that_iam_takes_it_for():
    bare = json.dumps({"Statement": DOCUMENT["Statement"]})
    old = json.dumps({**DOCUMENT, "Version": "2008-10-17"})
    assert present(RolePolicies({}, {"a": bare}), Request({}, {"a": old})) == []
    assert operations(present(RolePolicies({}, {"a": bare}), Request({}, {"a": TEXT}))) == [("put", "a")]


def test_grants_come_first_unless_the_quota_leaves_no_room():
    now = RolePolicies(managed("A"), {"old": TEXT})
    changes = present(now, Request(managed("B"), {"new": TEXT}), purge=True)
    grants_first = [("attach", "B"), ("put", "new"), ("detach", "A"), ("delete", "old")]
    removals_first = grants_first[2:] + grants_first[:2]
    size = document_size(TEXT)
    cases = [
        (NO_LIMITS, grants_first),
        ({"AttachedPoliciesPerRoleQuota": 2, "RolePolicySizeQuota": 2 * size}, grants_first),
        ({"AttachedPoliciesPerRoleQuota": 1}, removals_first),
        ({"RolePolicySizeQuota": 2 * size - 1}, removals_first),
    ]
    for limits, wanted in cases:
        assert operations(ordered(now, changes, limits, "R")) == wanted


def test_more_than_the_quota_is_refused_with_its_numbers():
    now = RolePolicies(managed("A", "B"), {"old": TEXT})
    with pytest.raises(InputError, match=r"managed_policies: the role R would have 3 .*quota is 2\. Detach"):
        ordered(now, present(now, Request(managed("C"))), {"AttachedPoliciesPerRoleQuota": 2}, "R")
    size = 2 * document_size(TEXT)
    with pytest.raises(InputError, match=rf"inline_policies: .* role R would have {size} .* {size - 1}\. Use managed"):
        ordered(now, present(now, Request({}, {"new": TEXT})), {"RolePolicySizeQuota": size - 1}, "R")


def test_a_role_that_is_over_its_quota_can_still_be_cleared():
    now = RolePolicies(managed("A", "B", "C"), {})
    changes = plan_absent(now, Request(managed("A")))
    assert ordered(now, changes, {"AttachedPoliciesPerRoleQuota": 1}, "R") == changes


def test_a_documents_size_is_counted_without_white_space():
    assert document_size(' { "a" :\n\t1 } ') == len('{"a":1}')


NAMES = st.frozensets(st.sampled_from("ABCD"))
TEXTS = st.dictionaries(st.sampled_from("abcd"), st.sampled_from(['{"x": 1}', '{"x": 2}']))


@given(NAMES, TEXTS, NAMES, TEXTS, st.booleans())
def test_the_plan_gives_what_is_wanted_and_its_backup_gives_back_what_was(has, inline, names, texts, purge):
    now, want = RolePolicies(managed(*has), inline), Request(managed(*names), texts)
    changes = ordered(now, present(now, want, purge=purge), NO_LIMITS, "R")
    then = apply(now, changes)
    assert then.managed == {**({} if purge else now.managed), **want.managed}
    assert then.inline == {**({} if purge else inline), **texts}
    assert present(then, want, purge=purge) == []

    # What a backup holds of it leads back to what there was.
    known = originals(entries_of(changes, "Role", "123456789012", "aws"))
    back = [each.change for each in plan_restored(reversed(known), {"Role": then}, overwrite=False) if each.change]
    assert (set(apply(then, back).managed), apply(then, back).inline) == (set(now.managed), inline)
    assert not [each.change for each in plan_restored(known, {"Role": now}, overwrite=False) if each.change]
