# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The backup of instance_profile_permission: written first, compared before each write, restored from for good."""

from __future__ import annotations

import json
import secrets
import stat

import pytest
from iam_zoo import CORE, PING, Zoo, document, statement
from interruptions import while_held

NAME = "instance_profile_permission"
US = "us-east-1"
DENY = "fleet.aws_ssm-deny"
THEIRS = json.dumps(document(statement("s3:PutObject")))
NOT_YOU = {"code": "AccessDenied", "message": "not you"}


@pytest.fixture
def zoo(account, aws_trust):
    """Each way to lose the permission."""
    found = Zoo(account, aws_trust)
    found.add("Core", CORE)
    found.add("Inline", inline={"own": document(statement(PING, "s3:GetObject"))})
    found.add("Delete", inline={"ping": document(statement(PING))})
    found.add("Only", found.policy("Only", document(statement(PING))))
    found.add("Mixed", found.policy("Mixed", document(statement(PING, "s3:GetObject"))))
    return found


ALL = "Core,Inline,Delete,Only,Mixed"


def absent(account, *options, **params):
    return account.module(NAME, *options, **{"region": US, "instance_profiles": ALL, **params})


def restored(account, *options, **params):
    return account.module(NAME, *options, region=US, state="restored", **params)


def entries(file):
    return json.loads(file.read_text("utf-8"))["entries"]


def arn(account, name):
    return f"arn:aws:iam::{account.id}:policy/{name}"


def test_the_file_holds_what_is_changed_and_leads_back(account, zoo):
    file, before = account.folder / "before.json", zoo.state()
    absent(account, "--check", backup_file=str(file)).ok(changed=True)
    assert not file.exists()
    run = absent(account, backup_file=str(file)).ok(changed=True)
    assert stat.filemode(file.stat().st_mode) == "-rw-------"
    found = {(entry["kind"], entry["resource"]): entry for entry in entries(file)}
    assert sorted(found) == [
        ("managed_policy", arn(account, "Mixed")),
        ("role_inline_policy", f"Core/{DENY}"),
        ("role_inline_policy", "Delete/ping"),
        ("role_inline_policy", "Inline/own"),
        ("role_policy_attachment", f"Only/{arn(account, 'Only')}"),
    ]
    assert {(e["module"], e["account"], e["partition"], e["region"]) for e in found.values()} == {
        (NAME, account.id, "aws", None)
    }
    assert found["role_inline_policy", "Inline/own"]["before"] == before["roles"]["Inline"]["inline"]["own"]
    assert found["role_policy_attachment", f"Only/{arn(account, 'Only')}"]["before"] is True
    version = found["managed_policy", arn(account, "Mixed")]["before"]
    assert (version["version"], version["versions"]) == ("v1", ["v1"])
    assert [{**entry, "time": "", "run": ""} for entry in entries(file)] == run.result["backup"]

    kept = file.read_bytes()
    absent(account, backup_file=str(file)).ok(changed=False)
    assert file.read_bytes() == kept
    restored(account, "--check", "--diff", backup_file=str(file)).ok(changed=True)
    restored(account, backup_file=str(file)).ok(changed=True)
    assert zoo.state() == before
    again = restored(account, backup_file=str(file)).ok(changed=False)
    assert (again.writes, {row["operation"] for row in again.result["changes"]}) == ([], {"keep"})
    assert file.read_bytes() == kept


def test_running_again_with_the_same_file_keeps_the_first_value(account, zoo):
    file, before = str(account.folder / "before.json"), zoo.state()
    absent(account, backup_file=file).ok(changed=True)
    # Someone gives it back, otherwise, and the next run takes it again.
    theirs = json.dumps(document(statement(PING, "ec2:*")))
    account.iam.put_role_policy(RoleName="Inline", PolicyName="own", PolicyDocument=theirs)
    account.iam.create_policy_version(PolicyArn=arn(account, "Mixed"), PolicyDocument=theirs, SetAsDefault=True)
    run = absent(account, backup_file=file).ok(changed=True)
    assert "holds an older value of role_inline_policy Inline/own. Someone else has set the one that" in run.text
    restored(account, backup_file=file).ok(changed=True)
    now = zoo.state()
    assert now["roles"] == before["roles"]
    mixed = now["policies"][arn(account, "Mixed")]
    # Their version is theirs to delete.
    assert (mixed["default"], sorted(mixed["versions"])) == ("v1", ["v1", "v3"])


def test_many_accounts_share_a_file(account, zoo, emulator, aws_trust):
    file, before = str(account.folder / "before.json"), zoo.state()
    other = type(account)(emulator, f"{secrets.randbelow(8 * 10**11) + 10**11:012}", account.folder)
    theirs = Zoo(other, aws_trust)
    theirs.add("Core", CORE)
    absent(account, backup_file=file).ok(changed=True)
    restored(other, backup_file=file).failed(f"nothing for {NAME} to restore in account {other.id}")
    absent(other, instance_profiles="Core", backup_file=file).ok(changed=True)
    now = zoo.state()
    restored(other, backup_file=file).ok(changed=True)
    assert theirs.state()["roles"]["Core"]["inline"] == {}
    assert zoo.state() == now
    restored(account, backup_file=file).ok(changed=True)
    assert zoo.state() == before


@pytest.mark.parametrize("content", ["{}", '{"name": "package.json"}', "no json", '{"format": "fleet.aws_ssm backup"'])
def test_a_file_of_another_kind_is_refused_before_anything_is_read_or_written(account, zoo, content):
    file = account.folder / "before.json"
    file.write_text(content, "utf-8")
    for run in (absent(account, backup_file=str(file)), restored(account, backup_file=str(file))):
        run.failed("Nothing was changed.")
        assert (run.calls, file.read_text("utf-8")) == ([], content)


def test_a_killed_run_leaves_a_file_that_leads_back(account, zoo):
    """All is in the file before the first change, so that what was done comes back, and what was not is kept."""
    file, before = str(account.folder / "before.json"), zoo.state()
    account.faults(
        {"operation": "CreatePolicyVersion", "error": NOT_YOU}, {"operation": "DetachRolePolicy", "error": NOT_YOU}
    )
    run = absent(account, backup_file=file).failed("version of Mixed: AccessDenied", "detach of Only on the role Only")
    account.faults()
    assert len(entries(account.folder / "before.json")) == 5
    # What AWS has refused was not changed.
    assert sorted(entry["resource"] for entry in run.result["backup"]) == [f"Core/{DENY}", "Delete/ping", "Inline/own"]
    restored(account, backup_file=file).ok(changed=True)
    assert zoo.state() == before
    absent(account, backup_file=file).ok(changed=True)
    restored(account, backup_file=file).ok(changed=True)
    assert zoo.state() == before


def test_what_someone_changes_between_the_look_and_the_write_is_left_alone(account, zoo):
    iam, file = account.iam, str(account.folder / "before.json")

    def change():
        iam.put_role_policy(RoleName="Inline", PolicyName="own", PolicyDocument=THEIRS)
        iam.put_role_policy(RoleName="Core", PolicyName=DENY, PolicyDocument=THEIRS)
        iam.create_policy_version(PolicyArn=arn(account, "Mixed"), PolicyDocument=THEIRS, SetAsDefault=True)
        # What is to be taken away is gone already: nothing is left to do.
        iam.detach_role_policy(RoleName="Only", PolicyArn=arn(account, "Only"))
        iam.delete_role_policy(RoleName="Delete", PolicyName="ping")

    # The quotas are the last that it reads, and the first, to choose how to read the account.
    # It looks again at what it has seen more than 5 seconds ago.
    last = {"operation": "GetAccountSummary", "nth": 2}
    run = while_held(account, lambda: absent(account, backup_file=file), change, pause=6, **last)
    run.failed(
        "put of own on the role Inline: ChangedMeanwhile",
        f"put of {DENY} on the role Core: ChangedMeanwhile: was not there when it was read",
        "version of Mixed: ChangedMeanwhile",
    )
    assert run.result["changed"] is False
    assert run.result["backup"] == []
    done = {row["policy"]: row["reason"] for row in run.result["changes"] if not row["failed"]}
    assert done == {"Only": "it was done already", "ping": "it was done already"}
    now = zoo.state()
    assert now["roles"]["Inline"]["inline"] == {"own": THEIRS}
    assert now["roles"]["Core"]["inline"] == {DENY: THEIRS}
    assert now["policies"][arn(account, "Mixed")]["default"] == "v2"
    assert [call for call in run.writes if "DeleteRolePolicy" not in call and "Put" not in call] == [
        "CreatePolicyVersion us-east-1",
        "DetachRolePolicy us-east-1",
    ]


def test_a_restore_leaves_alone_what_is_changed_under_its_hands(account, zoo):
    file = str(account.folder / "before.json")
    absent(account, instance_profiles="Inline,Mixed", backup_file=file).ok(changed=True)

    def theirs():
        account.iam.put_role_policy(RoleName="Inline", PolicyName="own", PolicyDocument=THEIRS)

    # The versions of the policy are the last that it reads.
    last = {"operation": "ListPolicyVersions", "when": "after"}
    run = while_held(account, lambda: restored(account, backup_file=file), theirs, pause=6, **last)
    run.failed("1 of 2 could not be restored: put of own on the role Inline: ChangedMean")
    assert zoo.state()["roles"]["Inline"]["inline"] == {"own": THEIRS}
    # Then it is someone else's change since.
    restored(account, backup_file=file).failed("1 of 2 could not be restored: own: ChangedSince")
    restored(account, backup_file=file, overwrite=True).ok(changed=True)


def test_what_can_not_be_read_or_written_keeps_nothing_else_from_being_restored(account, zoo):
    file, before = str(account.folder / "before.json"), zoo.state()
    absent(account, backup_file=file).ok(changed=True)
    account.faults({"operation": "ListPolicyVersions", "error": NOT_YOU})
    restored(account, backup_file=file).failed("1 of 5 could not be restored: Mixed: AccessDenied: not you")
    account.faults({"operation": "SetDefaultPolicyVersion", "error": NOT_YOU})
    run = restored(account, backup_file=file).failed("1 of 5 could not be restored: default of Mixed: AccessDenied")
    assert run.result["changed"] is False
    account.faults()
    now = zoo.state()
    assert now["roles"] == before["roles"]
    restored(account, backup_file=file).ok(changed=True)
    assert zoo.state() == before


def test_a_restore_ends_when_iam_shows_it(account, zoo):
    file, before = str(account.folder / "before.json"), zoo.state()
    absent(account, backup_file=file).ok(changed=True)
    run = restored(account, backup_file=file).ok(changed=True)
    order = [call["operation"] for call in run.calls]
    last = max(number for number, call in enumerate(run.calls) if call["write"])
    for operation in ("GetRolePolicy", "ListAttachedRolePolicies", "GetPolicy"):
        assert operation in order[order.index("PutRolePolicy") :]
    assert set(order[last + 1 :]) <= {"GetRolePolicy", "ListAttachedRolePolicies", "GetPolicy", "GetPolicyVersion"}
    assert zoo.state() == before


def test_a_role_that_dhmc_uses_by_now_gets_its_permissions_back(account, zoo, aws_trust):
    file, before = str(account.folder / "before.json"), zoo.state()["roles"]["Inline"]["inline"]
    absent(account, instance_profiles="Inline,Core", backup_file=file).ok(changed=True)
    policy = json.dumps(aws_trust("ec2.amazonaws.com", "ssm.amazonaws.com"))
    account.iam.update_assume_role_policy(RoleName="Inline", PolicyDocument=policy)
    account.put("Inline", US)
    restored(account, backup_file=file).ok(changed=True)
    assert zoo.state()["roles"]["Inline"]["inline"] == before
