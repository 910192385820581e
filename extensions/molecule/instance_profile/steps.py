# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps of the scenario instance_profile that set up or examine AWS."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from plain_aws import Account, expect, run

NAME = "SSMInstanceProfile"
MADE_BY = {"fleet.aws_ssm/made-by": "instance_profile"}
AWS_POLICY = "arn:aws:iam::aws:policy/"
CORE = f"{AWS_POLICY}AmazonSSMManagedInstanceCore"
READ_ONLY = f"{AWS_POLICY}ReadOnlyAccess"
S3_READ = f"{AWS_POLICY}AmazonS3ReadOnlyAccess"
STATEMENT = {"Effect": "Allow", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::session-logs/*"}
LOGS = {"Version": "2012-10-17", "Statement": [STATEMENT]}
REGION = "eu-west-1"


def _trusts(service: str) -> dict[str, Any]:
    return {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}


def _trust(*services: str) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": [_trusts(service) for service in services]}


EC2_TRUST = _trust("ec2.amazonaws.com")


class Profiles(Account):
    """The account with all that the role may change: IAM roles and instance profiles."""

    def add_profile(self, name: str, role: str = "", path: str = "/") -> None:
        """Make a profile as somebody else would."""
        self.iam.create_instance_profile(InstanceProfileName=name, Path=path)
        if role:
            self.iam.add_role_to_instance_profile(InstanceProfileName=name, RoleName=role)

    def profiles(self) -> dict[str, dict[str, Any]]:
        """All instance profiles by path and name."""
        return {
            profile["Path"] + profile["InstanceProfileName"]: {
                "roles": [role["RoleName"] for role in profile["Roles"]],
                "tags": self._profile_tags(profile["InstanceProfileName"]),
            }
            for profile in self.iam.list_instance_profiles()["InstanceProfiles"]
        }

    def _profile_tags(self, name: str) -> dict[str, str]:
        profile = self.iam.get_instance_profile(InstanceProfileName=name)["InstanceProfile"]
        return {tag["Key"]: tag["Value"] for tag in profile.get("Tags", [])}

    def roles(self) -> dict[str, dict[str, Any]]:
        """As for the other scenarios, with description and boundary."""
        found = super().roles()
        for path_name, role in found.items():
            detail = self.iam.get_role(RoleName=path_name.rpartition("/")[2])["Role"]
            role["description"] = detail.get("Description", "")
            role["boundary"] = detail.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn")
        return found

    def state(self) -> dict[str, Any]:
        """All that the role may change."""
        return {"roles": self.roles(), "profiles": self.profiles()}


def _role(**parts: Any) -> dict[str, Any]:
    plain = {"trust": EC2_TRUST, "attached": [], "inline": {}, "tags": {}, "description": "", "boundary": None}
    return {**plain, **parts}


def empty(account: Profiles) -> None:
    """Nothing at all."""
    account.reset()
    account.note()


def converged(account: Profiles) -> None:
    """The default profile with its role."""
    text = "Lets Systems Manager manage the EC2 instances that have this role's instance profile."
    wanted = {
        "roles": {f"/{NAME}": _role(attached=[CORE], tags=MADE_BY, description=text)},
        "profiles": {f"/{NAME}": {"roles": [NAME], "tags": MADE_BY}},
    }
    expect("roles and profiles", account.state(), wanted)
    account.note()


def own_policy(account: Profiles) -> None:
    """A managed policy of the account."""
    account.reset()
    account.iam.create_policy(PolicyName="TeamPolicy", Path="/team/", PolicyDocument=json.dumps(LOGS))


def custom(account: Profiles) -> None:
    """Every part that was asked for."""
    tags = {"team": "platform", **MADE_BY}
    attached = [
        CORE,
        f"{AWS_POLICY}AmazonSSMDirectoryServiceAccess",
        f"{AWS_POLICY}CloudWatchAgentServerPolicy",
        f"arn:aws:iam::{account.id}:policy/team/TeamPolicy",
    ]
    role = _role(
        attached=sorted(attached),
        inline={"logs": LOGS},
        tags=tags,
        description="For the nodes of the fleet",
        boundary=f"{AWS_POLICY}PowerUserAccess",
    )
    wanted = {
        "roles": {"/fleet/nodes/NodeRole": role},
        "profiles": {"/fleet/nodes/NodeAccess": {"roles": ["NodeRole"], "tags": tags}},
    }
    expect("roles and profiles", account.state(), wanted)
    account.note()


def foreign(account: Profiles) -> None:
    """A role in two profiles, and one in none, with policies and tags of their owner."""
    account.reset()
    for name, path in (("WebRole", "/web/"), ("Batch", "/jobs/")):
        account.add_role(name, path, _trust("ec2.amazonaws.com", "batch.amazonaws.com"), READ_ONLY)
        account.iam.put_role_policy(RoleName=name, PolicyName="logs", PolicyDocument=json.dumps(LOGS))
        account.iam.tag_role(RoleName=name, Tags=[{"Key": "owner", "Value": "web"}])
    account.add_profile("Web", "WebRole", "/web/")
    account.add_profile("Twin", "WebRole")
    account.note()


def _expect_only(account: Profiles, state: dict[str, Any], writes: list[str]) -> None:
    expect("roles and profiles", account.state(), state)
    expect("writing API calls", [write.split()[0] for write in account.writes()], writes)
    account.note()


def profile_extended(account: Profiles) -> None:
    """The core policy is on the role, by the only call that was made."""
    state = account.noted()
    state["roles"]["/web/WebRole"]["attached"] = sorted([CORE, READ_ONLY])
    _expect_only(account, state, ["AttachRolePolicy"])


def role_extended(account: Profiles) -> None:
    """The role that was in no profile is in one, and has the core policy."""
    state = account.noted()
    state["roles"]["/jobs/Batch"]["attached"] = sorted([CORE, READ_ONLY])
    state["profiles"]["/ForBatch"] = {"roles": ["Batch"], "tags": MADE_BY}
    _expect_only(account, state, ["AttachRolePolicy", "CreateInstanceProfile", "AddRoleToInstanceProfile"])


def unfit(account: Profiles) -> None:
    """A role that EC2 may not assume, a profile without a role, and a role with all the policies that it may have."""
    account.reset()
    account.control.set_quotas({"AttachedPoliciesPerRoleQuota": 2}, account.id)
    account.add_role("LambdaRole", "/", _trust("lambda.amazonaws.com"), READ_ONLY)
    account.add_profile("Lambda", "LambdaRole")
    account.add_profile("Empty", path="/old/")
    account.add_role("FullRole", "/", EC2_TRUST, READ_ONLY, S3_READ)
    account.add_profile("Full", "FullRole")
    account.note()


def fixed(account: Profiles) -> None:
    """EC2 may assume the role, the empty profile has a role that was made, and all else is as it was."""
    state = account.noted()
    found = account.state()
    state["roles"]["/LambdaRole"].update(
        trust=_trust("lambda.amazonaws.com", "ec2.amazonaws.com"), attached=sorted([CORE, READ_ONLY])
    )
    state["profiles"]["/old/Empty"]["roles"] = ["MadeForEmpty"]
    made = found["roles"].pop("/MadeForEmpty")
    expect("the role that was made", made, _role(attached=[CORE], tags=MADE_BY, description=made["description"]))
    expect("roles and profiles", found, state)


def in_use(account: Profiles) -> None:
    """A profile of somebody else."""
    account.reset()
    account.add_role("WebRole", "/", EC2_TRUST, CORE)
    account.add_profile("Web", "WebRole")
    account.note("before")


def use(account: Profiles) -> None:
    """An instance has our profile."""
    account.client("ec2", REGION).run_instances(
        ImageId="ami-12345678", MinCount=1, MaxCount=1, IamInstanceProfile={"Name": NAME}
    )
    account.note()


def use_no_more(account: Profiles) -> None:
    """No instance has our profile."""
    ec2 = account.client("ec2", REGION)
    for row in ec2.describe_iam_instance_profile_associations()["IamInstanceProfileAssociations"]:
        ec2.disassociate_iam_instance_profile(AssociationId=row["AssociationId"])


def removed(account: Profiles) -> None:
    """Only what somebody else has made is left."""
    expect("roles and profiles", account.state(), account.noted("before"))
    account.note()


def _on_profiles(step: Callable[[Profiles], None]) -> Callable[[Account], None]:
    return lambda _account: step(Profiles())


run(
    {
        step.__name__: _on_profiles(step)
        for step in (
            Profiles.unchanged,
            empty,
            converged,
            own_policy,
            custom,
            foreign,
            profile_extended,
            role_extended,
            unfit,
            fixed,
            in_use,
            use,
            use_no_more,
            removed,
        )
    }
)
