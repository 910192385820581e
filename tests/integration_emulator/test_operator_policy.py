# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role operator_policy: what it renders and creates, and that its own policy holds what it is seen to call."""

from __future__ import annotations

import json

from operator_needs import REGIONS, ROLE, STATEMENT, Needs, denied, include, render, unused

KEPT = ("operator_policy_result", "operator_policy_documents")


def test_the_role_creates_changes_removes_and_restores_the_policies(account, tmp_path):  # noqa: PLR0915
    policies = render(account, "operator_policy")
    needs = Needs(account.id)
    arn = f"arn:aws:iam::{account.id}:policy/FleetSSMOperator-settings"

    def run(*options, regions=REGIONS, **more):
        variables = {f"operator_policy_{name}": value for name, value in more.items()}
        variables |= {"operator_policy_mode": "create", "operator_policy_features": "settings"}
        variables |= {"operator_policy_regions": regions}
        return include(account, "operator_policy", *options, keep=KEPT, **variables)

    backup = str(tmp_path / "before.json")

    def held():
        version = account.iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
        return account.iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"]

    check = run("--check").ok()
    assert check.writes == []
    present = run().ok()
    assert present.writes == ["CreatePolicy us-east-1"]
    assert present.result["operator_policy_result"]["arns"] == [arn]
    assert held() == present.result["operator_policy_documents"]["settings"]
    before = held()
    tags = account.iam.list_policy_tags(PolicyArn=arn)["Tags"]
    assert tags == [{"Key": "fleet.aws_ssm/made-by", "Value": "operator_policy"}]
    assert run().ok().writes == []

    check_change = run("--check", "--diff", regions=["eu-west-1"]).ok()
    assert check_change.writes == []
    assert "us-east-1:" in check_change.text
    change = run(regions=["eu-west-1"], tags={"team": 1}, backup_file=backup).ok()
    assert change.writes == ["CreatePolicyVersion us-east-1", "TagPolicy us-east-1"]
    assert "us-east-1" not in json.dumps(held())
    entries = change.result["operator_policy_result"]["backup"]
    assert json.loads(entries[0]["before"]["document"]) == before
    restored = run(state="restored", backup_file=backup).ok()
    assert held() == before
    assert account.iam.list_policy_tags(PolicyArn=arn)["Tags"] == tags
    assert len(account.iam.list_policy_versions(PolicyArn=arn)["Versions"]) == 1
    assert run(state="absent", backup_file=backup).ok().writes == []

    account.iam.create_user(UserName="operator")
    account.iam.attach_user_policy(UserName="operator", PolicyArn=arn)
    check_gone = run("--check", state="absent").failed(f"operator_policy_detach: {arn} is attached to user/operator")
    refused = run(state="absent")
    assert refused.rc != 0
    assert f"operator_policy_detach: {arn} is attached to user/operator: detach it there" in refused.text
    assert refused.writes == []
    account.iam.detach_user_policy(UserName="operator", PolicyArn=arn)
    gone = run(state="absent").ok()
    assert account.iam.list_policies(Scope="Local")["Policies"] == []
    (entry,) = gone.result["operator_policy_result"]["backup"]
    assert (entry["before"]["name"], entry["after"]) == ("FleetSSMOperator-settings", None)
    assert run(state="absent").ok().writes == []

    # At five versions the oldest one makes way.
    for number in range(6):
        full = run(tags={"n": number}, regions=["eu-west-1", "eu-central-1", "us-east-1"][number % 3 : 3]).ok()
    assert len(account.iam.list_policy_versions(PolicyArn=arn)["Versions"]) == 5
    gone_again = run(state="absent").ok()

    every = needs.of(check, present, check_change, change, restored, check_gone, full, gone, gone_again)
    assert denied(policies["operator_policy"], every) == []
    assert unused(policies["operator_policy"], every) == []
    assert denied(policies["read_only"], needs.of(check, check_change, check_gone)) == []


def test_a_policy_of_somebody_else_is_not_touched(account):
    theirs = json.dumps({"Version": "2012-10-17", "Statement": [STATEMENT]})
    arn = account.iam.create_policy(PolicyName="FleetSSMOperator-settings", PolicyDocument=theirs)["Policy"]["Arn"]
    variables = {"operator_policy_features": "settings", "operator_policy_mode": "create"}
    refused = include(account, "operator_policy", **variables)
    assert refused.rc != 0
    assert f"operator_policy_name_prefix: {arn} was not made by operator_policy" in refused.text
    assert "set operator_policy_overwrite to true" in refused.text
    assert refused.writes == []
    kept = include(account, "operator_policy", **variables, operator_policy_state="absent").ok()
    assert kept.writes == []
    include(account, "operator_policy", **variables, operator_policy_overwrite="true").ok()
    policy = account.iam.get_policy(PolicyArn=arn)["Policy"]
    assert policy["DefaultVersionId"] == "v2"
    assert {tag["Value"] for tag in policy["Tags"]} == {"operator_policy"}


def test_rendered_files_and_the_region_and_account_of_the_credentials(account, tmp_path):
    folder = tmp_path / "policies"
    variables = {"operator_policy_features": "settings", "operator_policy_directory": str(folder)}
    checked = include(account, "operator_policy", "--check", "--diff", **variables).ok()
    assert not folder.exists()
    assert "ssm:UpdateServiceSetting" in checked.text
    run = include(account, "operator_policy", keep=KEPT, **variables).ok()
    assert run.writes == []
    written = json.loads((folder / "FleetSSMOperator-settings.json").read_text())
    assert written == run.result["operator_policy_documents"]["settings"]
    assert [statement["Resource"] for statement in written["Statement"]] == [
        f"arn:aws:ssm:us-east-1:{account.id}:servicesetting/ssm/managed-instance/default-ec2-instance-management-role",
        f"arn:aws:iam::{account.id}:role/service-role/{ROLE}",
    ]
    # The folder is the user's own, so that its mode stays.
    folder.chmod(0o700)
    include(account, "operator_policy", **variables).ok()
    assert folder.stat().st_mode & 0o777 == 0o700
    # With the account and the regions given AWS is not asked, and where the other roles make things is known.
    given = {"operator_policy_account": account.id, "ssm_regions": "us-east-1", "dhmc_role_path": "/ops/"}
    run = include(account, "operator_policy", keep=KEPT, **variables, **given).ok()
    assert run.calls == []
    assert f"arn:aws:iam::{account.id}:role/ops/{ROLE}" in json.dumps(run.result["operator_policy_documents"])


WRONG = [
    ({"features": "dhcm"}, "operator_policy_features: 'dhcm' is not one of"),
    ({"features": []}, "operator_policy_features: is an empty list: name at least one of settings, "),
    ({"regions": "eu-wset-1"}, "operator_policy_regions: 'eu-wset-1' is not an AWS region. Did you mean eu-west-1"),
    ({"account": "999999999999", "mode": "create"}, "operator_policy_account: is 999999999999, and the credentials"),
    ({"features": "preflight_permissions"}, "operator_policy_other_roles: is empty: preflight_permissions needs"),
    ({"editable_policies": "a*"}, "operator_policy_editable_policies: 'a*' does not name a managed policy"),
    (
        {"name_prefix": "../x", "directory": "policies"},
        "operator_policy_name_prefix: '../x' is not the beginning of",
    ),
    (
        {"name_prefix": "../x", "state": "absent"},
        "operator_policy_name_prefix: '../x' is not the beginning of",
    ),
    ({"path": "/a b/"}, "operator_policy_path: '/a b/' is not a path"),
    ({"mode": "create", "tags": {"x" * 129: ""}}, "operator_policy_tags: 'xxx"),
    ({"state": "restored"}, "operator_policy_backup_file: is empty: name the file that an earlier run wrote"),
    ({"role": "a b"}, "operator_policy_role: 'a b' does not name an IAM role"),
]


def test_wrong_input_is_one_line(account):
    role = {"name": "fleet.aws_ssm.operator_policy"}
    tasks = [
        {
            "block": [
                {
                    "ansible.builtin.include_role": role,
                    "vars": {f"operator_policy_{name}": value for name, value in variables.items()},
                }
            ],
            "rescue": [{"ansible.builtin.set_fact": {f"case_{number}": "{{ ansible_failed_result.msg }}"}}],
        }
        for number, (variables, _words) in enumerate(WRONG)
    ]
    run = account.play(tasks, keep=[f"case_{number}" for number in range(len(WRONG))]).ok()
    assert run.writes == []
    expected = [words for _variables, words in WRONG]
    messages = list(run.result.values())
    wrong = [(said, words) for said, words in zip(messages, expected, strict=True) if not said.startswith(words)]
    assert wrong == []
    assert [said for said in messages if "\n" in said or not said.endswith("Nothing was changed.")] == []
