# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""IAM's name rules, document rules and quotas.

IAM User Guide, "IAM and AWS STS quotas"; IAM API Reference, the parameters of "CreateRole", "CreatePolicy" and
"CreateInstanceProfile".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from localstack.aws.api import CommonServiceException
from localstack.aws.api.iam import (
    EntityAlreadyExistsException,
    LimitExceededException,
    MalformedPolicyDocumentException,
)
from moto.core.exceptions import RESTError
from moto.iam.policy_validation import IAMPolicyDocumentValidator, IAMTrustPolicyDocumentValidator

from fleet_emulator.policy import statements

# Today's defaults, under the names that GetAccountSummary gives them. AttachedPoliciesPerRoleQuota was 10 for long,
# and accounts differ: a test may set its own.
QUOTAS: dict[str, int] = {
    "AssumeRolePolicySizeQuota": 2048,
    "AttachedPoliciesPerRoleQuota": 20,
    "InstanceProfilesQuota": 1000,
    "PoliciesQuota": 1500,
    "PolicySizeQuota": 6144,
    "RolePolicySizeQuota": 10240,
    "RolesQuota": 1000,
    "VersionsPerPolicyQuota": 5,
}
MAX_DOCUMENT = 131_072

_NAME = re.compile(r"[\w+=,.@-]+", re.ASCII)
_PATH = re.compile(r"/|/[\x21-\x7e]+/")
_POLICY_PATH = re.compile(r"(/[A-Za-z0-9.,+@=_-]+)*/")
_SPACE = re.compile(r"\s+")


@dataclass(frozen=True)
class _Length:
    low: int
    high: int


_LENGTHS = {
    "RoleName": _Length(1, 64),
    "InstanceProfileName": _Length(1, 128),
    "PolicyName": _Length(1, 128),
    "Path": _Length(1, 512),
    "PathPrefix": _Length(1, 512),
    "AssumeRolePolicyDocument": _Length(1, MAX_DOCUMENT),
    "PolicyDocument": _Length(1, MAX_DOCUMENT),
    "Description": _Length(0, 1000),
}
_PATTERNS = {"RoleName": _NAME, "InstanceProfileName": _NAME, "PolicyName": _NAME}
_RANGES = {"MaxItems": (1, 1000), "MaxSessionDuration": (3600, 43200)}


class Quotas:
    """The quotas of each account."""

    def __init__(self) -> None:
        self._changed: dict[str, dict[str, int]] = {}

    def of(self, account: str) -> dict[str, int]:
        """All quotas of an account."""
        return {**QUOTAS, **self._changed.get(account, {})}

    def set(self, account: str, values: Mapping[str, int]) -> None:
        """Give an account other quotas."""
        if unknown := set(values) - set(QUOTAS):
            raise ValueError(f"unknown quotas {sorted(unknown)}; known: {sorted(QUOTAS)}")
        self._changed.setdefault(account, {}).update({name: int(value) for name, value in values.items()})

    def reset(self, account: str) -> None:
        """Back to the defaults."""
        self._changed.pop(account, None)

    def take(self, account: str) -> dict[str, int]:
        """The quotas that an account has of its own."""
        return dict(self._changed.get(account, {}))

    def put(self, account: str, taken: Mapping[str, int]) -> None:
        """Those instead."""
        self.reset(account)
        self.set(account, taken)


QUOTAS_OF = Quotas()


def check_parameters(operation: str, request: Mapping[str, Any]) -> None:
    """Refuse parameters that break IAM's model, all of them in one ValidationError as AWS does."""
    problems = [
        f"Value at '{name[0].lower()}{name[1:]}' failed to satisfy constraint: Member must {constraint}"
        for name, value in request.items()
        for constraint in _broken(operation, name, value)
    ]
    if problems:
        count = f"{len(problems)} validation error{'s' if len(problems) > 1 else ''}"
        raise validation_error(f"{count} detected: {'; '.join(problems)}")


def _broken(operation: str, name: str, value: Any) -> Iterator[str]:
    """The constraints that a parameter does not meet."""
    if isinstance(value, str):
        length = _LENGTHS.get(name)
        if length and len(value) > length.high:
            yield f"have length less than or equal to {length.high}"
        if length and len(value) < length.low:
            yield f"have length greater than or equal to {length.low}"
        pattern = _pattern(operation, name)
        if pattern and value and not pattern.fullmatch(value):
            yield f"satisfy regular expression pattern: {pattern.pattern}"
    elif isinstance(value, int) and name in _RANGES:
        low, high = _RANGES[name]
        if value > high:
            yield f"have value less than or equal to {high}"
        if value < low:
            yield f"have value greater than or equal to {low}"


def _pattern(operation: str, name: str) -> re.Pattern[str] | None:
    if name == "Path":
        return _POLICY_PATH if operation == "CreatePolicy" else _PATH
    return _PATTERNS.get(name)


def validation_error(message: str) -> CommonServiceException:
    """IAM's ValidationError."""
    return CommonServiceException("ValidationError", message, 400, True)


def size(document: str) -> int:
    """The length that counts: IAM does not count white space."""
    return len(_SPACE.sub("", document))


def check_identity_policy(document: str) -> None:
    """A policy that is attached to a role: it has resources, and no principal."""
    _validate(IAMPolicyDocumentValidator, document)
    if any({"Principal", "NotPrincipal"} & set(statement) for statement in statements(document)):
        raise MalformedPolicyDocumentException("Policy document should not specify a principal.")


def check_trust_policy(document: str, quota: int) -> None:
    """A trust policy: it says who, and nothing about resources."""
    _validate(IAMTrustPolicyDocumentValidator, document)
    for statement in statements(document):
        if not {"Principal", "NotPrincipal"} & set(statement):
            raise MalformedPolicyDocumentException("Missing required field Principal")
        if {"Resource", "NotResource"} & set(statement):
            raise MalformedPolicyDocumentException("Has prohibited field Resource")
    if size(document) > quota:
        raise LimitExceededException(f"Cannot exceed quota for ACLSizePerRole: {quota}")


def check_policy_size(document: str, quota: int) -> None:
    """A managed policy's document."""
    if size(document) > quota:
        raise LimitExceededException(f"Cannot exceed quota for PolicySize: {quota}")


def check_inline_size(role_name: str, documents: Iterable[str], quota: int) -> None:
    """All inline policies of a role together."""
    if sum(map(size, documents)) > quota:
        raise LimitExceededException(f"Maximum policy size of {quota} bytes exceeded for role {role_name}")


def check_count(count: int, quota: int, name: str) -> None:
    """One more is asked for: is there room?"""
    if count >= quota:
        raise LimitExceededException(f"Cannot exceed quota for {name}: {quota}")


def check_unique(kind: str, name: str, existing: Iterable[str]) -> None:
    """Names are unique in an account whatever their case and path (IAM User Guide, "IAM identifiers")."""
    if name.lower() in (other.lower() for other in existing):
        raise EntityAlreadyExistsException(f"{kind} with name {name} already exists.")


def _validate(validator: Any, document: str) -> None:
    try:
        validator(document).validate()
    except RESTError as error:
        raise MalformedPolicyDocumentException(error.message) from error
