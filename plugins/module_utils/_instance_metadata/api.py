# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Gateway: metadata options of one region's instances, and the account's defaults there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.fleet.aws_ssm.plugins.module_utils._ec2_api import PacedEc2, find_instances

MODIFY_INSTANCE = "ModifyInstanceMetadataOptions"
MODIFY_DEFAULTS = "ModifyInstanceMetadataDefaults"


def unknown_to_botocore(client: Any, operation: str, members: Iterable[str]) -> list[str]:
    """The operation, or those of its parameters, that the installed botocore does not have."""
    model = client.meta.service_model
    if operation not in model.operation_names:
        return [operation]
    known = model.operation_model(operation).input_shape.members
    return [member for member in members if member not in known]


class MetadataOptions(PacedEc2):
    """One region's metadata options and defaults."""

    def of_instances(self, ids: Iterable[str]) -> dict[str, dict[str, Any]]:
        """DescribeInstances of the instances, by id."""
        return {row["InstanceId"]: row for row in find_instances(self._client, list(ids), [])}

    def modify(self, instance: str, options: Mapping[str, Any]) -> dict[str, Any]:
        """ModifyInstanceMetadataOptions; answers the options, with the C(State) pending or applied."""
        answer = self._call(
            MODIFY_INSTANCE, self._client.modify_instance_metadata_options, InstanceId=instance, **options
        )
        return answer["InstanceMetadataOptions"]

    def defaults(self) -> dict[str, Any]:
        """GetInstanceMetadataDefaults; a default that is not set is not in the answer."""
        return self._client.get_instance_metadata_defaults().get("AccountLevel") or {}

    def modify_defaults(self, options: Mapping[str, Any]) -> None:
        """ModifyInstanceMetadataDefaults."""
        self._call(MODIFY_DEFAULTS, self._client.modify_instance_metadata_defaults, **options)
