# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps of the scenario enable_ssm that set up or examine AWS."""

from __future__ import annotations

import stat

from plain_aws import DEFAULT_POLICY, DEFAULT_ROLE, TRUST, Account, expect, run

FREE = ("eu-west-1", "us-east-1")
TAKEN = "eu-central-1"  # one of ssm_regions, though Quick Setup was there first
ELSEWHERE = "ap-northeast-2"  # Quick Setup's too, and none of ssm_regions
ONLINE = ["Online", "Online"]


def _quick_setup(region: str) -> str:
    return f"AWS-QuickSetup-SSM-DefaultEC2MgmtRole-{region}"


def _expect_nodes(account: Account, wanted: dict[str, list[str]]) -> None:
    """Compare the state of each region's nodes, as Systems Manager lists them."""
    found = {}
    for region in (*FREE, TAKEN):
        nodes = account.client("ssm", region).describe_instance_information()["InstanceInformationList"]
        found[region] = [node["PingStatus"] for node in nodes]
    expect("nodes of Systems Manager", found, wanted)


def before(account: Account) -> None:
    """Two instances without a profile in each region; Quick Setup manages those of one region."""
    account.reset()
    for region in (TAKEN, ELSEWHERE):
        account.add_role(_quick_setup(region), "/", TRUST, DEFAULT_POLICY)
        account.set(region, _quick_setup(region))
    for region in (*FREE, TAKEN):
        account.client("ec2", region).run_instances(
            ImageId="ami-12345678",
            InstanceType="t3.micro",
            MinCount=2,
            MaxCount=2,
            MetadataOptions={"HttpEndpoint": "enabled", "HttpTokens": "required"},
            TagSpecifications=[
                {"ResourceType": "instance", "Tags": [{"Key": "fleet:agent-version", "Value": "3.2.582.0"}]}
            ],
        )
    _expect_nodes(account, {**{region: [] for region in FREE}, TAKEN: ONLINE})
    account.note("before")
    account.note()


def enabled(account: Account) -> None:
    """All instances are managed through the role that was made; the other regions are as they were."""
    ours = f"service-role/{DEFAULT_ROLE}"
    settings = {**dict.fromkeys((*FREE, TAKEN), ours), ELSEWHERE: _quick_setup(ELSEWHERE)}
    expect("regions where DHMC names a role", account.settings(), settings)
    role = {
        "trust": TRUST,
        "attached": [DEFAULT_POLICY],
        "inline": {},
        "tags": {"team": "platform", "fleet.aws_ssm/made-by": "dhmc"},
    }
    expect("roles", account.roles(), {**account.noted("before")["roles"], f"/{ours}": role})
    _expect_nodes(account, dict.fromkeys((*FREE, TAKEN), ONLINE))
    mode = stat.filemode((account.folder / "backup.json").stat().st_mode)
    expect("the backup's mode", mode, "-rw-------")
    account.note()


def disabled(account: Account) -> None:
    """All is as it was before, and Quick Setup's instances are managed still."""
    expect("settings and roles", account.state(), account.noted("before"))
    _expect_nodes(account, {**dict.fromkeys(FREE, ["ConnectionLost"] * 2), TAKEN: ONLINE})
    account.note()


run({step.__name__: step for step in (before, enabled, disabled)})
