# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Rules: the readiness report as one HTML page that asks for nothing from anywhere. Pure.

Everything of the result is hostile input: everyone who may tag instances chooses their Name tags. Text
goes through `escaped`, data through `embedded`, and the page's policy lets no other script and no style run.
"""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

from ansible_collections.fleet.aws_ssm.plugins.module_utils._report_script import SCRIPT
from ansible_collections.fleet.aws_ssm.plugins.module_utils._report_sections import (
    fallback_rows,
    header,
    instances,
    notes,
    overview,
    reasons,
    regions,
    unread,
)
from ansible_collections.fleet.aws_ssm.plugins.module_utils._report_style import CSS
from ansible_collections.fleet.aws_ssm.plugins.module_utils._report_words import (
    FORMAT,
    SEVERITIES,
    VERDICTS,
    WAYS,
    Row,
    by_attention,
    escaped,
    fix_parts,
    titles,
    visible,
)

_FIELDS = (
    "name", "instance_id", "region", "account", "verdict", "way", "agent_version", "state", "platform",
    "instance_profile", "role", "vpc_id", "subnet_id", "ping_status", "last_ping", "launched",
)  # fmt: skip
_FACTS = (
    ("Account", "account"), ("State", "state"), ("Platform", "platform"), ("Instance profile", "instance_profile"),
    ("Role", "role"), ("VPC", "vpc_id"), ("Subnet", "subnet_id"), ("Agent's ping", "ping_status"),
    ("Last ping", "last_ping"), ("Launched", "launched"),
)  # fmt: skip
# A browser would ask the server for an icon that no page names.
_ICON = (
    "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Crect width='16' height='16' "
    "rx='4' fill='%23149a6c'/%3E%3Cpath d='M4 8.5l2.7 2.7L12 5.5' fill='none' stroke='%23fff' stroke-width='2'/%3E"
    "%3C/svg%3E"
)
_SYMBOLS = {
    "managed": "<circle cx='12' cy='12' r='9'/><path d='M8 12.5l2.8 2.8L16 9.5'/>",
    "pending": "<circle cx='12' cy='12' r='9'/><path d='M12 7v5l3 2'/>",
    "connection_lost": "<path d='M4 4l16 16M8.5 8.8a8 8 0 0 0-3 2.2M2.5 8a12 12 0 0 1 3.6-2.4M12 6a12 12 0 0 1 9.5 2"
    "M12 18h.01M9 15a4 4 0 0 1 5 0'/>",
    "not_managed": "<circle cx='12' cy='12' r='9'/><path d='M9 9l6 6M15 9l-6 6'/>",
    "out_of_scope": "<circle cx='12' cy='12' r='9'/><path d='M8 12h8'/>",
    "blocking": "<path d='M8 3h8l5 5v8l-5 5H8l-5-5V8z'/><path d='M12 8v5M12 16.5h.01'/>",
    "warning": "<path d='M12 4L2.5 20h19z'/><path d='M12 10v4M12 17h.01'/>",
    "info": "<circle cx='12' cy='12' r='9'/><path d='M12 11v5M12 8h.01'/>",
}


def page(result: Row, title: str) -> str:
    """The whole page."""
    found = by_attention(result["instances"])
    known = titles(result)
    policy = "; ".join(
        (
            "default-src 'none'",
            f"style-src '{_digest(CSS)}'",
            f"script-src '{_digest(SCRIPT)}'",
            "img-src data:",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )
    symbols = "".join(
        f'<symbol id="i-{name}" viewBox="0 0 24 24">{drawing}</symbol>' for name, drawing in _SYMBOLS.items()
    )
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="generator" content="{FORMAT}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<meta name="robots" content="noindex">
<title>{escaped(title)}</title>
<link rel="icon" href="{_ICON}">
<style>{CSS}</style>
</head>
<body>
<a class="skip" href="#instances">Skip to the instances</a>
<svg width="0" height="0" hidden aria-hidden="true">{symbols}</svg>
{header(result, title)}
<main>
{unread(result)}
{overview(result)}
{regions(result, known)}
{reasons(result)}
{instances(result, known, fallback_rows(found, known))}
</main>
{notes()}
<div class="hidden" role="status" id="said"></div>
<script type="application/json" id="data">{embedded(_data(found, known))}</script>
<script>{SCRIPT}</script>
</body>
</html>
"""


def embedded(data: Any) -> str:
    """JSON that can't end the script element it stands in, nor start a comment there."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def _data(found: list[Row], known: dict[str, str]) -> dict[str, Any]:
    # Thousands of instances share a few messages and fixes: each stands there once.
    texts: dict[str, int] = {"": 0}

    def place(text: Any) -> int:
        return texts.setdefault(visible(text or ""), len(texts))

    rows = [
        [
            *(visible(row.get(field) or "") for field in _FIELDS),
            [
                [
                    visible(one["reason"]),
                    one["severity"],
                    place(one["message"]),
                    *map(place, fix_parts(one)),
                ]
                for one in row["reasons"]
            ],
        ]
        for row in found
    ]
    return {
        "fields": [*_FIELDS, "reasons"],
        "facts": _FACTS,
        "rows": rows,
        "texts": list(texts),
        "titles": {visible(code): visible(title) for code, title in known.items()},
        "verdicts": VERDICTS,
        "ways": WAYS,
        "severities": SEVERITIES,
    }


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
