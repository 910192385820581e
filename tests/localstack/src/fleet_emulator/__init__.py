# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""AWS as the tests of fleet.aws_ssm see it: LocalStack plus the parts it lacks.

``Emulator`` runs a server for as long as a ``with`` block lasts; ``Control`` talks to the recorder and the faults of
a running one. Neither imports LocalStack into the caller's process.
"""

from __future__ import annotations

from fleet_emulator.control import Control
from fleet_emulator.emulator import Emulator

__all__ = ["Control", "Emulator"]
