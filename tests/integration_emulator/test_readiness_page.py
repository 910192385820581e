# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The readiness page in a browser: what it shows, what it asks for, and who can use it.

They need a Chromium (tools/chromium prints or installs one), and are skipped where none is found. With CHROMIUM in the
environment, as .ci/run sets it, they are not.
"""

from __future__ import annotations

import json
import time
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from browser import browser, find
from readiness_sample import fixed, instance, reason, report, sample

from ansible_collections.fleet.aws_ssm.plugins.module_utils._report_page import page

HOSTILE = [
    "<script>window.hit = 1</script>",
    "</script><script>window.hit = 2</script>",
    "<!--<script>",
    '"><img src="//evil.example/x" onerror="window.hit = 3">',
    "' onmouseover='window.hit = 4",
    "<iframe src=//evil.example></iframe>",
    "{{ 7 * 7 }}",
    "abc\u202egnp.exe",
    "<svg onload=window.hit=5>",
]
ROWS = "[...document.querySelectorAll('#rows tr')]"
NAMES = f"{ROWS}.map((row) => row.querySelector('.name')?.textContent ?? '')"
FOUND = "document.getElementById('found').textContent"


@pytest.fixture(scope="module")
def chromium():
    program = find()
    if not program:
        pytest.skip("no Chromium was found; tools/chromium installs one, and CHROMIUM names one")
    with browser(program) as found:
        yield found


@pytest.fixture
def show(chromium, tmp_path):
    """show(result): the page of this result, opened from a file; afterwards nothing was asked for, and no complaint."""
    file = tmp_path / "readiness.html"
    chromium.look()

    def opened(result, *, script=True, **look):
        file.write_text(page(result, "Systems Manager readiness"), encoding="utf-8")
        chromium.look(**look)
        chromium.requests.clear()
        chromium.complaints.clear()
        chromium.call("Emulation.setScriptExecutionDisabled", value=not script)
        chromium.open(file.as_uri())
        return chromium

    yield opened
    chromium.call("Emulation.setScriptExecutionDisabled", value=False)
    chromium.run("new Promise((done) => { localStorage.clear(); setTimeout(done, 50); })")
    assert [url for url in chromium.requests if not url.startswith("data:")] == [file.as_uri()]
    assert chromium.complaints == []


def put(chromium, field, value):
    """Choose or type something, as a user does."""
    chromium.run(
        f"(() => {{ const field = document.getElementById('f-{field}'); field.value = {json.dumps(value)};"
        "field.dispatchEvent(new Event('input', {bubbles: true})); })()"
    )
    return chromium.run(FOUND)


def wide(chromium):
    """How far the page goes beyond the window."""
    return chromium.run("document.documentElement.scrollWidth - document.documentElement.clientWidth")


def test_it_shows_the_whole_report(show):
    chromium = show(sample())
    text = chromium.run("document.body.innerText")
    for words in (
        "82.8",
        "48 of 58 instances in scope are managed",
        "+21.4 points since 18 November 2026",
        "sa-east-1",
    ):
        assert words in text
    assert chromium.run(FOUND) == "61 of 61 instances"
    # Those that want attention first.
    assert chromium.run(f"{ROWS}[0].querySelector('.chip').textContent") == "Not managed"
    widths = (
        "[...document.querySelectorAll('.regions .bar')].map((bar) => bar.querySelector('.managed').getBBox().width"
    )
    drawn = chromium.run(widths + " / bar.getBoundingClientRect().width)")
    assert [round(width, 1) for width in drawn] == [0.2, 0.6, 0.8, 0.9, 0.9, 1.0]


def test_its_filters_work_alone_and_together(show):
    chromium = show(sample())
    assert put(chromium, "verdict", "not_managed") == "8 of 61 instances"
    assert put(chromium, "region", "sa-east-1") == "3 of 61 instances"
    assert put(chromium, "text", "no-such-thing") == "0 of 61 instances"
    assert chromium.run("document.getElementById('nothing').checkVisibility()") is True
    chromium.run("document.querySelector('#filters [type=reset]').click()")
    chromium.wait(f"{FOUND} === '61 of 61 instances'")
    assert put(chromium, "reason", "imdsv1_allowed") == "3 of 61 instances"
    assert put(chromium, "severity", "blocking") == "0 of 61 instances"
    put(chromium, "reason", "")
    assert put(chromium, "severity", "none") == "46 of 61 instances"
    put(chromium, "severity", "")
    # All words, in any of the fields, whatever their case.
    assert put(chromium, "text", "SA-EAST  stopped") == "1 of 61 instances"
    one = sample()["instances"][7]
    assert put(chromium, "text", one["instance_id"]) == "1 of 61 instances"
    assert chromium.run(f"{NAMES}[0]") == one["name"]


def test_a_reason_leads_to_its_instances(show):
    chromium = show(sample())
    chromium.run("document.querySelector('[data-reason=dhmc_off]').click()")
    assert chromium.run(FOUND) == "3 of 61 instances"
    assert chromium.run("document.activeElement.id") == "f-reason"
    # No instance has what only regions have.
    assert chromium.run("document.querySelector('[data-reason=region_off]')") is None


def test_a_region_and_a_verdict_of_the_legend_lead_to_their_instances(show):
    chromium = show(sample())
    chromium.run("document.querySelector('[data-pick=region][data-value=sa-east-1] button').click()")
    assert chromium.run(FOUND) == "5 of 61 instances"
    assert chromium.run("document.activeElement.id") == "f-region"
    chromium.run("document.querySelector('[data-pick=verdict][data-value=connection_lost] button').click()")
    assert chromium.run(FOUND) == "1 of 61 instances"
    assert chromium.run("document.getElementById('f-region').value") == ""


def test_an_empty_table_says_how_to_get_out(show):
    chromium = show(sample())
    assert put(chromium, "text", "no-such-thing") == "0 of 61 instances"
    assert chromium.run("document.getElementById('nothing').innerText").startswith("No instances match.")
    chromium.run("document.getElementById('clear').click()")
    chromium.wait(f"{FOUND} === '61 of 61 instances'")
    assert chromium.run("document.getElementById('nothing').checkVisibility()") is False
    assert chromium.run("document.activeElement.id") == "f-text"


@pytest.mark.parametrize("width", [360, 1200])
def test_large_counts_stay_in_one_line(show, width):
    result = sample()
    for row, count in zip(result["reasons"], (1, 9_999, 10_000, 99_999), strict=False):
        row["count"] = count
    chromium = show(result, width=width)
    counts = "[...document.querySelectorAll('.group:not(details) .count')]"
    lines = "(() => { const all = document.createRange(); all.selectNodeContents(one.firstChild);"
    lines += "return new Set([...all.getClientRects()].map((line) => line.top)).size; })()"
    found = chromium.run(f"{counts}.map((one) => [one.textContent, one.scrollWidth - one.clientWidth, {lines}])")
    assert [text for text, _beyond, _lines in found[:4]] == ["1", "9,999", "10,000", "99,999"]
    assert [(text, beyond) for text, beyond, _lines in found if beyond > 0] == []
    assert {many for _text, _beyond, many in found} == {1}


def test_what_needs_nothing_done_is_folded(show):
    chromium = show(sample())
    title = (
        "[...document.querySelectorAll('h4')].find((one) => one.textContent.startsWith('The instance is not running'))"
    )
    assert chromium.run(f"{title}.checkVisibility()") is False
    chromium.run("document.querySelector('details.group summary').click()")
    assert chromium.run(f"{title}.checkVisibility()") is True


def test_columns_are_sorted_with_the_keyboard_too(show):
    chromium = show(sample())
    chromium.run("document.querySelector('th[data-key=name] button').focus()")
    chromium.key("Enter", 13, "\r")
    names = chromium.run(NAMES)
    assert names == sorted(names)
    sort = "document.querySelector('th[data-key=name]').getAttribute('aria-sort')"
    assert chromium.run(sort) == "ascending"
    chromium.key("Enter", 13, "\r")
    assert chromium.run(NAMES) == names[::-1]
    assert chromium.run(sort) == "descending"
    assert chromium.run("document.querySelectorAll('[aria-sort]').length") == 1


def test_versions_are_sorted_as_versions(show):
    versions = ["3.10.0.0", "3.2.582.0", "3.2.2303.0", ""]
    rows = [instance(n, "eu-west-1", "managed", "dhmc", agent_version=text) for n, text in enumerate(versions)]
    chromium = show(report(rows))
    chromium.run("document.querySelector('th[data-key=agent] button').click()")
    shown = chromium.run(f"{ROWS}.map((row) => row.querySelector('[data-label=Agent]').textContent)")
    assert shown == ["3.2.582.0", "3.2.2303.0", "3.10.0.0", "\u2013"]


def test_a_fix_is_copied(show):
    chromium = show(sample())
    chromium.run(f"{ROWS}.find((row) => row.textContent.includes('sa-east-1')).querySelector('details').open = true")
    code = chromium.wait("document.querySelector('.more .fix code')?.textContent")
    assert code == "ansible-playbook fleet.aws_ssm.enable_ssm -e ssm_regions=sa-east-1"
    chromium.run("document.querySelector('.more .fix button').click()")
    chromium.wait("document.querySelector('.more .fix button').textContent === 'Copied'")
    assert chromium.run("document.getElementById('said').textContent") == "Copied"


@pytest.mark.parametrize("script", [True, False])
def test_hostile_values_are_shown_as_text(show, script):
    rows = [instance(n, "eu-west-1", "managed", "dhmc", name=text) for n, text in enumerate(HOSTILE)]
    bad = HOSTILE[3]
    rows += [instance(99, bad, "not_managed", "dhmc", role=bad, reasons=[reason("dhmc_off", bad)], agent_version=bad)]
    chromium = show(report(rows), script=script)
    shown = chromium.run(f"{ROWS}.map((row) => row.querySelector('.name').innerText)")
    assert set(HOSTILE) <= set(shown)
    if script:
        chromium.run("document.querySelectorAll('.more').forEach((one) => one.open = true)")
        chromium.wait("document.querySelector('.more dd') !== null")
    assert chromium.run("document.querySelectorAll('img, iframe, [onerror], [onmouseover], [onload]').length") == 0
    assert chromium.run("window.hit") is None
    # What turns the direction of a text ends with it.
    assert chromium.run("getComputedStyle(document.querySelector('.name')).unicodeBidi") == "isolate"


def test_scripts_that_are_not_its_own_do_not_run(show):
    chromium = show(sample())
    chromium.run(
        "(() => { const bad = document.createElement('script'); bad.textContent = 'window.hit = 1';"
        "document.body.append(bad);"
        "document.body.insertAdjacentHTML('beforeend', '<b onclick=\"window.hit = 2\">x</b>');"
        "document.querySelector('b[onclick]').click(); })()"
    )
    assert chromium.run("window.hit") is None
    assert len(chromium.complaints) >= 2
    assert all("Content Security Policy" in complaint for complaint in chromium.complaints)
    chromium.complaints.clear()


@pytest.mark.parametrize("dark", [False, True])
def test_it_follows_the_system_in_light_and_dark_and_the_button_wins(show, dark):
    chromium = show(sample(), dark=dark)
    background = "getComputedStyle(document.body).backgroundColor"
    light, black = "rgb(245, 246, 248)", "rgb(14, 19, 26)"
    assert chromium.run(background) == (black if dark else light)
    assert chromium.run("document.getElementById('theme').textContent") == ("Light mode" if dark else "Dark mode")
    chromium.run("document.getElementById('theme').click()")
    assert chromium.run(background) == (light if dark else black)


@pytest.mark.parametrize("width", [320, 360, 760, 800, 1024])
def test_it_fits_its_window(show, width):
    rows = sample()
    rows["instances"][0].update(name="x" * 256, instance_profile="y" * 128)
    rows["instances"][0]["reasons"] = [{**reason("imds_off", "eu-west-1"), **fixed("ansible-playbook " + "z" * 200)}]
    chromium = show(rows, width=width)
    chromium.run("document.querySelectorAll('details').forEach((one) => one.open = true)")
    chromium.wait("document.querySelector('.more dd') !== null")
    assert wide(chromium) == 0
    # Nor is anything cut off at the right, but what scrolls in its own frame.
    beyond = (
        "[...document.querySelectorAll('main *, header *, footer *')].filter((one) => one.checkVisibility()"
        " && !one.closest('.hidden, caption, thead, .scroll') && one.getBoundingClientRect().right > innerWidth + 1)"
        ".length"
    )
    assert chromium.run(beyond) == 0
    if width <= 760:
        table = "document.querySelector('#table')"
        assert chromium.run(f"{table}.scrollWidth - {table}.clientWidth") == 0


@pytest.mark.parametrize("width", [360, 1200])
def test_a_screen_reader_finds_names_and_roles(show, width):
    chromium = show(sample(), width=width)
    nodes = chromium.call("Accessibility.getFullAXTree")["nodes"]
    seen = [
        (node["role"]["value"], node.get("name", {}).get("value", "").strip())
        for node in nodes
        if not node["ignored"] and "role" in node
    ]
    for role in ("button", "combobox", "searchbox", "heading", "table", "region", "DisclosureTriangle"):
        assert [name for found, name in seen if found == role] != []
        assert "" not in [name for found, name in seen if found == role], role
    # Cards on a phone are a table all the same.
    assert len([1 for role, _name in seen if role == "row"]) >= 61
    assert len([1 for role, _name in seen if role == "rowheader"]) == 61 + 6
    assert ("columnheader", "Reasons") in seen or width < 760
    assert chromium.run("document.documentElement.lang") == "en"
    assert chromium.run("document.getElementById('found').getAttribute('role')") == "status"


def test_the_keyboard_gets_everywhere_and_shows_where_it_is(show):
    chromium = show(sample())
    at = []
    for _press in range(100):
        chromium.key("Tab", 9)
        at.append(chromium.run("document.activeElement.id || document.activeElement.textContent.slice(0, 21)"))
        outline = chromium.run("getComputedStyle(document.activeElement).outlineStyle")
        assert outline == "solid" or at[-1] == "", at[-1]
    assert at[0] == "Skip to the instances"
    for place in (
        "theme",
        "Copy",
        "f-text",
        "f-verdict",
        "f-region",
        "f-reason",
        "f-severity",
        "Clear",
        "table",
        "Region",
    ):
        assert place in at


def test_ten_thousand_instances_stay_quick(show):
    kinds = [("managed", "dhmc"), ("managed", "profile"), ("not_managed", "dhmc_off"), ("managed", "imdsv1_allowed")]
    rows = [instance(n, f"eu-west-{n % 5}", *kinds[n % 4]) for n in range(10_000)]
    started = time.monotonic()
    chromium = show(report(rows))
    assert chromium.run(FOUND) == "10,000 of 10,000 instances, 1 to 100 shown"
    assert time.monotonic() - started < 10
    assert chromium.run(f"{ROWS}.length") == 100
    spent = chromium.run(
        "(() => { const field = document.getElementById('f-text'), start = performance.now();"
        "for (const text of ['w', 'we', 'web', 'web-1', '']) {"
        "  field.value = text; field.dispatchEvent(new Event('input', {bubbles: true})); document.body.offsetHeight;"
        "} return (performance.now() - start) / 5; })()"
    )
    assert spent < 400
    chromium.run("document.getElementById('on').click()")
    assert chromium.run(FOUND) == "10,000 of 10,000 instances, 101 to 200 shown"
    assert chromium.run("document.getElementById('page').textContent") == "Page 2 of 100"
    assert chromium.run("document.activeElement.id") == "table"
    chromium.run("document.getElementById('back').click()")
    assert chromium.run("document.getElementById('back').disabled") is True


def test_a_page_that_comes_from_a_server_asks_for_nothing_more(chromium, tmp_path):
    asked = []

    class Handler(SimpleHTTPRequestHandler):
        def log_message(self, *_words):
            asked.append(self.path)

    (tmp_path / "readiness.html").write_text(page(sample(), "Title"), encoding="utf-8")
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(tmp_path)))
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        chromium.open(f"http://127.0.0.1:{server.server_port}/readiness.html")
        chromium.run("new Promise((done) => setTimeout(done, 300))")
    finally:
        server.shutdown()
        server.server_close()
    assert asked == ["/readiness.html"]


def test_a_report_of_nothing_has_no_complaints(show):
    chromium = show(report([]))
    assert "There is no instance in these regions." in chromium.run("document.body.innerText")
