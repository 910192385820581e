# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The Python interface: an emulator for as long as a ``with`` block lasts."""

from __future__ import annotations

import os
from types import TracebackType
from typing import Any

from fleet_emulator import server
from fleet_emulator.control import Control
from fleet_emulator.environ import DEFAULT_ACCOUNT, DEFAULT_REGION, client_environment


class Emulator:
    """Starts an emulator, or uses the one that AWS_ENDPOINT_URL names.

    ``with Emulator() as emu: emu.session("111122223333").client("ssm")``
    """

    def __init__(self, *, reuse: bool = True, port: int = 0) -> None:
        self._port = port
        self._server: server.Server | None = None
        self.endpoint = (os.environ.get("AWS_ENDPOINT_URL") or "") if reuse else ""

    def start(self) -> Emulator:
        """Start, unless an endpoint was given from outside."""
        if not self.endpoint:
            self._server = server.start(port=self._port)
            self.endpoint = self._server.endpoint
        return self

    def stop(self) -> None:
        """Stop what ``start`` started."""
        if self._server is not None:
            self._server.stop()
            self._server = None
            self.endpoint = ""

    @property
    def pid(self) -> int | None:
        """The emulator's process id, when it was started here."""
        return self._server.pid if self._server else None

    @property
    def control(self) -> Control:
        """Client of the recorder and the faults."""
        return Control(self.endpoint)

    def env(self, account: str = DEFAULT_ACCOUNT) -> dict[str, str]:
        """The environment for a program that shall work on this account of the emulator."""
        return client_environment(os.environ, self.endpoint, account)

    def session(self, account: str = DEFAULT_ACCOUNT, region: str = DEFAULT_REGION) -> Any:
        """A boto3 session for the account whose clients call the emulator."""
        from fleet_emulator.boto import session

        return session(self.endpoint, account, region)

    def __enter__(self) -> Emulator:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
