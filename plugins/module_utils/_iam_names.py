# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Rules: how a task names IAM roles, instance profiles and managed policies. Pure.

Limits: API_CreateRole, API_CreateInstanceProfile, API_CreatePolicy of the IAM API Reference (name, path), and the IAM
User Guide's page on identifiers: a name is unique in its account whatever the path.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ansible_collections.fleet.aws_ssm.plugins.module_utils._errors import InputError

ROLE = "role"
PROFILE = "instance-profile"
POLICY = "policy"

# What a message calls it, and the longest name that IAM takes.
_KINDS = {
    ROLE: ("an IAM role", "role name", 64),
    PROFILE: ("an instance profile", "profile name", 128),
    POLICY: ("a managed policy", "policy name", 128),
}
_ARN = re.compile(r"^arn:[\w-]+:iam::(?P<account>\d{12}|aws):(?P<kind>[a-z-]+)/(?P<path_name>.+)$")
_NAME = re.compile(r"^[\w+=,.@-]+$", re.ASCII)
_PATH = re.compile(r"^/([\x21-\x7e]+/)?$")


@dataclass(frozen=True)
class IamName:
    """A name and, where it was given, its path (C(/), C(/service-role/)) and account (C(aws) for AWS's policies)."""

    name: str
    path: str | None = None
    account: str | None = None

    @property
    def value(self) -> str:
        """Path and name without the leading slash, as the DHMC setting takes a role."""
        return f"{self.path or '/'}{self.name}".lstrip("/")


def parse_name(option: str, text: str, kind: str = ROLE) -> IamName:
    """The name in a name, a path and name, or an ARN; C(option) is the one that an error names."""
    what, label, longest = _KINDS[kind]
    text = text.strip()
    match = _ARN.match(text)
    if text.startswith("arn:") and not (match and match["kind"] == kind):
        raise InputError(f"{option}: {text!r} is not the ARN of {what} (arn:PARTITION:iam::ACCOUNT:{kind}/NAME).")
    path, slash, name = (match["path_name"] if match else text).rpartition("/")
    full_path = f"/{path.strip('/')}/" if path.strip("/") else "/"
    if not _NAME.match(name) or not _PATH.match(full_path) or len(full_path) > 512:
        raise InputError(
            f"{option}: {text!r} does not name {what}: give its name, its path and name, or its ARN "
            "(a name has letters, digits and _+=,.@- only)."
        )
    if len(name) > longest:
        raise InputError(f"{option}: the {label} {name!r} has {len(name)} characters; IAM allows {longest}.")
    return IamName(name, full_path if slash or match else None, match["account"] if match else None)
