# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is hooked into LocalStack while it starts."""

from __future__ import annotations

import os
import warnings

import typing_extensions
from localstack.aws import handlers
from localstack.runtime import hooks
from localstack.utils import ssl


@hooks.on_infra_start(priority=100)
def install() -> None:
    """Put the gate before and the recorder behind every API call, and serve the control interface."""
    if not hasattr(warnings, "deprecated"):
        # Some of LocalStack's services import this from the standard library, which has it since Python 3.13.
        warnings.deprecated = typing_extensions.deprecated  # type: ignore[attr-defined]
    from fleet_emulator import gate, moto_speed, regions, routes, watchdog

    handlers.preprocess_request.append(gate.begin)
    handlers.serve_custom_service_request_handlers.append(gate.enter)
    handlers.run_custom_finalizers.append(gate.finish)
    handlers.rewrite_region.region_rewriter_strategy = regions.KeepRegion()
    routes.add()
    moto_speed.apply()
    # The server speaks plain HTTP on the loopback address. A certificate would cost time at each start, and making
    # one fails with pyOpenSSL >= 26, which no longer has the call LocalStack uses.
    ssl.create_ssl_cert = lambda *args, **kwargs: ("", "", "")
    if os.environ.get("FLEET_EMULATOR_HOME"):
        watchdog.end_on_signals()
