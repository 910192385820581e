# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operator's policies for DHMC hold what the role dhmc is seen to call, on what it calls it, and nothing else."""

from __future__ import annotations

from operator_needs import REGIONS, ROLE, STATEMENT, Need, Needs, change_by_hand, denied, render, unused

SETTING = "/ssm/managed-instance/default-ec2-instance-management-role"
BOUNDARY = "arn:aws:iam::aws:policy/PowerUserAccess"


def test_dhmc_and_its_role(account):
    policies = render(account, "settings", "dhmc", "dhmc_role")
    needs = Needs(account.id, {ROLE: f"service-role/{ROLE}"})
    variables = {"dhmc_regions": REGIONS, "dhmc_role_tags": {"team": "platform"}}
    absent = {**variables, "dhmc_state": "absent", "dhmc_role_remove": True}

    present = account.dhmc_role(**variables).ok()
    change_by_hand(account, ROLE)
    check = account.dhmc_role("--check", **variables).ok()
    update = account.dhmc_role(**variables, dhmc_backup_file="update.json").ok()
    # Tags, trust policy and description go back to what was changed by hand, once DHMC does not need them.
    for region in REGIONS:
        account.client("ssm", region).reset_service_setting(SettingId=SETTING)
    back = account.dhmc_role(dhmc_state="restored", dhmc_backup_file="update.json").ok()
    account.dhmc_role(**variables).ok()
    gone = account.dhmc_role(**absent, dhmc_overwrite=True).ok()
    assert account.roles() == {}

    every = needs.of(present, check, update, back, gone)
    both = policies["dhmc"] + policies["dhmc_role"]
    assert denied(both, every) == []
    assert unused(both, every) == []
    assert denied(policies["read_only"], needs.of(check)) == []

    # The setting alone is the page's policy: with it, nothing but the reading of the role is denied.
    settings = {need for need in needs.of(present, gone) if need.action.split(":")[1].endswith("ServiceSetting")}
    named = {need for need in settings if any(f":{region}:" in need.resource for region in REGIONS)}
    assert denied(policies["settings"], named) == []
    # Another region, account, role or service is denied.
    other = {need for need in settings if "Update" in need.action}
    for old, new in ((REGIONS[0], "eu-west-2"), (REGIONS[1], "eu-west-2"), (account.id, "999999999999")):
        elsewhere = {Need(need.action, need.resource.replace(old, new)) for need in other if old in need.resource}
        assert elsewhere
        assert set(denied(both, elsewhere)) == elsewhere
    passing = next(need for need in every if need.action == "iam:PassRole")
    assert denied(both, [Need("iam:PassRole", passing.resource, (("iam:PassedToService", "ec2.amazonaws.com"),))])
    assert denied(both, [Need("iam:PassRole", passing.resource + "2", passing.context)])
    admin = (("iam:PolicyARN", "arn:aws:iam::aws:policy/AdministratorAccess"),)
    assert denied(both, [Need("iam:AttachRolePolicy", passing.resource, admin)])


def test_a_role_that_was_replaced_is_put_back_with_other_roles(account, aws_trust):
    account.add_role("Theirs", aws_trust("ssm.amazonaws.com"), "AmazonSSMManagedEC2InstanceDefaultPolicy", path="/ops/")
    account.add_role("Ours", aws_trust("ssm.amazonaws.com"), "AmazonSSMManagedEC2InstanceDefaultPolicy")
    account.put("ops/Theirs", REGIONS[0])
    variables = {"dhmc_role_name": "/Ours", "dhmc_role_create": False, "dhmc_backup_file": "before.json"}
    runs = [
        account.dhmc_role(**variables, dhmc_regions=REGIONS, dhmc_overwrite=True).ok(),
        account.dhmc_role(**variables, dhmc_state="restored").ok(),
    ]
    assert account.values(*REGIONS) == {REGIONS[0]: "ops/Theirs", REGIONS[1]: "$None"}
    needs = Needs(account.id).of(*runs)
    granted = render(account, "settings", "dhmc", role="/Ours", other_roles=["/ops/Theirs"])
    assert denied(granted["dhmc"], needs) == []
    assert not [
        need
        for need in denied(granted["settings"], needs)
        if need.action in ("iam:PassRole", "ssm:UpdateServiceSetting")
    ]
    # Without other_roles the role can't be passed again, and nothing else is lacking.
    alone = denied(render(account, "dhmc", role="/Ours")["dhmc"], needs)
    assert [(need.action, need.resource.rpartition("/")[2]) for need in alone] == [("iam:PassRole", "Theirs")]


def test_an_iam_role_that_is_there_takes_dhmc_alone(account, aws_trust):
    account.add_role("Ours", aws_trust("ssm.amazonaws.com"), "AmazonSSMManagedEC2InstanceDefaultPolicy", path="/ops/")
    policies = render(account, "dhmc", role="/ops/Ours")
    needs = Needs(account.id, {"Ours": "ops/Ours"})
    variables = {"dhmc_regions": REGIONS, "dhmc_role_name": "/ops/Ours", "dhmc_role_create": False}
    runs = [
        account.dhmc_role(**variables).ok(),
        account.dhmc_role(**variables, dhmc_state="absent").ok(),
    ]
    assert denied(policies["dhmc"], needs.of(*runs)) == []
    assert {need.action for need in needs.of(*runs)} >= {"iam:PassRole", "ssm:UpdateServiceSetting"}


def test_policies_by_name_inline_policies_and_a_boundary(account):
    options = {"managed_policies": "CloudWatchAgentServerPolicy", "inline_policies": "true"}
    policies = render(account, "dhmc", "dhmc_role", permissions_boundary=BOUNDARY, **options)
    needs = Needs(account.id, {ROLE: f"service-role/{ROLE}"}, BOUNDARY)
    variables = {
        "dhmc_regions": REGIONS,
        "dhmc_role_managed_policies": ["CloudWatchAgentServerPolicy"],
        "dhmc_role_inline_policies": {"more": {"Version": "2012-10-17", "Statement": [STATEMENT]}},
        "dhmc_role_permissions_boundary": BOUNDARY,
    }
    present = account.dhmc_role(**variables).ok()
    account.iam.delete_role_permissions_boundary(RoleName=ROLE)
    again = account.dhmc_role(**variables).ok()
    both = policies["dhmc"] + policies["dhmc_role"]
    every = needs.of(present, again)
    assert denied(both, every) == []
    sids = ("CreateRole", "PutInlinePolicies", "AttachThesePolicies")
    assert [row for row in unused(both, every) if row.startswith(sids)] == []
    # Without the boundary the role can't be made, nor get inline policies.
    role = f"arn:aws:iam::{account.id}:role/service-role/{ROLE}"
    assert denied(both, [Need("iam:CreateRole", role)])
    assert denied(both, [Need("iam:PutRolePolicy", role)])
    # What the options don't ask for is not allowed.
    plain = render(account, "dhmc", "dhmc_role")
    assert {need.action for need in denied(plain["dhmc"] + plain["dhmc_role"], every)} == {
        "iam:AttachRolePolicy",
        "iam:PutRolePermissionsBoundary",
        "iam:PutRolePolicy",
    }


def test_every_region(account, aws_trust):
    # To make the role would take the feature dhmc_role.
    policy = "AmazonSSMManagedEC2InstanceDefaultPolicy"
    account.add_role(ROLE, aws_trust("ssm.amazonaws.com"), policy, path="/service-role/")
    policies = render(account, "dhmc", regions="all")
    named = render(account, "dhmc")
    every = Needs(account.id, {ROLE: f"service-role/{ROLE}"}).of(account.dhmc_role("--check", dhmc_regions="all").ok())
    assert denied(policies["dhmc"], every) == []
    regions = {need.resource.split(":")[3] for need in denied(named["dhmc"], every) if need.resource != "*"}
    assert len(regions) > 10
    assert regions.isdisjoint(REGIONS)
    assert [need.action for need in denied(named["dhmc"], every) if need.resource == "*"] == ["ec2:DescribeRegions"]
