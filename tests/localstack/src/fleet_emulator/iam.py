# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""IAM with AWS's quotas, name rules and pages, and a policy simulator that is right."""

from __future__ import annotations

import contextvars
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from localstack.aws.api import RequestContext, handler
from localstack.aws.api.iam import DeleteConflictException, NoSuchEntityException
from localstack.services.iam.provider import IamProvider, get_iam_backend
from localstack.services.moto import MotoFallbackDispatcher, call_moto
from localstack.utils.patch import patch
from moto.iam.models import IAMBackend

from fleet_emulator import iam_paging, iam_rules, simulator
from fleet_emulator.iam_rules import QUOTAS_OF

Answer = dict[str, Any]


@dataclass
class _Window:
    """The part of the authorization details that a page shows; moto says how many there are."""

    start: int
    end: int
    total: int = 0


_window: contextvars.ContextVar[_Window | None] = contextvars.ContextVar("window", default=None)


def dispatch_table(provider: object) -> dict[str, Callable[[RequestContext, Any], Any]]:
    """LocalStack's table with a check of the parameters before every operation."""

    def checked(operation: str, function: Callable[[RequestContext, Any], Any]) -> Callable[[RequestContext, Any], Any]:
        def call(context: RequestContext, request: Any) -> Any:
            iam_rules.check_parameters(operation, request or {})
            return function(context, request)

        return call

    return {name: checked(name, function) for name, function in MotoFallbackDispatcher(provider).items()}


class FleetIamProvider(IamProvider):
    """LocalStack's IAM with what it lacks or gets wrong."""

    def __init__(self) -> None:
        super().__init__()
        _page_authorization_details()

    @handler("GetAccountSummary", expand=False)
    def get_account_summary(self, context: RequestContext, request: Answer) -> Answer:
        """The quotas in force here (IAM API Reference, "GetAccountSummary")."""
        answer: Answer = call_moto(context)
        answer["SummaryMap"].update(QUOTAS_OF.of(context.account_id))
        return answer

    @handler("CreateRole", expand=False)
    def create_role(self, context: RequestContext, request: Answer) -> Any:
        """IAM API Reference, "CreateRole"."""
        quotas, backend = QUOTAS_OF.of(context.account_id), get_iam_backend(context)
        iam_rules.check_trust_policy(request["AssumeRolePolicyDocument"], quotas["AssumeRolePolicySizeQuota"])
        iam_rules.check_unique("Role", request["RoleName"], [role.name for role in list(backend.roles.values())])
        iam_rules.check_count(len(backend.roles), quotas["RolesQuota"], "RolesPerAccount")
        return super().create_role(context, request)

    @handler("UpdateAssumeRolePolicy", expand=False)
    def update_assume_role_policy(self, context: RequestContext, request: Answer) -> Any:
        """IAM API Reference, "UpdateAssumeRolePolicy"."""
        quota = QUOTAS_OF.of(context.account_id)["AssumeRolePolicySizeQuota"]
        iam_rules.check_trust_policy(request["PolicyDocument"], quota)
        return call_moto(context)

    @handler("CreatePolicy", expand=False)
    def create_policy(self, context: RequestContext, request: Answer) -> Any:
        """IAM API Reference, "CreatePolicy"."""
        quotas = QUOTAS_OF.of(context.account_id)
        own = _own_policies(context)
        iam_rules.check_identity_policy(request["PolicyDocument"])
        iam_rules.check_policy_size(request["PolicyDocument"], quotas["PolicySizeQuota"])
        iam_rules.check_unique("Policy", request["PolicyName"], [policy.name for policy in own])
        iam_rules.check_count(len(own), quotas["PoliciesQuota"], "PoliciesPerAccount")
        return call_moto(context)

    @handler("CreatePolicyVersion", expand=False)
    def create_policy_version(self, context: RequestContext, request: Answer) -> Any:
        """IAM API Reference, "CreatePolicyVersion"; moto counts the versions."""
        iam_rules.check_identity_policy(request["PolicyDocument"])
        quota = QUOTAS_OF.of(context.account_id)["PolicySizeQuota"]
        iam_rules.check_policy_size(request["PolicyDocument"], quota)
        return call_moto(context)

    @handler("GetPolicy", expand=False)
    def get_policy(self, context: RequestContext, request: Answer) -> Any:
        """IAM API Reference, "Policy": how many entities have it as their permissions boundary; moto says 0."""
        answer = call_moto(context)
        answer["Policy"]["PermissionsBoundaryUsageCount"] = _bounded_by(context, request["PolicyArn"])
        return answer

    def delete_policy(self, context: RequestContext, policy_arn: str, **kwargs: Any) -> None:
        """IAM API Reference, "DeletePolicy": detach it and delete its other versions first."""
        policy = get_iam_backend(context).managed_policies.get(policy_arn)
        if policy is None:
            raise NoSuchEntityException(f"Policy {policy_arn} was not found.")
        if policy.attachment_count:
            raise DeleteConflictException("Cannot delete a policy attached to entities.")
        if len(policy.versions) > 1:
            raise DeleteConflictException(
                "This policy has more than one version. Before you delete a policy, you must delete the policy's "
                "versions. The default version is deleted with the policy."
            )
        super().delete_policy(context, policy_arn, **kwargs)

    @handler("PutRolePolicy", expand=False)
    def put_role_policy(self, context: RequestContext, request: Answer) -> Any:
        """IAM API Reference, "PutRolePolicy"."""
        role = _role(context, request["RoleName"])
        document = request["PolicyDocument"]
        iam_rules.check_identity_policy(document)
        others = [text for name, text in role.policies.items() if name != request["PolicyName"]]
        quota = QUOTAS_OF.of(context.account_id)["RolePolicySizeQuota"]
        iam_rules.check_inline_size(role.name, [*others, document], quota)
        return call_moto(context)

    def attach_role_policy(self, context: RequestContext, role_name: str, policy_arn: str, **kwargs: Any) -> None:
        """IAM API Reference, "AttachRolePolicy": attaching a policy again changes nothing; moto counts it again."""
        role = _role(context, role_name)
        if policy_arn in role.managed_policies:
            return
        quota = QUOTAS_OF.of(context.account_id)["AttachedPoliciesPerRoleQuota"]
        iam_rules.check_count(len(role.managed_policies), quota, "PoliciesPerRole")
        super().attach_role_policy(context, role_name, policy_arn, **kwargs)

    @handler("SetDefaultPolicyVersion", expand=False)
    def set_default_policy_version(self, context: RequestContext, request: Answer) -> Any:
        """IAM API Reference, "SetDefaultPolicyVersion". Set again, moto leaves the policy without a default."""
        policy = get_iam_backend(context).managed_policies.get(request["PolicyArn"])
        if policy is not None and policy.default_version_id == request["VersionId"]:
            return {}
        return call_moto(context)

    @handler("CreateInstanceProfile", expand=False)
    def create_instance_profile(self, context: RequestContext, request: Answer) -> Any:
        """IAM API Reference, "CreateInstanceProfile"."""
        names = list(get_iam_backend(context).instance_profiles)
        iam_rules.check_unique("Instance Profile", request["InstanceProfileName"], names)
        quota = QUOTAS_OF.of(context.account_id)["InstanceProfilesQuota"]
        iam_rules.check_count(len(names), quota, "InstanceProfilesPerAccount")
        return call_moto(context)

    @handler("ListRoles", expand=False)
    def list_roles(self, context: RequestContext, request: Answer) -> Answer:
        """IAM API Reference, "ListRoles": without tags and permissions boundaries."""
        prefix = request.get("PathPrefix") or "/"
        roles = [role for role in list(get_iam_backend(context).roles.values()) if role.path.startswith(prefix)]
        found, rest = iam_paging.page(sorted(roles, key=lambda role: role.name.lower()), request)
        views = []
        for role in found:
            view = dict(self.moto_role_to_role_type(role))
            view.pop("PermissionsBoundary", None)
            view.pop("Tags", None)
            view["AssumeRolePolicyDocument"] = quote(role.assume_role_policy_document or "{}")
            views.append(view)
        return {"Roles": views, **rest}

    @handler("ListInstanceProfiles", expand=False)
    def list_instance_profiles(self, context: RequestContext, request: Answer) -> Answer:
        """IAM API Reference, "ListInstanceProfiles"."""
        prefix = request.get("PathPrefix") or "/"
        views = [view for view in call_moto(context)["InstanceProfiles"] if view["Path"].startswith(prefix)]
        found, rest = iam_paging.page(sorted(views, key=lambda view: view["InstanceProfileName"].lower()), request)
        return {"InstanceProfiles": found, **rest}

    @handler("ListInstanceProfilesForRole", expand=False)
    def list_instance_profiles_for_role(self, context: RequestContext, request: Answer) -> Answer:
        """IAM API Reference, "ListInstanceProfilesForRole"."""
        _role(context, request["RoleName"])
        found, rest = iam_paging.page(call_moto(context)["InstanceProfiles"], request)
        return {"InstanceProfiles": found, **rest}

    @handler("ListRolePolicies", expand=False)
    def list_role_policies(self, context: RequestContext, request: Answer) -> Answer:
        """IAM API Reference, "ListRolePolicies"."""
        found, rest = iam_paging.page(sorted(_role(context, request["RoleName"]).policies), request)
        return {"PolicyNames": found, **rest}

    @handler("GetAccountAuthorizationDetails", expand=False)
    def get_account_authorization_details(self, context: RequestContext, request: Answer) -> Answer:
        """IAM API Reference, "GetAccountAuthorizationDetails": pages run over users, groups, roles and policies."""
        window = _Window(*iam_paging.window(request))
        token = _window.set(window)
        try:
            answer: Answer = call_moto(context)
        finally:
            _window.reset(token)
        answer.pop("Marker", None)
        for policy in answer["Policies"]:
            # moto leaves both out.
            policy["PolicyName"] = policy["Arn"].rpartition("/")[2]
            policy["PermissionsBoundaryUsageCount"] = _bounded_by(context, policy["Arn"])
        return {**answer, **iam_paging.rest(window.end, window.total)}

    @handler("SimulatePrincipalPolicy", expand=False)
    def simulate_principal_policy(self, context: RequestContext, request: Answer, **kwargs: Any) -> Any:
        """IAM API Reference, "SimulatePrincipalPolicy"."""
        results = simulator.simulate(context.account_id, context.partition, request)
        found, rest = iam_paging.page(results, request)
        return {"EvaluationResults": found, **rest}


def _role(context: RequestContext, name: str) -> Any:
    for role in list(get_iam_backend(context).roles.values()):
        if role.name == name:
            return role
    raise NoSuchEntityException(f"The role with name {name} cannot be found.")


def _bounded_by(context: RequestContext, arn: str) -> int:
    """How many roles have the policy as their permissions boundary."""
    roles = list(get_iam_backend(context).roles.values())
    return sum(getattr(role, "permissions_boundary_arn", None) == arn for role in roles)


def _own_policies(context: RequestContext) -> list[Any]:
    policies = list(get_iam_backend(context).managed_policies.values())
    return [policy for policy in policies if ":iam::aws:" not in policy.arn]


def _page_authorization_details() -> None:
    """Cut moto's list before it is rendered: the 1,500 policies of AWS take seconds to write out."""

    @patch(IAMBackend.get_account_authorization_details)
    def details(original: Any, self: Any, policy_filter: list[str]) -> dict[str, Any]:
        full: dict[str, Any] = original(self, policy_filter)
        window = _window.get()
        if window is None:
            return full
        kinds = ("users", "groups", "roles", "managed_policies")
        every = [(kind, item) for kind in kinds for item in list(full[kind])]
        window.total = len(every)
        shown = every[window.start : window.end]
        return {**full, **{kind: [item for name, item in shown if name == kind] for kind in kinds}}
