# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Rules: how a task names an IAM role. Pure.

Limits: API_CreateRole of the IAM API Reference (name, path), and the IAM User Guide's page on identifiers: a name is
unique in its account whatever the path.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ansible_collections.fleet.aws_ssm.plugins.module_utils._errors import InputError

MAX_NAME = 64

_ARN = re.compile(r"^arn:[\w-]+:iam::(?P<account>\d{12}):role/(?P<path_name>.+)$")
_NAME = re.compile(r"^[\w+=,.@-]+$", re.ASCII)
_PATH = re.compile(r"^/([\x21-\x7e]+/)?$")


@dataclass(frozen=True)
class RoleName:
    """A role's name and, where it was given, its path (C(/), C(/service-role/)) and account."""

    name: str
    path: str | None = None
    account: str | None = None

    @property
    def value(self) -> str:
        """Path and name without the leading slash, as the DHMC setting takes it."""
        return f"{self.path or '/'}{self.name}".lstrip("/")


def parse_role(option: str, text: str) -> RoleName:
    """A role from its name, its path and name, or its ARN; C(option) is the one that the error names."""
    text = text.strip()
    match = _ARN.match(text)
    if text.startswith("arn:") and not match:
        raise InputError(f"{option}: {text!r} is not the ARN of an IAM role (arn:PARTITION:iam::ACCOUNT:role/NAME).")
    path, slash, name = (match["path_name"] if match else text).rpartition("/")
    full_path = f"/{path.strip('/')}/" if path.strip("/") else "/"
    if not _NAME.match(name) or not _PATH.match(full_path) or len(full_path) > 512:
        raise InputError(
            f"{option}: {text!r} does not name an IAM role: give its name, its path and name, or its ARN "
            "(a name has letters, digits and _+=,.@- only)."
        )
    if len(name) > MAX_NAME:
        raise InputError(f"{option}: the role name {name!r} has {len(name)} characters; IAM allows {MAX_NAME}.")
    return RoleName(name, full_path if slash or match else None, match["account"] if match else None)
