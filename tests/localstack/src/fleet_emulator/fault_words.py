# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How each service says that it refuses a call: code, message, HTTP status."""

from __future__ import annotations

Words = tuple[str, str, int]

_QUERY = ("iam", "sts", "cloudformation")
# Why a call is denied (IAM User Guide, "Troubleshoot access denied error messages").
DENIALS = {
    "policy": "because no identity-based policy allows the {action} action",
    "scp": "with an explicit deny in a service control policy",
}


def throttling_error(service: str) -> Words:
    """Too fast.

    Amazon EC2 API Reference, "Request throttling": RequestLimitExceeded. IAM and STS (query protocol): Throttling.
    Everything with a JSON protocol: ThrottlingException (AWS Systems Manager API Reference, "Common Errors").
    """
    if service == "ec2":
        return "RequestLimitExceeded", "Request limit exceeded.", 503
    if service in _QUERY:
        return "Throttling", "Rate exceeded", 400
    return "ThrottlingException", "Rate exceeded", 400


def denial(service: str, operation: str, principal: str, why: str) -> Words:
    """Not allowed, by a policy of the caller (``policy``) or of the organization (``scp``).

    Amazon EC2 API Reference, "Error codes": UnauthorizedOperation. IAM API Reference, "Common Errors": AccessDenied.
    """
    action = f"{service}:{operation}"
    reason = DENIALS[why].format(action=action)
    text = f"User: {principal} is not authorized to perform: {action} on resource: * {reason}"
    if service == "ec2":
        return "UnauthorizedOperation", f"You are not authorized to perform this operation. {text}", 403
    return ("AccessDenied", text, 403) if service in _QUERY else ("AccessDeniedException", text, 400)


def expired(service: str) -> Words:
    """The session's credentials have expired.

    Amazon EC2 API Reference, "Error codes": RequestExpired. AWS STS: ExpiredToken; with JSON: ExpiredTokenException.
    """
    if service == "ec2":
        return "RequestExpired", "Request has expired.", 400
    text = "The security token included in the request is expired"
    return ("ExpiredToken", text, 403) if service in _QUERY else ("ExpiredTokenException", text, 400)
