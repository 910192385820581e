# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Rules: the S3 buckets of AWS that Systems Manager uses in each region, as data. Pure.

C(page): AWS Systems Manager User Guide, "Configure instance permissions required for Systems Manager" (setup-instance-
permissions). C(current): also those of "SSM Agent communications with AWS managed S3 buckets" (ssm-agent-technical-
details) and "Buckets containing patching operations" (patch-operations-s3-buckets), which has the suffixes. Neither of
the two lists is enough: documents with attachments need a bucket of the first, Patch Manager those of the second.
"""

from __future__ import annotations

import re
from types import MappingProxyType

# In the order of their pages. {code} and {snapshot} are the region's suffixes.
_AGENT_PAGES = (
    "aws-windows-downloads-{region}",
    "amazon-ssm-{region}",
    "aws-ssm-{region}",
    "patch-baseline-snapshot-{region}{snapshot}",
    "aws-patch-manager-{region}-{code}",
    "aws-patchmanager-macos-{region}-{code}",
    "{region}-birdwatcher-prod",
)
_PERMISSIONS_PAGE = (
    "aws-ssm-{region}",
    "aws-windows-downloads-{region}",
    "amazon-ssm-{region}",
    "amazon-ssm-packages-{region}",
    "{region}-birdwatcher-prod",
    "aws-ssm-distributor-file-{region}",
    "aws-ssm-document-attachments-{region}",
    "patch-baseline-snapshot-{region}",
)
BUCKET_SETS = MappingProxyType({"current": (*_AGENT_PAGES, *_PERMISSIONS_PAGE), "page": _PERMISSIONS_PAGE})

# Region: the code that both patch manager buckets end in, and that of the snapshot bucket where it has one. No rule
# leads from a region to its codes, which is why a region that is not listed can't be worked out.
_SUFFIXES = MappingProxyType(
    {
        "af-south-1": ("bdd5f65a9", "tbxdb5b9"),
        "ap-east-1": ("632356271", ""),
        "ap-east-2": ("5a64b2916", "8947749e"),
        "ap-northeast-1": ("4849fa78f", ""),
        "ap-northeast-2": ("10467995c", ""),
        "ap-northeast-3": ("67373598a", ""),
        "ap-south-1": ("cb7c62ff9", ""),
        "ap-south-2": ("32f4b4128", "50209442"),
        "ap-southeast-1": ("7fdfd9ef7", ""),
        "ap-southeast-2": ("17283a275", ""),
        "ap-southeast-3": ("aa48fc462", "be0a3174"),
        "ap-southeast-4": ("01e2c40d3", "dc6f76ce"),
        "ap-southeast-5": ("dcb42f3e3", ""),
        "ap-southeast-6": ("df0d3a7f2", "62f446f2"),
        "ap-southeast-7": ("c707c017a", "1699f14f"),
        "ca-central-1": ("3148e69e3", ""),
        "ca-west-1": ("9e3a4b2f9", ""),
        "eu-central-1": ("9163fdaaf", ""),
        "eu-central-2": ("184ce43c8", ""),
        "eu-north-1": ("795879e9b", ""),
        "eu-south-1": ("c52f3f594", ""),
        "eu-south-2": ("a4cf248b1", "df2c9d70"),
        "eu-west-1": ("5522fb710", ""),
        "eu-west-2": ("902a2bc74", ""),
        "eu-west-3": ("29bf85721", ""),
        "il-central-1": ("e221cb57b", ""),
        "me-central-1": ("2932f2f80", ""),
        "me-south-1": ("a53fc9dce", "uduvl7q8"),
        "mx-central-1": ("396b275ad", "ed0da79c"),
        "sa-east-1": ("ddf4b6a09", ""),
        "us-east-1": ("1970c647d", ""),
        "us-east-2": ("552881074", ""),
        "us-west-1": ("8badb4304", ""),
        "us-west-2": ("34d7f99f8", ""),
    }
)

# How botocore's partitions.json tells a region's partition; anything else is of the partition aws.
_PARTITIONS = (
    ("aws-cn", re.compile(r"^cn-")),
    ("aws-us-gov", re.compile(r"^us-gov-")),
    ("aws-iso", re.compile(r"^us-iso-")),
    ("aws-iso-b", re.compile(r"^us-isob-")),
    ("aws-iso-e", re.compile(r"^eu-isoe-")),
    ("aws-iso-f", re.compile(r"^us-isof-")),
    ("aws-eusc", re.compile(r"^eusc-")),
)


def known_regions() -> list[str]:
    """The regions whose buckets are known."""
    return list(_SUFFIXES)


def partition_of_region(region: str) -> str:
    """The partition that a region belongs to by its name."""
    return next((name for name, pattern in _PARTITIONS if pattern.match(region)), "aws")


def aws_buckets(bucket_set: str, region: str) -> tuple[str, ...] | None:
    """The names of AWS's buckets in a region, each once, or None if they are not known."""
    if region not in _SUFFIXES:
        return None
    code, snapshot = _SUFFIXES[region]
    suffix = f"-{snapshot}" if snapshot else ""
    names = (name.format(region=region, code=code, snapshot=suffix) for name in BUCKET_SETS[bucket_set])
    return tuple(dict.fromkeys(names))
