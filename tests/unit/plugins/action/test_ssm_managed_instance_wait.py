# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The loop, with looks that are made up and time that passes only by sleeping."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from ansible_collections.fleet.aws_ssm.plugins.action import ssm_managed_instance_wait as action

THROTTLED = {"code": "ThrottlingException", "message": "slow down"}
PACING = {
    "wait_timeout": 600.0,
    "interval": 15.0,
    "max_interval": 120.0,
    "fail_on_timeout": False,
    "stop_when_hopeless": True,
    "timeout": 300,
}
CRASH = {"failed": True, "msg": "Read timeout\non endpoint."}
# Seconds that a look takes.
LOOK = 2


def look(managed, scope, outlook, *, reason="changed_recently", error=None, **pacing):
    """What the module returns for one region."""
    region = {"region": "eu-west-1", "in_scope": scope, "managed": managed, "failed": bool(error)}
    one = {"region": "eu-west-1", "verdict": "not_managed", "reason": reason, "fix": "mend", "name": ""}
    return {
        "changed": False,
        "invocation": {"module_args": {}},
        "regions": [{**region, **({"error": error} if error else {})}],
        "totals": {"in_scope": scope, "managed": managed, "missing": scope - managed, "coverage": None},
        "missing": [
            {**one, "instance_id": f"i-{number}", "may_come": outlook == "open", "certain": outlook != "doubtful"}
            for number in range(managed, scope)
        ],
        "outlook": outlook,
        "pacing": {**PACING, **pacing},
    }


class Stage:
    """Runs the action; the last look is repeated for ever."""

    def __init__(self, monkeypatch):
        self.now, self.pauses, self.lines, self.asked = 5000.0, [], [], []
        monkeypatch.setattr(action.time, "monotonic", lambda: self.now)
        monkeypatch.setattr(action.time, "sleep", self.sleep)
        monkeypatch.setattr(action.random, "random", lambda: 0.5)
        monkeypatch.setattr(action.display, "display", self.lines.append)

    def sleep(self, seconds):
        self.pauses.append(seconds)
        self.now += seconds

    def run(self, *looks, args=None, check=False, no_log=False, host="localhost"):
        left = list(looks)

        def execute(module_args, task_vars):
            self.asked.append(module_args)
            module_args["_ansible_version"] = "added by Ansible"
            self.now += LOOK
            return left.pop(0) if len(left) > 1 else left[0]

        task = SimpleNamespace(
            args=args or {},
            check_mode=check,
            no_log=no_log,
            async_val=0,
            action="fleet.aws_ssm.ssm_managed_instance_wait",
        )
        connection = SimpleNamespace(_shell=SimpleNamespace(tmpdir="/tmp/x"))
        made = action.ActionModule(task, connection, None, None, None, None)
        made._execute_module = execute
        return made.run(task_vars={"inventory_hostname": host})


@pytest.fixture
def stage(monkeypatch):
    return Stage(monkeypatch)


def test_it_waits_with_growing_pauses_and_a_line_for_each_look(stage):
    result = stage.run(look(0, 4, "open"), look(1, 4, "open"), look(3, 4, "open"), look(4, 4, "reached"))
    assert stage.lines == [
        "ssm: 0 of 4 managed after 2s (eu-west-1 0/4), next look in 15s",
        "ssm: 1 of 4 managed after 19s (eu-west-1 1/4), next look in 22s",
        "ssm: 3 of 4 managed after 44s (eu-west-1 3/4), next look in 34s",
        "ssm: 4 of 4 managed after 1m19s (eu-west-1 4/4), done",
    ]
    assert stage.pauses == pytest.approx([15, 22.5, 33.75])
    assert {key: result[key] for key in ("changed", "failed", "reached", "timed_out", "hopeless", "looks")} == {
        "changed": False,
        "failed": False,
        "reached": True,
        "timed_out": False,
        "hopeless": False,
        "looks": 4,
    }
    assert result["elapsed"] == pytest.approx(79.2, abs=0.1)
    assert (result["missing"], result["totals"]["managed"]) == ([], 4)
    assert result["msg"] == "4 of 4 instances are managed after 1m19s."
    # Nothing that is only between the module and the action, and nothing of a failure.
    assert not {"pacing", "outlook", "exception"} & set(result)


def test_it_ends_at_the_deadline_with_what_is_known(stage):
    result = stage.run(look(1, 3, "open"))
    assert stage.now - 5000 == pytest.approx(600, abs=2 * LOOK)
    assert stage.lines[-1] == "ssm: 1 of 3 managed after 10m2s (eu-west-1 1/3), the time is up"
    assert (result["timed_out"], result["reached"], result["failed"]) == (True, False, False)
    assert [one["instance_id"] for one in result["missing"]] == ["i-1", "i-2"]
    assert result["msg"] == "1 of 3 instances is managed after 10m2s, when the time was up: 2 changed_recently."
    assert max(stage.pauses) == 120


def test_nothing_to_wait_for_is_a_failure_at_once(stage):
    result = stage.run(look(0, 0, "nothing"))
    assert stage.lines == ["ssm: 0 of 0 managed after 2s, there is nothing to wait for"]
    assert (result["failed"], result["reached"], result["timed_out"], stage.pauses) == (True, False, False, [])
    assert result["msg"] == (
        "No instance is in scope in eu-west-1: correct instance_ids, filters or regions. To wait for instances that "
        "are yet to be launched, set min_managed; if there may be none, set allow_none to true."
    )


def test_in_check_mode_an_earlier_task_may_be_about_to_launch_some(stage):
    assert not stage.run(look(0, 0, "nothing"), check=True)["failed"]


def test_nothing_to_wait_for_is_said_where_it_is_allowed(stage):
    result = stage.run(look(0, 0, "reached"))
    assert (result["failed"], result["reached"]) == (False, True)
    assert result["msg"] == "No instance is in scope in eu-west-1, so there was nothing to wait for."


def test_it_fails_then_only_if_asked_and_with_the_same_results(stage):
    result = stage.run(look(1, 3, "open", fail_on_timeout=True))
    assert (result["failed"], result["timed_out"], len(result["missing"])) == (True, True, 2)


def test_one_look_is_all_without_time(stage):
    result = stage.run(look(1, 3, "open", wait_timeout=0.0))
    assert (result["looks"], result["timed_out"], stage.pauses) == (1, True, [])


def test_a_failing_look_is_told_and_tried_again(stage):
    result = stage.run(look(1, 3, "open"), CRASH, look(1, 3, "open", error=THROTTLED), look(3, 3, "reached"))
    assert stage.lines[1] == (
        "ssm: this look failed: Read timeout on endpoint; before that, 1 of 3 managed after 19s (eu-west-1 1/3), "
        "next look in 22s"
    )
    assert "eu-west-1 1/3 not read: ThrottlingException" in stage.lines[2]
    assert (result["reached"], result["looks"], result["failed"]) == (True, 4, False)


def test_what_aws_says_can_not_reach_the_terminal_raw(stage):
    crash = {"failed": True, "msg": "no \x1b[2J\u202eanswer\x9b"}
    stage.run(look(1, 3, "open"), crash, look(3, 3, "reached"))
    assert all(line.isprintable() for line in stage.lines)
    assert "no \u241b[2J\ufffdanswer\ufffd" in stage.lines[1]


def test_looks_that_fail_until_the_end_leave_what_was_known(stage):
    result = stage.run(look(1, 3, "open"), CRASH)
    assert (result["timed_out"], result["totals"]["managed"], len(result["missing"])) == (True, 1, 2)
    assert (result["failed"], result["reached"]) == (False, False)


def test_a_first_look_that_says_nothing_is_bad_input(stage):
    result = stage.run({"failed": True, "msg": "regions: 'mars' is not an AWS region."})
    assert result == {"failed": True, "msg": "regions: 'mars' is not an AWS region."}
    assert (stage.lines, stage.pauses) == ([], [])


def test_an_unreachable_host_ends_it(stage):
    result = stage.run(look(1, 3, "open"), {"unreachable": True, "msg": "gone"})
    assert result == {"unreachable": True, "msg": "gone"}


def test_without_hope_it_ends_at_once(stage):
    result = stage.run(look(1, 3, "hopeless", reason="dhmc_off"))
    assert stage.pauses == []
    assert stage.lines == ["ssm: 1 of 3 managed after 2s (eu-west-1 1/3), waiting does not help: 2 dhmc_off"]
    assert (result["hopeless"], result["timed_out"], result["reached"], result["failed"]) == (True, False, False, False)
    assert result["msg"] == (
        "1 of 3 instances is managed, and waiting does not help: 2 dhmc_off. The fix of each is in missing."
    )


def test_that_is_a_failure_too_if_asked(stage):
    assert stage.run(look(1, 3, "hopeless", fail_on_timeout=True))["failed"] is True


def test_without_hope_it_goes_on_if_asked(stage):
    result = stage.run(look(1, 3, "hopeless", stop_when_hopeless=False))
    assert (result["hopeless"], result["timed_out"]) == (True, True)


def test_a_doubt_is_settled_by_a_second_look(stage):
    result = stage.run(look(1, 3, "doubtful", reason="dhmc_role_missing"))
    assert (result["looks"], result["hopeless"]) == (2, True)
    result = stage.run(look(1, 3, "doubtful"), look(1, 3, "open"), look(1, 3, "doubtful"), look(3, 3, "reached"))
    assert (result["looks"], result["reached"]) == (4, True)


def test_check_mode_looks_once_and_says_so(stage):
    result = stage.run(look(1, 3, "open", fail_on_timeout=True), check=True)
    assert stage.lines == ["ssm: 1 of 3 managed after 2s (eu-west-1 1/3), check mode: not waiting"]
    assert (result["looks"], result["failed"], result["timed_out"], stage.pauses) == (1, False, False, [])
    assert result["msg"] == (
        "1 of 3 instances is managed: 2 changed_recently. Check mode: there was one look and no waiting."
    )


def test_what_is_empty_is_unset(stage):
    stage.run(look(3, 3, "reached"), args={"regions": "", "interval": None, "wait_timeout": "300", "coverage": 0})
    assert stage.asked == [{"wait_timeout": "300", "coverage": 0, "_ansible_version": "added by Ansible"}]


def test_a_look_near_the_deadline_gets_less_time(stage):
    stage.run(look(1, 3, "open", wait_timeout=100.0), args={"region": "eu-west-1"})
    assert "timeout" not in stage.asked[0]
    assert [asked["timeout"] for asked in stage.asked[1:]] == sorted(
        (asked["timeout"] for asked in stage.asked[1:]), reverse=True
    )
    assert stage.asked[-1]["timeout"] == 30


def test_lines_name_the_host_where_there_are_several_and_are_not_shown_with_no_log(stage):
    stage.run(look(3, 3, "reached"), host="prod")
    assert stage.lines[0].startswith("ssm (prod): 3 of 3 managed")
    stage.run(look(3, 3, "reached"), no_log=True)
    assert len(stage.lines) == 1
