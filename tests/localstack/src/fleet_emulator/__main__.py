# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""``python -m fleet_emulator``: the same tool as the ``fleet-emulator`` script."""

from __future__ import annotations

import sys

from fleet_emulator.cli import main

if __name__ == "__main__":
    sys.exit(main())
