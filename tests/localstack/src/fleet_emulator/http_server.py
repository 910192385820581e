# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The HTTP server: hypercorn on a socket that the starter has bound to the loopback address.

LocalStack's own servers bind a port themselves, its default one on all interfaces. Taking over a bound socket leaves
no moment in which another process could take the port, and none in which another machine could connect.
"""

from __future__ import annotations

import asyncio
import contextvars
import os
from typing import Any

from hypercorn.asyncio import serve
from hypercorn.asyncio.tcp_server import TCPServer
from hypercorn.config import Config
from localstack.logging.setup import setup_hypercorn_logger
from localstack.runtime.server.core import RuntimeServerPlugin
from localstack.runtime.server.hypercorn import HypercornRuntimeServer
from rolo.gateway import Gateway
from rolo.gateway.asgi import AsgiGateway

# Set by a fault on its response: cut the connection instead of answering.
ABORT_HEADER = "x-fleet-abort"

_connection: contextvars.ContextVar[asyncio.StreamWriter] = contextvars.ContextVar("connection")


class FleetServer(HypercornRuntimeServer):
    """Serves the gateway without TLS on the descriptor in FLEET_EMULATOR_LISTEN_FD."""

    def register(self, gateway: Gateway, listen: list[Any], ssl_creds: tuple[str, str] | None = None) -> None:
        config = Config()
        config.h11_pass_raw_headers = True
        config.keep_alive_timeout = 60
        fd = os.environ.get("FLEET_EMULATOR_LISTEN_FD")
        config.bind = [f"fd://{fd}"] if fd else [str(address) for address in listen]
        setup_hypercorn_logger(config)
        app = _abortable(AsgiGateway(gateway, event_loop=self.loop))
        coroutine = serve(app, config, shutdown_trigger=self._shutdown_trigger)
        self._futures.append(asyncio.run_coroutine_threadsafe(coroutine, self.loop))


class FleetServerPlugin(RuntimeServerPlugin):
    """Chosen by GATEWAY_SERVER=fleet."""

    name = "fleet"

    def load(self, *args: Any, **kwargs: Any) -> FleetServer:
        run = TCPServer.run

        async def run_and_remember(server: TCPServer) -> None:
            # The tasks that answer requests inherit this context: so a fault can find its connection.
            _connection.set(server.writer)
            await run(server)

        TCPServer.run = run_and_remember
        return FleetServer()


class _Sender:
    """Passes an answer on, unless a fault wants the connection cut.

    A class and not a function, because rolo asks the owner of the method it is given whether the stream is closed.
    """

    def __init__(self, send: Any, connection: asyncio.StreamWriter) -> None:
        self._send, self._connection = send, connection

    @property
    def closed(self) -> bool:
        return bool(getattr(getattr(self._send, "__self__", None), "closed", False))

    async def send(self, message: dict[str, Any]) -> None:
        headers = message.get("headers") or ()
        if any(name.decode().lower() == ABORT_HEADER for name, _ in headers):
            self._connection.transport.abort()
            return
        await self._send(message)


def _abortable(app: AsgiGateway) -> Any:
    async def wrapped(scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            send = _Sender(send, _connection.get()).send
        await app(scope, receive, send)

    return wrapped
