# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operator's policies hold what the roles are seen to call, on what they call it, and nothing else.

Each recorded API call becomes the permissions that AWS asks for
(Service Authorization Reference), and the emulator's evaluator, which shares nothing with the collection, answers.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from fleet_emulator.policy import Source, evaluate

from ansible_collections.fleet.aws_ssm.plugins.filter.dhmc_operator_policy import dhmc_operator_policy

ROLE = "AWSSystemsManagerDefaultEC2InstanceManagementRole"
REGIONS = ("eu-west-1", "us-east-1")
BOUNDARY = "arn:aws:iam::aws:policy/PowerUserAccess"
STATEMENT = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::ours/*"}

# Every caller may: IAM User Guide, "GetCallerIdentity". amazon.aws does without the alias.
FREE = {"sts:GetCallerIdentity", "iam:ListAccountAliases"}
GLOBAL = {"iam:GetAccountSummary", "iam:ListPolicies", "iam:ListAccountAliases", "sts:GetCallerIdentity"}


@dataclass(frozen=True)
class Need:
    """A permission that a call takes."""

    action: str
    resource: str
    context: tuple[tuple[str, str], ...] = ()


@dataclass
class Needs:
    """What the calls of an account take. Names of IAM that are not at / stand in C(paths) with their path."""

    account: str
    paths: Mapping[str, str] = field(default_factory=dict)
    boundary: str = ""

    def of(self, *runs: Any) -> set[Need]:
        return {need for run in runs for call in run.calls for need in self._of_call(call) if need.action not in FREE}

    def _iam(self, kind: str, name: str) -> str:
        return f"arn:aws:iam::{self.account}:{kind}/{self.paths.get(name, name)}"

    def _of_call(self, call: Mapping[str, Any]) -> Iterable[Need]:
        service, operation, params = call["service"], call["operation"], call["params"]
        action, region = f"{service}:{operation}", ("aws:RequestedRegion", call["region"])
        if action in GLOBAL or operation.startswith("Describe"):
            yield Need(action, "*", (region,))
        elif service == "ssm":
            yield Need(action, f"arn:aws:ssm:{call['region']}:{self.account}:servicesetting{params['SettingId']}")
            if operation == "UpdateServiceSetting":
                yield self._pass(f"arn:aws:iam::{self.account}:role/{params['SettingValue']}", "ssm")
        elif service == "ec2":
            instance = params.get("InstanceId", "i-0")
            yield Need(action, f"arn:aws:ec2:{call['region']}:{self.account}:instance/{instance}", (region,))
            if "IamInstanceProfile" in params:
                # In these tests a profile has the name of its role.
                yield self._pass(params["IamInstanceProfile"]["Arn"].replace(":instance-profile/", ":role/"), "ec2")
        else:
            yield from self._of_iam(action, operation, params, missing=call["error"] == "NoSuchEntity")

    def _of_iam(self, action: str, operation: str, params: Mapping[str, Any], *, missing: bool) -> Iterable[Need]:
        if "InstanceProfileName" in params:
            kind, name = "instance-profile", params["InstanceProfileName"]
        elif "RoleName" in params:
            kind, name = "role", params["RoleName"]
        else:
            kind, name = "policy", params.get("PolicyName", "")
        if "PolicyArn" in params and kind == "policy":
            resource = params["PolicyArn"]
        elif "Path" in params:
            resource = f"arn:aws:iam::{self.account}:{kind}{params['Path']}{name}"
        else:
            # IAM does not know the path of what is not there.
            resource = f"arn:aws:iam::{self.account}:{kind}/{name}" if missing else self._iam(kind, name)
        context = []
        if "PolicyArn" in params:
            context.append(("iam:PolicyARN", params["PolicyArn"]))
        boundary = params.get("PermissionsBoundary", "" if operation == "CreateRole" else self.boundary)
        if kind == "role" and boundary:
            context.append(("iam:PermissionsBoundary", boundary))
        yield Need(action, resource, tuple(context))
        if operation.startswith("Create") and params.get("Tags"):
            yield Need("iam:Tag" + operation.removeprefix("Create"), resource)
        if operation == "AddRoleToInstanceProfile":
            yield self._pass(self._iam("role", params["RoleName"]), "ec2")

    def _pass(self, role: str, service: str) -> Need:
        return Need("iam:PassRole", role, (("iam:PassedToService", f"{service}.amazonaws.com"),))


def denied(statements: Iterable[Mapping[str, Any]], needs: Iterable[Need]) -> list[Need]:
    document = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
    source = Source("operator", "IAM Policy", document)
    return [
        need
        for need in needs
        if not evaluate([source], need.action, need.resource, {key: [value] for key, value in need.context}).allowed
    ]


def unused(statements: list[dict[str, Any]], needs: set[Need]) -> list[str]:
    """Statements without which all is still allowed, and actions that no call has used."""
    found = []
    for number, statement in enumerate(statements):
        if not denied(statements[:number] + statements[number + 1 :], needs):
            found.append(statement["Sid"])
        for action in statement["Action"]:
            one = [{**statement, "Action": [action]}]
            if len(denied(one, needs)) == len(needs):
                found.append(f"{statement['Sid']}: {action}")
    return found


def render(account, *features, regions=REGIONS, **options):
    """The statements of each feature, and of read_only."""
    return {
        feature: dhmc_operator_policy(regions, account=account.id, feature=feature, **options)["Statement"]
        for feature in (*features, "read_only")
    }


def include(account, role, *options, keep=(), **variables):
    return account.play(
        [{"ansible.builtin.include_role": {"name": f"fleet.aws_ssm.{role}"}}], *options, keep=keep, **variables
    )


def change_by_hand(account, role):
    """Change what the roles put right again."""
    account.iam.update_assume_role_policy(
        RoleName=role,
        PolicyDocument=json.dumps(
            {"Version": "2012-10-17", "Statement": [{**STATEMENT, "Action": "sts:AssumeRole", "Principal": "*"}]}
        ).replace(', "Resource": "arn:aws:s3:::ours/*"', ""),
    )
    account.iam.update_role(RoleName=role, Description="changed")
    account.iam.untag_role(RoleName=role, TagKeys=["team"])
    account.iam.put_role_policy(
        RoleName=role,
        PolicyName="more",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [STATEMENT]}),
    )


def test_dhmc_and_its_role(account):
    policies = render(account, "settings", "dhmc", "dhmc_role")
    needs = Needs(account.id, {ROLE: f"service-role/{ROLE}"})
    variables = {"dhmc_regions": REGIONS, "dhmc_role_tags": {"team": "platform"}}
    absent = {**variables, "dhmc_state": "absent", "dhmc_role_remove": True}

    present = account.dhmc_role(**variables).ok()
    change_by_hand(account, ROLE)
    check = account.dhmc_role("--check", **variables).ok()
    update = account.dhmc_role(**variables).ok()
    gone = account.dhmc_role(**absent).ok()
    assert account.roles() == {}

    every = needs.of(present, check, update, gone)
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


def test_every_region(account):
    policies = render(account, "dhmc", regions="all")
    named = render(account, "dhmc")
    every = Needs(account.id).of(account.dhmc_role("--check", dhmc_regions="all").ok())
    assert denied(policies["dhmc"], every) == []
    regions = {need.resource.split(":")[3] for need in denied(named["dhmc"], every) if need.resource != "*"}
    assert len(regions) > 10
    assert regions.isdisjoint(REGIONS)
    assert [need.action for need in denied(named["dhmc"], every) if need.resource == "*"] == ["ec2:DescribeRegions"]


def test_instance_profile(account):
    policies = render(account, "instance_profile")
    needs = Needs(account.id)
    variables = {"instance_profile_tags": {"team": "platform"}}

    present = include(account, "instance_profile", **variables).ok()
    change_by_hand(account, "SSMInstanceProfile")
    account.iam.untag_instance_profile(InstanceProfileName="SSMInstanceProfile", TagKeys=["team"])
    check = include(account, "instance_profile", "--check", **variables).ok()
    update = include(account, "instance_profile", **variables).ok()
    gone = include(account, "instance_profile", **variables, instance_profile_state="absent").ok()
    assert account.roles() == {}

    every = needs.of(present, check, update, gone)
    assert denied(policies["instance_profile"], every) == []
    assert unused(policies["instance_profile"], every) == []
    assert denied(policies["read_only"], needs.of(check)) == []


def add_profile(account, name, document, *policies):
    account.add_role(name, document, *policies)
    arn = account.iam.create_instance_profile(InstanceProfileName=name)["InstanceProfile"]["Arn"]
    account.iam.add_role_to_instance_profile(InstanceProfileName=name, RoleName=name)
    return {"Arn": arn}


def launch(account, profile=None):
    more = {"IamInstanceProfile": profile} if profile else {}
    ec2 = account.client("ec2", "eu-west-1")
    return ec2.run_instances(ImageId="ami-12345678", MinCount=1, MaxCount=1, **more)["Instances"][0]["InstanceId"]


def test_profile_association(account, aws_trust, tmp_path):
    policies = render(account, "profile_association", "profile_association_extend", other_roles=["Theirs"])
    document = aws_trust("ec2.amazonaws.com")
    add_profile(account, "SSMInstanceProfile", document, "AmazonSSMManagedInstanceCore")
    theirs = add_profile(account, "Theirs", document)
    account.iam.put_role_policy(
        RoleName="Theirs",
        PolicyName="theirs",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [STATEMENT]}),
    )
    launch(account)
    launch(account, theirs)
    needs = Needs(account.id)

    def run(*options, **more):
        variables = {f"profile_association_{name}": value for name, value in more.items()}
        return include(
            account, "profile_association", *options, **{"profile_association_regions": REGIONS, **variables}
        ).ok()

    backup = str(tmp_path / "backup.json")
    plain = [
        run("--check", existing="replace"),
        run(existing="replace", backup_file=backup),
        run(state="absent", backup_file=backup),
    ]
    extend = [run("--check", existing="extend"), run(existing="extend")]
    both = policies["profile_association"] + policies["profile_association_extend"]
    assert denied(policies["profile_association"], needs.of(*plain)) == []
    assert denied(both, needs.of(*plain, *extend)) == []
    assert unused(policies["profile_association"], needs.of(*plain)) == []
    assert unused(policies["profile_association_extend"], needs.of(*extend)) == []
    reading = render(account, "profile_association", other_roles=["Theirs"])["read_only"]
    assert denied(reading, needs.of(plain[0], extend[0])) == []
    # Without other_roles, nothing of theirs can be given back.
    alone = render(account, "profile_association")["profile_association"]
    assert {need.resource.rpartition("/")[2] for need in denied(alone, needs.of(*plain))} == {"Theirs"}


def test_s3_policy(account, aws_trust):
    attach = ["dhmc_role", "instance-profile/SSMInstanceProfile"]
    policies = render(account, "s3_policy", s3_attach_to=attach)
    account.add_role(ROLE, aws_trust("ssm.amazonaws.com"), path="/service-role/")
    add_profile(account, "SSMInstanceProfile", aws_trust("ec2.amazonaws.com"))
    for role in (ROLE, "SSMInstanceProfile"):
        account.iam.put_role_policy(
            RoleName=role,
            PolicyName="theirs",
            PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [STATEMENT]}),
        )
    needs = Needs(account.id, {ROLE: f"service-role/{ROLE}"})
    variables = {"s3_policy_regions": REGIONS, "s3_policy_attach_to": attach}

    present = include(account, "s3_policy", **variables).ok()
    changed = {**variables, "s3_policy_buckets": ["ours"], "s3_policy_tags": {"team": "platform"}}
    check = include(account, "s3_policy", "--check", **changed).ok()
    change = include(account, "s3_policy", **changed).ok()
    gone = include(account, "s3_policy", **changed, s3_policy_state="absent").ok()

    every = needs.of(present, check, change, gone)
    assert denied(policies["s3_policy"], every) == []
    assert unused(policies["s3_policy"], every) == []
    assert denied(policies["read_only"], needs.of(check)) == []


KEPT = ("operator_policy_arns", "operator_policy_backup", "operator_policy_documents")


def test_the_role_creates_changes_and_removes_the_policies(account):
    policies = render(account, "operator_policy")
    needs = Needs(account.id)
    arn = f"arn:aws:iam::{account.id}:policy/FleetSSMOperator-settings"

    def run(*options, regions=REGIONS, **more):
        variables = {f"operator_policy_{name}": value for name, value in more.items()}
        variables |= {"operator_policy_mode": "create", "operator_policy_features": "settings"}
        variables |= {"operator_policy_regions": regions}
        return include(account, "operator_policy", *options, keep=KEPT, **variables)

    def held():
        version = account.iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
        return account.iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"]

    check = run("--check").ok()
    assert check.writes == []
    present = run().ok()
    assert present.writes == ["CreatePolicy us-east-1"]
    assert present.result["operator_policy_arns"] == [arn]
    assert held() == present.result["operator_policy_documents"]["settings"]
    before = held()
    tags = account.iam.list_policy_tags(PolicyArn=arn)["Tags"]
    assert tags == [{"Key": "fleet.aws_ssm/made-by", "Value": "operator_policy"}]
    assert run().ok().writes == []

    check_change = run("--check", "--diff", regions=["eu-west-1"]).ok()
    assert check_change.writes == []
    assert "us-east-1:" in check_change.text
    change = run(regions=["eu-west-1"], tags={"team": 1}).ok()
    assert "us-east-1" not in json.dumps(held())
    assert [policy["document"] for policy in change.result["operator_policy_backup"]] == [before]

    account.iam.create_user(UserName="operator")
    account.iam.attach_user_policy(UserName="operator", PolicyArn=arn)
    refused = run(state="absent")
    assert refused.rc != 0
    assert f"operator_policy_state: {arn} is attached to users, groups or roles" in refused.text
    assert refused.writes == []
    account.iam.detach_user_policy(UserName="operator", PolicyArn=arn)
    gone = run(state="absent").ok()
    assert account.iam.list_policies(Scope="Local")["Policies"] == []
    assert [policy["name"] for policy in gone.result["operator_policy_backup"]] == ["FleetSSMOperator-settings"]
    assert run(state="absent").ok().writes == []

    every = needs.of(check, present, check_change, change, gone)
    assert denied(policies["operator_policy"], every) == []
    assert unused(policies["operator_policy"], every) == []
    assert denied(policies["read_only"], needs.of(check, check_change)) == []


def test_a_policy_of_somebody_else_is_not_touched(account):
    theirs = json.dumps({"Version": "2012-10-17", "Statement": [STATEMENT]})
    arn = account.iam.create_policy(PolicyName="FleetSSMOperator-settings", PolicyDocument=theirs)["Policy"]["Arn"]
    variables = {"operator_policy_features": "settings", "operator_policy_mode": "create"}
    refused = include(account, "operator_policy", **variables)
    assert refused.rc != 0
    assert f"operator_policy_name_prefix: {arn} was not made by this role" in refused.text
    assert refused.writes == []
    kept = include(account, "operator_policy", **variables, operator_policy_state="absent").ok()
    assert kept.writes == []
    include(account, "operator_policy", **variables, operator_policy_overwrite="true").ok()
    policy = account.iam.get_policy(PolicyArn=arn)["Policy"]
    assert policy["DefaultVersionId"] == "v2"
    assert {tag["Value"] for tag in policy["Tags"]} == {"operator_policy"}


def test_rendered_files_and_the_region_and_account_of_the_credentials(account, tmp_path):
    folder = tmp_path / "policies"
    variables = {"operator_policy_features": "settings", "operator_policy_directory": str(folder)}
    checked = include(account, "operator_policy", "--check", "--diff", **variables).ok()
    assert not folder.exists()
    assert "ssm:UpdateServiceSetting" in checked.text
    run = include(account, "operator_policy", keep=KEPT, **variables).ok()
    assert run.writes == []
    written = json.loads((folder / "FleetSSMOperator-settings.json").read_text())
    assert written == run.result["operator_policy_documents"]["settings"]
    assert [statement["Resource"] for statement in written["Statement"]] == [
        f"arn:aws:ssm:us-east-1:{account.id}:servicesetting/ssm/managed-instance/default-ec2-instance-management-role",
        f"arn:aws:iam::{account.id}:role/service-role/{ROLE}",
    ]
    # With the account and the regions given AWS is not asked, and where the other roles make things is known.
    given = {"operator_policy_account": account.id, "ssm_regions": "us-east-1", "dhmc_role_path": "/ops/"}
    run = include(account, "operator_policy", keep=KEPT, **variables, **given).ok()
    assert run.calls == []
    assert f"arn:aws:iam::{account.id}:role/ops/{ROLE}" in json.dumps(run.result["operator_policy_documents"])


WRONG = [
    ({"features": "dhcm"}, "operator_policy_features: 'dhcm' is not one of"),
    ({"features": []}, "operator_policy_features: is empty"),
    ({"regions": "eu-wset-1"}, "operator_policy_regions: 'eu-wset-1' is not an AWS region. Did you mean eu-west-1"),
    ({"account": "999999999999", "mode": "create"}, "operator_policy_account: is 999999999999, and the credentials"),
    ({"role": "a b"}, "operator_policy_role: '/service-role/a b' does not name an IAM role"),
]


def test_wrong_input_is_one_line(account):
    role = {"name": "fleet.aws_ssm.operator_policy"}
    tasks = [
        {
            "block": [
                {
                    "ansible.builtin.include_role": role,
                    "vars": {f"operator_policy_{name}": value for name, value in variables.items()},
                }
            ],
            "rescue": [{"ansible.builtin.set_fact": {f"case_{number}": "{{ ansible_failed_result.msg }}"}}],
        }
        for number, (variables, _words) in enumerate(WRONG)
    ]
    run = account.play(tasks, keep=[f"case_{number}" for number in range(len(WRONG))]).ok()
    assert run.writes == []
    for (_variables, words), message in zip(WRONG, run.result.values(), strict=True):
        assert message.startswith(words)
        assert message.endswith("Nothing was changed.")
        assert "\n" not in message


def test_the_check_finds_what_is_too_little_and_too_much():
    statement = {"Sid": "A", "Effect": "Allow", "Action": ["iam:GetRole", "iam:DeleteRole"], "Resource": "role"}
    more = {"Sid": "B", "Effect": "Allow", "Action": ["iam:GetRole"], "Resource": "role"}
    needs = {Need("iam:GetRole", "role")}
    assert denied([statement], [*needs, Need("iam:GetRole", "other")]) == [Need("iam:GetRole", "other")]
    assert unused([statement], needs) == ["A: iam:DeleteRole"]
    assert unused([statement, more], needs) == ["A", "A: iam:DeleteRole", "B"]
