# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""LocalStack's entry points: one function a service, called when the service is first needed."""

from __future__ import annotations

from localstack.aws.spec import load_service
from localstack.services.moto import MotoFallbackDispatcher, call_moto
from localstack.services.plugins import Service, aws_provider


@aws_provider(api="ssm", name="fleet")
def ssm() -> Service:
    """LocalStack's SSM, with service settings and managed nodes."""
    from fleet_emulator.ssm import FleetSsmProvider

    return Service.for_provider(FleetSsmProvider(), dispatch_table_factory=MotoFallbackDispatcher)


@aws_provider(api="ec2", name="fleet")
def ec2() -> Service:
    """LocalStack's EC2, with regions, metadata defaults and instance profiles as AWS has them."""
    from fleet_emulator.ec2 import FleetEc2Provider

    return Service.for_provider(FleetEc2Provider(), dispatch_table_factory=MotoFallbackDispatcher)


@aws_provider(api="iam", name="fleet")
def iam() -> Service:
    """LocalStack's IAM, with quotas, name rules, pages and the policy simulator."""
    from fleet_emulator.iam import FleetIamProvider, dispatch_table

    return Service.for_provider(FleetIamProvider(), dispatch_table_factory=dispatch_table)


@aws_provider(api="sts", name="fleet")
def sts() -> Service:
    """LocalStack's STS, which here knows whether a role exists and whom it trusts."""
    from fleet_emulator.sts import FleetStsProvider

    return Service.for_provider(FleetStsProvider(), dispatch_table_factory=MotoFallbackDispatcher)


@aws_provider(api="account", name="fleet")
def account() -> Service:
    """The account service, which LocalStack lacks."""
    from fleet_emulator.account import FleetAccountProvider

    return Service.for_provider(FleetAccountProvider())


@aws_provider(api="organizations", name="fleet")
def organizations() -> Service:
    """AWS Organizations, which LocalStack lacks and moto has."""

    class Provider:
        service = "organizations"

    names = load_service("organizations").operation_names
    table = {name: lambda context, request: call_moto(context) for name in names}
    return Service.for_provider(Provider(), dispatch_table_factory=lambda provider: table)
