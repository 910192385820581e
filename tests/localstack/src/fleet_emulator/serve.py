# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The emulator's process: LocalStack, watched so that it never outlives its owner."""

from __future__ import annotations

import os
import runpy

from fleet_emulator import watchdog


def main() -> None:
    """Watch first, then serve until told to stop."""
    watchdog.start()
    # LocalStack keeps the descriptors' numbers out of its own environment and of any process it may start.
    for name in ("FLEET_EMULATOR_LIFELINE_FD", "FLEET_EMULATOR_OWNER_PID"):
        os.environ.pop(name, None)
    runpy.run_module("localstack.runtime.main", run_name="__main__")


if __name__ == "__main__":
    main()
