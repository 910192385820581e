# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Rules: which variables the collection knows, and which ones look like a slip of the pen. Pure."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

from ansible_collections.fleet.aws_ssm.plugins.plugin_utils._role_options.playbooks import PLAYBOOKS
from ansible_collections.fleet.aws_ssm.plugins.plugin_utils._role_options.roles import ROLES

PREFIXES = (*(table.prefix for table in ROLES.values()), "ssm_", "audit_ssm_")

# Variables that roles and playbooks set, for playbooks of the user's own.
RESULTS = frozenset(
    {
        "dhmc_result",
        "dhmc_removed_role",
        "instance_profile_result",
        "instance_profile_removed_role",
        "operator_policy_arns",
        "operator_policy_backup",
        "operator_policy_documents",
        "operator_policy_result",
        "preflight_result",
        "profile_association_result",
        "readiness_report_files",
        "readiness_report_result",
        "s3_policy_arns",
        "s3_policy_backup",
        "s3_policy_result",
        "ssm_wait_result",
    }
)
OPTIONS = frozenset(
    option.name
    for table in (*ROLES.values(), *PLAYBOOKS.values())
    for option in table.options
    if not option.name.startswith("_")
)
KNOWN = OPTIONS | RESULTS

_BY_PREFIX = {
    prefix: {name.removeprefix(prefix): name for name in sorted(OPTIONS) if name.startswith(prefix)}
    for prefix in PREFIXES
}
# Somebody's second list of regions is ssm_regions_2.
_NUMBER = re.compile(r"_?[0-9]+$")
# How much of a name has to be the same: more of a short one, where a letter makes another word (port, report).
_CLOSE, _CLOSE_IF_SHORT, _SHORT = 0.8, 0.85, 6
# A prefix that is shorter than this begins like too many other words for slips in it to be told from them.
_SHORTEST_PREFIX = 5


def misspelt(variables: Iterable[str]) -> dict[str, str]:
    """Return the variables that must be slips, each with the name that is meant. Others are somebody's own."""
    found = {name: meant(name) for name in variables if name not in KNOWN and not name.startswith("_")}
    return {name: right for name, right in found.items() if right}


def meant(name: str) -> str:
    """Return the variable that this name is meant to be, or an empty text."""
    if name in KNOWN or _NUMBER.sub("", name) in KNOWN:
        return ""
    for prefix in (one for one in PREFIXES if name.startswith(one)):
        right = _near(name.removeprefix(prefix), _BY_PREFIX[prefix])
        if right:
            return right
    return _other_prefix(name)


def _near(rest: str, known: dict[str, str]) -> str:
    for word, right in known.items():
        # One for many, or letters in another order; a word that begins otherwise is another one (demo, mode).
        turned = word[0] == rest[:1] and sorted(word.removesuffix("s")) == sorted(rest.removesuffix("s"))
        if turned or word == rest.removesuffix("es"):
            return right
    cutoff = _CLOSE_IF_SHORT if len(rest) < _SHORT else _CLOSE
    near = difflib.get_close_matches(rest, known, n=1, cutoff=cutoff)
    return known[near[0]] if near else ""


def _other_prefix(name: str) -> str:
    """Return the variable whose prefix has its letters in another order (`dhcm_regions`), or an empty text."""
    for prefix in PREFIXES:
        begins, rest = name[: len(prefix)], name[len(prefix) :]
        if len(prefix) >= _SHORTEST_PREFIX and begins != prefix and sorted(begins) == sorted(prefix):
            return _BY_PREFIX[prefix].get(rest, "")
    return ""
