# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps of the scenario s3_policy that set up or examine AWS."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from plain_aws import DEFAULT_POLICY, DEFAULT_ROLE, TRUST, Account, expect, run

NAME = "SSMInstanceProfileS3Policy"
ROLES = (f"/service-role/{DEFAULT_ROLE}", "/WebRole")
MADE_BY = {"fleet.aws_ssm/made-by": "s3_policy"}
BUCKETS = Path(os.environ["MOLECULE_PROJECT_DIRECTORY"]) / "tests" / "unit" / "fixtures" / "ssm_s3_buckets.json"
THIRTEEN = 13
FOREIGN = {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "s3:*", "Resource": "*"}]}


def _arn(account: Account, name: str, path: str = "/") -> str:
    return f"arn:aws:iam::{account.id}:policy{path}{name}"


def _policies(account: Account) -> dict[str, dict[str, Any]]:
    """The account's own policies by ARN."""
    found = {}
    for listed in account.iam.list_policies(Scope="Local")["Policies"]:
        policy = account.iam.get_policy(PolicyArn=listed["Arn"])["Policy"]
        version = account.iam.get_policy_version(PolicyArn=policy["Arn"], VersionId=policy["DefaultVersionId"])
        found[policy["Arn"]] = {
            "document": version["PolicyVersion"]["Document"],
            "tags": {tag["Key"]: tag["Value"] for tag in policy.get("Tags", [])},
            "versions": len(account.iam.list_policy_versions(PolicyArn=policy["Arn"])["Versions"]),
        }
    return found


def _expect_names(account: Account, *names: str) -> dict[str, dict[str, Any]]:
    found = _policies(account)
    expect("the account's policies", sorted(found), sorted(_arn(account, name) for name in names))
    return found


def _expect_attached(account: Account, *names: str) -> None:
    roles = account.roles()
    wanted = sorted([*(_arn(account, name) for name in names), DEFAULT_POLICY])
    expect("attached policies", {role: roles[role]["attached"] for role in ROLES}, dict.fromkeys(ROLES, wanted))


def _resources(policies: dict[str, dict[str, Any]], bucket_set: str) -> dict[str, list[str]]:
    """The regions whose buckets a policy allows, by its name; each statement must be all of one region's buckets."""
    regions = {}
    for region, names in json.loads(BUCKETS.read_text()).items():
        # The set "current" has every bucket that one of AWS's pages names.
        wanted = names["seed"] if bucket_set == "seed" else [*names["current"], *names["seed"]]
        regions[tuple(f"arn:aws:s3:::{name}/*" for name in dict.fromkeys(wanted))] = region
    found: dict[str, list[str]] = {}
    for arn, policy in policies.items():
        for statement in policy["document"]["Statement"]:
            if statement["Action"] == "s3:GetObject":
                found.setdefault(arn.rpartition("/")[2], []).append(regions[tuple(statement["Resource"])])
    return found


def empty(account: Account) -> None:
    """The role of DHMC, and an instance profile with a role."""
    account.reset()
    account.add_role(DEFAULT_ROLE, "/service-role/", TRUST, DEFAULT_POLICY)
    account.add_role("WebRole", "/", TRUST, DEFAULT_POLICY)
    account.iam.create_instance_profile(InstanceProfileName="Web")
    account.iam.add_role_to_instance_profile(InstanceProfileName="Web", RoleName="WebRole")
    account.note()


def converged(account: Account) -> None:
    """Four policies hold all regions and the own buckets."""
    names = (NAME, *(f"{NAME}-{number}" for number in (2, 3, 4)))
    policies = _expect_names(account, *names)
    _expect_attached(account, *names)
    by_policy = _resources(policies, "current")
    regions = sorted(region for found in by_policy.values() for region in found)
    expect("regions", regions, sorted(json.loads(BUCKETS.read_text())))
    statements = [statement for policy in policies.values() for statement in policy["document"]["Statement"]]
    own = [statement for statement in statements if statement["Action"] != "s3:GetObject"]
    theirs = "arn:aws:s3:::their-inventory"
    wanted = [
        {
            "Effect": "Allow",
            "Action": ["s3:GetObject", "s3:PutObject"],
            "Resource": ["arn:aws:s3:::our-session-logs/*"],
        },
        {
            "Effect": "Allow",
            "Action": ["s3:GetObject", "s3:PutObject", "s3:PutObjectAcl", "s3:GetEncryptionConfiguration"],
            "Resource": [f"{theirs}/*", theirs],
        },
    ]
    expect("statements of own buckets", sorted(own, key=lambda found: len(found["Action"])), wanted)
    for policy in policies.values():
        size = len(json.dumps(policy["document"], separators=(",", ":")))
        expect("characters over the limit", max(0, size - 6144), 0)
        expect("tags", policy["tags"], {"team": "platform", "cost-centre": "7", **MADE_BY})
    account.note()


def one_policy(account: Account) -> None:
    """Thirteen regions are in one policy."""
    regions = _resources(_expect_names(account, NAME), "seed")
    expect("regions in the policy", len(regions[NAME]), THIRTEEN)
    _expect_attached(account, NAME)
    account.note()


def second_policy(account: Account) -> None:
    """The first policy was not written."""
    regions = _resources(_expect_names(account, NAME, f"{NAME}-2"), "seed")
    expect("regions in the first policy", len(regions[NAME]), THIRTEEN)
    expect("regions in the second policy", regions[f"{NAME}-2"], ["eu-north-1", "eu-south-1", "eu-south-2"])
    _expect_attached(account, NAME, f"{NAME}-2")
    writes = [write.split()[0] for write in account.writes()]
    expect("writing API calls", writes, ["CreatePolicy", "AttachRolePolicy", "AttachRolePolicy"])
    account.note()


def one_new_version(account: Account) -> None:
    """Only the second policy was written."""
    regions = _resources(_expect_names(account, NAME, f"{NAME}-2"), "seed")
    expect("regions in the second policy", len(regions[f"{NAME}-2"]), 4)
    arn = _arn(account, f"{NAME}-2")
    expect("writing API calls", account.writes(), [f"CreatePolicyVersion us-east-1 {arn}"])


def one_policy_left(account: Account) -> None:
    """What was in the second policy is in the first."""
    regions = _resources(_expect_names(account, NAME), "seed")
    expect("regions", regions, {NAME: ["eu-north-1", "mx-central-1", "us-east-1"]})
    _expect_attached(account, NAME)


def nothing_left(account: Account) -> None:
    """The roles have what they had."""
    _expect_names(account)
    _expect_attached(account)
    account.note()


def five_versions(account: Account) -> None:
    """The last bucket is in force."""
    policy = _expect_names(account, NAME)[_arn(account, NAME)]
    expect("versions", policy["versions"], 5)
    buckets = ["arn:aws:s3:::our-bucket-7/*", "arn:aws:s3:::our-session-logs/*"]
    expect("buckets", policy["document"]["Statement"][0]["Resource"], buckets)


def foreign(account: Account) -> None:
    """Somebody else's policy of the same name, in a path."""
    empty(account)
    account.iam.create_policy(PolicyName=NAME, Path="/team/", PolicyDocument=json.dumps(FOREIGN))
    account.note()


def foreign_replaced(account: Account) -> None:
    """It is ours now; the backup holds what it was."""
    arn = _arn(account, NAME, "/team/")
    policies = _policies(account)
    expect("the account's policies", list(policies), [arn])
    expect("regions", _resources(policies, "current"), {NAME: ["eu-west-1"]})
    expect("tags", policies[arn]["tags"], MADE_BY)
    backup = [(entry["resource"], entry["before"]) for entry in json.loads(sys.argv[2])]
    expect("what was changed", [resource for resource, _before in backup], [arn, arn, f"{DEFAULT_ROLE}/{arn}"])
    expect("the document in the backup", backup[0][1]["document"], json.dumps(FOREIGN))


def foreign_restored(account: Account) -> None:
    """It is as somebody else has made it, with the one version that it had."""
    arn = _arn(account, NAME, "/team/")
    wanted = {arn: {"document": FOREIGN, "tags": {}, "versions": 1}}
    expect("the account's policies", _policies(account), wanted)
    _expect_attached(account)


def small_quota(account: Account) -> None:
    """Two policies may be attached to a role, and one role has two; a policy that differs in case."""
    empty(account)
    account.add_role("Full", "/", TRUST, DEFAULT_POLICY, "arn:aws:iam::aws:policy/CloudWatchAgentServerPolicy")
    account.iam.create_policy(PolicyName=NAME, PolicyDocument=json.dumps(FOREIGN))
    account.control.set_quotas({"AttachedPoliciesPerRoleQuota": 2}, account.id)
    account.note()


run(
    {
        step.__name__: step
        for step in (
            empty,
            converged,
            one_policy,
            second_policy,
            one_new_version,
            one_policy_left,
            nothing_left,
            five_versions,
            foreign,
            foreign_replaced,
            foreign_restored,
            small_quota,
        )
    }
)
