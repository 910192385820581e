# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from iam_model import ACCOUNT, Held, Iam, arn_of, document

from ansible_collections.fleet.aws_ssm.plugins.module_utils._core.backup import Entry, originals
from ansible_collections.fleet.aws_ssm.plugins.module_utils._errors import InputError
from ansible_collections.fleet.aws_ssm.plugins.module_utils._policy_set.journal import (
    check_originals,
    comparable,
    of_owner,
)
from ansible_collections.fleet.aws_ssm.plugins.module_utils._policy_set.restore_plan import plan_restored
from ansible_collections.fleet.aws_ssm.plugins.module_utils._policy_set.types import OWNER_TAG, Holder

ARN = arn_of("P")


def value(text="s3:A", owner="us", **more):
    return {"name": "P", "path": "/", "description": "", "tags": {OWNER_TAG: owner}, "document": document(text), **more}


def entry(before, after, kind="managed_policy", resource=ARN):
    return Entry("iam_policy_set", kind, ACCOUNT, "aws", None, resource, before, after)


def undo(entries, iam, *, overwrite=False):
    given = [comparable(original) for original in originals(entries)]
    return plan_restored(given, iam.found({ARN}), overwrite=overwrite)


def shown(undone):
    return [(each.code, "+".join(type(step).__name__ for step in each.steps)) for each in undone]


def held(text="s3:A", owner="us", **more):
    return Held("P", tags={OWNER_TAG: owner}, versions={"v1": document(text)}, **more)


@pytest.mark.parametrize(
    ("entries", "now", "code", "steps"),
    [
        # What was made is removed; what was never made, or is gone already, is as it was.
        ([entry(None, value())], held(), "", "Remove"),
        ([entry(None, value())], None, "", ""),
        ([entry(None, value())], held("s3:B"), "ChangedSince", ""),
        ([entry(None, value())], held(owner="another"), "ChangedSince", ""),
        ([entry(None, value())], held(holders={Holder("user", "u")}), "InUse", ""),
        ([entry(None, value())], held(boundaries=1), "InUse", ""),
        # What was changed.
        ([entry(value("s3:B"), value())], held(), "", "NewVersion"),
        ([entry(value("s3:B"), value())], held("s3:B"), "", ""),
        ([entry(value("s3:B"), value())], held("s3:C"), "ChangedSince", ""),
        ([entry(value("s3:B"), value())], None, "Gone", ""),
        ([entry(value(owner="x"), value())], held(), "", "Retag"),
        # What was removed.
        ([entry(value(), None)], None, "", "Create"),
        ([entry(value(), None)], held(), "", ""),
        ([entry(value(), None)], held("s3:B"), "ChangedSince", ""),
        # Made again since, with another description, which nobody can change.
        ([entry(value(), None), entry(None, value(description="d"))], held(description="d"), "", "Remove+Create"),
    ],
)
def test_a_policy(entries, now, code, steps):
    assert shown(undo(entries, Iam([now] if now else []))) == [(code, steps)]


@pytest.mark.parametrize(
    ("entries", "now", "steps"),
    [
        ([entry(None, value())], held("s3:B"), "Remove"),
        ([entry(None, value())], held(holders={Holder("user", "u")}), "Detach+Remove"),
        ([entry(value("s3:B"), value())], None, "Create"),
        ([entry(value("s3:B"), value())], held("s3:C", owner="x"), "NewVersion+Retag"),
    ],
)
def test_a_policy_with_overwrite(entries, now, steps):
    assert shown(undo(entries, Iam([now] if now else []), overwrite=True)) == [("", steps)]


def test_attachments():
    attached = entry(False, True, "role_policy_attachment", f"R/{ARN}")
    detached = entry(True, False, "user_policy_attachment", f"u/{ARN}")
    role, user = Holder("role", "R"), Holder("user", "u")
    assert shown(undo([attached, detached], Iam([held(holders={role})], holders=[user]))) == [
        ("", "Detach"),
        ("", "Attach"),
    ]
    assert shown(undo([attached, detached], Iam([held(holders={user})], holders=[role]))) == [("", ""), ("", "")]
    # The policy is gone: nothing is attached, which is as it was, and nothing can be attached.
    assert shown(undo([attached, detached], Iam([], holders=[role, user]))) == [("", ""), ("Gone", "")]
    assert shown(undo([attached, detached], Iam([], holders=[role, user]), overwrite=True)) == [("", ""), ("", "")]
    # It is made again.
    again = [detached, entry(value(), None)]
    assert shown(undo(again, Iam([], holders=[user]))) == [("", "Attach"), ("", "Create")]


def test_a_version_of_somebody_else_is_never_deleted():
    texts = {f"v{number}": document(f"s3:{number}") for number in range(1, 6)}
    theirs = Held("P", tags={OWNER_TAG: "us"}, versions=texts, default="v5")
    entries = [entry(value("s3:9", owner="theirs"), value("s3:5"))]
    assert shown(undo(entries, Iam([theirs]))) == [("TooManyVersions", "")]
    # One that was made here makes way.
    entries.append(entry(value("s3:5"), value("s3:4")))
    (found,) = undo(entries, Iam([theirs]))
    assert (found.steps[0].drop, found.steps[0].surplus) == ("v4", ("v5",))
    # And an old version that has the very text is taken again.
    entries = [entry(value("s3:2", owner="theirs"), value("s3:5"))]
    (found,) = undo(entries, Iam([theirs]))
    assert (found.steps[0].reuse, found.steps[0].surplus) == ("v2", ("v5",))


def test_only_what_belongs_to_an_owner():
    given = originals(
        [
            entry(None, value()),
            entry(False, True, "role_policy_attachment", f"R/{ARN}"),
            entry(None, value(owner="another"), resource=arn_of("Q")),
            entry(False, True, "role_policy_attachment", f"R/{arn_of('Q')}"),
            entry(False, True, "role_policy_attachment", f"R/{arn_of('Unknown')}"),
        ]
    )
    assert [original.resource for original in of_owner(given, {}, "us")] == [ARN, f"R/{ARN}", f"R/{arn_of('Unknown')}"]
    now = {
        arn_of("Unknown"): Iam([Held("Unknown", tags={OWNER_TAG: "another"}, versions={"v1": "{}"})]).policy(
            arn_of("Unknown")
        )
    }
    assert [original.resource for original in of_owner(given, now, "us")] == [ARN, f"R/{ARN}"]


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (entry(None, {"document": "{}"}), "lacks the policy's name"),
        (entry(None, value(tags={"a": 1})), "lacks the policy's name, path, description or tags"),
        (
            entry(None, value(), resource="arn:aws:iam::999999999999:policy/P"),
            "is not about a policy of account 111122223333",
        ),
        (entry(False, True, "role_policy_attachment", "R/P"), "is not about a policy"),
        (entry(None, "{}", "role_trust_policy", "R"), "no entries of the kind role_trust_policy"),
    ],
)
def test_what_no_run_can_have_written_is_refused(wrong, words):
    with pytest.raises(InputError, match=r"^backup: .*Nothing was changed\.$") as error:
        check_originals(originals([wrong]), "backup")
    assert words in str(error.value)


def test_a_version_that_made_way_is_in_the_backup_and_in_no_comparison():
    (original,) = originals([entry(value("s3:B", deleted_version={"id": "v1", "document": "{}"}), value())])
    assert comparable(original).before == value("s3:B")
