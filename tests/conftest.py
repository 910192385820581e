# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the checkout importable as the collection that it is, whatever its folder is called."""

from __future__ import annotations

from pathlib import Path

from ansible.plugins.loader import init_plugin_loader
from ansible.utils.collection_loader import AnsibleCollectionConfig
from hypothesis import settings

ROOT = Path(__file__).resolve().parent.parent


# ansible-test has its own loader and its own tree; everywhere else the tree is the one that holds a link to here.
if AnsibleCollectionConfig.collection_finder is None:
    init_plugin_loader([str(ROOT / "playbooks" / "collections")])

# The same examples in every run: a failure that only shows now and then helps nobody, and no file is left behind.
settings.register_profile("repeatable", derandomize=True, database=None, deadline=None)
settings.load_profile("repeatable")
