# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""The frame of every module: run its body, and exit or fail with what it returns or raises."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from ansible_collections.fleet.aws_ssm.plugins.module_utils._core.text import printable, printable_data
from ansible_collections.fleet.aws_ssm.plugins.module_utils._errors import Failure

if TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule

    from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

    Module = TypeVar("Module", AnsibleModule, AnsibleAWSModule)


def execute(module: Module, body: Callable[[Module], dict[str, Any]]) -> None:
    """Exit with the result of `body`, or fail with the one line and the partial result of its Failure."""
    try:
        result = body(module)
    except Failure as failure:
        module.fail_json(msg=printable(failure), **_shown(failure.result))
    else:
        module.exit_json(**_shown(result))


def _shown(result: dict[str, Any]) -> dict[str, Any]:
    """The result, in which what Ansible prints as it is (the diff) is printable. The data stay what they are."""
    if not isinstance(result.get("diff"), dict):
        return result
    return {**result, "diff": {key: _side(value) for key, value in result["diff"].items()}}


def _side(value: Any) -> Any:
    """One side of a diff: a text has lines, which are compared one by one."""
    if isinstance(value, str):
        return "".join(f"{printable(line)}\n" for line in value.split("\n")).removesuffix("\n")
    return printable_data(value)
