# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a module keeps what it changes, and puts it back."""

from __future__ import annotations


class ModuleDocFragment:
    """The options C(backup), C(backup_file) and C(overwrite) of modules that have C(state=restored)."""

    DOCUMENTATION = r"""
options:
  backup_file:
    description:
      - A file that keeps what is changed, where the module runs (JSON, mode 0600). Its folder must exist.
      - The module writes what it is going to change to the file before the first change, with the value that it has
        seen. It makes only changes that are in the file.
      - The file is a journal. Many accounts, regions, modules, runs and hosts can share one, and nothing is ever removed
        from it. The first value of a resource is what O(state=restored) leads back to, however often a run is repeated.
      - With O(state=restored), the file to read. Entries of other accounts and modules are left alone.
      - It is never written through a link, nor over a file that is not such a backup.
    type: path
  backup:
    description:
      - What an earlier run of this module returned as RV(backup). For O(state=restored) only, instead of O(backup_file).
    type: list
    elements: dict
  overwrite:
    description:
      - With O(state=restored), whether to restore also what someone else has changed since. Without it such a resource
        fails with the code C(ChangedSince), and stays as it is.
      - It also passes over what no longer exists, which otherwise fails with the code C(Gone).
    type: bool
    default: false
"""
