# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Everything the emulator knows of an account, to be forgotten at once."""

from __future__ import annotations

from moto.backends import get_backend

from fleet_emulator import agents, ec2_defaults, iam_rules, settings
from fleet_emulator.faults import FAULTS
from fleet_emulator.recorder import RECORDER
from fleet_emulator.regions import OPT_INS

# The services whose state lies in moto, and which the product calls; LocalStack keeps S3 and others elsewhere.
_MOTO = ("ec2", "iam", "organizations", "ssm", "sts")


def reset(account: str) -> None:
    """The account is as if it had never been used."""
    for service in _MOTO:
        get_backend(service).pop(account, None)
    settings.STORE.reset(account)
    ec2_defaults.STORE.reset(account)
    agents.MEMORY.reset(account)
    agents.LOOKS.spoil(account)
    iam_rules.QUOTAS_OF.reset(account)
    OPT_INS.reset(account)
    RECORDER.clear(account)
    FAULTS.clear(account)
