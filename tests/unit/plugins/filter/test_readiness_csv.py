# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import csv
import io

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.fleet.aws_ssm.plugins.filter.readiness_csv import FilterModule
from ansible_collections.fleet.aws_ssm.plugins.module_utils._report_csv import inert

readiness_csv = FilterModule().filters()["readiness_csv"]


def rows(text):
    return list(csv.DictReader(io.StringIO(text)))


def test_each_instance_has_a_line(report, instance):
    found = rows(readiness_csv(report(instance(1, account=None), instance(2, "not_managed"))))
    assert [row["instance_id"] for row in found] == ["i-00000000000000001", "i-00000000000000002"]
    assert (found[0]["account"], found[0]["severity"], found[0]["reasons"]) == ("", "", "")
    assert (found[1]["severity"], found[1]["reasons"], found[1]["messages"]) == (
        "blocking",
        "dhmc_off",
        "No role is set.",
    )
    assert found[1]["fixes"].startswith("ansible-playbook ")


def test_several_reasons_stand_in_one_cell(report, instance):
    reasons = [
        {"reason": "a", "severity": "warning", "message": "A.", "fix": ""},
        {"reason": "b", "severity": "info", "message": "B.", "fix": "b"},
    ]
    found = rows(readiness_csv(report(instance(1, reasons=reasons))))[0]
    assert (found["severity"], found["reasons"], found["messages"]) == ("warning", "a; b", "A.; B.")


def test_a_region_that_was_not_read_has_a_line_without_an_instance(report, instance):
    result = report(instance(1), more=("eu-west-3", "us-east-1"))
    why = {"reason": "region_forbidden", "severity": "info", "message": "SCP", "fix": "Nothing."}
    result["regions"][1].update(forbidden=True, reasons=[why])
    result["regions"][2].update(failed=True, error={"code": "=E", "message": "m"})
    found = [row for row in rows(readiness_csv(result)) if not row["instance_id"]]
    assert [(row["region"], row["state"], row["severity"], row["reasons"], row["messages"]) for row in found] == [
        ("eu-west-3", "forbidden", "info", "region_forbidden", "SCP"),
        ("us-east-1", "not read", "blocking", "region_not_read", "'=E: m"),
    ]
    assert {row["account"] for row in found} == {"123456789012"}


def test_a_terminal_gets_no_control_characters(report, instance):
    text = readiness_csv(report(instance(1, name="x\x1b[2J\x9b\x00\x7f")))
    assert "x\u241b[2J\ufffd\u2400\u2421" in text


def test_no_instance_makes_a_line_of_headings(report):
    text = readiness_csv(report())
    assert text.startswith("account,region,instance_id,name,state,verdict,")
    assert text.count("\n") == 1


@pytest.mark.parametrize(("value", "cell"), [
    ("web-1", "web-1"),
    ("=1+1", "'=1+1"),
    ("+1", "'+1"),
    ("-1", "'-1"),
    ("@SUM(A1)", "'@SUM(A1)"),
    ("\t=1", "'\t'=1"),
    ("\r=1", "'\r'=1"),
    ("\n=1", "'\n'=1"),
    ("  =1", "'  =1"),
    ("\uff1d1", "'\uff1d1"),
    ("a;=1", "a;'=1"),
    ("a; -1", "a; '-1"),
    ("a\n=1", "a\n'=1"),
    ("a=b -c", "a=b -c"),
    ("a; b", "a; b"),
    ("", ""),
    (None, ""),
])  # fmt: skip
def test_a_spreadsheet_finds_no_formula(value, cell):
    assert inert(value) == cell


@pytest.mark.parametrize(
    "name", ['a"b', "a,b", "a\nb", "a\r\nb", "</script>", "{{ 7 * 7 }}", "\U0001f600", "\u202eabc"]
)
def test_a_name_comes_out_as_it_went_in(report, instance, name):
    text = readiness_csv(report(instance(1, name=name)))
    assert next(csv.DictReader(io.StringIO(text, newline="")))["name"] == name


@pytest.mark.parametrize("wrong", ["text", [], None, {}])
def test_anything_but_a_result_is_refused(wrong):
    with pytest.raises(AnsibleFilterError, match="readiness_csv takes what ssm_managed_instance_info returns"):
        readiness_csv(wrong)
