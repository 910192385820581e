# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""STS: assuming a role needs a role."""

from __future__ import annotations

from typing import Any

from localstack.aws.api import CommonServiceException, RequestContext
from localstack.services.sts.provider import StsProvider
from localstack.utils.aws.arns import extract_account_id_from_arn

from fleet_emulator import principals, role_policies


class FleetStsProvider(StsProvider):
    """LocalStack's STS hands out credentials for any role; AWS only for one that exists.

    AWS STS API Reference, "AssumeRole": a caller who may not assume the role gets AccessDenied, and a role that does
    not exist looks the same. Whom a trust policy names is not checked: every caller here is an account's root.
    """

    def assume_role(
        self, context: RequestContext, role_arn: str, role_session_name: str, *args: Any, **kwargs: Any
    ) -> Any:
        """Refuse a role that is not there."""
        account = extract_account_id_from_arn(role_arn)
        name = role_arn.rpartition("/")[2]
        path = role_arn.partition(":role")[2].removesuffix(name)
        if account and role_policies.find_role(account, context.partition, name, path or None) is None:
            caller = principals.caller_arn(context)
            raise CommonServiceException(
                "AccessDenied",
                f"User: {caller} is not authorized to perform: sts:AssumeRole on resource: {role_arn}",
                403,
                True,
            )
        return super().assume_role(context, role_arn, role_session_name, *args, **kwargs)
