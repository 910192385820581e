# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Gateway: customer managed policies of an account, and what they are attached to; documents as the text IAM holds.

Raises botocore's errors; botocore repeats what IAM throttles.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

try:
    from botocore.exceptions import ClientError
except ImportError:
    pass  # AnsibleAWSModule says what is missing

from ansible_collections.fleet.aws_ssm.plugins.module_utils._errors import code_of
from ansible_collections.fleet.aws_ssm.plugins.module_utils._iam_fleet_api import keep_texts
from ansible_collections.fleet.aws_ssm.plugins.module_utils._policy_set.types import Holder, Policy

# Seconds after which another of IAM's servers surely knows what was written: AWS promises no time; Terraform waits 120.
_PATIENCE = 120.0
# A conflict may be a real one, which no waiting ends.
_PATIENCE_WITH_CONFLICTS = 20.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 8.0


class PolicyGateway:
    """IAM's managed policies through one client. `deadline` is a reading of `time.monotonic`."""

    def __init__(self, iam: Any, deadline: float) -> None:
        """Keep the texts of documents from now on."""
        keep_texts(iam)
        self._iam, self._deadline = iam, deadline

    # Reading.

    def names(self) -> dict[str, str]:
        """The ARNs of all the account's own policies by name."""
        pages = self._iam.get_paginator("list_policies").paginate(Scope="Local", PaginationConfig={"PageSize": 1000})
        return {policy["PolicyName"]: policy["Arn"] for page in pages for policy in page["Policies"]}

    def policy(self, arn: str) -> Policy | None:
        """The policy with the text of its default version, or None. Two calls."""
        with _none_if_missing():
            found = self._iam.get_policy(PolicyArn=arn)["Policy"]
            version = found["DefaultVersionId"]
            return Policy(
                name=found["PolicyName"],
                arn=arn,
                path=found["Path"],
                description=found.get("Description", ""),
                tags={tag["Key"]: tag["Value"] for tag in found.get("Tags", [])},
                document=self.version_text(arn, version),
                version=version,
                boundaries=found.get("PermissionsBoundaryUsageCount", 0),
            )
        return None

    def version_text(self, arn: str, version: str) -> str:
        """The document of a version."""
        return self._iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Text"]

    def versions(self, arn: str) -> list[str]:
        """The ids of the versions, the oldest first."""
        pages = self._iam.get_paginator("list_policy_versions").paginate(PolicyArn=arn)
        found = [version["VersionId"] for page in pages for version in page["Versions"]]
        return sorted(found, key=lambda version: int(version.removeprefix("v")))

    def holders(self, arn: str) -> frozenset[Holder]:
        """The roles, users and groups that the policy is attached to."""
        pages = self._iam.get_paginator("list_entities_for_policy").paginate(
            PolicyArn=arn, PolicyUsageFilter="PermissionsPolicy"
        )
        return frozenset(
            Holder(kind, entity[f"{kind.capitalize()}Name"])
            for page in pages
            for kind in ("role", "user", "group")
            for entity in page[f"Policy{kind.capitalize()}s"]
        )

    def exists(self, holder: Holder) -> bool:
        """Whether there is such a role, user or group."""
        with _none_if_missing():
            getattr(self._iam, f"get_{holder.kind}")(**_named(holder))
            return True
        return False

    def role(self, name: str) -> dict[str, Any] | None:
        """GetRole's answer, or None."""
        with _none_if_missing():
            return self._iam.get_role(RoleName=name)["Role"]
        return None

    def profile(self, name: str) -> dict[str, Any] | None:
        """GetInstanceProfile's answer, or None."""
        with _none_if_missing():
            return self._iam.get_instance_profile(InstanceProfileName=name)["InstanceProfile"]
        return None

    def attached(self, role: str) -> frozenset[str]:
        """The ARNs of the managed policies on the role."""
        pages = self._iam.get_paginator("list_attached_role_policies").paginate(RoleName=role)
        return frozenset(policy["PolicyArn"] for page in pages for policy in page["AttachedPolicies"])

    def quotas(self) -> Mapping[str, int]:
        """GetAccountSummary's map of quotas and usage."""
        return self._iam.get_account_summary()["SummaryMap"]

    # Writing.

    def create(self, policy: Policy, *, wait: bool = False) -> None:
        """Make the policy. `wait` for one of its name to be gone."""
        self._until(
            "EntityAlreadyExists",
            lambda: self._iam.create_policy(
                PolicyName=policy.name,
                Path=policy.path,
                PolicyDocument=policy.document,
                **({"Description": policy.description} if policy.description else {}),
                **({"Tags": _tags(policy.tags)} if policy.tags else {}),
            ),
            _PATIENCE_WITH_CONFLICTS if wait else 0.0,
        )

    def add_version(self, arn: str, document: str) -> None:
        """A new version, as the default."""
        self._iam.create_policy_version(PolicyArn=arn, PolicyDocument=document, SetAsDefault=True)

    def use_version(self, arn: str, version: str) -> None:
        """Make a version the default."""
        self._iam.set_default_policy_version(PolicyArn=arn, VersionId=version)

    def delete_version(self, arn: str, version: str) -> None:
        """Delete a version. IAM may take it for the default a moment longer."""
        with _none_if_missing():
            self._until(
                "DeleteConflict",
                lambda: self._iam.delete_policy_version(PolicyArn=arn, VersionId=version),
                _PATIENCE_WITH_CONFLICTS,
            )

    def tag(self, arn: str, tags: Mapping[str, str]) -> None:
        """Set tags."""
        self._iam.tag_policy(PolicyArn=arn, Tags=_tags(tags))

    def untag(self, arn: str, keys: list[str]) -> None:
        """Take tags away."""
        self._iam.untag_policy(PolicyArn=arn, TagKeys=keys)

    def attach(self, policy: str, holder: Holder) -> None:
        """Attach the policy. One that was made a moment ago may not be seen yet, which is waited for."""
        call = getattr(self._iam, f"attach_{holder.kind}_policy")
        self._until("NoSuchEntity", lambda: call(PolicyArn=policy, **_named(holder)), _PATIENCE)

    def detach(self, policy: str, holder: Holder) -> None:
        """Detach the policy, unless that is done."""
        with _none_if_missing():
            getattr(self._iam, f"detach_{holder.kind}_policy")(PolicyArn=policy, **_named(holder))

    def delete(self, arn: str) -> None:
        """Delete the policy, unless that is done. IAM may take it for attached a moment longer."""
        with _none_if_missing():
            self._until("DeleteConflict", lambda: self._iam.delete_policy(PolicyArn=arn), _PATIENCE_WITH_CONFLICTS)

    def _until(self, code: str, call: Callable[[], Any], patience: float) -> None:
        """Repeat the call as long as IAM answers so."""
        end = min(self._deadline, time.monotonic() + patience)
        pause = _FIRST_PAUSE
        while True:
            try:
                call()
            except ClientError as error:
                if code_of(error) != code or time.monotonic() + pause > end:
                    raise
            else:
                return
            time.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)


@contextlib.contextmanager
def _none_if_missing() -> Iterator[None]:
    """Go on after the block if IAM answers that there is no such thing."""
    try:
        yield
    except ClientError as error:
        if code_of(error) != "NoSuchEntity":
            raise


def _named(holder: Holder) -> dict[str, str]:
    return {f"{holder.kind.capitalize()}Name": holder.name}


def _tags(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]
