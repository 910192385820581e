# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Properties of the plan, on a model of Systems Manager that knows nothing but each setting's default."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.fleet.aws_ssm.plugins.module_utils._core.backup import appended, originals
from ansible_collections.fleet.aws_ssm.plugins.module_utils._service_setting import (
    DHMC,
    SETTINGS,
    Known,
    Setting,
    Step,
    entries_of,
    plan,
    plan_restored,
    wanted_everywhere,
)

ROLES = ("Ours", "service-role/Ours", "AWS-QuickSetup-SSM-DefaultEC2MgmtRole-eu-west-1", "Theirs")
TIER = "/ssm/parameter-store/default-parameter-tier"
REGIONS = ("eu-west-1", "us-east-1", "ap-south-1")
# What an untouched setting reads as, which for some is not documented and so not known to the rules.
AWS_DEFAULTS = {DHMC: None, TIER: "Standard", "/ssm/opsinsights/opscenter": "Disabled", "/ssm/new/one": "Off"}
VALUES = {
    DHMC: ROLES,
    TIER: SETTINGS[TIER].allowed,
    "/ssm/opsinsights/opscenter": ("Enabled", "Disabled"),
    "/ssm/new/one": ("On", "Off"),
}


class Model:
    """The setting in each region; None where nobody has set it."""

    def __init__(self, setting, values):
        self.setting, self.values = setting, dict(values)

    def read(self):
        default = AWS_DEFAULTS[self.setting]
        return [
            Setting(region, default if value is None else value, "Default" if value is None else "Customized")
            for region, value in self.values.items()
        ]

    def effective(self):
        return {setting.region: setting.value for setting in self.read()}

    def carry_out(self, steps):
        for step in steps:
            if step.operation == "update":
                assert step.after is not None, "the API takes no empty value"
                self.values[step.region] = step.after
            elif step.operation == "reset":
                self.values[step.region] = None
        return steps


def states(setting):
    return st.fixed_dictionaries({region: st.none() | st.sampled_from(VALUES[setting]) for region in REGIONS})


@st.composite
def tasks(draw, settings=tuple(AWS_DEFAULTS)):
    """A model, and what a task wants of it."""
    setting = draw(st.sampled_from(settings))
    state = draw(st.sampled_from(["present", "default"]))
    value = draw(
        st.sampled_from(VALUES[setting]) if state == "present" else st.none() | st.sampled_from(VALUES[setting])
    )
    wanted = wanted_everywhere(setting, REGIONS, state=state, value=value, overwrite=draw(st.booleans()))
    return Model(setting, draw(states(setting))), wanted


@given(tasks())
def test_a_plan_of_the_planned_result_only_keeps_or_refuses_again(task):
    model, wanted = task
    first = model.carry_out(plan(model.setting, model.read(), wanted))
    again = plan(model.setting, model.read(), wanted)
    for before, after in zip(first, again, strict=True):
        assert after.operation == ("refuse" if before.operation == "refuse" else "keep")


@given(tasks())
def test_a_plan_says_what_is_there_and_what_will_be(task):
    model, wanted = task
    before = model.effective()
    steps = model.carry_out(plan(model.setting, model.read(), wanted))
    assert [step.region for step in steps] == list(before)
    for step in steps:
        assert step.before == before[step.region]
        if step.operation in ("keep", "refuse"):
            assert step.before == step.after == model.effective()[step.region]
        elif step.operation == "update" or SETTINGS.get(model.setting, Known()).default_known:
            assert step.before != step.after == model.effective()[step.region]
        else:
            # Where AWS's default is not documented, the plan can't tell what a reset will give.
            assert step.after is None


@given(tasks(settings=(DHMC,)), st.sampled_from(["present", "default"]))
def test_a_role_of_somebody_else_is_never_replaced_unless_that_was_asked_for(task, state):
    model = task[0]
    before = model.effective()
    wanted = wanted_everywhere(DHMC, REGIONS, state=state, value="service-role/Ours", overwrite=False)
    steps = model.carry_out(plan(DHMC, model.read(), wanted))
    for step in steps:
        if before[step.region] in (None, "Ours", "service-role/Ours"):
            assert step.operation != "refuse"
        else:
            assert model.effective()[step.region] == before[step.region]
            assert step.operation == ("refuse" if state == "present" else "keep")
            assert before[step.region] in step.reason


def back_and_forth(model, wanted):
    before = model.effective()
    steps = model.carry_out(plan(model.setting, model.read(), wanted))
    entries = entries_of(model.setting, "123456789012", "aws", steps)
    assert {entry.region for entry in entries} == {
        step.region for step in steps if step.operation not in ("keep", "refuse")
    }
    restore(model, entries)
    assert model.effective() == before
    return entries


def restore(model, entries, *, overwrite=False):
    """Restore the model, which no region may refuse; a second time there is nothing to do."""
    known = originals(entries)
    regions = {original.region for original in known}
    current = [setting for setting in model.read() if setting.region in regions]
    steps = model.carry_out(plan_restored(model.setting, current, known, overwrite=overwrite))
    assert [step for step in steps if step.operation == "refuse"] == []
    current = [setting for setting in model.read() if setting.region in regions]
    again = plan_restored(model.setting, current, known, overwrite=False)
    assert {step.operation for step in again} <= {"keep"}


@given(tasks(settings=(DHMC, TIER)))
def test_restoring_the_backup_gives_back_what_was_there(task):
    back_and_forth(*task)


@pytest.mark.parametrize("setting", ["/ssm/opsinsights/opscenter", "/ssm/new/one"])
def test_restoring_the_backup_of_a_reset_works_where_the_default_is_not_documented(setting):
    model = Model(setting, dict.fromkeys(REGIONS, VALUES[setting][0]))
    back_and_forth(model, wanted_everywhere(setting, REGIONS, state="default", value=None, overwrite=False))


@pytest.mark.parametrize("setting", list(AWS_DEFAULTS))
def test_restoring_the_backup_of_a_change_works_for_every_setting(setting):
    model = Model(setting, dict.fromkeys(REGIONS))
    back_and_forth(
        model, wanted_everywhere(setting, REGIONS, state="present", value=VALUES[setting][0], overwrite=True)
    )


@given(tasks(settings=(DHMC, TIER)), st.data())
def test_many_runs_with_one_backup_lead_back_to_the_original(task, data):
    model, wanted = task
    before, journal = model.effective(), []
    for turn in range(3):
        steps = plan(model.setting, model.read(), wanted)
        journal = appended(journal, entries_of(model.setting, "123456789012", "aws", steps))
        # A run may be killed after the backup was written and before all of it is done.
        model.carry_out([step for step in steps if turn or data.draw(st.booleans())])
        value = data.draw(st.sampled_from(VALUES[model.setting]))
        wanted = wanted_everywhere(model.setting, REGIONS, state="present", value=value, overwrite=False)
    if journal:
        restore(model, journal)
    assert model.effective() == before


@given(tasks(settings=(DHMC, TIER)), st.data())
def test_what_was_changed_since_the_backup_is_refused_unless_overwrite_says_otherwise(task, data):
    model, wanted = task
    steps = model.carry_out(plan(model.setting, model.read(), wanted))
    entries = entries_of(model.setting, "123456789012", "aws", steps)
    if not entries:
        return
    entry = entries[0]
    taken = _names(
        entry.before, entry.after, AWS_DEFAULTS[model.setting] if None in (entry.before, entry.after) else None
    )
    others = [value for value in VALUES[model.setting] if value.split("/")[-1] not in taken]
    if not others:
        return
    changed = data.draw(st.sampled_from(others))
    now = [Setting(entry.region, changed, "Customized")]
    step = plan_restored(model.setting, now, originals([entry]), overwrite=False)[0]
    assert (step.operation, step.after, step.code) == ("refuse", changed, "ChangedSince")
    step = plan_restored(model.setting, now, originals([entry]), overwrite=True)[0]
    assert (step.operation, step.after) == ("reset" if entry.before is None else "update", entry.before)


def test_a_role_that_was_unset_since_is_refused_too():
    entry = entries_of(DHMC, "123456789012", "aws", [Step("eu-west-1", "update", "Theirs", "Ours")])
    now = [Setting("eu-west-1", None)]
    step = plan_restored(DHMC, now, originals(entry), overwrite=False)[0]
    assert (step.operation, step.code) == ("refuse", "ChangedSince")
    assert plan_restored(DHMC, now, originals(entry), overwrite=True)[0].operation == "update"


def _names(*values):
    return {value.split("/")[-1] for value in values if value}
