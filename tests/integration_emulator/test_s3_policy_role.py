# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role s3_policy as AWX and the playbooks run it."""

from __future__ import annotations

NAME = "SSMInstanceProfileS3Policy"
EMPTY = ("state", "regions", "vpc_endpoints", "bucket_set", "extra_region_buckets", "buckets", "name", "path")
EMPTY += ("description", "tags", "overwrite", "attach_to", "backup_file")


def attached(account):
    arn = f"arn:aws:iam::{account.id}:policy/{NAME}"
    holders = account.iam.list_entities_for_policy(PolicyArn=arn)
    return sorted(role["RoleName"] for role in holders["PolicyRoles"])


def role(account, *options, tasks_from="main", **variables):
    include = {"name": "fleet.aws_ssm.s3_policy", "tasks_from": f"{tasks_from}.yml"}
    return account.play([{"ansible.builtin.include_role": include}], *options, keep=("s3_policy_result",), **variables)


def test_every_answer_of_a_survey_may_be_empty(account):
    empty = {f"s3_policy_{name}": "" for name in EMPTY}
    run = role(account, **empty, ssm_tags="").ok()
    policy = account.iam.get_policy(PolicyArn=run.result["s3_policy_result"]["arns"][0])["Policy"]
    assert (policy["PolicyName"], policy["Path"]) == (NAME, "/")
    assert policy["Description"] == "Lets instances that Systems Manager manages use its S3 buckets."
    assert policy["Tags"] == [{"Key": "fleet.aws_ssm/made-by", "Value": "s3_policy"}]
    assert attached(account) == []
    assert role(account, ssm_tags="", tasks_from="absent").ok().writes == ["DeletePolicy us-east-1"]


def test_an_empty_answer_does_not_undo_the_playbooks_own_wiring(account, aws_trust):
    account.add_role("Wired", aws_trust("ssm.amazonaws.com"))
    wiring = {"__ssm_attach_to": ["dhmc_role"], "dhmc_role_name": "Wired"}
    role(account, **wiring, s3_policy_attach_to="none").ok()
    assert attached(account) == []
    role(account, **wiring, s3_policy_attach_to="").ok()
    assert attached(account) == ["Wired"]


def test_an_entry_point_does_its_part_whatever_the_state_says(account):
    role(account, tasks_from="present", s3_policy_state="absent").ok()
    assert attached(account) == []
    role(account, tasks_from="absent", s3_policy_state="present").ok()
    assert account.iam.list_policies(Scope="Local")["Policies"] == []


def test_a_result_belongs_to_one_run(account):
    include = {"name": "fleet.aws_ssm.s3_policy"}
    tasks = [
        {"ansible.builtin.include_role": include, "vars": {"s3_policy_regions": "us-east-1"}},
        {
            "block": [{"ansible.builtin.include_role": include, "vars": {"s3_policy_regions": "us-east-9"}}],
            "rescue": [{"ansible.builtin.set_fact": {"why": "{{ ansible_failed_result.msg }}"}}],
        },
    ]
    run = account.play(tasks, keep=("s3_policy_result", "why")).ok()
    assert run.result["s3_policy_result"] == {}
    assert run.result["why"].startswith("s3_policy_regions: AWS's buckets in us-east-9 are not known")
    assert run.result["why"].endswith("Nothing was changed.")


def test_the_backup_of_one_owner_is_not_restored_for_another(account, tmp_path):
    backup = str(tmp_path / "before.json")
    operator = {"operator_policy_mode": "create", "operator_policy_features": "settings"}
    operator["operator_policy_backup_file"] = backup
    tasks = [
        {"ansible.builtin.include_role": {"name": f"fleet.aws_ssm.{name}"}} for name in ("s3_policy", "operator_policy")
    ]
    account.play(tasks, s3_policy_regions="us-east-1", ssm_backup_file=backup, **operator).ok()
    role(account, tasks_from="absent", ssm_backup_file=backup).ok()
    names = [policy["PolicyName"] for policy in account.iam.list_policies(Scope="Local")["Policies"]]
    assert names == ["FleetSSMOperator-settings"]
    # There is nothing else to do, and that is no failure.
    assert role(account, tasks_from="restored", ssm_backup_file=backup).ok().writes == []
    missing = role(account, tasks_from="restored", s3_policy_backup_file=str(tmp_path / "none.json"))
    assert missing.rc != 0
    assert "none.json does not exist" in missing.text
