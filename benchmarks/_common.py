# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the benchmarks share: how they run Ansible, and the environments of the peers."""

from __future__ import annotations

import os
import subprocess
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


def peer(name: str, command: str) -> Path:
    """A peer's command, in an environment of its own that is built on first use from requirements-NAME.txt."""
    folder = ROOT / ".cache" / "benchmarks" / name
    python = folder / "bin" / "python"
    environment = {key: value for key, value in os.environ.items() if key != "VIRTUAL_ENV"}
    environment["UV_PYTHON_DOWNLOADS"] = "never"

    def uv(*arguments: str) -> None:
        subprocess.run([str(BIN / "uv"), "--quiet", *arguments], env=environment, check=True)

    if not python.exists():
        uv("venv", "--python", sys.executable, str(folder))
    requirements = Path(__file__).with_name(f"requirements-{name}.txt")
    uv("pip", "sync", "--python", str(python), "--require-hashes", "--compile-bytecode", str(requirements))
    return folder / "bin" / command
