# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""The frame of every module: run its body, and exit or fail with what it returns or raises."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from ansible_collections.fleet.aws_ssm.plugins.module_utils._errors import Failure

if TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule

    from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

    Module = TypeVar("Module", AnsibleModule, AnsibleAWSModule)


def execute(module: Module, body: Callable[[Module], dict[str, Any]]) -> None:
    """Exit with the result of C(body), or fail with the one line and the partial result of its Failure."""
    try:
        result = body(module)
    except Failure as failure:
        module.fail_json(msg=str(failure), **failure.result)
    else:
        module.exit_json(**result)
