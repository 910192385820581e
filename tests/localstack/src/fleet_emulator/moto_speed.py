# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""New accounts made cheap: every test takes one of its own.

moto parses AWS's 1,582 managed policies again for each account, 0.1 s of the 0.2 s that a first call costs.
"""

from __future__ import annotations

import copy
from typing import Any

from localstack.utils.patch import patch
from moto.iam.models import IAMBackend

_policies: dict[str, list[Any]] = {}


def apply() -> None:
    """Copy the managed policies of the first account instead of parsing them again."""

    @patch(IAMBackend._init_aws_policies)
    def init_aws_policies(original: Any, self: Any) -> list[Any]:
        if self.partition not in _policies:
            _policies[self.partition] = original(self)
        return [_copy(policy, self.account_id) for policy in _policies[self.partition]]


def _copy(policy: Any, account: str) -> Any:
    """Attachments are counted in each account; the documents are the same in all of them."""
    made = copy.copy(policy)
    made.account_id = account
    made.attachment_count = 0
    made.versions = list(policy.versions)
    return made
