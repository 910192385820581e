# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.fleet.aws_ssm.plugins.module_utils._iam.arn_patterns import arn_matches, arns_overlap

ANY = "arn:aws:ec2:*:111122223333:instance/*"
ONE = "arn:aws:ec2:eu-west-1:111122223333:instance/i-0a"


@pytest.mark.parametrize(
    ("pattern", "resource", "matches", "overlaps"),
    [
        ("*", ANY, True, True),
        ("arn:aws:ec2:*", ANY, True, True),
        ("arn:aws:ec2:*:*:instance/*", ANY, True, True),
        ("arn:*:ec2:*:*:instance/*", ANY, True, True),
        # Every instance id begins with i-.
        ("arn:aws:ec2:*:*:instance/i-*", ANY, True, True),
        ("arn:aws:ec2:*:*:instance/i-0*", ANY, False, True),
        ("arn:aws:ec2:*:*:*/*", ANY, True, True),
        ("arn:aws:ec2:eu-west-1:111122223333:instance/*", ANY, False, True),
        ("arn:aws:ec2:eu-west-1:111122223333:instance/*", ONE, True, True),
        ("arn:aws:ec2:eu-*:111122223333:instance/*", ONE, True, True),
        ("arn:aws:ec2:us-east-1:111122223333:instance/*", ONE, False, False),
        ("arn:aws:ec2:*:999988887777:instance/*", ANY, False, False),
        ("arn:aws:ssm:*:*:*", ANY, False, False),
        ("arn:aws:ec2:*:*:volume/*", ANY, False, False),
        # Missing components are completed. Or does a wildcard at a component's end run on? That is open.
        ("arn:aws:ec2:*:instance/*", ANY, False, True),
        ("arn:aws:ec2:*:instance/*", ONE, False, True),
        ("arn:aws:*:instance/i-0a", ONE, False, True),
        ("arn:aws:ec2:*:instance/i-0b", ONE, False, False),
        ("arn:aws:ec2:*:volume/*", ONE, False, False),
        ("arn:aws:ec2:eu-west-1:instance/*", ONE, False, False),
        ("arn:aws:ec2:eu-*", ONE, True, True),
        ("arn:aws:ec2", ONE, True, True),
        ("arn:aws-cn:ec2:*:*:instance/*", ONE, False, False),
        ("arn:aws:s3:::bucket", "*", False, True),
        ("*", "*", True, True),
    ],
)
def test_what_a_pattern_takes_in(pattern, resource, matches, overlaps):
    assert arn_matches(pattern, resource) is matches
    assert arns_overlap(pattern, resource) is overlaps
