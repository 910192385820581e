# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Executor: pacing at the rate that AWS's token buckets give, and waiting for a state with growing pauses."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable

# Burst and refill a second of an account's and region's bucket for each API: Amazon EC2 API Reference, "Request
# throttling for the Amazon EC2 API" (ReplaceIamInstanceProfileAssociation falls under the other mutating actions).
# Two less than AWS's 100 and 50: this clock starts before AWS's does, and calls at the very edge would be refused.
# ModifyInstanceMetadataDefaults has 2 and 2, and a task makes one such call in a region.
EC2_BUCKETS = {
    "AssociateIamInstanceProfile": (98, 5),
    "DisassociateIamInstanceProfile": (98, 5),
    "ReplaceIamInstanceProfileAssociation": (48, 5),
    "ModifyInstanceMetadataOptions": (98, 5),
    "ModifyInstanceMetadataDefaults": (2, 2),
}


class Bucket:
    """A token bucket that threads share. C(burst) calls go at once, then C(rate) a second, in the order they ask."""

    def __init__(
        self,
        burst: float,
        rate: float,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._burst, self._rate, self._clock, self._sleep = burst, rate, clock, sleep
        self._lock = threading.Lock()
        self._tokens = burst
        self._at = clock()

    def take(self) -> None:
        """Wait until the next call may be made."""
        with self._lock:
            now = self._clock()
            self._tokens = min(self._burst, self._tokens + (now - self._at) * self._rate)
            self._at = now
            # Below zero the tokens are owed: the callers before this one have taken them in advance.
            self._tokens -= 1
            wait = -self._tokens / self._rate
        if wait > 0:
            self._sleep(wait)

    def drain(self) -> None:
        """AWS has throttled a call: somebody else uses the same bucket, so it is as good as empty."""
        with self._lock:
            self._tokens = min(self._tokens, 0)


def wait_until(check: Callable[[], bool], deadline: float, first: float = 0.5, longest: float = 10.0) -> bool:
    """Call C(check) until it is true, with pauses that grow and differ; False if that takes until the deadline."""
    pause = first
    while not check():
        left = deadline - time.monotonic()
        if left <= 0:
            return False
        time.sleep(min(left, pause * random.uniform(0.75, 1.25)))  # noqa: S311
        pause = min(longest, pause * 1.6)
    return True
