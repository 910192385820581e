# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Instance profiles on EC2 instances: associations, their states and their errors.

Amazon EC2 API Reference, "AssociateIamInstanceProfile", "ReplaceIamInstanceProfileAssociation",
"DisassociateIamInstanceProfile", "DescribeIamInstanceProfileAssociations".
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from localstack.utils.patch import patch
from moto.ec2.models.iam_instance_profile import IamInstanceProfileAssociation
from moto.iam.models import iam_backends

from fleet_emulator.ec2_errors import Ec2Error, invalid_value
from fleet_emulator.faults import FAULTS, Target

_ASSOCIATION_ID = re.compile(r"iip-assoc-[0-9a-f]+")
INSTANCE_ID = re.compile(r"i-[0-9a-f]{8}([0-9a-f]{9})?")


def apply_patches() -> None:
    """An instance shows its profile's id; moto puts the association's id there."""

    @patch(IamInstanceProfileAssociation.__init__)
    def init(original: Any, self: Any, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        self.made = time.monotonic()
        _show_profile(self.instance, self.iam_instance_profile)


class Profiles:
    """The associations of one account and region."""

    def __init__(self, backend: Any, target: Target, partition: str) -> None:
        self.backend, self.target = backend, target
        self.iam = iam_backends[target.account][partition]

    def find_profile(self, given: Mapping[str, str]) -> Any:
        """The profile that a request names, as far as EC2 sees it already.

        Right after CreateInstanceProfile EC2 answers as if there were none (IAM User Guide, "Troubleshooting IAM":
        eventual consistency; the text is the one hashicorp/terraform-provider-aws retries on).
        """
        name, arn = given.get("Name"), given.get("Arn")
        profiles = list(self.iam.instance_profiles.values())
        found = next((p for p in profiles if (arn and p.arn == arn) or (not arn and p.name == name)), None)
        if found is not None:
            delay = FAULTS.propagation(self.target)
            age = (datetime.now(UTC) - found.create_date.replace(tzinfo=UTC)).total_seconds()
            if delay and age < delay:
                found = None
        field, value, word = ("arn", arn, "ARN") if arn else ("name", name, "name")
        if found is None:
            raise invalid_value(
                f"Value ({value}) for parameter iamInstanceProfile.{field} is invalid. "
                f"Invalid IAM Instance Profile {word}"
            )
        if not found.roles:
            raise invalid_value(
                f"Value ({value}) for parameter iamInstanceProfile.{field} is invalid. "
                f'IAM Instance Profile "{found.arn}" has no associated IAM Roles'
            )
        return found

    def associate(self, instance_id: str, given: Mapping[str, str]) -> dict[str, Any]:
        """One profile an instance, and only on one that runs or is stopped."""
        instance = self.find_instance(instance_id)
        if instance.state not in ("running", "stopped"):
            raise Ec2Error(
                "IncorrectInstanceState", f"The instance '{instance_id}' is not in the 'running' or 'stopped' states."
            )
        profile = self.find_profile(given)
        if instance_id in self.backend.iam_instance_profile_associations:
            raise Ec2Error("IncorrectState", f"There is an existing association for instance {instance_id}")
        made = self.backend.associate_iam_instance_profile(instance_id, profile.name, None)
        return view(made, "associating")

    def replace(self, association_id: str, given: Mapping[str, str]) -> dict[str, Any]:
        """Another profile under a new association id; running instances only (aws/aws-cli, issue 5251)."""
        old = self._association(association_id)
        profile = self.find_profile(given)
        if old.instance.state != "running":
            raise Ec2Error("IncorrectState", f"The association {association_id} is not the active association")
        self.backend.disassociate_iam_instance_profile(association_id)
        made = self.backend.associate_iam_instance_profile(old.instance_id, profile.name, None)
        return view(made, "associating")

    def disassociate(self, association_id: str) -> dict[str, Any]:
        """Take the profile off."""
        old = self._association(association_id)
        self.backend.disassociate_iam_instance_profile(association_id)
        return view(old, "disassociating")

    def describe(self, request: Mapping[str, Any]) -> list[dict[str, Any]]:
        """The associations of instances that still exist."""
        ids = request.get("AssociationIds") or []
        if ids and request.get("MaxResults"):
            raise Ec2Error("InvalidParameterCombination", "MaxResults can not be used together with AssociationIds")
        every = [a for a in list(self.backend.iam_instance_profile_associations.values()) if _alive(a.instance)]
        delay = association_delay(self.target.account, self.target.region)
        views = [view(a, state_of(a, delay)) for a in every if not ids or a.association_id in ids]
        missing = set(ids) - {item["AssociationId"] for item in views}
        if missing:
            raise _no_association(sorted(missing)[0])
        for item in request.get("Filters") or []:
            field = {"instance-id": "InstanceId", "state": "State"}.get(item.get("Name", ""))
            if field is None:
                raise invalid_value(f"The filter '{item.get('Name')}' is invalid")
            views = [entry for entry in views if entry[field] in (item.get("Values") or [])]
        return views

    def find_instance(self, instance_id: str) -> Any:
        """The instance, or EC2's error for an id that is malformed or unknown."""
        if not INSTANCE_ID.fullmatch(instance_id):
            raise Ec2Error("InvalidInstanceID.Malformed", f'Invalid id: "{instance_id}"')
        instance = self.backend.get_instance_by_id(instance_id)
        if instance is None:
            raise Ec2Error("InvalidInstanceID.NotFound", f"The instance ID '{instance_id}' does not exist")
        return instance

    def _association(self, association_id: str) -> Any:
        if not _ASSOCIATION_ID.fullmatch(association_id):
            raise invalid_value(f"Invalid value '{association_id}' for associationId.")
        for association in list(self.backend.iam_instance_profile_associations.values()):
            if association.association_id == association_id and _alive(association.instance):
                return association
        raise _no_association(association_id)


def association_delay(account: str, region: str) -> float:
    """For how many seconds a new association stays "associating": as long as a propagation rule for its Describe says.

    A rule counts only if it names the operation: one for all of EC2 is about new instance profiles.
    """
    return FAULTS.propagation(Target(account, "ec2", "DescribeIamInstanceProfileAssociations", region), named=True)


def state_of(association: Any, delay: float) -> str:
    """The state of an association that was not taken away."""
    return "associating" if delay and time.monotonic() - association.made < delay else "associated"


def view(association: Any, state: str) -> dict[str, Any]:
    """An IamInstanceProfileAssociation."""
    profile = association.iam_instance_profile
    return {
        "AssociationId": association.association_id,
        "InstanceId": association.instance_id,
        "IamInstanceProfile": {"Arn": profile.arn, "Id": profile.id},
        "State": state,
    }


def _show_profile(instance: Any, profile: Any) -> None:
    instance.iam_instance_profile = {"Arn": profile.arn, "Id": profile.id}


def _alive(instance: Any) -> bool:
    return instance.state != "terminated"


def _no_association(association_id: str) -> Ec2Error:
    return Ec2Error("InvalidAssociationID.NotFound", f"An invalid association-id of '{association_id}' was given")
