#!/usr/bin/python
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keep what is going to be replaced in a file that is never overwritten."""

from __future__ import annotations

DOCUMENTATION = r"""
module: backup_file
short_description: Keep what is going to be replaced in a file that is never overwritten
version_added: 1.0.0
description:
  - Writes a section of a JSON file with mode 0600, or reads one. The roles of this collection use it on the controller to
    keep what they are going to replace, before the first change.
  - A section that the file has already is never overwritten. Other sections stay as they are.
author:
  - The fleet.aws_ssm contributors (@fleet-aws)
options:
  path:
    description: The file. Its folder must exist.
    type: path
    required: true
  section:
    description: The section's name; roles use their own.
    type: str
    required: true
  content:
    description: What to keep. Required for O(state=present).
    type: raw
  state:
    description: V(present) writes the section, V(read) returns it.
    type: str
    choices: [present, read]
    default: present
attributes:
  check_mode:
    description: Finds out whether the section could be written, and does not write it.
    support: full
  diff_mode:
    description: Shows the section that is written.
    support: full
  idempotent:
    description: A second run with O(state=present) fails, as nothing is overwritten.
    support: none
  platform:
    description: Where the module can run.
    support: full
    platforms: posix
"""

EXAMPLES = r"""
- name: Keep what is going to be replaced
  fleet.aws_ssm.backup_file:
    path: before.json
    section: dhmc
    content: "{{ plan.backup }}"
  delegate_to: localhost

- name: Read it again
  fleet.aws_ssm.backup_file:
    path: before.json
    section: dhmc
    state: read
  register: before
"""

RETURN = r"""
path:
  description: The file's absolute path.
  returned: success
  type: str
content:
  description: What the section holds; none if the file has no such section.
  returned: O(state=read)
  type: raw
"""

from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.fleet.aws_ssm.plugins.module_utils._backup_file import check_free, section_of, write
from ansible_collections.fleet.aws_ssm.plugins.module_utils._module import execute


def run(module: AnsibleModule) -> dict[str, Any]:
    """Write or read the section."""
    path, section, content = Path(module.params["path"]).absolute(), module.params["section"], module.params["content"]
    if module.params["state"] == "read":
        return {"changed": False, "path": str(path), "content": section_of(path, section)}
    if module.check_mode:
        check_free(path, section)
    else:
        write(path, section, content)
    return {"changed": True, "path": str(path), "diff": {"before": {}, "after": {section: content}}}


def main() -> None:
    """Entry point."""
    execute(
        AnsibleModule(
            argument_spec={
                "path": {"type": "path", "required": True},
                "section": {"type": "str", "required": True},
                "content": {"type": "raw"},
                "state": {"type": "str", "choices": ["present", "read"], "default": "present"},
            },
            required_if=[("state", "present", ["content"])],
            supports_check_mode=True,
        ),
        run,
    )


if __name__ == "__main__":
    main()
