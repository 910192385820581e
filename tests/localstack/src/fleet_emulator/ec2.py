# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""EC2: regions, metadata defaults, launches, instance profiles and the pages of DescribeInstances.

Networks are in fleet_emulator.ec2_network.
"""

from __future__ import annotations

from typing import Any

from localstack.aws.api import RequestContext, handler
from localstack.http import Response
from localstack.services.ec2.models import get_ec2_backend
from localstack.services.moto import call_moto, call_moto_with_request
from moto.ec2.models.instances import MetadataOptions

from fleet_emulator import ec2_defaults, ec2_instances, ec2_model, ec2_paging, ec2_profiles, ec2_regions, ec2_xml
from fleet_emulator.ec2_errors import Ec2Error, invalid_value
from fleet_emulator.ec2_network import NetworkProvider
from fleet_emulator.faults import FAULTS, Target


class FleetEc2Provider(NetworkProvider):
    """LocalStack's EC2 with what it lacks or gets wrong."""

    def on_after_init(self) -> None:
        """Called once, before the first call."""
        super().on_after_init()
        ec2_model.apply_patches()
        ec2_profiles.apply_patches()

    @handler("DescribeRegions", expand=False)
    def describe_regions(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """Amazon EC2 API Reference, "DescribeRegions"."""
        if request.get("DryRun"):
            return call_moto(context)
        return {"Regions": ec2_regions.describe(context.account_id, context.partition, request)}

    @handler("GetInstanceMetadataDefaults", expand=False)
    def get_instance_metadata_defaults(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """Amazon EC2 API Reference, "GetInstanceMetadataDefaults"."""
        return {"AccountLevel": ec2_defaults.STORE.level(context.account_id, context.region)}

    @handler("ModifyInstanceMetadataDefaults", expand=False)
    def modify_instance_metadata_defaults(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """Amazon EC2 API Reference, "ModifyInstanceMetadataDefaults"."""
        if request.get("DryRun"):
            raise Ec2Error("DryRunOperation", "Request would have succeeded, but DryRun flag is set.")
        ec2_defaults.STORE.modify(context.account_id, context.region, request)
        return {"Return": True}

    @handler("ModifyInstanceMetadataOptions", expand=False)
    def modify_instance_metadata_options(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """Amazon EC2 API Reference, "ModifyInstanceMetadataOptions": what is not given keeps its value.

        The answer says "pending"; from then on, or after the seconds of a propagation rule, the instance "applied".
        """
        instance = _profiles(context).find_instance(request["InstanceId"])
        if instance.state not in ("running", "stopped"):
            raise Ec2Error(
                "IncorrectInstanceState", f"The instance '{instance.id}' is not in the 'running' or 'stopped' states."
            )
        options = ec2_defaults.changed(instance.metadata_options, request)
        ec2_defaults.STORE.check(context.account_id, context.region, request)
        if request.get("DryRun"):
            raise Ec2Error("DryRunOperation", "Request would have succeeded, but DryRun flag is set.")
        target = Target(context.account_id, "ec2", context.operation.name, context.region)
        instance.metadata_options = ec2_defaults.Settling(options, FAULTS.propagation(target))
        return {"InstanceId": instance.id, "InstanceMetadataOptions": {**options, "State": "pending"}}

    @handler("RunInstances", expand=False)
    def run_instances(self, context: RequestContext, request: dict[str, Any]) -> Response:
        """The metadata defaults hold for new instances, and a profile goes to each of them, not to the first alone."""
        backend = get_ec2_backend(context.account_id, context.region)
        defaults = ec2_defaults.STORE.get(context.account_id, context.region)
        options = ec2_defaults.at_launch(defaults, request.get("MetadataOptions") or {})
        profile = None
        if given := request.get("IamInstanceProfile"):
            profile = _profiles(context).find_profile(given)
        count = int(request.get("MaxCount") or 1)
        changed = {**request, "MinCount": count, "MaxCount": count}
        answer = call_moto_with_request(context, changed) if request.get("MinCount") != count else call_moto(context)
        reservation = backend.reservations[answer["ReservationId"]]
        for instance in reservation.instances:
            ec2_instances.settle(instance, request)
            if options != (request.get("MetadataOptions") or {}):
                instance.metadata_options = MetadataOptions(options)
            if profile is not None and instance.id not in backend.iam_instance_profile_associations:
                backend.associate_iam_instance_profile(instance.id, profile.name, None)
        view = ec2_instances.reservation_view(reservation, reservation.instances, backend.tags, pending=True)
        return ec2_xml.respond(context, view)

    @handler("DescribeInstances", expand=False)
    def describe_instances(self, context: RequestContext, request: dict[str, Any]) -> Response:
        """Amazon EC2 API Reference, "DescribeInstances": pages count instances, and every documented filter works."""
        if request.get("DryRun"):
            raise Ec2Error("DryRunOperation", "Request would have succeeded, but DryRun flag is set.")
        size, start = request.get("MaxResults"), ec2_paging.start(request.get("NextToken"))
        if size is not None and not 5 <= size <= 1000:
            bound = "greater than 5" if size < 5 else "less than 1000"
            raise invalid_value(f"Value ( {size} ) for parameter maxResults is invalid. Expecting a value {bound}.")
        if size is not None and request.get("InstanceIds"):
            raise Ec2Error(
                "InvalidParameterCombination",
                "The parameter instancesSet cannot be used with the parameter maxResults",
            )
        backend = get_ec2_backend(context.account_id, context.region)
        found = ec2_instances.select(backend, request)
        end = start + (size or 1000)
        answer: dict[str, Any] = {"Reservations": ec2_instances.reservations(backend, found[start:end])}
        if end < len(found):
            answer["NextToken"] = ec2_paging.token(end)
        return ec2_xml.respond(context, answer)

    @handler("AssociateIamInstanceProfile", expand=False)
    def associate_iam_instance_profile(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """Amazon EC2 API Reference, "AssociateIamInstanceProfile"."""
        made = _profiles(context).associate(request["InstanceId"], request["IamInstanceProfile"])
        return {"IamInstanceProfileAssociation": made}

    @handler("ReplaceIamInstanceProfileAssociation", expand=False)
    def replace_iam_instance_profile_association(
        self, context: RequestContext, request: dict[str, Any]
    ) -> dict[str, Any]:
        """Amazon EC2 API Reference, "ReplaceIamInstanceProfileAssociation"."""
        made = _profiles(context).replace(request["AssociationId"], request["IamInstanceProfile"])
        return {"IamInstanceProfileAssociation": made}

    @handler("DisassociateIamInstanceProfile", expand=False)
    def disassociate_iam_instance_profile(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """Amazon EC2 API Reference, "DisassociateIamInstanceProfile"."""
        return {"IamInstanceProfileAssociation": _profiles(context).disassociate(request["AssociationId"])}

    @handler("DescribeIamInstanceProfileAssociations", expand=False)
    def describe_iam_instance_profile_associations(
        self, context: RequestContext, request: dict[str, Any]
    ) -> dict[str, Any]:
        """Amazon EC2 API Reference, "DescribeIamInstanceProfileAssociations": pages of 5 to 1000."""
        found = _profiles(context).describe(request)
        return ec2_paging.page({"IamInstanceProfileAssociations": found}, "IamInstanceProfileAssociations", request)


def _profiles(context: RequestContext) -> ec2_profiles.Profiles:
    backend = get_ec2_backend(context.account_id, context.region)
    target = Target(context.account_id, "ec2", context.operation.name, context.region)
    return ec2_profiles.Profiles(backend, target, context.partition)
