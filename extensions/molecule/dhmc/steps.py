# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps of the scenario dhmc that set up or examine AWS."""

from __future__ import annotations

from plain_aws import DEFAULT_POLICY, DEFAULT_ROLE, SETTING, TRUST, Account, expect, run

OURS = f"service-role/{DEFAULT_ROLE}"
OUR_ROLE = f"/{OURS}"
QUICK_SETUP = "AWS-QuickSetup-SSM-DefaultEC2MgmtRole-eu-west-2"
CONVERGED = ("eu-west-1", "us-east-1", "ap-southeast-2")
MADE_BY = {"fleet.aws_ssm/made-by": "dhmc"}
CLOUDWATCH = "arn:aws:iam::aws:policy/CloudWatchAgentServerPolicy"
EC2_STATEMENT = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}


def _expect_settings(account: Account, wanted: dict[str, str]) -> None:
    expect("regions where DHMC names a role", account.settings(), wanted)


def _update(region: str) -> str:
    return f"UpdateServiceSetting {region} {SETTING}"


def converged(account: Account) -> None:
    """Three regions name the role that was made."""
    _expect_settings(account, dict.fromkeys(CONVERGED, OURS))
    role = {"trust": TRUST, "attached": [DEFAULT_POLICY], "inline": {}, "tags": {"team": "platform", **MADE_BY}}
    expect("roles", account.roles(), {OUR_ROLE: role})
    account.note()


def quick_setup_in_eu_west_2(account: Account) -> None:
    """Somebody else's role in a region."""
    account.set("eu-west-2", QUICK_SETUP)
    account.note()


def conflict_refused(account: Account) -> None:
    """All is done but the region that somebody else has set."""
    _expect_settings(account, {**dict.fromkeys((*CONVERGED, "eu-north-1"), OURS), "eu-west-2": QUICK_SETUP})
    writes = [write for write in account.writes() if "ServiceSetting" in write]
    expect("writes of the setting", writes, [_update("eu-north-1")])
    account.note()


def conflict_overwritten(account: Account) -> None:
    """The region that somebody else has set is replaced, and nothing but that."""
    _expect_settings(account, dict.fromkeys((*CONVERGED, "eu-north-1", "eu-west-2"), OURS))
    writes = [write for write in account.writes() if "ServiceSetting" in write]
    expect("writes of the setting", writes, [_update("eu-west-2")])


def custom_role(account: Account) -> None:
    """The role has every part that was asked for."""
    _expect_settings(account, dict.fromkeys(("eu-west-1", "us-west-2"), "fleet/NodeManagement"))
    statement = {"Effect": "Allow", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::session-logs/*"}
    role = {
        "trust": TRUST,
        "attached": sorted([DEFAULT_POLICY, CLOUDWATCH]),
        "inline": {"logs": {"Version": "2012-10-17", "Statement": [statement]}},
        "tags": {"team": "platform", **MADE_BY},
    }
    expect("roles", account.roles(), {"/fleet/NodeManagement": role})
    account.note()


def foreign_roles(account: Account) -> None:
    """A role of somebody else that DHMC can use, and one that it can't."""
    account.reset()
    account.add_role("Fitting", "/ops/", TRUST, DEFAULT_POLICY)
    account.add_role("Unfit", "/", {"Version": "2012-10-17", "Statement": [EC2_STATEMENT]}, CLOUDWATCH)
    account.note()


def fitting_role_adopted(account: Account) -> None:
    """The regions name it, no role was written."""
    _expect_settings(account, dict.fromkeys(("eu-west-1", "us-west-2"), "ops/Fitting"))
    expect("roles", account.roles(), account.noted()["roles"])
    expect("writing API calls", sorted(account.writes()), [_update("eu-west-1"), _update("us-west-2")])


def fitting_role_kept(account: Account) -> None:
    """No region names it, and it is as it was."""
    expect("settings and roles", account.state(), account.noted())
    account.note()


def unfit_role_fixed(account: Account) -> None:
    """The role still has what it had, and what it lacked."""
    _expect_settings(account, dict.fromkeys(("eu-west-1", "us-west-2"), "Unfit"))
    role = {
        "trust": {"Version": "2012-10-17", "Statement": [EC2_STATEMENT, *TRUST["Statement"]]},
        "attached": sorted([DEFAULT_POLICY, CLOUDWATCH]),
        "inline": {},
        "tags": {},
    }
    expect("the role Unfit", account.roles()["/Unfit"], role)


def only_quick_setup(account: Account) -> None:
    """Somebody else's role in a region, and nothing more."""
    account.reset()
    account.set("eu-west-2", QUICK_SETUP)


def one_region_off(account: Account) -> None:
    """The role stays as long as a region names it."""
    _expect_settings(account, {"us-west-2": OURS, "eu-west-2": QUICK_SETUP})
    expect("roles", list(account.roles()), [OUR_ROLE])


def all_regions_off(account: Account) -> None:
    """Nothing of ours is left."""
    expect("settings and roles", account.state(), {"settings": {"eu-west-2": QUICK_SETUP}, "roles": {}})
    account.note()


run(
    {
        step.__name__: step
        for step in (
            converged,
            quick_setup_in_eu_west_2,
            conflict_refused,
            conflict_overwritten,
            custom_role,
            foreign_roles,
            fitting_role_adopted,
            fitting_role_kept,
            unfit_role_fixed,
            only_quick_setup,
            one_region_off,
            all_regions_off,
        )
    }
)
