# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures of the readiness page, of a fleet that does not exist: the README's, and how it looks elsewhere.

.venv/bin/python tools/readiness_picture.py FOLDER
"""

from __future__ import annotations

import sys
from pathlib import Path

from ansible.plugins.loader import init_plugin_loader

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "integration_emulator"))
init_plugin_loader([str(ROOT / "playbooks" / "collections")])

from browser import browser, find
from readiness_sample import sample

from ansible_collections.fleet.aws_ssm.plugins.module_utils._report_page import page

LOOKS = {
    "readiness": {"width": 1200, "height": 2080},
    "dark": {"width": 1200, "height": 2600, "dark": True},
    "tablet": {"width": 800, "height": 3000},
    "phone": {"width": 360, "height": 2600},
    "phone-instances": {"width": 360, "height": 1400, "dark": True},
}


def main() -> None:
    program = find()
    if not program or len(sys.argv) != 2:
        sys.exit(f"{__doc__}\nNo Chromium was found: tools/chromium installs one." if not program else __doc__)
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    html = folder.resolve() / "readiness.html"
    html.write_text(page(sample(), "Systems Manager readiness"), encoding="utf-8")
    with browser(program) as chromium:
        for name, look in LOOKS.items():
            chromium.look(**look)
            chromium.open(html.as_uri())
            if name == "phone-instances":
                chromium.run("document.querySelector('.more').open = true")
                chromium.run("document.getElementById('instances').scrollIntoView({behavior: 'instant'})")
            chromium.picture(folder / f"{name}.png")
            print(folder / f"{name}.png")


if __name__ == "__main__":
    main()
