# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every reason has a situation here, and its fix works: a command is run as it is printed, and the reason is gone.

What has no command is words only. Commands are run by a shell, each in the folder where the one before was run. `aws`
is the AWS CLI of requirements-dev.txt.
"""

from __future__ import annotations

import json
import re
import subprocess

import pytest
import yaml
from conftest import ROOT
from fix_situations import REGIONS, SITUATIONS, V1
from iam_zoo import PING, document, statement
from test_ssm_managed_instance_info import NAME, US, Fleet

GOV = "us-gov-west-1"


@pytest.fixture
def fleet(account, aws_trust):
    return Fleet(account, aws_trust)


def reasons(account, **given):
    """The reasons by what has them: instances and regions. And those of the whole, by code."""
    run = account.module(NAME, **given).ok()
    rows = {row["instance_id"]: row["reasons"] for row in run.result["instances"]}
    rows.update({row["region"]: row["reasons"] for row in run.result["regions"]})
    return rows, {row["reason"]: row for row in run.result["reasons"]}


def run_as_printed(account, command, *, works=True):
    """Paste it into a shell. All are run in one folder."""
    done = subprocess.run(
        ["sh", "-c", command],
        cwd=account.folder,
        env=account.environment({}),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert (done.returncode == 0) is works, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def wrong_fixes(one, found, whole):
    """What is wrong with the fixes of a situation's reason, before any of them is run."""
    label = f"{one.make.__name__} ({one.code})"
    if not found:
        return [f"{label} was not said"]
    wrong = [
        f"{label} has the fix {reason['fix']!r} and the command {reason['command']!r}"
        for reason in found
        if bool(reason["command"]) is not one.command or reason["command"] not in reason["fix"]
    ]
    # Where one has it, the fix of all is its fix.
    if whole[one.code]["count"] == 1 and whole[one.code]["command"] != found[0]["command"]:
        wrong.append(f"{label} has another command in the whole: {whole[one.code]['command']!r}")
    return wrong


def fix_all(fleet, made, look, first_look=None):
    """Run the command of each situation, and look whether its reason is gone. Returns what had commands."""
    rows, whole = (first_look or look)()
    wrong, fixed = [], set()
    for one, name in made:
        found = [reason for reason in rows[name] if reason["reason"] == one.code]
        wrong += wrong_fixes(one, found, whole)
        for reason in found:
            if reason["command"]:
                run_as_printed(fleet.account, reason["command"])
                fixed.add(name)
    rows = look()[0]
    wrong += [
        f"{one.make.__name__} ({one.code}) is still so"
        for one, name in made
        if one.command and one.code in [reason["reason"] for reason in rows[name]]
    ]
    assert wrong == []
    return fixed


def make(fleet, group):
    return [(one, one.make(fleet)) for one in SITUATIONS[group]]


def state(account, regions):
    """All that Ansible's commands may change, as AWS has it."""
    instances = [
        one
        for region in regions
        for page in account.client("ec2", region).get_paginator("describe_instances").paginate()
        for reservation in page["Reservations"]
        for one in reservation["Instances"]
    ]
    return {
        "roles": account.roles(),
        "dhmc": account.values(*regions),
        # The id of a profile that was made again is another.
        "profiles": {one["InstanceId"]: one.get("IamInstanceProfile", {}).get("Arn") for one in instances},
        "metadata": {one["InstanceId"]: one["MetadataOptions"] for one in instances},
    }


def take_back(account, **given):
    """Undo all that was done in the folder."""
    assert [path.name for path in account.folder.iterdir() if path.is_file()] == ["before.json"]
    command = "ansible-playbook fleet.aws_ssm.disable_ssm -e ssm_backup_file=before.json"
    return run_as_printed(account, command, **given)


def test_every_reason_has_a_situation():
    text = (ROOT / "plugins" / "modules" / f"{NAME}.py").read_text(encoding="utf-8")
    notes = yaml.safe_load(text.split('DOCUMENTATION = r"""')[1].split('"""')[0])["notes"]
    (note,) = [note for note in notes if note.startswith("The reasons:")]
    assert {one.code for group in SITUATIONS.values() for one in group} == set(re.findall(r"V\((\w+)\)", note))


def test_the_fixes_of_networks_work(fleet):
    fleet.on()
    fixed = fix_all(fleet, make(fleet, "network"), lambda: reasons(fleet.account, region=US))
    # The agents agree.
    assert fixed == set(fleet.nodes)


def test_the_fixes_of_instances_work_and_are_taken_back(fleet, rewriting):
    fleet.on()
    made = make(fleet, "instance")
    before = state(fleet.account, [US])

    def first_look():
        with rewriting({fleet.operated: "eks.amazonaws.com"}) as endpoint:
            return reasons(fleet.account, region=US, env={"AWS_ENDPOINT_URL": endpoint})

    fix_all(fleet, made, lambda: reasons(fleet.account, region=US), first_look)
    take_back(fleet.account)
    assert state(fleet.account, [US]) == before


def test_the_fixes_of_regions_work_and_are_taken_back(fleet):
    made = make(fleet, "region")
    before = state(fleet.account, REGIONS)
    fix_all(fleet, made, lambda: reasons(fleet.account, regions="all", node_quota=1))
    fixed = state(fleet.account, REGIONS)
    # Two regions go on naming the roles that serve now. These keep what lets instances register, and are named.
    said = take_back(fleet.account, works=False)
    kept = ["/team/eu,west/Untrusted", "/Powerless"]
    assert "2 of 3 could not be restored" in said
    assert said.count("InUse") >= len(kept)
    before["roles"].update({name: fixed["roles"][name] for name in kept})
    assert state(fleet.account, REGIONS) == before


def test_the_fixes_of_another_partition_work(account, aws_trust):
    """The name of a managed policy, and where IAM is asked, depend on the region."""
    iam, ec2 = account.client("iam", GOV), account.client("ec2", GOV)
    iam.create_role(RoleName="Half", AssumeRolePolicyDocument=json.dumps(aws_trust("ec2.amazonaws.com")))
    iam.create_instance_profile(InstanceProfileName="Half")
    iam.put_role_policy(RoleName="Half", PolicyName="ping", PolicyDocument=json.dumps(document(statement(PING))))
    iam.add_role_to_instance_profile(InstanceProfileName="Half", RoleName="Half")
    profile = {"IamInstanceProfile": {"Name": "Half"}}
    made = ec2.run_instances(ImageId="ami-12345678", MinCount=1, MaxCount=1, MetadataOptions=V1, **profile)
    name = made["Instances"][0]["InstanceId"]
    found = {one["reason"]: one["command"] for one in reasons(account, region=GOV)[0][name]}
    assert set(found) == {"profile_half_grants", "imdsv1_allowed"}
    for command in found.values():
        run_as_printed(account, command)
    assert reasons(account, region=GOV)[0][name] == []
    attached = iam.list_attached_role_policies(RoleName="Half")["AttachedPolicies"]
    assert [one["PolicyArn"] for one in attached] == ["arn:aws-us-gov:iam::aws:policy/AmazonSSMManagedInstanceCore"]


def test_many_instances_are_fixed_by_one_command(fleet):
    """The command of the whole names them by their state, because there are too many ids for a line."""
    tags = [{"ResourceType": "instance", "Tags": [{"Key": "fleet:agent", "Value": "none"}]}]
    many = {"MinCount": 101, "MaxCount": 101, "TagSpecifications": tags}
    made = fleet.ec2.run_instances(ImageId="ami-12345678", MetadataOptions=V1, **many)
    (kept,) = fleet.ec2.run_instances(
        ImageId="ami-12345678", MinCount=1, MaxCount=1, MetadataOptions={**V1, "HttpEndpoint": "disabled"}
    )["Instances"]
    command = reasons(fleet.account, region=US)[1]["imdsv1_allowed"]["command"]
    assert made["Instances"][0]["InstanceId"] not in command
    run_as_printed(fleet.account, command)
    assert "imdsv1_allowed" not in reasons(fleet.account, region=US)[1]
    options = fleet.ec2.describe_instances(InstanceIds=[kept["InstanceId"]])["Reservations"][0]["Instances"][0]
    assert options["MetadataOptions"]["HttpTokens"] == "optional"


def test_a_command_that_can_not_help_says_so_and_changes_nothing(fleet):
    """A policy that is added takes no Deny away."""
    no = statement("ssmmessages:*", effect="Deny", Sid="NoMessages")
    fleet.add("Denied", inline={"own": document(statement(PING), no)})
    name = fleet.launch("Denied")
    (reason,) = reasons(fleet.account, region=US)[0][name]
    before = state(fleet.account, [US])
    assert reason["reason"] == "profile_half_grants"
    said = run_as_printed(fleet.account, reason["command"], works=False)
    assert "Look at its permissions boundary and its Deny statements. Nothing was changed." in said
    assert state(fleet.account, [US]) == before
