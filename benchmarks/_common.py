# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the benchmarks share: how they run Ansible."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent


def ansible_environment(folder: Path) -> dict[str, str]:
    """The variables that make Ansible use this collection and no configuration, cache or history of the user's."""
    (folder / "ansible.cfg").touch()
    return {
        "ANSIBLE_CONFIG": str(folder / "ansible.cfg"),
        "ANSIBLE_HOME": str(folder / "ansible"),
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "playbooks" / "collections"),
        "ANSIBLE_LOCALHOST_WARNING": "false",
        "PYTHONPATH": str(ROOT / "playbooks" / "collections"),
    }


def ansible_playbook(folder: Path, name: str, tasks: str) -> list[str]:
    """Write a playbook of these tasks (indented by four, or C( []) for none) and return the command that runs it."""
    path = folder / f"{name}.yml"
    path.write_text(f"- hosts: localhost\n  gather_facts: false\n  tasks:{tasks}\n", encoding="utf-8")
    return [str(BIN / "ansible-playbook"), str(path)]
