# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ssm_service_setting and ssm_service_setting_info, where all goes well."""

from __future__ import annotations

DHMC = "/ssm/managed-instance/default-ec2-instance-management-role"
TIER = "/ssm/managed-instance/activation-tier"
OPSCENTER = "/ssm/opsinsights/opscenter"
OURS = "service-role/Ours"
REGIONS = ["us-east-1", "eu-west-1", "ap-southeast-2"]
GETS = sorted(f"GetServiceSetting {region}" for region in REGIONS)


def updates(*regions):
    return sorted(f"UpdateServiceSetting {region}" for region in regions)


def resets(*regions):
    return sorted(f"ResetServiceSetting {region}" for region in regions)


def test_present_reads_each_region_once_and_writes_only_those_that_differ(account):
    account.put(OURS, "eu-west-1")
    planned = account.setting("--check", "--diff", value=OURS, regions=REGIONS).ok(changed=True)
    assert (planned.reads, planned.writes) == (GETS, [])
    assert account.values(*REGIONS) == {"us-east-1": "$None", "eu-west-1": OURS, "ap-southeast-2": "$None"}

    run = account.setting("--diff", value=OURS, regions=REGIONS).ok(changed=True)
    assert (run.reads, run.writes) == (GETS, updates("us-east-1", "ap-southeast-2"))
    assert account.values(*REGIONS) == dict.fromkeys(REGIONS, OURS)
    # The rows of check mode are those of the real run, in the order that was asked for.
    assert planned.result == run.result
    assert [row["region"] for row in run.result["regions"]] == REGIONS
    assert run.rows["us-east-1"] | {"reason": ""} == {
        "region": "us-east-1",
        "changed": True,
        "failed": False,
        "before": None,
        "after": OURS,
        "reason": "",
    }
    assert run.rows["eu-west-1"]["changed"] is False
    assert (run.result["account"], run.result["partition"], run.result["setting"]) == (account.id, "aws", DHMC)
    for shown in (planned, run):
        lines = [line.strip().rstrip(",") for line in shown.out.splitlines()]
        for region in ("us-east-1", "ap-southeast-2"):
            assert f'-    "{region}": null' in lines
            assert f'+    "{region}": "{OURS}"' in lines
        assert not [line for line in lines if line[:1] in "+-" and "eu-west-1" in line]

    again = account.setting(value=OURS, regions=REGIONS).ok(changed=False)
    assert (again.reads, again.writes, again.result["backup"]) == (GETS, [], [])


def test_the_roles_arn_is_accepted_and_its_path_and_name_are_set(account):
    account.setting(value=f"arn:aws:iam::{account.id}:role/{OURS}", region="eu-west-1").ok(changed=True)
    assert account.value("eu-west-1") == OURS


def test_default_with_a_value_leaves_other_roles_alone(account):
    account.put(OURS, "us-east-1")
    account.put("Theirs", "eu-west-1")
    run = account.setting(state="default", value=OURS, regions=REGIONS).ok(changed=True)
    assert run.writes == resets("us-east-1")
    assert "Theirs" in run.rows["eu-west-1"]["reason"]
    assert account.values(*REGIONS) == {"us-east-1": "$None", "eu-west-1": "Theirs", "ap-southeast-2": "$None"}
    assert account.setting(state="default", value=OURS, regions=REGIONS).ok(changed=False).writes == []
    # Without a value, whatever is set is reset.
    run = account.setting(state="default", regions=REGIONS).ok(changed=True)
    assert run.writes == resets("eu-west-1")
    assert account.values(*REGIONS) == dict.fromkeys(REGIONS, "$None")


def test_the_backup_puts_back_what_was_there_unless_somebody_changed_it_since(account):
    account.put("Theirs", "eu-west-1")
    backup = account.setting(value=OURS, regions=REGIONS, overwrite=True).ok(changed=True).result["backup"]
    assert account.values(*REGIONS) == dict.fromkeys(REGIONS, OURS)
    account.put("Newcomer", "ap-southeast-2")

    refused = account.setting(state="restored", backup=backup).failed("ap-southeast-2", "ChangedSince", "Newcomer")
    assert refused.writes == [*resets("us-east-1"), *updates("eu-west-1")]
    assert account.values(*REGIONS) == {"us-east-1": "$None", "eu-west-1": "Theirs", "ap-southeast-2": "Newcomer"}
    assert [row["region"] for row in refused.result["regions"] if row["failed"]] == ["ap-southeast-2"]

    run = account.setting("--check", state="restored", backup=backup, overwrite=True).ok(changed=True)
    assert run.writes == []
    account.setting(state="restored", backup=backup, overwrite=True).ok(changed=True)
    assert account.value("ap-southeast-2") == "$None"
    assert account.setting(state="restored", backup=backup).ok(changed=False).writes == []


def test_runs_with_one_file_lead_back_to_what_was_there_at_first(account):
    account.put("Theirs", "eu-west-1")
    file = {"backup_file": str(account.folder / "before.json")}
    account.setting("--check", value="First", regions=REGIONS, overwrite=True, **file).ok(changed=True)
    assert not (account.folder / "before.json").exists()
    account.setting(value="First", regions=REGIONS, overwrite=True, **file).ok(changed=True)
    account.setting(value=OURS, regions=REGIONS, overwrite=True, **file).ok(changed=True)
    kept = (account.folder / "before.json").read_bytes()
    assert (account.folder / "before.json").stat().st_mode & 0o777 == 0o600
    assert account.setting(value=OURS, regions=REGIONS, **file).ok(changed=False).writes == []
    assert (account.folder / "before.json").read_bytes() == kept
    account.setting("--check", state="restored", **file).ok(changed=True)
    account.setting(state="restored", **file).ok(changed=True)
    assert account.values(*REGIONS) == {"us-east-1": "$None", "eu-west-1": "Theirs", "ap-southeast-2": "$None"}
    assert account.setting(state="restored", **file).ok(changed=False).writes == []
    assert (account.folder / "before.json").read_bytes() == kept


def test_many_accounts_share_a_file_and_get_back_their_own(account, emulator):
    file = {"backup_file": str(account.folder / "before.json")}
    account.put("Theirs", "us-east-1")
    account.setting(value=OURS, regions=["us-east-1"], overwrite=True, **file).ok(changed=True)
    other = type(account)(emulator, "210987654321", account.folder)
    nothing = other.setting(state="restored", **file).failed("nothing for ssm_service_setting to restore", account.id)
    assert nothing.writes == []
    other.put("Others", "eu-west-1")
    try:
        other.setting(value=OURS, regions=["eu-west-1"], overwrite=True, **file).ok(changed=True)
        account.setting(state="restored", **file).ok(changed=True)
        assert (account.value("us-east-1"), other.value("eu-west-1")) == ("Theirs", OURS)
        other.setting(state="restored", **file).ok(changed=True)
        assert other.values("us-east-1", "eu-west-1") == {"us-east-1": "$None", "eu-west-1": "Others"}
    finally:
        other.control.reset(other.id)


def test_a_backup_file_says_what_it_holds_for_the_account(account):
    file = account.folder / "before.json"
    account.setting(value=OURS, regions=REGIONS, backup_file=str(file)).ok(changed=True)
    run = account.module("backup_file_info", path=str(file)).ok(changed=False)
    assert run.result["resources"] == {"ssm_service_setting": 3}
    assert (run.result["account"], run.result["accounts"]) == (account.id, [account.id])
    text = file.read_text("utf-8")
    file.write_text(text.replace(account.id, "210987654321"), "utf-8")
    account.module("backup_file_info", path=str(file)).failed("nothing to restore", "resources of 210987654321")
    assert account.module("backup_file_info", path=str(file), required=False).ok().result["resources"] == {}
    file.write_text(text[:-30], "utf-8")
    run = account.module("backup_file_info", path=str(file)).failed("path: ", "is damaged", "Nothing was changed.")
    assert run.calls == []


def test_a_setting_without_an_owner_is_set_reset_and_restored(account):
    account.put("Enabled", "eu-west-1", setting=OPSCENTER)
    run = account.setting(setting=OPSCENTER, state="default", regions="eu-west-1").ok(changed=True)
    assert account.value("eu-west-1", OPSCENTER) == "Disabled"
    # Regression: the region was refused with AlreadySet, though nobody had touched it since.
    account.setting(setting=OPSCENTER, state="restored", backup=run.result["backup"]).ok(changed=True)
    assert account.value("eu-west-1", OPSCENTER) == "Enabled"


def test_a_region_is_chosen_as_in_every_module_of_amazon_aws(account):
    account.setting(setting=TIER, value="advanced", region="eu-west-1").ok(changed=True)
    assert account.values(*REGIONS, setting=TIER) == dict.fromkeys(REGIONS, "standard") | {"eu-west-1": "advanced"}
    run = account.setting(setting=TIER, value="advanced", env={"AWS_REGION": "ap-southeast-2"}).ok(changed=True)
    assert run.writes == updates("ap-southeast-2")
    # The environment's region does not contradict regions, and an unanswered question of a survey is not a region.
    run = account.setting(setting=TIER, value="advanced", regions="us-east-1, eu-west-1").ok(changed=True)
    assert run.writes == updates("us-east-1")
    run = account.setting(setting=TIER, value="standard", regions="", env={"AWS_REGION": "eu-west-1"}).ok(changed=True)
    assert run.writes == updates("eu-west-1")


def test_all_means_every_enabled_region_and_asks_for_the_list_once(account):
    account.client("account").enable_region(RegionName="af-south-1")
    enabled = sorted(region["RegionName"] for region in account.client("ec2").describe_regions()["Regions"])
    assert "af-south-1" in enabled
    assert "me-south-1" not in enabled
    run = account.setting(value=OURS, regions="all").ok(changed=True)
    listed = [call for call in run.reads if "Describe" in call]
    assert listed == ["DescribeRegions us-east-1"]
    assert [call for call in run.reads if "Describe" not in call] == [f"GetServiceSetting {name}" for name in enabled]
    assert run.writes == updates(*enabled)
    assert account.values(*enabled) == dict.fromkeys(enabled, OURS)


def test_a_loop_over_regions_works_too(account):
    task = {
        "fleet.aws_ssm.ssm_service_setting": {"setting": DHMC, "value": OURS, "region": "{{ item }}"},
        "loop": REGIONS,
        "register": "done",
    }
    run = account.play([task], keep=("done",)).ok()
    # One of them is the environment's region.
    assert run.writes == updates(*REGIONS)
    assert account.values(*REGIONS) == dict.fromkeys(REGIONS, OURS)
    assert [entry["regions"][0]["region"] for entry in run.result["done"]["results"]] == REGIONS


def test_module_defaults_of_the_action_group_reach_the_module(account):
    task = {
        "block": [{"fleet.aws_ssm.ssm_service_setting": {"setting": DHMC, "value": OURS}}],
        "module_defaults": {"group/fleet.aws_ssm.aws": {"region": "ap-southeast-2"}},
    }
    assert account.play([task]).ok().writes == updates("ap-southeast-2")
    # Beside regions, the region of module_defaults is no contradiction: it is set once for all tasks.
    task["block"] = [{"fleet.aws_ssm.ssm_service_setting": {"setting": DHMC, "value": OURS, "regions": ["eu-west-1"]}}]
    assert account.play([task], env={"AWS_REGION": None, "AWS_DEFAULT_REGION": None}).ok().writes == updates(
        "eu-west-1"
    )


def test_an_arn_names_the_region_and_an_unknown_setting_is_passed_on_with_a_warning(account):
    arn = f"arn:aws:ssm:eu-west-1:{account.id}:servicesetting{DHMC}"
    run = account.setting(setting=arn, value=OURS).ok(changed=True)
    assert (run.reads, run.writes) == (["GetServiceSetting eu-west-1"], updates("eu-west-1"))
    assert run.result["setting"] == DHMC
    run = account.setting(setting="/ssm/not/documented", value="x").failed("us-east-1: ServiceSettingNotFound")
    assert run.reads == ["GetServiceSetting us-east-1"]
    assert "/ssm/not/documented is not a documented setting" in run.text


def test_info_reads_each_region_once_and_never_writes(account):
    account.put(OURS, "eu-west-1")
    run = account.module("ssm_service_setting_info", setting=DHMC, regions=REGIONS).ok(changed=False)
    assert (run.reads, run.writes) == (GETS, [])
    assert {region: row["value"] for region, row in run.rows.items()} == {
        "us-east-1": None,
        "eu-west-1": OURS,
        "ap-southeast-2": None,
    }
    assert run.rows["eu-west-1"]["status"] == "Customized"
    assert run.rows["eu-west-1"]["arn"] == f"arn:aws:ssm:eu-west-1:{account.id}:servicesetting{DHMC}"
    assert run.rows["eu-west-1"]["last_modified_date"].startswith("20")
    arn = f"arn:aws:ssm:eu-west-1:{account.id}:servicesetting{DHMC}"
    assert list(account.module("ssm_service_setting_info", setting=arn).ok().rows) == ["eu-west-1"]
