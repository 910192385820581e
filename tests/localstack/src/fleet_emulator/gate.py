# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What every API call passes: the region check and the faults before it is answered, the recorder after it.

Errors follow the protocol of the service: LocalStack serialises whatever exception is raised here.
"""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import Any

from localstack.aws.api import CommonServiceException, RequestContext
from localstack.aws.chain import HandlerChain
from localstack.http import Response

from fleet_emulator import agents, principals, settings, watchdog
from fleet_emulator.faults import FAULTS, Fault, Target
from fleet_emulator.holds import AFTER, BEFORE, HOLDS
from fleet_emulator.http_server import ABORT_HEADER
from fleet_emulator.recorder import RECORDER, Call, plain, resource_of
from fleet_emulator.regions import OPT_INS, partition_of

# Global services: one endpoint, signed for one region, whatever region the caller works in.
_GLOBAL = frozenset({"iam", "organizations", "account"})


def begin(chain: HandlerChain, context: RequestContext, response: Response) -> None:
    """A request came in."""
    context.fleet_started = (time.time(), time.perf_counter())
    watchdog.touch()


def enter(chain: HandlerChain, context: RequestContext, response: Response) -> None:
    """The request is understood: check it, delay it, refuse it, or let it pass to the service."""
    if context.is_internal_call or not context.service_operation:
        return
    service, operation = context.service.service_name, context.operation.name
    params = dict(context.service_request or {})
    call = Call(
        account=context.account_id,
        service=service,
        operation=operation,
        region=context.region,
        principal=principals.caller_arn(context),
        resource=resource_of(params),
        params=plain(params),
        time=context.fleet_started[0],
    )
    context.fleet_call = call
    _check_region(call)
    if hold := HOLDS.arrive(call):
        context.fleet_held = hold
        if HOLDS.wait(hold, BEFORE, asdict(call)):
            call.fault = "dropped"
            _cut(response)
            chain.stop()
            return
    # An update holds its setting from arrival to answer, so that updates which overlap in time collide as at AWS.
    context.fleet_hold = settings.IN_FLIGHT.hold(call.account, call.region, operation, params.get("SettingId"))
    target = Target(call.account, service, operation, call.region, params, call.principal)
    fault = FAULTS.decide(target)
    call.fault = fault.name
    context.fleet_lost = fault.lost
    _apply(fault, chain, response)
    if chain.stopped:
        return
    agents.observe_before(call)
    if call.write:
        # Last, because what follows is the change itself: the next one waits until this one is over.
        context.fleet_turn = agents.WATCHES.turn(call.account)
        agents.LOOKS.spoil(call.account)


def _apply(fault: Fault, chain: HandlerChain, response: Response) -> None:
    if fault.delay:
        # Each request has a thread of its own, so waiting here holds up nobody else.
        time.sleep(fault.delay)
    if fault.reset:
        _cut(response)
        chain.stop()
    elif fault.code:
        raise CommonServiceException(fault.code, fault.message, fault.status, fault.status < 500)


def _cut(response: Response) -> None:
    response.headers[ABORT_HEADER] = "1"
    response.status_code = 503


def _check_region(call: Call) -> None:
    """Calls into a region that the account has not opted in to fail before the service sees them.

    AWS General Reference, "Managing AWS Regions": credentials are not valid in such a region.
    """
    if call.service in _GLOBAL:
        return
    known = partition_of(call.region) is not None
    if known and OPT_INS.is_enabled(call.account, call.region):
        return
    if call.service == "ec2":
        raise CommonServiceException(
            "AuthFailure", "AWS was not able to validate the provided access credentials", 401, True
        )
    message = "The security token included in the request is invalid."
    if call.service in ("sts", "cloudformation"):
        raise CommonServiceException("InvalidClientTokenId", message, 403, True)
    raise CommonServiceException("UnrecognizedClientException", message, 400, True)


def finish(chain: HandlerChain, context: RequestContext, response: Response) -> None:
    """The answer is ready: record the call."""
    if hold := getattr(context, "fleet_hold", None):
        hold.release()
    call: Call | None = getattr(context, "fleet_call", None)
    if call is None:
        return
    call.ms = round((time.perf_counter() - context.fleet_started[1]) * 1000, 2)
    call.status = response.status_code
    if response.status_code >= 300:
        call.error = _error_code(context)
    if call.write:
        agents.LOOKS.spoil(call.account)
    if turn := getattr(context, "fleet_turn", None):
        turn.over(call.operation, call.region, call.resource)
    if getattr(context, "fleet_lost", False):
        _cut(response)
    RECORDER.add(call)
    if (hold := getattr(context, "fleet_held", None)) and HOLDS.wait(hold, AFTER, asdict(call)):
        _cut(response)
    watchdog.touch()


def _error_code(context: RequestContext) -> str:
    error: Any = context.service_exception
    return getattr(error, "code", None) or "ConnectionReset"
