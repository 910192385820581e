# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An AWS account of its own for each test, the commands that a user runs on it, and plain boto3 to see what they did.

The emulator is the one that AWS_ENDPOINT_URL names, or else one that is started for the test run (for each worker, with
pytest-xdist). Nothing of the collection is imported here, so that a fault in it can't hide itself.
"""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import urllib.request
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from xml.etree import ElementTree as ET

import pytest
import yaml
from fleet_emulator import Emulator

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
COLLECTIONS = ROOT / "playbooks" / "collections"
DHMC = "/ssm/managed-instance/default-ec2-instance-management-role"
TIMEOUT = 180


def trust(*services: str) -> dict[str, Any]:
    """A trust policy with a statement for each service."""
    return {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"} for service in services
        ],
    }


@dataclass
class Run:
    """A command that has ended, and the API calls that were recorded meanwhile."""

    rc: int
    out: str
    err: str
    calls: list[dict[str, Any]]
    result: dict[str, Any] = field(default_factory=dict)
    """What a module returned, or the variables that a playbook was asked for."""

    @property
    def text(self) -> str:
        """All that the user saw, with line breaks and runs of blanks as one blank."""
        return " ".join(f"{self.out}\n{self.err}".split())

    @property
    def writes(self) -> list[str]:
        """The writing API calls as "Operation region", sorted, for they are made side by side."""
        return sorted(f"{call['operation']} {call['region']}" for call in self.calls if call["write"])

    @property
    def reads(self) -> list[str]:
        """The other API calls, likewise."""
        return sorted(f"{call['operation']} {call['region']}" for call in self.calls if not call["write"])

    @property
    def rows(self) -> dict[str, dict[str, Any]]:
        """What a regional module returned, by region."""
        return {row["region"]: row for row in self.result["regions"]}

    def ok(self, *, changed: bool | None = None) -> Run:
        """This run, which must have succeeded."""
        assert self.rc == 0, f"exit code {self.rc}\n{self.out}\n{self.err}"
        if changed is not None:
            assert self.result["changed"] is changed, self.out
        return self

    def failed(self, *words: str) -> Run:
        """This run, which must have failed, with one line of a message that has all the words."""
        assert self.rc != 0, f"did not fail\n{self.out}\n{self.err}"
        message = self.result.get("msg", self.text)
        assert "\n" not in message
        assert "Traceback" not in self.text
        assert [word for word in words if word not in message] == [], message
        return self


class Account:
    """An empty AWS account."""

    def __init__(self, emulator: Emulator, number: str, folder: Path) -> None:
        self.id, self.folder = number, folder
        self._emulator, self._session = emulator, emulator.session(number)
        self.control = emulator.control

    # What a user runs.

    def environment(self, change: Mapping[str, str | None]) -> dict[str, str]:
        """That of a user with keys for this account and a home of their own; None takes a variable out."""
        env = {key: value for key, value in self._emulator.env(self.id).items() if not key.startswith("ANSIBLE_")}
        env.update(
            PATH=f"{BIN}{os.pathsep}{env.get('PATH', '')}",
            HOME=str(self.folder),
            ANSIBLE_HOME=str(self.folder / ".ansible"),
            ANSIBLE_COLLECTIONS_PATH=str(COLLECTIONS),
            ANSIBLE_PYTHON_INTERPRETER=sys.executable,
            ANSIBLE_LOCALHOST_WARNING="false",
            ANSIBLE_NOCOLOR="true",
            ANSIBLE_PIPELINING="true",
            COLUMNS="500",
        )
        for name, value in change.items():
            if value is None:
                env.pop(name, None)
            else:
                env[name] = value
        return env

    def command(
        self,
        *words: str,
        cwd: Path | None = None,
        env: Mapping[str, str | None] | None = None,
        timeout: float = TIMEOUT,
        given: str = "",
    ) -> Run:
        """Run a program of the environment that the tests run in, with this as its standard input."""
        self.control.clear_calls(self.id)
        done = subprocess.run(
            [str(BIN / words[0]), *words[1:]],
            cwd=cwd or self.folder,
            env=self.environment(env or {}),
            input=given,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        return Run(done.returncode, done.stdout, done.stderr, self.control.calls(self.id))

    def module(self, module: str, *options: str, env: Mapping[str, str | None] | None = None, **params: Any) -> Run:
        """A module as Ansible runs it on the host; by ``ansible localhost -m`` if it has a plugin on the controller."""
        if (ROOT / "plugins" / "action" / f"{module}.py").exists() or set(options) - {"--check"}:
            command = ("ansible", "localhost", "-m", f"fleet.aws_ssm.{module}", "-a", json.dumps(params), *options)
            run = self.command(*command, env=env)
            assert " => {" in run.out, f"{run.out}\n{run.err}"
            run.result = json.loads(run.out[run.out.rindex(" => {") + 4 :])
            return run
        internal = {"_ansible_check_mode": "--check" in options}
        arguments = json.dumps({"ANSIBLE_MODULE_ARGS": {**params, **internal}})
        command = ("python", str(ROOT / "tests/integration_emulator/run_module.py"), str(COLLECTIONS), module)
        run = self.command(*command, env=env, given=arguments)
        assert run.out.strip().startswith("{"), f"{run.out}\n{run.err}"
        run.result = json.loads(run.out)
        # As the command says it of a task that failed.
        run.rc = 2 if run.result.get("failed") else run.rc
        return run

    def setting(self, *options: str, env: Mapping[str, str | None] | None = None, **params: Any) -> Run:
        """The module ssm_service_setting, for DHMC unless another setting is given."""
        return self.module("ssm_service_setting", *options, env=env, **{"setting": DHMC, **params})

    def play(
        self, tasks: Iterable[Mapping[str, Any]], *options: str, keep: Iterable[str] = (), **variables: Any
    ) -> Run:
        """``ansible-playbook`` with these tasks; returns also the variables to keep, even if a task fails."""
        kept = self.folder / "kept.json"
        kept.unlink(missing_ok=True)
        dump = {name: f"{{{{ {name} | default(none) }}}}" for name in keep}
        block = {"block": list(tasks), "always": [{"ansible.builtin.copy": {"dest": str(kept), "content": dump}}]}
        block["always"][0] |= {"check_mode": False, "diff": False}
        play = {"hosts": "localhost", "connection": "local", "gather_facts": False, "tasks": [block]}
        book = self.folder / "play.yml"
        book.write_text(yaml.safe_dump([play], sort_keys=False), encoding="utf-8")
        run = self.command("ansible-playbook", str(book), "-e", json.dumps(variables), *options)
        if kept.exists():
            run.result = json.loads(kept.read_text(encoding="utf-8"))
        return run

    def dhmc_role(self, *options: str, **variables: Any) -> Run:
        """A playbook with the role dhmc; the result holds dhmc_result and dhmc_removed_role."""
        tasks = [{"ansible.builtin.include_role": {"name": "fleet.aws_ssm.dhmc"}}]
        return self.play(tasks, *options, keep=("dhmc_result", "dhmc_removed_role"), **variables)

    # What AWS says.

    def client(self, service: str, region: str = "us-east-1") -> Any:
        return self._session.client(service, region_name=region)

    @property
    def iam(self) -> Any:
        return self.client("iam")

    def value(self, region: str, setting: str = DHMC) -> str:
        """What a region's setting holds; $None where it is unset."""
        return self.client("ssm", region).get_service_setting(SettingId=setting)["ServiceSetting"]["SettingValue"]

    def values(self, *regions: str, setting: str = DHMC) -> dict[str, str]:
        return {region: self.value(region, setting) for region in regions}

    def put(self, value: str, *regions: str, setting: str = DHMC) -> None:
        """Set a region's setting as somebody else would."""
        for region in regions:
            self.client("ssm", region).update_service_setting(SettingId=setting, SettingValue=value)

    def add_role(self, name: str, document: Mapping[str, Any], *policies: str, path: str = "/") -> None:
        """Make a role as somebody else would."""
        self.iam.create_role(RoleName=name, Path=path, AssumeRolePolicyDocument=json.dumps(document))
        for policy in policies:
            self.iam.attach_role_policy(RoleName=name, PolicyArn=f"arn:aws:iam::aws:policy/{policy}")

    def roles(self) -> dict[str, dict[str, Any]]:
        """Every role by path and name, with all that hangs on it."""
        found = {}
        for name in [role["RoleName"] for role in self.iam.list_roles()["Roles"]]:
            role = self.iam.get_role(RoleName=name)["Role"]
            attached = self.iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]
            inline = self.iam.list_role_policies(RoleName=name)["PolicyNames"]
            found[role["Path"] + name] = {
                "trust": role["AssumeRolePolicyDocument"],
                "managed": sorted(policy["PolicyName"] for policy in attached),
                "inline": {
                    policy: self.iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"]
                    for policy in inline
                },
                "boundary": role.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn"),
                "tags": {tag["Key"]: tag["Value"] for tag in role.get("Tags", [])},
            }
        return found

    def faults(self, *rules: Mapping[str, Any]) -> None:
        """What shall go wrong from now on."""
        self.control.set_faults(list(rules), self.id)


@contextmanager
def rewriting_endpoint(endpoint: str, changes: Mapping[str, str]) -> Iterator[str]:
    """An endpoint that answers as the emulator does, but for the state or the operator of some instances."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            asked = urllib.request.Request(endpoint + self.path, body, dict(self.headers))
            with urllib.request.urlopen(asked) as answer:
                text, headers = answer.read(), answer.headers
            if b"<DescribeInstancesResponse" in text:
                text = self.changed(text)
            self.send_response(200)
            self.send_header("Content-Type", headers["Content-Type"])
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def changed(self, text):
            root = ET.fromstring(text)
            for item in root.iterfind(".//{*}instancesSet/{*}item"):
                change = changes.get(item.findtext("{*}instanceId"))
                if change in ("pending", "shutting-down"):
                    item.find("{*}instanceState/{*}name").text = change
                elif change:
                    space = root.tag.rpartition("}")[0] + "}"
                    operator = ET.SubElement(item, f"{space}operator")
                    ET.SubElement(operator, f"{space}managed").text = "true"
                    ET.SubElement(operator, f"{space}principal").text = change
            return ET.tostring(root)

        def log_message(self, *_words):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="session")
def emulator() -> Iterator[Emulator]:
    with Emulator() as running:
        yield running


@pytest.fixture
def account(emulator: Emulator, tmp_path: Path) -> Iterator[Account]:
    number = f"{secrets.randbelow(8 * 10**11) + 10**11:012}"
    yield Account(emulator, number, tmp_path)
    emulator.control.reset(number)


@pytest.fixture
def aws_trust() -> Any:
    """trust("ssm.amazonaws.com", ...)"""
    return trust


@pytest.fixture
def rewriting(emulator: Emulator) -> Any:
    """with rewriting({instance: "pending", another: "eks.amazonaws.com"}) as endpoint: ..."""
    return partial(rewriting_endpoint, emulator.endpoint)
