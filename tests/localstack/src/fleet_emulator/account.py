# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""AWS Account Management: the regions of an account (AWS Account Management API Reference)."""

from __future__ import annotations

from typing import Any

from localstack.aws.api import CommonServiceException, RequestContext, handler
from moto.organizations.models import organizations_backends

from fleet_emulator.regions import OPT_IN, OPT_INS, by_partition

MAX_PAGE = 50


class FleetAccountProvider:
    """Four operations; enabling and disabling take effect at once (at AWS: minutes to hours)."""

    service = "account"

    @handler("ListRegions", expand=False)
    def list_regions(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """ "ListRegions": pages of 1 to 50, all of the partition's regions with their status."""
        account = _account(context, request)
        size = request.get("MaxResults") or MAX_PAGE
        if not 1 <= size <= MAX_PAGE:
            raise _invalid(f"MaxResults must lie between 1 and {MAX_PAGE}", "fieldValidationFailed")
        wanted = request.get("RegionOptStatusContains") or []
        regions = [
            {"RegionName": name, "RegionOptStatus": OPT_INS.account_status(account, name)}
            for name in by_partition()[context.partition]
        ]
        found = [region for region in regions if not wanted or region["RegionOptStatus"] in wanted]
        token = request.get("NextToken")
        start = int(token) if token and token.isdigit() else 0
        answer: dict[str, Any] = {"Regions": found[start : start + size]}
        if start + size < len(found):
            answer["NextToken"] = str(start + size)
        return answer

    @handler("GetRegionOptStatus", expand=False)
    def get_region_opt_status(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """ "GetRegionOptStatus"."""
        region = _region(context, request)
        return {"RegionName": region, "RegionOptStatus": OPT_INS.account_status(_account(context, request), region)}

    @handler("EnableRegion", expand=False)
    def enable_region(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """ "EnableRegion"."""
        OPT_INS.set(_account(context, request), _opt_in_region(context, request), True)
        return {}

    @handler("DisableRegion", expand=False)
    def disable_region(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """ "DisableRegion"."""
        OPT_INS.set(_account(context, request), _opt_in_region(context, request), False)
        return {}


def _invalid(message: str, reason: str = "invalidRegionOptTarget") -> CommonServiceException:
    error = CommonServiceException("ValidationException", message, 400, True)
    error.reason = reason
    return error


def _account(context: RequestContext, request: dict[str, Any]) -> str:
    """The account asked about: another one only from its organization's management account."""
    given = request.get("AccountId")
    if not given:
        return str(context.account_id)
    if given == context.account_id:
        raise _invalid("The management account can not specify its own AccountId.", "fieldValidationFailed")
    members = organizations_backends[context.account_id][context.partition].accounts
    if not any(member.id == given for member in members):
        raise CommonServiceException("AccessDeniedException", "You do not have access to this account.", 403, True)
    return str(given)


def _region(context: RequestContext, request: dict[str, Any]) -> str:
    region = str(request["RegionName"])
    if region not in by_partition()[context.partition]:
        raise _invalid(f"The region {region} does not exist.")
    return region


def _opt_in_region(context: RequestContext, request: dict[str, Any]) -> str:
    region = _region(context, request)
    if region not in OPT_IN:
        raise _invalid(f"The region {region} is enabled by default and can not be changed.")
    return region
