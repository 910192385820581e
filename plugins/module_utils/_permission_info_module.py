# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Module body of instance_profile_permission_info: what profiles allow, through what, and whom it concerns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ansible_collections.fleet.aws_ssm.plugins.module_utils._errors import Failure, describe
from ansible_collections.fleet.aws_ssm.plugins.module_utils._iam_fleet_api import read_all, simulate
from ansible_collections.fleet.aws_ssm.plugins.module_utils._iam_policy import Answer
from ansible_collections.fleet.aws_ssm.plugins.module_utils._permissions import (
    PING,
    checked_actions,
    checked_resources,
)
from ansible_collections.fleet.aws_ssm.plugins.module_utils._profile_permission.decided import (
    add_simulated,
    allowing_roles,
    profile_rows,
)
from ansible_collections.fleet.aws_ssm.plugins.module_utils._profile_survey import Survey, Surveyor

if TYPE_CHECKING:
    from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

# Resources for which one call of SimulatePrincipalPolicy is asked.
_SIMULATED = 20


def run_info(module: AnsibleAWSModule) -> dict[str, Any]:
    """instance_profile_permission_info: fails, with what was read, if a region or a role could not be read."""
    actions = checked_actions(module.params["actions"])
    resources = checked_resources(module.params["resources"])
    surveyor = Surveyor(module)
    survey = surveyor.read()
    rows = profile_rows(survey, actions, resources)
    sharing, unshared = surveyor.sharing(sorted(allowing_roles(rows)))
    for row in rows:
        row["other_profiles"] = [name for name in sharing.get(row["role"], {}) if name != row["instance_profile"]]
    if module.params["simulate"]:
        unshared = {**unshared, **_simulate(surveyor, survey, rows, actions, resources)}
    return finish(rows, survey, unshared)


def finish(rows: list[dict[str, Any]], survey: Survey, role_errors: Mapping[str, Exception]) -> dict[str, Any]:
    """The module's result, or a Failure with it if something could not be read."""
    for row in rows:
        if row["role"] in role_errors and not row["failed"]:
            row.update(failed=True, error=describe(role_errors[row["role"]]))
    result: dict[str, Any] = {
        "changed": False,
        "profiles": rows,
        "summary": summary_of(rows),
        "failed_regions": failed_regions(survey),
        "forbidden_regions": survey.forbidden,
    }
    why = [f"{f['region']}: {f['error']['code']}: {f['error']['message']}" for f in result["failed_regions"]]
    failed = {row["role"]: row["error"] for row in rows if row["failed"]}
    why += [f"role {role}: {error['code']}: {error['message']}" for role, error in failed.items()]
    if why:
        more = f"; and {len(why) - 10} more" if len(why) > 10 else ""
        raise Failure(f"Not all could be read: {'; '.join(why[:10])}{more}", **result)
    return result


def failed_regions(survey: Survey) -> list[dict[str, Any]]:
    """The regions whose instances could not be read."""
    return [{"region": region, "error": describe(error)} for region, error in survey.region_errors.items()]


def summary_of(rows: list[dict[str, Any]]) -> dict[str, int]:
    """How many profiles, and how many of each answer, and the instances that get it, or may get it."""
    answers = Counter(row["answer"] for row in rows if row["answer"])
    concerned = sum(one["answer"] in ("yes", "maybe") for row in rows for one in row["instances"])
    return {
        "profiles": len(rows),
        **{answer.value: answers[answer.value] for answer in Answer},
        "instances": concerned,
    }


def _simulate(
    surveyor: Surveyor, survey: Survey, rows: list[dict[str, Any]], actions: list[str], given: list[str]
) -> dict[str, Exception]:
    """Add IAM's own answer to each row, asked for each role and region, and let it bound the row's answer."""
    iam = surveyor.iam
    instances: dict[str, dict[str, list[str]]] = {}
    for row in rows:
        if row["role_arn"]:
            of_region = instances.setdefault(row["role"], {})
            for one in row["instances"]:
                name = f"arn:{survey.partition}:ec2:{one['region']}:{survey.account}:instance/{one['instance_id']}"
                of_region.setdefault(one["region"], []).append(name)

    def ask(role: str) -> dict[str, dict[str, dict[str, Any]]]:
        found: dict[str, dict[str, dict[str, Any]]] = {}
        for region, own in (instances[role] or {"": []}).items():
            called_on: dict[tuple[str, ...], list[str]] = {}
            for action in actions:
                on = own[:_SIMULATED] if action.lower() == PING.lower() else []
                called_on.setdefault(tuple(given or on or ["*"]), []).append(action)
            for resources, these in called_on.items():
                answers = simulate(iam, survey.roles[role].detail["Arn"], these, resources, region)
                found.setdefault(region, {}).update({name.lower(): one for name, one in answers.items()})
        return found

    found, errors = read_all(ask, instances, surveyor.deadline)
    for row in rows:
        add_simulated(row, found.get(row["role"], {}))
    return errors
