# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Starting and stopping: the tool, the environment it makes, and that nothing is ever left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from fleet_emulator import Control, Emulator
from fleet_emulator.environ import client_environment
from fleet_emulator.server import is_running

TOOL = [sys.executable, "-m", "fleet_emulator"]


@pytest.fixture
def clean(tmp_path):
    """A user's environment with real credentials in it, and temporary files in a folder of the test's own."""
    env = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")}
    env.update(
        AWS_PROFILE="production",
        AWS_ACCESS_KEY_ID="AKIAIOSFODNN7EXAMPLE",
        AWS_SECRET_ACCESS_KEY="real",
        AWS_SESSION_TOKEN="real",
        AWS_ENDPOINT_URL_SSM="https://ssm.example.com",
        TMPDIR=str(tmp_path),
        FLEET_EMULATOR_STATE=str(tmp_path / "state.json"),
    )
    return env


def tool(*arguments, env, **kwargs):
    return subprocess.run([*TOOL, *arguments], env=env, capture_output=True, text=True, timeout=60, **kwargs)


def wait_until(condition, timeout=10.0):
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.05)


def homes(tmp_path):
    return list(tmp_path.glob("fleet-emulator-*"))


def test_run(clean, tmp_path):
    """The command sees the emulator and nothing of the user's AWS set-up; its exit status is passed on."""
    code = (
        "import json, os, sys, urllib.request as u\n"
        "health = json.load(u.urlopen(os.environ['AWS_ENDPOINT_URL'] + '/_fleet/health'))\n"
        "print(json.dumps([dict(os.environ), health['pid']]))\n"
        "sys.exit(7)\n"
    )
    done = tool("run", "--env", "EXTRA=1", "--env", "AWS_REGION=eu-west-1", "--", sys.executable, "-c", code, env=clean)
    assert done.returncode == 7, done.stderr
    env, pid = json.loads(done.stdout)
    assert env["AWS_ENDPOINT_URL"].startswith("http://127.0.0.1:")
    assert (env["AWS_ACCESS_KEY_ID"], env["AWS_REGION"], env["EXTRA"]) == ("000000000000", "eu-west-1", "1")
    assert not {"AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL_SSM"} & set(env)
    assert env["AWS_SECRET_ACCESS_KEY"] != "real"
    assert not is_running(pid)
    assert homes(tmp_path) == []


def test_run_uses_a_given_endpoint(clean, emulator):
    """With AWS_ENDPOINT_URL set nothing is started."""
    clean["AWS_ENDPOINT_URL"] = emulator.endpoint
    started = time.monotonic()
    done = tool("run", "--", sys.executable, "-c", "import os; print(os.environ['AWS_ENDPOINT_URL'])", env=clean)
    assert done.stdout.strip() == emulator.endpoint
    assert time.monotonic() - started < 2


def test_run_without_a_command(clean, emulator):
    """Mistakes end with a message, not with a traceback."""
    clean["AWS_ENDPOINT_URL"] = emulator.endpoint
    assert "name a command" in tool("run", env=clean).stderr
    assert tool("run", "--", "/no/such/command", env=clean).returncode == 127


def test_signals_are_passed_on(clean, tmp_path):
    """SIGTERM reaches the command, and the emulator is gone afterwards."""
    code = (
        "import os, signal, sys, time\n"
        "signal.signal(signal.SIGTERM, lambda *args: sys.exit(9))\n"
        "print('ready', flush=True)\n"
        "time.sleep(60)\n"
    )
    with subprocess.Popen([*TOOL, "run", "--", sys.executable, "-c", code], env=clean, stdout=subprocess.PIPE) as run:
        assert run.stdout.readline() == b"ready\n"
        run.send_signal(signal.SIGTERM)
        assert run.wait(20) == 9
    assert homes(tmp_path) == []


def test_nothing_is_left_when_the_starter_is_killed(clean, tmp_path):
    """SIGKILL gives the starter no chance to clean up: the emulator notices by itself."""
    code = (
        "import time\nfrom fleet_emulator import Emulator\n"
        "emulator = Emulator(reuse=False).start()\nprint(emulator.pid, flush=True)\ntime.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], env=clean, stdout=subprocess.PIPE) as starter:
        pid = int(starter.stdout.readline())
        assert is_running(pid)
        starter.kill()
    wait_until(lambda: not is_running(pid))
    wait_until(lambda: homes(tmp_path) == [])


def test_nothing_is_left_when_the_starter_is_killed_while_it_waits(clean, tmp_path):
    """The same in the middle of the start."""
    with subprocess.Popen([*TOOL, "start"], env=clean, stdout=subprocess.DEVNULL) as starter:
        wait_until(lambda: [home for home in homes(tmp_path) if (home / "emulator.log").exists()])
        starter.kill()
    wait_until(lambda: homes(tmp_path) == [])


def test_start_status_stop(clean, tmp_path):
    """The daemon: found again by its state file, and started once."""
    started = tool("start", env=clean)
    assert started.returncode == 0, started.stderr
    endpoint = started.stdout.strip()
    assert tool("start", env=clean).stdout.strip() == endpoint
    status = json.loads(tool("status", env=clean).stdout)
    assert status["endpoint"] == endpoint
    assert Path(status["log"]).exists()
    assert json.loads((tmp_path / "state.json").read_text())["pid"] == status["pid"]
    rules = '[{"latency": 1}]'
    assert json.loads(tool("faults", "--account", "1" * 12, "--set", rules, env=clean).stdout)["latency"] == 1
    session = Emulator(reuse=False)
    session.endpoint = endpoint
    session.session("1" * 12).client("sts").get_caller_identity()
    assert json.loads(tool("calls", "--account", "1" * 12, env=clean).stdout)["operation"] == "GetCallerIdentity"
    assert f"AWS_ENDPOINT_URL={endpoint}" in tool("env", env=clean).stdout
    assert tool("stop", env=clean).returncode == 0
    assert not is_running(status["pid"])
    assert tool("status", env=clean).returncode == 3
    assert tool("stop", env=clean).returncode == 0
    assert homes(tmp_path) == []


def test_owner_and_idle_timeout(clean, tmp_path):
    """The daemon ends with its owner, or when nobody has called for a while."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as owner:
        assert tool("start", "--owner-pid", str(owner.pid), env=clean).returncode == 0
        pid = json.loads(tool("status", env=clean).stdout)["pid"]
        owner.kill()
    wait_until(lambda: not is_running(pid))
    assert tool("start", "--idle-timeout", "1", env=clean).returncode == 0
    pid = json.loads((tmp_path / "state.json").read_text())["pid"]
    wait_until(lambda: not is_running(pid))
    assert homes(tmp_path) == []


def test_listens_on_the_loopback_address_only(emulator):
    """LocalStack's default server binds all interfaces; this one must not."""
    if emulator.pid is None or not Path("/proc/net/tcp").exists():
        pytest.skip("needs an emulator of its own, and /proc")
    links = (os.readlink(item) for item in Path(f"/proc/{emulator.pid}/fd").iterdir() if item.is_symlink())
    inodes = {link[8:-1] for link in links if link.startswith("socket:")}
    rows = [row.split() for name in ("tcp", "tcp6") for row in Path(f"/proc/net/{name}").read_text().splitlines()[1:]]
    listening = [row[1].partition(":")[0] for row in rows if row[3] == "0A" and row[9] in inodes]
    assert listening == ["0100007F"]


def test_client_environment():
    """A 12-digit key is an account and is kept; everything that names a person or an endpoint goes."""
    base = {
        "AWS_ACCESS_KEY_ID": "111122223333",
        "AWS_REGION": "eu-central-1",
        "AWS_ROLE_ARN": "arn:aws:iam::1:role/r",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://x",
        "EC2_ACCESS_KEY": "real",
        "HOME": "/home/u",
        "NO_PROXY": "example.com",
    }
    env = client_environment(base, "http://127.0.0.1:1")
    assert (env["AWS_ACCESS_KEY_ID"], env["AWS_DEFAULT_REGION"]) == ("111122223333", "eu-central-1")
    assert env["NO_PROXY"] == "example.com,127.0.0.1,localhost"
    assert env["HOME"] == "/home/u"
    assert not {"AWS_ROLE_ARN", "AWS_CONTAINER_CREDENTIALS_FULL_URI", "EC2_ACCESS_KEY"} & set(env)


def test_control_ignores_proxies(emulator, monkeypatch):
    """A proxy for the outer world never sees the loopback address."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    assert Control(emulator.endpoint).health()["status"] == "running"
