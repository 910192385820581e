# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Rules: what instance profiles allow on the instances that have them, as rows of a result. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from ansible_collections.fleet.aws_ssm.plugins.module_utils._errors import describe
from ansible_collections.fleet.aws_ssm.plugins.module_utils._iam.profile_access import (
    EC2_SERVICE,
    RoleAccess,
    bounded,
    least,
    strictest,
    together,
    unclear,
)
from ansible_collections.fleet.aws_ssm.plugins.module_utils._iam_policy import Answer, Decision
from ansible_collections.fleet.aws_ssm.plugins.module_utils._permissions import (
    PING,
    RoleFacts,
    may,
    resources_of,
    worst,
)

if TYPE_CHECKING:
    from ansible_collections.fleet.aws_ssm.plugins.module_utils._profile_survey import Profile, Survey

_ORDER: Mapping[str | None, int] = {"yes": 0, "maybe": 1, None: 2, "no": 3}


def profile_rows(survey: Survey, actions: list[str], resources: list[str]) -> list[dict[str, Any]]:
    """What each profile allows, the allowing ones first. Without resources, each instance is judged for the ping."""
    judge = _Judge(survey, actions, resources)
    return sorted((judge.row(profile) for profile in survey.profiles), key=lambda row: _ORDER[row["answer"]])


def allowing_roles(rows: Iterable[Mapping[str, Any]]) -> set[str]:
    """The roles of the profiles that allow something, or may do so."""
    return {row["role"] for row in rows if row["answer"] in ("yes", "maybe")}


def add_simulated(row: dict[str, Any], found: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> None:
    """Add what IAM says of a row's actions, by region and action. Service control policies bound the answers."""
    for entry in row["permissions"]:
        simulated = [one for answers in found.values() if (one := answers.get(entry["action"].lower()))]
        entry["simulated"] = strictest(simulated)
        entry["answer"] = bounded(Answer(entry["answer"]), simulated).value
    if not found or row["answer"] is None:
        return
    for one in row["instances"]:
        in_region = found.get(one["region"], {})
        most = worst(bounded(Answer(one["answer"]), [answer]) for answer in in_region.values())
        one["answer"] = most.value if in_region else one["answer"]
    row["answer"] = least((Answer(row["answer"]), worst(Answer(entry["answer"]) for entry in row["permissions"]))).value


class _Judge:
    def __init__(self, survey: Survey, actions: list[str], resources: list[str]) -> None:
        self._survey, self._actions, self._resources = survey, actions, resources
        self._access = {
            name: RoleAccess(role, EC2_SERVICE, survey.partition, survey.account) for name, role in survey.roles.items()
        }

    def row(self, profile: Profile) -> dict[str, Any]:
        error = self._survey.role_errors.get(profile.role or "")
        role = self._survey.roles.get(profile.role or "")
        trust = self._access[role.name].trust if role else None
        permissions = [self._permission(profile, role, action) for action in self._actions] if role else []
        answer = worst(Answer(entry["answer"]) for entry in permissions)
        return {
            "instance_profile": profile.name,
            "arn": profile.arn,
            "role": profile.role,
            "role_arn": role.detail["Arn"] if role else None,
            "answer": None if error else least((trust.answer if trust else Answer.NO, answer)).value,
            "note": "" if error else _note(profile, trust),
            "permissions": permissions,
            "instances": [
                {
                    "region": row["Region"],
                    "instance_id": row["InstanceId"],
                    "state": row["State"]["Name"],
                    "answer": None if error else self._on(role, row, permissions),
                }
                for row in profile.instances
            ],
            "failed": bool(error),
            **({"error": describe(error)} if error else {}),
        }

    def _by_instance(self, action: str) -> bool:
        """Whether the action is decided for each instance: an instance calls it on itself."""
        return not self._resources and action.lower() == PING.lower()

    def _on(self, role: RoleFacts | None, row: Mapping[str, Any], permissions: Iterable[Mapping[str, Any]]) -> str:
        """The answer for one of the instances."""
        if role is None:
            return Answer.NO.value
        access = self._access[role.name].on(row["Region"], row["Target"])
        answers = [
            access.pings.answer if self._by_instance(entry["action"]) else Answer(entry["answer"])
            for entry in permissions
        ]
        return least((access.trust.answer, worst(answers))).value

    def _permission(self, profile: Profile, role: RoleFacts, action: str) -> dict[str, Any]:
        survey = self._survey
        resources = resources_of(action, self._resources, survey.partition, survey.account)
        decision = may(role, action, resources)
        if self._by_instance(action):
            decision = self._pings(profile, role)
            regions = sorted({row["Region"] for row in profile.instances}) or survey.regions
            resources = [f"arn:{survey.partition}:ec2:{name}:{survey.account}:instance/*" for name in regions]
        return {
            "action": action,
            "resources": resources,
            "answer": decision.answer.value,
            "reasons": [asdict(reason) for reason in decision.reasons],
        }

    def _pings(self, profile: Profile, role: RoleFacts) -> Decision:
        """For the instances of the profile; without any, for whatever instance of the regions."""
        access = self._access[role.name]
        if not profile.instances:
            return access.anywhere(self._survey.regions).pings
        return together(access.on(row["Region"], row["Target"]).pings for row in profile.instances)


def _note(profile: Profile, trust: Decision | None) -> str:
    """Why the profile gives nothing, or may give nothing, whatever its role allows."""
    if not profile.exists:
        return "the profile was deleted while instances still name it"
    if profile.role is None:
        return "the profile has no role"
    if trust is None:
        return "the role is gone"
    if trust.answer is Answer.NO:
        return "EC2 may not assume the role, so that the profile gives no credentials"
    if trust.answer is Answer.MAYBE:
        return f"it is unclear whether EC2 may assume the role: {unclear(trust)}"
    return ""
