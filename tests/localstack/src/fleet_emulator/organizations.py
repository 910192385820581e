# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""AWS Organizations: moto's, and the role that AWS puts into every account it creates."""

from __future__ import annotations

import json
from typing import Any

from localstack.aws.api import RequestContext
from localstack.aws.spec import load_service
from localstack.services.moto import call_moto
from localstack.services.plugins import Service
from moto.iam.models import iam_backends

ACCESS_ROLE = "OrganizationAccountAccessRole"


class _Provider:
    service = "organizations"


def service() -> Service:
    """Every operation of the API, answered by moto."""
    table: dict[str, Any] = {
        name: lambda context, request: call_moto(context) for name in load_service("organizations").operation_names
    }
    table["CreateAccount"] = create_account
    return Service.for_provider(_Provider(), dispatch_table_factory=lambda provider: table)


def create_account(context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
    """AWS Organizations User Guide, "Accessing member accounts": a new account has a role for its administrators.

    It trusts the management account and may do everything; its name can be chosen in the request.
    """
    answer: dict[str, Any] = call_moto(context)
    backend = iam_backends[answer["CreateAccountStatus"]["AccountId"]][context.partition]
    principal = {"AWS": f"arn:{context.partition}:iam::{context.account_id}:root"}
    statement = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
    role = backend.create_role(
        role_name=request.get("RoleName") or ACCESS_ROLE,
        assume_role_policy_document=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
        path="/",
        permissions_boundary=None,
        description="",
        tags=[],
        max_session_duration="3600",
    )
    backend.attach_role_policy(f"arn:{context.partition}:iam::aws:policy/AdministratorAccess", role.name)
    return answer
