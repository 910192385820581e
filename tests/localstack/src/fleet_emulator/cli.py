# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The command line: run something against an emulator, or start, stop and ask one."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shlex
import signal
import subprocess
import sys
import urllib.error
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import FrameType

from fleet_emulator import server, state_file
from fleet_emulator.control import Control, ControlError
from fleet_emulator.environ import client_environment

DEFAULT_IDLE_TIMEOUT = 3600.0
_FORWARDED = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point of the ``fleet-emulator`` script."""
    arguments = _parser().parse_args(argv)
    try:
        return int(arguments.call(arguments))
    except (server.StartError, ControlError, state_file.NotRunning, OSError, ValueError) as error:
        print(f"fleet-emulator: {error}", file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="fleet-emulator", description="AWS for the tests of fleet.aws_ssm.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    run = commands.add_parser("run", help="run a command against an emulator of its own")
    run.add_argument("--env", action="append", default=[], metavar="KEY=VAL", help="set a variable for the command")
    run.add_argument("command", nargs=argparse.REMAINDER, metavar="-- CMD ...")
    run.set_defaults(call=_run)

    start = commands.add_parser("start", help="start an emulator in the background and print its endpoint")
    start.add_argument("--state-file", type=Path, default=state_file.default())
    start.add_argument("--port", type=int, default=0, help="a fixed port; a free one is taken otherwise")
    start.add_argument("--owner-pid", type=int, help="stop when this process ends")
    start.add_argument("--idle-timeout", type=float, default=DEFAULT_IDLE_TIMEOUT, metavar="SECONDS")
    start.set_defaults(call=_start)

    for name, call, text in (
        ("stop", _stop, "stop the emulator of the state file"),
        ("status", _status, "say whether it runs; exit status 3 when it does not"),
        ("env", _env, "print shell lines that point AWS clients at it"),
    ):
        command = commands.add_parser(name, help=text)
        command.add_argument("--state-file", type=Path, default=state_file.default())
        command.set_defaults(call=call)

    calls = commands.add_parser("calls", help="print the recorded API calls, one JSON object a line")
    calls.add_argument("--account")
    calls.add_argument("--writes", action="store_true", help="only calls that change something")
    calls.add_argument("--clear", action="store_true", help="forget them afterwards")
    faults = commands.add_parser("faults", help="print, set or clear the fault rules")
    faults.add_argument("--account", help="without it: the rules for all accounts")
    faults.add_argument("--set", metavar="JSON|@FILE", help="a list of rules")
    faults.add_argument("--clear", action="store_true")
    for command, call in ((calls, _calls), (faults, _faults)):
        command.add_argument("--state-file", type=Path, default=state_file.default())
        command.add_argument("--endpoint", default=os.environ.get("AWS_ENDPOINT_URL"))
        command.set_defaults(call=call)
    return parser


def _run(arguments: argparse.Namespace) -> int:
    command = arguments.command[1:] if arguments.command[:1] == ["--"] else arguments.command
    if not command:
        raise ValueError("name a command: fleet-emulator run -- CMD ...")
    extra = dict(_pair(item) for item in arguments.env)
    with _endpoint() as endpoint:
        return _call(command, {**client_environment({**os.environ, **extra}, endpoint), **extra})


@contextlib.contextmanager
def _endpoint() -> Iterator[str]:
    """The endpoint given from outside, or that of an emulator started for as long as it is needed."""
    given = os.environ.get("AWS_ENDPOINT_URL")
    if given:
        yield given
        return
    # A signal that comes while the emulator starts must not leave it behind.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _raise_exit)
    started = server.start()
    try:
        yield started.endpoint
    finally:
        started.stop()


def _raise_exit(signum: int, frame: FrameType | None) -> None:
    raise SystemExit(128 + signum)


def _call(command: Sequence[str], env: dict[str, str]) -> int:
    """Run the command, pass signals on to it, and return its status as a shell would."""
    try:
        process = subprocess.Popen(command, env=env)
    except OSError as error:
        print(f"fleet-emulator: {command[0]}: {error.strerror}", file=sys.stderr)
        return 127 if isinstance(error, FileNotFoundError) else 126

    def forward(signum: int, frame: FrameType | None) -> None:
        # A terminal sends Ctrl-C to the command itself as well.
        if signum != signal.SIGINT or not sys.stdin.isatty():
            process.send_signal(signum)

    for number in _FORWARDED:
        signal.signal(number, forward)
    status = process.wait()
    return 128 - status if status < 0 else status


def _pair(item: str) -> tuple[str, str]:
    key, separator, value = item.partition("=")
    if not key or not separator:
        raise ValueError(f"--env takes KEY=VAL, not {item!r}")
    return key, value


def _start(arguments: argparse.Namespace) -> int:
    running = state_file.find(arguments.state_file)
    if running is None:
        running = server.start(port=arguments.port, owner_pid=arguments.owner_pid, idle_timeout=arguments.idle_timeout)
        try:
            state_file.write(arguments.state_file, running)
        except OSError:
            running.stop()
            raise
        running.detach()
    print(running.endpoint)
    return 0


def _stop(arguments: argparse.Namespace) -> int:
    running = state_file.find(arguments.state_file)
    if running is not None:
        running.stop()
    arguments.state_file.unlink(missing_ok=True)
    return 0


def _status(arguments: argparse.Namespace) -> int:
    running = state_file.find(arguments.state_file)
    if running is None:
        print("not running")
        return 3
    print(json.dumps({"endpoint": running.endpoint, "pid": running.pid, "log": str(running.log)}))
    return 0


def _env(arguments: argparse.Namespace) -> int:
    endpoint = state_file.require(arguments.state_file).endpoint
    env = client_environment(os.environ, endpoint)
    names = [name for name in env if name.startswith("AWS_") or name.lower() == "no_proxy"]
    for name in sorted(set(os.environ) - set(env)):
        print(f"unset {name}")
    for name in sorted(names):
        print(f"export {name}={shlex.quote(env[name])}")
    return 0


def _control(arguments: argparse.Namespace) -> Control:
    return Control(arguments.endpoint or state_file.require(arguments.state_file).endpoint)


def _calls(arguments: argparse.Namespace) -> int:
    control = _control(arguments)
    try:
        for call in control.calls(arguments.account, writes=arguments.writes):
            print(json.dumps(call))
    except urllib.error.URLError as error:
        raise OSError(f"{control.endpoint} does not answer: {error.reason}") from error
    if arguments.clear:
        control.clear_calls(arguments.account)
    return 0


def _faults(arguments: argparse.Namespace) -> int:
    control = _control(arguments)
    if arguments.clear:
        control.clear_faults(arguments.account)
    if arguments.set:
        text = Path(arguments.set[1:]).read_text() if arguments.set.startswith("@") else arguments.set
        control.set_faults(json.loads(text), arguments.account)
    for rule in control.faults(arguments.account):
        print(json.dumps(rule))
    return 0
