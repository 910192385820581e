# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is in an account, as AWS itself says it: every part that a run could change, policies as the very text."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import unquote

from botocore.handlers import json_decode_policies
from fault_account import DHMC, REGIONS

State = dict[str, Any]
_VERSION = re.compile(r"v\d+")
_MISSING = "(not there)"


def snapshot(session: Any) -> State:
    """All of it. The account's own number is left out, so that accounts can be compared."""
    state: State = {}
    iam = session.client("iam")
    # boto3 would parse the documents; their text is what must come back.
    iam.meta.events.unregister("after-call.iam", json_decode_policies)
    for page in iam.get_paginator("get_account_authorization_details").paginate(Filter=["Role", "LocalManagedPolicy"]):
        for role in page["RoleDetailList"]:
            state[f"role {role['RoleName']}"] = _role(iam, role)
        for policy in page["Policies"]:
            state[f"policy {policy['Arn']}"] = _policy(iam, policy)
    for page in iam.get_paginator("list_instance_profiles").paginate():
        for profile in page["InstanceProfiles"]:
            state[f"profile {profile['InstanceProfileName']}"] = {
                "id": profile["InstanceProfileId"],
                "path": profile["Path"],
                "roles": [role["RoleName"] for role in profile["Roles"]],
                "tags": _tags(
                    iam.list_instance_profile_tags(InstanceProfileName=profile["InstanceProfileName"])["Tags"]
                ),
            }
    for region in REGIONS:
        _region(session, region, state)
    account = session.client("sts").get_caller_identity()["Account"]
    return json.loads(json.dumps(state).replace(account, "ACCOUNT"))


def differences(before: State, now: State, *, ids: bool = True) -> list[str]:
    """What is different, a line each. Without *ids* two things of the same name and content are the same."""
    before, now = (state if ids else _without_ids(state) for state in (before, now))
    lines = []
    for name in sorted({*before, *now}):
        was, is_now = before.get(name, _MISSING), now.get(name, _MISSING)
        if was == is_now:
            continue
        if isinstance(was, dict) and isinstance(is_now, dict):
            lines += [
                f"{name}: {key}: {was.get(key, _MISSING)!r} -> {is_now.get(key, _MISSING)!r}"
                for key in sorted({*was, *is_now})
                if was.get(key, _MISSING) != is_now.get(key, _MISSING)
            ]
        else:
            lines.append(f"{name}: {was!r} -> {is_now!r}")
    return lines


def online(session: Any) -> dict[str, str]:
    """Each managed instance and its PingStatus."""
    found = {}
    for region in REGIONS:
        for page in session.client("ssm", region_name=region).get_paginator("describe_instance_information").paginate():
            found.update({node["InstanceId"]: node["PingStatus"] for node in page["InstanceInformationList"]})
    return found


def _role(iam: Any, role: dict[str, Any]) -> State:
    # The listing leaves out what only GetRole and ListRoleTags say.
    full = iam.get_role(RoleName=role["RoleName"])["Role"]
    return {
        "id": role["RoleId"],
        "path": role["Path"],
        "description": full.get("Description", ""),
        "session": full.get("MaxSessionDuration"),
        "trust": unquote(role["AssumeRolePolicyDocument"]),
        "boundary": full.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn"),
        "attached": sorted(policy["PolicyArn"] for policy in role["AttachedManagedPolicies"]),
        "tags": _tags(iam.list_role_tags(RoleName=role["RoleName"])["Tags"]),
        **{f"inline {one['PolicyName']}": unquote(one["PolicyDocument"]) for one in role["RolePolicyList"]},
    }


def _policy(iam: Any, policy: dict[str, Any]) -> State:
    full = iam.get_policy(PolicyArn=policy["Arn"])["Policy"]
    return {
        "id": full["PolicyId"],
        "description": full.get("Description", ""),
        "path": policy["Path"],
        "default": policy["DefaultVersionId"],
        "attachments": policy["AttachmentCount"],
        "tags": _tags(iam.list_policy_tags(PolicyArn=policy["Arn"])["Tags"]),
        **{one["VersionId"]: unquote(one["Document"]) for one in policy["PolicyVersionList"]},
    }


def _region(session: Any, region: str, state: State) -> None:
    ssm, ec2 = session.client("ssm", region_name=region), session.client("ec2", region_name=region)
    value = ssm.get_service_setting(SettingId=DHMC)["ServiceSetting"]
    state[f"setting {region}"] = {"value": value["SettingValue"], "status": value["Status"]}
    defaults = ec2.get_instance_metadata_defaults()["AccountLevel"]
    state[f"metadata defaults {region}"] = {key: value for key, value in defaults.items() if key != "ManagedBy"}
    rows = ec2.describe_iam_instance_profile_associations()["IamInstanceProfileAssociations"]
    profiles = {row["InstanceId"]: row["IamInstanceProfile"] for row in rows if row["State"] == "associated"}
    for page in ec2.get_paginator("describe_instances").paginate():
        for reservation in page["Reservations"]:
            for instance in reservation["Instances"]:
                profile = profiles.get(instance["InstanceId"], {})
                state[f"instance {region} {_tags(instance.get('Tags', [])).get('Name', instance['InstanceId'])}"] = {
                    "state": instance["State"]["Name"],
                    "tags": _tags(instance.get("Tags", [])),
                    "profile": profile.get("Arn"),
                    "id": profile.get("Id"),
                    **{f"metadata {key}": value for key, value in instance["MetadataOptions"].items()},
                }


def _tags(tags: list[dict[str, str]]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in tags}


def _without_ids(state: State) -> State:
    return {name: _nameless(parts) if isinstance(parts, dict) else parts for name, parts in state.items()}


def _nameless(parts: dict[str, Any]) -> dict[str, Any]:
    """Without the id, and without the numbers of a policy's versions: one that is made twice has another number."""
    versions = {key: value for key, value in parts.items() if _VERSION.fullmatch(key)}
    found = {key: value for key, value in parts.items() if key != "id" and key not in versions}
    if versions:
        found.update(default=versions[parts["default"]], texts=sorted({*versions.values()}))
    return found
