# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Everything the emulator knows of an account, to be forgotten at once or to be had twice."""

from __future__ import annotations

import pickle
from typing import Any

from moto.backends import get_backend

from fleet_emulator import agents, ec2_defaults, iam_rules, settings
from fleet_emulator.environ import is_account_id
from fleet_emulator.faults import FAULTS
from fleet_emulator.holds import HOLDS
from fleet_emulator.recorder import RECORDER
from fleet_emulator.regions import OPT_INS

# The services whose state lies in moto, and which the product calls; LocalStack keeps S3 and others elsewhere.
_MOTO = ("ec2", "iam", "organizations", "ssm", "sts")
# Organizations knows accounts by one another: a copy would be a member that its organization does not know.
_COPIED = ("ec2", "iam", "ssm", "sts")
_STORES: tuple[Any, ...] = (settings.STORE, ec2_defaults.STORE, agents.MEMORY, iam_rules.QUOTAS_OF, OPT_INS)


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
    HOLDS.clear(account, drop=True)
    agents.WATCHES.stop(account)
    RECORDER.clear(account)
    FAULTS.clear(account)


def copy(account: str, other: str) -> None:
    """Give another account all that this one has, under the same names and ids; what it had is gone.

    Pickled together, so that what is shared stays shared. A pickle holds texts with their lengths, and one account's
    number is as long as another's; so every ARN in it follows by a plain replacement.
    """
    if account == other or not is_account_id(account) or not is_account_id(other):
        raise ValueError("name two accounts")
    backends = {service: dict(get_backend(service).get(account) or {}) for service in _COPIED}
    taken = pickle.dumps((backends, [store.take(account) for store in _STORES]))
    backends, values = pickle.loads(taken.replace(account.encode(), other.encode()))
    reset(other)
    for service, regions in backends.items():
        target = get_backend(service)[other]
        for region, backend in regions.items():
            target[region] = backend
    for store, value in zip(_STORES, values, strict=True):
        store.put(other, value)
