# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a module of the collection as Ansible does once it has brought it to the host: arguments in, one JSON out.

What comes before (the command, templates, the transfer) takes most of the time, and is the same for every module.
Playbooks and roles go all the way in other tests.
"""

from __future__ import annotations

import importlib
import sys

import ansible_collections
from ansible.module_utils import basic


def main(collections: str, name: str) -> None:
    """Run the module `name`, whose arguments come by standard input."""
    ansible_collections.__path__ = [f"{collections}/ansible_collections", *ansible_collections.__path__]
    basic._ANSIBLE_ARGS = sys.stdin.buffer.read()
    # How ansible-core 2.19 and later read and write values; older ones don't look.
    basic._ANSIBLE_PROFILE = "legacy"
    module = importlib.import_module(f"ansible_collections.fleet.aws_ssm.plugins.modules.{name}")
    sys.argv = [f"{name}.py"]
    module.main()


if __name__ == "__main__":
    main(*sys.argv[1:])
