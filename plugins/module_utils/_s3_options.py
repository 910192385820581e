# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Rules: the options of ssm_s3_policies, checked. Pure.

Names of buckets: Amazon S3 User Guide, "General purpose bucket naming rules". Names of policies: IAM API Reference,
CreatePolicy.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.fleet.aws_ssm.plugins.module_utils._errors import InputError
from ansible_collections.fleet.aws_ssm.plugins.module_utils._policy_set.types import Label
from ansible_collections.fleet.aws_ssm.plugins.module_utils._regions import split_names
from ansible_collections.fleet.aws_ssm.plugins.module_utils._s3_buckets import (
    BUCKET_SETS,
    aws_buckets,
    known_regions,
    partition_of_region,
)

NAME_LENGTH = 128

_PARTITION = re.compile(r"aws(-[a-z]+)*")
_REGION = re.compile(r"[a-z]+(-[a-z]+)+-[0-9]+")
_BUCKET = re.compile(r"(?!xn--|sthree-)[a-z0-9](?!.*\.\.)[a-z0-9.-]{1,61}[a-z0-9]")
_ADDRESS = re.compile(r"[0-9]+(\.[0-9]+){3}")
# What ends in one of these is an access point, or a bucket of a kind that Systems Manager can't use.
_OTHER_KINDS = ("-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3")
_BUCKET_ARN = re.compile(r"arn:([\w-]+):s3:::(.*)", re.ASCII)
_KEY_ARN = re.compile(r"arn:([\w-]+):kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+")
_POLICY_NAME = re.compile(r"[\w+=,.@-]+", re.ASCII)
_NUMBERED = re.compile(r"-([2-9]|[1-9][0-9])$")
_BOOLEANS = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}


@dataclass(frozen=True)
class OwnBucket:
    """A bucket of the user's, and what the instances need beside reading and writing its objects."""

    name: str
    cross_account: bool = False
    encrypted: bool = False
    kms_key_arns: tuple[str, ...] = ()


def boolean(option: str, value: Any, *, default: bool) -> bool:
    """A boolean that may be a string, as AWX and C(--extra-vars) hand it over; nothing means the default."""
    if value is None or value == "":
        return default
    if isinstance(value, bool):
        return value
    found = _BOOLEANS.get(str(value).strip().lower())
    if found is None:
        raise InputError(f"{option}: {value!r} is not a boolean: give true or false.")
    return found


def positive(option: str, value: Any) -> int:
    """A whole number from 1."""
    try:
        number = int(str(value))
    except ValueError:
        number = 0
    if number < 1:
        raise InputError(f"{option}: {value!r} is not a whole number from 1.")
    return number


def partition_name(value: str, label: Label = str) -> str:
    """A partition as ARNs name it."""
    if not _PARTITION.fullmatch(str(value)):
        raise InputError(
            f"{label('partition')}: {value!r} is not a partition: give aws, aws-cn or aws-us-gov, for example."
        )
    return str(value)


def base_name(name: str, label: Label = str) -> str:
    """The name of the first policy, which the others' numbers are put behind."""
    if not _POLICY_NAME.fullmatch(str(name)):
        raise InputError(
            f"{label('name')}: {name!r} is not a policy name: a name has letters, digits and _+=,.@- only."
        )
    if _NUMBERED.search(name):
        raise InputError(
            f"{label('name')}: {name!r} ends like the second or a later policy of another name: leave the number out."
        )
    return str(policy_name(name, 1, label))


def policy_name(name: str, number: int, label: Label = str) -> str:
    """C(NAME) for the first, C(NAME-2) for the second, so that the first keeps its name when it gets company."""
    numbered = name if number == 1 else f"{name}-{number}"
    if len(numbered) > NAME_LENGTH:
        raise InputError(
            f"{label('name')}: {numbered!r} has {len(numbered)} characters; IAM allows {NAME_LENGTH}, the number of a "
            "further policy included."
        )
    return numbered


def region_buckets(  # noqa: PLR0913
    regions: Any, *, partition: str, bucket_set: str, extra: Any, vpc_endpoints: Any, label: Label = str
) -> dict[str, tuple[str, ...]]:
    """The buckets of AWS for each region, empty where no VPC endpoints are used."""
    names = split_names(regions) or []
    if bucket_set not in BUCKET_SETS:
        raise InputError(f"{label('bucket_set')}: {bucket_set!r} is none: give {' or '.join(BUCKET_SETS)}.")
    if not boolean(label("vpc_endpoints"), vpc_endpoints, default=bool(names)):
        return {}
    if not names:
        raise InputError(f"{label('regions')}: name at least one region, or set {label('vpc_endpoints')} to false.")
    extras = _extra(extra, label("extra_region_buckets"))
    return {name: _buckets_of(name, partition, bucket_set, extras.get(name, ()), label) for name in names}


def _extra(extra: Any, option: str) -> dict[str, tuple[str, ...]]:
    if extra in (None, ""):
        return {}
    if not isinstance(extra, Mapping):
        raise InputError(f"{option}: give a dictionary of region names, each with a list of bucket names.")
    return {str(region): _extra_of(f"{option}: {region}", names) for region, names in extra.items()}


def _extra_of(option: str, names: Any) -> tuple[str, ...]:
    return tuple(_bucket_name(option, name, None) for name in split_names(names, option) or [])


def _buckets_of(region: str, partition: str, bucket_set: str, extra: tuple[str, ...], label: Label) -> tuple[str, ...]:
    if not _REGION.fullmatch(region):
        raise InputError(
            f"{label('regions')}: {region!r} is not the name of a region. Name each region: AWS advises against a "
            "wildcard in place of one."
        )
    home = partition_of_region(region)
    if home != partition:
        raise InputError(f"{label('regions')}: {region} is of the partition {home}, not of {partition}.")
    known = aws_buckets(bucket_set, region)
    if known is None and not extra:
        near = difflib.get_close_matches(region, known_regions(), n=1) if partition == "aws" else []
        hint = f" (did you mean {near[0]}?)" if near else ""
        raise InputError(
            f"{label('regions')}: AWS's buckets in {region} are not known{hint}. Give them: "
            f"{label('extra_region_buckets')}: {{{region}: [aws-ssm-{region}, ...]}}, with the names that the AWS "
            "Systems Manager User Guide has for it, or leave the region out."
        )
    return tuple(dict.fromkeys((known or ()) + extra))


def own_buckets(buckets: Any, partition: str, label: Label = str) -> list[OwnBucket]:
    """The user's buckets, each a name, an ARN, or a dictionary."""
    option = label("buckets")
    if buckets is not None and not isinstance(buckets, Iterable):
        raise InputError(f"{option}: {buckets!r} is not a list of buckets: give names, ARNs or dictionaries.")
    if isinstance(buckets, (str, Mapping)):
        buckets = [buckets] if isinstance(buckets, Mapping) else split_names(buckets, option)
    found: dict[str, OwnBucket] = {}
    for entry in buckets or []:
        for bucket in (
            [_own_bucket(entry, partition, option)] if isinstance(entry, Mapping) else _plain(entry, partition, option)
        ):
            if found.setdefault(bucket.name, bucket) != bucket:
                raise InputError(f"{option}: {bucket.name} is named twice, with different options.")
    return list(found.values())


def _plain(entry: Any, partition: str, option: str) -> list[OwnBucket]:
    return [OwnBucket(_bucket_name(option, name, partition)) for name in split_names(str(entry)) or []]


def _own_bucket(entry: Mapping[str, Any], partition: str, option: str) -> OwnBucket:
    known = {"name", "cross_account", "encrypted", "kms_key_arns"}
    unknown = sorted(set(entry) - known)
    if unknown or not entry.get("name"):
        what = f"has no option {unknown[0]}" if unknown else "has no name"
        raise InputError(f"{option}: a bucket {what}: give name, and cross_account, encrypted or kms_key_arns.")
    name = _bucket_name(option, entry["name"], partition)
    given = split_names(entry.get("kms_key_arns"), f"{option}: {name}: kms_key_arns") or []
    keys = tuple(_key_arn(f"{option}: {name}", key, partition) for key in given)
    encrypted = boolean(f"{option}: {name}: encrypted", entry.get("encrypted"), default=bool(keys))
    if keys and not encrypted:
        raise InputError(f"{option}: {name}: has kms_key_arns, and encrypted is false: give one or the other.")
    cross_account = boolean(f"{option}: {name}: cross_account", entry.get("cross_account"), default=False)
    return OwnBucket(name, cross_account, encrypted, keys)


def _bucket_name(option: str, value: Any, partition: str | None) -> str:
    """The name in a name or an ARN. Nothing that IAM would read as a wildcard or a variable passes."""
    text = str(value).strip()
    match = _BUCKET_ARN.fullmatch(text)
    name = match[2] if match else text
    if "*" in text or "?" in text:
        raise InputError(f"{option}: {text!r} has a wildcard, which could reach buckets of others: name each bucket.")
    if match and partition and match[1] != partition:
        raise InputError(f"{option}: {text} is of the partition {match[1]}, not of {partition}.")
    if not _BUCKET.fullmatch(name) or _ADDRESS.fullmatch(name) or name.endswith(_OTHER_KINDS):
        raise InputError(
            f"{option}: {text!r} is not the name or the ARN of a bucket: a name has 3 to 63 lower-case letters, "
            "digits, dots and hyphens, and begins and ends with a letter or digit."
        )
    return name


def _key_arn(where: str, value: Any, partition: str) -> str:
    text = str(value).strip()
    match = _KEY_ARN.fullmatch(text)
    if not match:
        raise InputError(
            f"{where}: {text!r} is not the ARN of a KMS key (arn:{partition}:kms:REGION:ACCOUNT:key/ID; IAM "
            "does not take an alias)."
        )
    if match[1] != partition:
        raise InputError(f"{where}: {text} is of the partition {match[1]}, not of {partition}.")
    return text


def existing_policies(value: Any) -> Iterable[Mapping[str, Any]]:
    """The policies that are there: a list of dictionaries."""
    if value in (None, ""):
        return []
    if isinstance(value, (str, Mapping)) or not all(isinstance(policy, Mapping) for policy in value):
        raise InputError("existing: give a list of policies, each a dictionary with name and document.")
    return list(value)
