# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""boto3 sessions that can only call the emulator."""

from __future__ import annotations

from typing import Any

import boto3
import botocore.loaders
import botocore.session
from botocore.config import Config

# Tests look at single answers: a retry would hide the fault they asked for.
CONFIG = Config(retries={"total_max_attempts": 1, "mode": "standard"}, max_pool_connections=50)

# Reading the API models is most of what a session costs, so all sessions share what was read.
_LOADER = botocore.loaders.create_loader()


class EmulatorSession(boto3.Session):
    """A session whose clients go to one endpoint, without retries unless asked for."""

    def __init__(self, endpoint: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._endpoint = endpoint

    def client(self, *args: Any, **kwargs: Any) -> Any:
        kwargs.setdefault("endpoint_url", self._endpoint)
        kwargs["config"] = CONFIG.merge(kwargs["config"]) if kwargs.get("config") else CONFIG
        return super().client(*args, **kwargs)


def session(endpoint: str, account: str, region: str, token: str | None = None) -> EmulatorSession:
    """A session for an account (or for another access key) that reads no file of the user."""
    core = botocore.session.Session(session_vars={"profile": (None, None, None, None)})
    core.set_config_variable("config_file", "/dev/null")
    core.set_config_variable("credentials_file", "/dev/null")
    core.register_component("data_loader", _LOADER)
    core.set_credentials(account, "emulator", token)
    return EmulatorSession(endpoint, botocore_session=core, region_name=region)
