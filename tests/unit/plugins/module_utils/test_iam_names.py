# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.fleet.aws_ssm.plugins.module_utils._errors import InputError
from ansible_collections.fleet.aws_ssm.plugins.module_utils._iam_names import POLICY, PROFILE, ROLE, IamName, parse_name

LONGEST = {ROLE: 64, PROFILE: 128, POLICY: 128}
NAME = st.from_regex(r"[A-Za-z0-9_+=,.@-]{1,64}", fullmatch=True)
PATH = st.lists(st.from_regex(r"[A-Za-z0-9_+=,.@-]{1,20}", fullmatch=True), max_size=4).map(
    lambda parts: "/" + "".join(f"{part}/" for part in parts)
)


@given(name=NAME, path=PATH, kind=st.sampled_from([ROLE, PROFILE, POLICY]))
def test_path_and_name_are_the_same_by_every_spelling(name, path, kind):
    arn = f"arn:aws-us-gov:iam::123456789012:{kind}{path}{name}"
    assert parse_name("o", arn, kind) == IamName(name, path, "123456789012")
    assert parse_name("o", f" {path}{name} ", kind) == IamName(name, path)
    assert parse_name("o", name, kind) == IamName(name)
    value = f"{path}{name}".lstrip("/")
    assert parse_name("o", arn, kind).value == parse_name("o", f"{path}{name}", kind).value == value
    # What the setting holds can be given back.
    assert parse_name("o", value, kind).value == value


@pytest.mark.parametrize("kind", [ROLE, PROFILE, POLICY])
def test_a_name_may_be_as_long_as_iam_allows_and_not_longer(kind):
    longest = LONGEST[kind]
    assert parse_name("o", "x" * longest, kind).name == "x" * longest
    with pytest.raises(InputError, match=f"^o: .*x+' has {longest + 1} characters; IAM allows {longest}"):
        parse_name("o", "x" * (longest + 1), kind)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a b",
        "a/",
        "role*",
        "r\u00f6le",
        "a\nb",
        "a/b c/d",
        f"/{'p' * 511}/name",
        "arn:aws:iam::123456789012:user/alice",
        "arn:aws:iam::12345:role/short",
        "arn:aws:iam::123456789012:role/",
        "arn:aws:sts::123456789012:assumed-role/a/b",
    ],
)
def test_what_names_no_role_is_refused_with_option_and_value_in_one_line(text):
    with pytest.raises(InputError) as caught:
        parse_name("dhmc_role_name", text)
    assert str(caught.value).startswith("dhmc_role_name: ")
    assert repr(text) in str(caught.value)
    assert "\n" not in str(caught.value)
