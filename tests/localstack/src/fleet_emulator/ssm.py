# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""SSM: service settings and managed nodes. Everything else is LocalStack's."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from localstack.aws.api import RequestContext, handler
from localstack.aws.api.ssm import InvalidFilterKey
from localstack.services.ssm.provider import SsmProvider

from fleet_emulator import agents, node_views, principals, role_policies, settings
from fleet_emulator.faults import FAULTS, Target


class FleetSsmProvider(SsmProvider):
    """LocalStack's SSM with the operations it lacks."""

    @handler("GetServiceSetting", expand=False)
    def get_service_setting(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """AWS Systems Manager API Reference, "GetServiceSetting"."""
        where = _where(context)
        return {"ServiceSetting": _view(where, settings.resolve(request["SettingId"], where))}

    @handler("UpdateServiceSetting", expand=False)
    def update_service_setting(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """AWS Systems Manager API Reference, "UpdateServiceSetting"."""
        where = _where(context)
        path = settings.resolve(request["SettingId"], where)
        value = request["SettingValue"]
        settings.check(path, value)
        if path == settings.DHMC:
            _refuse_unseen_role(context, where, value)
        settings.STORE.update(where, path, value, principals.caller_arn(context))
        return {}

    @handler("ResetServiceSetting", expand=False)
    def reset_service_setting(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """AWS Systems Manager API Reference, "ResetServiceSetting": answers with the setting after the call."""
        where = _where(context)
        path = settings.resolve(request["SettingId"], where)
        settings.STORE.delete(where, path)
        return {"ServiceSetting": _view(where, path)}

    @handler("DescribeInstanceInformation", expand=False)
    def describe_instance_information(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """AWS Systems Manager API Reference, "DescribeInstanceInformation": pages of 5 to 50, 10 by default."""
        filters = node_views.merged_filters(request)
        nodes = agents.managed(context.account_id, context.region)
        items, token = node_views.page(nodes, node_views.information, filters, request, (5, 50, 10))
        return {"InstanceInformationList": items, **({"NextToken": token} if token else {})}

    @handler("DescribeInstanceProperties", expand=False)
    def describe_instance_properties(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """AWS Systems Manager API Reference, "DescribeInstanceProperties": pages of 5 to 1000."""
        filters = [(item["Key"], item["Values"]) for item in request.get("FiltersWithOperator") or []]
        filters += [(item["key"], item["valueSet"]) for item in request.get("InstancePropertyFilterList") or []]
        for key, _ in filters:
            if key not in node_views.FILTER_FIELDS:
                raise InvalidFilterKey(f"The specified filter key {key} is not valid.")
        nodes = agents.managed(context.account_id, context.region)
        items, token = node_views.page(nodes, node_views.properties, filters, request, (5, 1000, 1000))
        return {"InstanceProperties": items, **({"NextToken": token} if token else {})}


def _where(context: RequestContext) -> settings.Where:
    return settings.Where(context.partition, context.region, context.account_id)


def _view(where: settings.Where, path: str) -> dict[str, Any]:
    value = settings.STORE.get(where, path)
    return {
        "SettingId": path,
        "SettingValue": value.value,
        "LastModifiedDate": value.modified,
        "LastModifiedUser": value.user or "System",
        "ARN": where.arn(path),
        "Status": "Customized" if value.user else "Default",
    }


def _refuse_unseen_role(context: RequestContext, where: settings.Where, value: str) -> None:
    """With a propagation fault a role that is new, or not there, is unknown to SSM.

    IAM User Guide, "Troubleshooting IAM": changes are eventually consistent. The text is the one SSM gives for the
    role of an activation (aws/aws-cli, issue 4232). Without the fault SSM takes any name: whether AWS checks it is
    not documented.
    """
    delay = FAULTS.propagation(Target(where.account, "ssm", context.operation.name, where.region))
    if not delay:
        return
    role = role_policies.find_role(where.account, where.partition, value.rpartition("/")[2])
    if role is None or (datetime.now(UTC) - role.create_date.replace(tzinfo=UTC)).total_seconds() < delay:
        arn = f"arn:{where.partition}:iam::{where.account}:role/{value}"
        raise settings.ValidationException(f"Not existing role: {arn}")
