# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Who makes a call."""

from __future__ import annotations

import contextlib

from localstack.aws.api import RequestContext
from localstack.utils.aws.request_context import extract_access_key_id_from_auth_header
from moto.iam.models import iam_backends
from moto.sts.models import sts_backends

from fleet_emulator.environ import is_account_id


def caller_arn(context: RequestContext) -> str:
    """The ARN that GetCallerIdentity would give: the account's root for an account id, a session, or a user."""
    key = extract_access_key_id_from_auth_header(context.request.headers) or ""
    account, partition = context.account_id, context.partition
    if not is_account_id(key):
        with contextlib.suppress(KeyError, AttributeError):
            role = sts_backends[account][partition].get_assumed_role_from_access_key(key)
            if role is not None:
                return str(role.arn)
            user = iam_backends[account][partition].get_user_from_access_key_id(key)
            if user is not None:
                return str(user.arn)
    return f"arn:{partition}:iam::{account}:root"
