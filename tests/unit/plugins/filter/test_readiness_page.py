# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import base64
import hashlib
import json
import re
import time
from html.parser import HTMLParser

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.fleet.aws_ssm.plugins.filter.readiness_page import FilterModule
from ansible_collections.fleet.aws_ssm.plugins.module_utils._report_style import DARK, LIGHT
from ansible_collections.fleet.aws_ssm.plugins.module_utils._report_words import fix_parts, percent

readiness_page = FilterModule().filters()["readiness_page"]

HOSTILE = [
    "<script>alert(1)</script>",
    "</script><script>alert(2)</script>",
    "<!--<script>",
    '"><img src=x onerror=alert(3)>',
    "' onmouseover='alert(4)",
    "</bdi></th></table><iframe src=//evil.example>",
    "{{ lookup('pipe', 'id') }}{% raw %}",
    "=HYPERLINK(\"http://evil.example\")",
    "&lt;b&gt; &amp;",
    "abc\u202egnp.exe",
    "שלום",
    "\U0001f469\u200d\U0001f4bb server",
    "bell\x07 escape\x1b[31m delete\x7f",
    "line\nbreak\ttab",
    "a\u2028b\u2029c",
    "javascript:alert(5)",
    "x" * 256,
]  # fmt: skip
# Elements that the page has no use for; one of these came out of a value.
FOREIGN = {"img", "iframe", "object", "embed", "base", "video", "audio", "a href"}


class Page(HTMLParser):
    """What a browser makes of it: elements, attributes, text and the contents of scripts."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.elements, self.scripts, self.text = [], [], []
        self._open = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in ("meta", "link", "input", "br"):
            self._open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        inside = self._open[-1] if self._open else ""
        if inside != "style":
            (self.scripts if inside == "script" else self.text).append(data)

    @property
    def data(self):
        return json.loads(self.scripts[0])

    @property
    def words(self):
        return " ".join(" ".join(self.text).split())

    def rows(self):
        fields = self.data["fields"]
        return [dict(zip(fields, row, strict=True)) for row in self.data["rows"]]


def seen(text):
    """A text without control characters, as the page shows it."""
    return "".join(chr(0x2400 + ord(one)) if ord(one) < 32 else "\u2421" if one == "\x7f" else one for one in text)


@pytest.mark.parametrize("hostile", HOSTILE)
@pytest.mark.parametrize("field", ["name", "instance_profile", "role", "region", "agent_version"])
def test_a_hostile_value_is_text_and_nothing_else(report, instance, hostile, field):
    page = Page(readiness_page(report(instance(1, **{field: hostile}), instance(2, "not_managed"))))
    assert page.rows()[1][field] == seen(hostile)
    assert {tag for tag, _found in page.elements} & FOREIGN == set()
    assert [name for _tag, found in page.elements for name in found if name.startswith("on")] == []
    assert len(page.scripts) == 2
    if field == "name":
        assert seen(hostile) in page.text


def test_its_generator_marks_it_as_a_report(report):
    page = Page(readiness_page(report()))
    generators = [
        found["content"] for tag, found in page.elements if tag == "meta" and found.get("name") == "generator"
    ]
    assert generators == ["fleet.aws_ssm report"]


def test_texts_from_aws_are_escaped_wherever_they_stand(report, instance, compared):
    bad = "<img src=x onerror=alert(1)>\"'&"
    error = {"code": bad, "message": bad}
    reason = {"reason": bad, "severity": bad, "message": bad, "fix": f"Say {bad}", "command": bad}
    result = report(
        instance(1, "not_managed", bad, reasons=[reason], **dict.fromkeys(("instance_id", "state", "vpc_id"), bad)),
        account=bad,
        generated=bad,
        reasons=[{**reason, "count": 1, "title": bad}],
        failed_regions=[{"region": bad, "error": error}],
        comparison=compared(generated=bad, new=[bad], gone=[bad], now_managed=[bad], no_longer_managed=[bad]),
    )
    result["regions"][0].update(dhmc=bad, dhmc_usable=False, dhmc_problem=bad, reasons=[reason])
    result["regions"].append({**result["regions"][0], "region": f"{bad}2", "forbidden": True})
    page = Page(readiness_page(result, bad))
    assert [tag for tag, _found in page.elements if tag == "img"] == []
    assert [name for _tag, found in page.elements for name in found if name.startswith("on")] == []
    assert page.words.count(bad) >= 15


def test_its_policy_lets_only_its_own_script_and_style_run(report, instance):
    page = Page(readiness_page(report(instance(1))))
    policy = next(found["content"] for tag, found in page.elements if found.get("http-equiv"))
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
    digest = base64.b64encode(hashlib.sha256(page.scripts[1].encode()).digest()).decode()
    assert rules["default-src"] == "'none'"
    assert rules["script-src"] == f"'sha256-{digest}'"
    assert re.fullmatch(r"'sha256-[\w+/]{43}='", rules["style-src"])
    assert "unsafe" not in policy
    # So no style attribute would work either.
    assert [found for _tag, found in page.elements if "style" in found] == []


def test_it_names_no_address_that_a_browser_would_ask(report, instance):
    page = Page(readiness_page(report(instance(1), instance(2, "not_managed"))))
    links = [
        found[name] for _tag, found in page.elements for name in ("src", "href", "action", "data") if name in found
    ]
    assert [link for link in links if not link.startswith(("#", "data:"))] == []


def test_the_script_makes_no_markup_from_text():
    script = Page(readiness_page({**EMPTY}))
    for way in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "Function(", "DOMParser"):
        assert way not in script.scripts[1]


EMPTY = {
    "generated": "2026-11-25T03:15:00+00:00",
    "account": None,
    "instances": [],
    "regions": [],
    "totals": {"instances": 0, "in_scope": 0, "managed": 0, "coverage": None, "verdicts": {}, "reasons": {}},
    "reasons": [],
    "failed_regions": [],
}


def test_an_account_without_instances_has_a_page(report):
    for result in (EMPTY, report(more=("eu-west-1", "eu-west-2"))):
        page = Page(readiness_page(result))
        assert "No instance is in scope" in page.words
        assert "There is no instance in these regions." in page.words
        assert "Nothing keeps an instance from being managed." in page.words
    assert "2 regions without an instance in scope" in page.words


def test_it_shows_the_numbers(report, instance):
    rows = [instance(n) for n in range(7)] + [instance(7, "not_managed"), instance(8, "out_of_scope", name="")]
    rows.append(instance(9, "pending", "us-east-1"))
    page = Page(readiness_page(report(*rows, more=("eu-north-1",)), "Production"))
    assert page.words.startswith("Production ")
    assert "Coverage 77.8 %" in page.words
    assert "Account 123456789012 · 25 November 2026, 03:15 UTC · 3 regions" in page.words
    assert "7 of 9 instances in scope are managed" in page.words
    # The lowest coverage first.
    assert page.words.index("us-east-1 0% 0 of 1") < page.words.index("eu-west-1 87.5% 7 of 8")
    assert "1 region without an instance in scope eu-north-1" in page.words
    assert "Trend" not in page.words
    assert [row["verdict"] for row in page.rows()][:3] == ["not_managed", "pending", "managed"]


def test_dhmc_is_on_only_if_its_role_can_be_used(report, instance):
    states = {
        "on": {"dhmc": "R", "dhmc_usable": True, "dhmc_problem": ""},
        "off": {"dhmc": "", "dhmc_usable": None, "dhmc_problem": ""},
        "unknown": {"dhmc": None, "dhmc_usable": None, "dhmc_problem": ""},
        "on, role can't be used: it does not exist": {
            "dhmc": "R", "dhmc_usable": False, "dhmc_problem": "it does not exist"},
        "on, role may not be usable: IAM could not be read": {
            "dhmc": "R", "dhmc_usable": None, "dhmc_problem": "IAM could not be read"},
    }  # fmt: skip
    result = report(*(instance(number, region=f"r-{number}") for number in range(len(states))))
    for row, state in zip(result["regions"], states.values(), strict=True):
        row.update(state)
    words = Page(readiness_page(result)).words
    for number, text in enumerate(states):
        assert f"r-{number} 100% 1 of 1 {text} " in words


def test_regions_that_the_organization_closes_are_named(report, instance):
    result = report(instance(1), more=("us-west-2", "eu-west-3", "eu-north-1"))
    for row in result["regions"][1:3]:
        row.update(forbidden=True, dhmc=None)
    words = Page(readiness_page(result)).words
    assert "2 regions closed by a service control policy eu-west-3, us-west-2 1 region without" in words


def test_reasons_are_grouped_by_severity_and_those_that_need_nothing_are_folded(report, instance):
    def made(code, severity, number):
        return {"reason": code, "severity": severity, "count": number, "title": code.upper(), "fix": ""}

    rows = [made("a", "blocking", 1234), made("b", "blocking", 1), made("c", "info", 7)]
    page = Page(readiness_page(report(instance(1), reasons=rows)))
    assert "Blocking 2 reasons 1,234 A Blocking 1 B Blocking Info 1 reason 7 C Info" in page.words
    folded = [found for tag, found in page.elements if tag == "details" and found.get("class") == "group"]
    assert len(folded) == 1
    assert [tag for tag, found in page.elements if found.get("class") == "group"] == ["div", "details"]


@pytest.mark.parametrize(("part", "whole", "shown"), [
    (0, 0, "\N{EN DASH}"), (0, 3, "0%"), (3, 3, "100%"), (2, 3, "66.7%"), (1, 8, "12.5%"), (9999, 10000, "99.9%"),
])  # fmt: skip
def test_a_hundred_per_cent_are_all(part, whole, shown):
    assert percent(part, whole) == shown


def test_the_comparison_says_what_has_become_of_whom(report, instance, compared):
    rows = [instance(n) for n in range(3)] + [instance(3, "not_managed")]
    moves = compared(now_managed=["i-00000000000000001"], gone=["i-0dead"], new=[f"i-{n:04}" for n in range(250)])
    page = Page(readiness_page(report(*rows, comparison=moves)))
    assert "+15 points since 18 November 2026" in page.words
    assert "Newly managed 1 web-1 i-00000000000000001" in page.words
    assert "No longer managed 0" in page.words
    assert "Gone 1 i-0dead" in page.words
    assert "and 50 more: see the JSON report" in page.words


@pytest.mark.parametrize("missing", [{"coverage_before": None}, {"coverage_before": None, "generated": None}])
def test_a_comparison_with_a_report_of_nothing_is_shown_as_that(report, instance, compared, missing):
    page = Page(readiness_page(report(instance(1), comparison=compared(**missing))))
    assert "No coverage to compare" in page.words


def test_regions_that_could_not_be_read_are_named_first(report, instance):
    failed = [{"region": "us-east-1", "error": {"code": "AccessDenied", "message": "not you"}}]
    result = report(instance(1), more=("us-east-1",), failed_regions=failed)
    result["regions"][1].update(failed=True, error=failed[0]["error"])
    page = Page(readiness_page(result))
    assert "Instances of 1 region may be missing from this report. us-east-1 : AccessDenied: not you" in page.words
    assert page.words.index("Not all could be read") < page.words.index("Coverage")
    assert (
        "Not all could be read: iam"
        in Page(readiness_page(report(instance(1), msg="Not all could be read: iam"))).words
    )


def test_ten_thousand_instances_take_less_than_two_seconds(report, instance):
    verdicts = ("managed", "managed", "not_managed")
    result = report(*(instance(n, verdicts[n % 3], f"eu-west-{n % 9}") for n in range(10_000)))
    started = time.process_time()
    text = readiness_page(result)
    assert time.process_time() - started < 2
    page = Page(text)
    assert len(page.rows()) == 10_000
    assert len(text) < 4_000_000
    # Without its script the page has those that want attention most.
    assert len([1 for tag, found in page.elements if tag == "th" and found.get("scope") == "row"]) == 209
    assert "10,000 instances, 200 of them without the page's script" in page.words


@pytest.mark.parametrize(("fix", "command", "parts"), [
    ("", "", ("", "", "")),
    (None, None, ("", "", "")),
    ("Start the instance.", "", ("Start the instance.", "", "")),
    ("ansible-playbook x", "ansible-playbook x", ("", "ansible-playbook x", "")),
    ("No need. To do it: aws x", "aws x", ("No need. To do it:", "aws x", "")),
    ("aws x && aws y # It stops z.", "aws x && aws y", ("", "aws x && aws y", "It stops z.")),
    ("Run ansible-playbook x yourself.", "", ("Run ansible-playbook x yourself.", "", "")),
])  # fmt: skip
def test_only_the_command_of_a_fix_is_to_be_copied(fix, command, parts):
    assert fix_parts({"fix": fix, "command": command}) == parts


def test_a_report_without_commands_shows_its_fixes_as_words(report, instance):
    result = report(instance(1, "not_managed"))
    for one in (*result["reasons"], *result["instances"][0]["reasons"]):
        del one["command"]
    assert 'class="fix"' not in readiness_page(result)


def luminance(colour):
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one, two):
    dark, light = sorted((luminance(one), luminance(two)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
def test_all_text_has_contrast(colours):
    pairs = [(text, ground) for text in ("ink", "muted", "accent") for ground in ("bg", "card", "code")]
    pairs += [("accent", "accent-soft")]
    for kind in ("ok", "wait", "lost", "bad", "out"):
        pairs += [(kind, "card"), (kind, f"{kind}-soft")]
    assert {pair: contrast(*(colours[name] for name in pair)) for pair in pairs
            if contrast(*(colours[name] for name in pair)) < 4.5} == {}  # fmt: skip


@pytest.mark.parametrize("wrong", ["text", [], None, {"instances": []}])
def test_anything_but_a_result_is_refused(wrong):
    with pytest.raises(AnsibleFilterError, match="readiness_page takes what ssm_managed_instance_info returns"):
        readiness_page(wrong)
