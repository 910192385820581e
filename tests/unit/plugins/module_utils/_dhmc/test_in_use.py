# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.fleet.aws_ssm.plugins.module_utils._dhmc.in_use import DhmcInUse, why_protected


def trust(service):
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    return {"Version": "2012-10-17", "Statement": [statement]}


EC2, SSM = trust("ec2.amazonaws.com"), trust(["ec2.amazonaws.com", "ssm.amazonaws.com"])
READ = DhmcInUse({"eu-west-1": "web", "us-east-1": None, "us-east-2": "web"}, forbidden=("eu-west-3",))
DOWN = DhmcInUse({"eu-west-1": "web"}, {"us-east-1": TimeoutError()})


@pytest.mark.parametrize(
    ("role", "policy", "dhmc", "words"),
    [
        ("web", EC2, READ, "uses in eu-west-1, us-east-2"),
        # A part of a name is not the name.
        ("webserver", SSM, READ, ""),
        ("we", SSM, READ, ""),
        ("other", SSM, READ, ""),
        ("other", EC2, DOWN, ""),
        ("other", SSM, DOWN, "in us-east-1 could not be read"),
        ("web", SSM, DOWN, "uses in eu-west-1"),
    ],
)
def test_which_roles_are_protected(role, policy, dhmc, words):
    why = why_protected(role, policy, dhmc)
    assert bool(why) is bool(words)
    assert words in why


def test_where_it_is_off():
    assert READ.off() == ["us-east-1"]
