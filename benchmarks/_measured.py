# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Run a command and append a line to a file: when it began and ended, the peak memory of the largest process of its
tree, and that of the command's own process (sampled, 0 where the system does not tell); in MB.

A process of its own and a small one, because the kernel counts to a child's peak what its parent held when it began it.
Used as an Ansible interpreter too, so that the module's process is told from ansible-playbook's.

Usage: _measured.py FILE COMMAND...
"""

from __future__ import annotations

import os
import re
import signal
import sys
import time


def peak_of(process: int) -> int:
    """The most memory that the process has held so far, in kB."""
    try:
        with open(f"/proc/{process}/status", encoding="utf-8") as file:  # noqa: PTH123 - pathlib is large
            found = re.search(r"VmHWM:\s+(\d+)", file.read())
    except OSError:
        found = None
    return int(found[1]) if found else 0


def main() -> int:
    path, *command = sys.argv[1:]
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCHLD])
    began = time.time()
    child = os.posix_spawnp(command[0], command, os.environ, setsigmask=[])
    own = 0
    while not (ended := os.wait4(child, os.WNOHANG))[0]:
        own = max(own, peak_of(child))
        signal.sigtimedwait([signal.SIGCHLD], 0.05)
    now = time.time()
    with open(path, "a", encoding="utf-8") as file:  # noqa: PTH123
        file.write(f"{began} {now} {ended[2].ru_maxrss / 1024} {own / 1024}\n")
    return os.waitstatus_to_exitcode(ended[1])


if __name__ == "__main__":
    sys.exit(main())
