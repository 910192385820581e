# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Roles of instances as people write them, and what AWS's documentation says that they allow. Data, and its shape.

Each answer is derived from the page that is named beside it, or else from "Policy evaluation logic": an explicit deny
wins, an allow is needed, and a boundary has to allow as well. The policies are written for this table.

A "maybe" is proved: it names one request that is allowed (`yes_if`) and one that is not (`no_if`), which differ only in
what can't be seen from outside. Where a judge says something else, `differs` has the reason.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

YES, NO, MAYBE = "yes", "no", "maybe"
PING = "ssm:UpdateInstanceInformation"
CHANNEL = "ssmmessages:CreateControlChannel"
ACCOUNT = "111122223333"
STRANGER = "444455556666"

# Pages of the IAM User Guide (IAM) and others that settle what is subtle.
ELEMENT_ACTION = "IAM: IAM JSON policy elements: Action"
ELEMENT_NOTACTION = "IAM: IAM JSON policy elements: NotAction"
ELEMENT_RESOURCE = "IAM: IAM JSON policy elements: Resource"
ELEMENT_NOTRESOURCE = "IAM: IAM JSON policy elements: NotResource"
ELEMENT_VERSION = "IAM: IAM JSON policy elements: Version"
ARNS = "IAM: IAM identifiers, Note on incomplete ARNs"
VARIABLES = "IAM: IAM policy elements: Variables and tags, Policy variables with no value"
DEFAULTS = "IAM: IAM policy elements: Variables and tags, Specifying default values"
PRINCIPALS = "IAM: IAM policy elements: Variables and tags, Principal key values"
OPERATORS = "IAM: IAM JSON policy elements: Condition operators"
ARN_OPERATORS = "IAM: IAM JSON policy elements: Condition operators, ARN condition operators"
IF_EXISTS = "IAM: IAM JSON policy elements: Condition operators, ...IfExists"
NULL = "IAM: IAM JSON policy elements: Condition operators, Null"
SEVERAL = "IAM: Conditions with multiple context keys or values"
SETS = "IAM: Set operators for multivalued context keys"
KEYS = "IAM: AWS global condition context keys"
KEY_CASE = "IAM: IAM JSON policy elements: Condition (context key names are not case-sensitive)"
TAG_CASE = "IAM: Controlling access to AWS resources using tags (tag keys are not case-sensitive)"
BOUNDARIES = "IAM: Permissions boundaries for IAM entities"
REVOKE = "IAM: Revoke IAM role temporary security credentials"
ACTIONS = "Service Authorization Reference: AWS Systems Manager, Amazon Session Manager Message Gateway Service"

# Why a judge differs from the documentation.
BOUNDARY = "moto does not look at a permissions boundary"
CASE = "moto compares actions in their case"
QUESTION_MARK = "to moto ? is no wildcard: it makes the letter before it optional"
OPERATOR = "moto knows StringEquals alone, and takes a condition with any other operator as met"
MISSING_KEY = "moto takes a StringEquals as met where the request has no such key"
UNMET = "at moto a statement whose StringEquals is not met denies, whatever its effect"
KEY_NAME = "moto compares the names of keys in their case"
EXCEPT = "at moto a statement with NotResource allows, whatever its effect and whatever is excepted"
VARIABLE = "moto does not replace policy variables"
COMPLETED = "moto does not complete an ARN that has fewer than six components"
ANY_RESOURCE = '"*" stands for any resource to ours, so that a statement about some of them makes a "maybe"'
STAR = "ours does not tell ${*} from a wildcard, and says that it can't tell"


@dataclass(frozen=True)
class Instance:
    """An instance that a role is judged for."""

    id: str
    region: str
    tags: Mapping[str, str] = field(default_factory=dict)
    account: str = ACCOUNT
    partition: str = "aws"

    @property
    def arn(self) -> str:
        return f"arn:{self.partition}:ec2:{self.region}:{self.account}:instance/{self.id}"


WEB = Instance("i-0a1b2c3d4e5f60718", "eu-west-1", {"Name": "web-1", "team": "web", "env": "prod"})
DATA = Instance("i-0f9e8d7c6b5a41322", "us-east-1", {"Name": "data-1", "team": "data", "env": "dev"})
BARE = Instance("i-0123456789abcdef0", "eu-central-1")
SICK = Instance("i-0dead0dead0dead00", "eu-west-1", {"team": "web", "quarantine": "true"})
BEIJING = Instance("i-0c0ffee0c0ffee000", "cn-north-1", {"team": "web"}, partition="aws-cn")
GOV = Instance("i-0b0b0b0b0b0b0b0b0", "us-gov-west-1", {"team": "web"}, partition="aws-us-gov")


@dataclass(frozen=True)
class Ask:
    """The right answer for one instance.

    `known` is what the one who asks knows beyond what every call of an agent has; None stands for "the request has no
    such key". `either` are keys that the request may have with this value, or not at all. `open_by` says why the
    documentation itself leaves the answer open, so that no request can prove it.
    """

    answer: str
    on: Instance = WEB
    action: str = PING
    known: Mapping[str, str | list[str] | None] = field(default_factory=dict)
    either: Mapping[str, str] = field(default_factory=dict)
    yes_if: Mapping[str, str | list[str] | None] = field(default_factory=dict)
    no_if: Mapping[str, str | list[str] | None] = field(default_factory=dict)
    open_by: str = ""
    differs: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Role:
    """A role: its policies, each a document, and its boundary."""

    name: str
    policies: Sequence[Mapping[str, Any]]
    asks: Sequence[Ask]
    boundary: Mapping[str, Any] | None = None
    page: str = ""


def policy(*statements: Mapping[str, Any], version: str | None = "2012-10-17") -> dict[str, Any]:
    document: dict[str, Any] = {"Statement": list(statements) if len(statements) != 1 else statements[0]}
    return {"Version": version, **document} if version else document


def allow(*actions: str, on: str | Sequence[str] = "*", when: Mapping[str, Any] | None = None) -> dict[str, Any]:
    statement: dict[str, Any] = {"Effect": "Allow", "Action": list(actions), "Resource": on}
    return statement if when is None else {**statement, "Condition": when}


def deny(*actions: str, on: str | Sequence[str] = "*", when: Mapping[str, Any] | None = None) -> dict[str, Any]:
    return {**allow(*actions, on=on, when=when), "Effect": "Deny"}


def others(statement: Mapping[str, Any]) -> dict[str, Any]:
    """The statement about all actions but those it names."""
    changed = dict(statement)
    return {"NotAction": changed.pop("Action"), **changed}


def elsewhere(statement: Mapping[str, Any]) -> dict[str, Any]:
    """The statement about all resources but those it names."""
    changed = dict(statement)
    return {"NotResource": changed.pop("Resource"), **changed}


AGENT = ["ssm:UpdateInstanceInformation", "ssm:ListInstanceAssociations", "ssm:PutInventory", "ssm:GetDocument"]
CORE = policy(allow(*AGENT, "ssm:GetParameters"), allow("ssmmessages:*"), allow("ec2messages:*"))
ADMIN = policy(allow("*"))
INSTANCES = "arn:aws:ec2:*:*:instance/*"
ECR = policy(allow("ecr:GetAuthorizationToken", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"))
LOGS = policy(allow("logs:CreateLogStream", "logs:PutLogEvents", on="arn:aws:logs:*:*:log-group:/fleet/*"))
NODE_ROLE = f"arn:aws:iam::{ACCOUNT}:role/service-role/NodeRole"

NODES = [
    Role(
        "EKS managed nodes: join the cluster, pull images, set up pod addresses",
        [
            policy(allow("ec2:DescribeInstances", "ec2:DescribeSubnets", "eks:DescribeCluster")),
            policy(
                allow("ec2:AssignPrivateIpAddresses", "ec2:AttachNetworkInterface", "ec2:Describe*"),
                allow("ec2:CreateTags", on="arn:aws:ec2:*:*:network-interface/*"),
            ),
            ECR,
        ],
        [Ask(NO), Ask(NO, action=CHANNEL)],
    ),
    Role(
        "EKS managed nodes with the agent's permissions beside",
        [policy(allow("ec2:Describe*", "eks:DescribeCluster")), ECR, CORE],
        [Ask(YES), Ask(YES, DATA), Ask(YES, action=CHANNEL)],
    ),
    Role(
        "Bottlerocket nodes: only what the control container calls",
        [policy(allow("ssm:UpdateInstanceInformation", "ssmmessages:Create*Channel", "ssmmessages:Open*Channel"))],
        [Ask(YES), Ask(YES, action=CHANNEL), Ask(NO, action="ssm:GetParameter")],
    ),
    Role(
        "Karpenter nodes that got the controller's policy by mistake",
        [
            policy(
                allow("ec2:RunInstances", "ec2:CreateFleet", on="arn:aws:ec2:eu-west-1:*:*"),
                allow("ssm:GetParameter", on="arn:aws:ssm:eu-west-1::parameter/aws/service/*"),
                allow("iam:PassRole", on=f"arn:aws:iam::{ACCOUNT}:role/KarpenterNode-*"),
                allow("ec2:TerminateInstances", on=INSTANCES, when={"StringLike": {"aws:ResourceTag/team": "*"}}),
            )
        ],
        [Ask(NO)],
    ),
    Role(
        "ECS container instances",
        [
            policy(
                allow("ecs:RegisterContainerInstance", "ecs:Submit*", "ecs:Poll", "ecs:StartTelemetrySession"),
                allow("ecs:TagResource", when={"StringEquals": {"ecs:CreateAction": "RegisterContainerInstance"}}),
            ),
            ECR,
            LOGS,
        ],
        [Ask(NO)],
    ),
    Role(
        "ECS container instances for ECS Exec: channels only, so that the node never registers",
        [ECR, policy(allow("ssmmessages:CreateControlChannel", "ssmmessages:CreateDataChannel"))],
        [Ask(NO), Ask(YES, action=CHANNEL)],
    ),
    Role(
        "ECS Anywhere's policy on an EC2 instance: only hybrid nodes are allowed",
        [policy(allow("ssm:*", on="arn:aws:ssm:*:*:managed-instance/*"), allow("ecs:*"))],
        [Ask(NO)],
        page=ACTIONS,
    ),
    Role(
        "Elastic Beanstalk web servers",
        [
            policy(
                allow("s3:Get*", "s3:List*", "s3:PutObject", on=["arn:aws:s3:::elasticbeanstalk-*"]),
                allow("xray:PutTraceSegments", "cloudwatch:PutMetricData"),
                allow("elasticbeanstalk:PutInstanceStatistics", on="arn:aws:elasticbeanstalk:*:*:environment/*"),
            ),
            LOGS,
        ],
        [Ask(NO)],
    ),
    Role(
        "Elastic Beanstalk workers where somebody added all of Systems Manager",
        [policy(allow("sqs:*"), allow("dynamodb:*", on="arn:aws:dynamodb:*:*:table/*")), policy(allow("ssm:*"))],
        [Ask(YES), Ask(NO, action=CHANNEL)],
    ),
    Role(
        "EMR cluster nodes",
        [policy(allow("ec2:Describe*", "elasticmapreduce:*", "s3:*", "cloudwatch:*", "glue:*"))],
        [Ask(NO)],
    ),
    Role(
        "EMR nodes that read parameters",
        [policy(allow("s3:*", "ssm:Get*", "ssm:Describe*", "ssm:List*"))],
        [Ask(NO), Ask(YES, action="ssm:GetParameter")],
    ),
    Role(
        "Batch compute environment: ECS's policy and a job bucket",
        [policy(allow("ecs:*", "ecr:*", "logs:*")), policy(allow("s3:*Object", on="arn:aws:s3:::jobs/*"))],
        [Ask(NO)],
    ),
    Role(
        "Cloud9 and other machines for Session Manager only",
        [policy(allow("ssmmessages:*", "ssm:UpdateInstanceInformation", "s3:GetEncryptionConfiguration"))],
        [Ask(YES), Ask(YES, action=CHANNEL), Ask(NO, action="ssm:GetDocument")],
    ),
    Role(
        "A runner that reads its registration token and tags itself",
        [
            policy(
                allow("ssm:GetParameter", "ssm:DeleteParameter", on="arn:aws:ssm:*:*:parameter/runners/*"),
                allow("ec2:CreateTags", on=INSTANCES, when={"ArnEquals": {"ec2:SourceInstanceARN": WEB.arn}}),
            )
        ],
        [Ask(NO)],
    ),
    Role(
        "The deprecated policy for Systems Manager, with Directory Service and all of S3",
        [policy(allow(*AGENT, "ds:CreateComputer", "s3:*", "cloudwatch:PutMetricData"), allow("ec2messages:*"))],
        [Ask(YES), Ask(NO, action=CHANNEL)],
    ),
    Role(
        "The agent's permissions, made ready for DHMC by a deny of the one action that decides",
        [CORE, policy(deny("ssm:UpdateInstanceInformation"))],
        [Ask(NO), Ask(YES, action=CHANNEL)],
    ),
    Role(
        "Actions by their beginning, on instances",
        [policy(allow("ssm:Update*", on=INSTANCES))],
        [Ask(YES), Ask(YES, DATA)],
    ),
    Role("Power users' policy on a node", [policy(others(allow("iam:*", "organizations:*", "account:*")))], [Ask(YES)]),
    Role(
        "Power users' policy that leaves out Systems Manager in capitals",
        [policy(others(allow("iam:*", "SSM:*")))],
        [Ask(NO, differs={"moto": CASE})],
        page=ELEMENT_NOTACTION,
    ),
    Role("Read-only policy on a node", [policy(allow("ssm:Get*", "ssm:List*", "ssm:Describe*", "ec2:*"))], [Ask(NO)]),
    Role("Administrator", [ADMIN], [Ask(YES), Ask(YES, BEIJING), Ask(YES, action=CHANNEL)]),
    Role(
        "Actions in another case, as a policy made by a script has them",
        [policy(allow("SSM:updateInstanceInformation"))],
        [Ask(YES, differs={"moto": CASE})],
        page=ELEMENT_ACTION,
    ),
    Role(
        "A question mark that stands for one letter",
        [policy(allow("ssm:UpdateInstance?nformation"), allow("ssmmessages:CreateControlChannel?"))],
        [Ask(YES, differs={"moto": QUESTION_MARK}), Ask(NO, action=CHANNEL, differs={"moto": QUESTION_MARK})],
        page=ELEMENT_ACTION,
    ),
    Role(
        "All of the agent's actions, all on instances: the channel's actions have no resource types",
        [policy(allow(*AGENT, "ssmmessages:*", "ec2messages:*", on=INSTANCES))],
        [Ask(YES), Ask(NO, action=CHANNEL, differs={"ours": ANY_RESOURCE})],
        page=ACTIONS,
    ),
]

EU_ONLY = {"StringNotEquals": {"aws:RequestedRegion": ["eu-west-1", "eu-central-1"]}}
REGIONS = [
    Role(
        "Region lock with the usual exceptions",
        [CORE, policy(others(deny("iam:*", "sts:*", "route53:*", "support:*", when=EU_ONLY)))],
        [Ask(YES, differs={"moto": OPERATOR}), Ask(YES, BARE, differs={"moto": OPERATOR}), Ask(NO, DATA)],
        page=SEVERAL,
    ),
    Role(
        "Region lock that excepts the agent's own services",
        [CORE, policy(others(deny("iam:*", "ssm:*", "ssmmessages:*", when=EU_ONLY)))],
        [Ask(YES), Ask(YES, DATA)],
    ),
    Role(
        "Region lock by an allow",
        [policy(allow("ssm:*", "ssmmessages:*", when={"StringEquals": {"aws:RequestedRegion": "eu-west-1"}}))],
        [Ask(YES), Ask(NO, DATA), Ask(YES, action=CHANNEL), Ask(NO, DATA, action=CHANNEL)],
    ),
    Role(
        "Region lock by a pattern",
        [ADMIN, policy(deny("*", when={"StringNotLike": {"aws:RequestedRegion": "eu-*"}}))],
        [Ask(YES, differs={"moto": OPERATOR}), Ask(NO, DATA)],
    ),
    Role(
        "Region lock whose key is written in another case",
        [ADMIN, policy(deny("*", when={"StringNotEquals": {"AWS:requestedregion": "eu-west-1"}}))],
        [Ask(YES, differs={"moto": OPERATOR}), Ask(NO, DATA)],
        page=KEY_CASE,
    ),
    Role(
        "Region lock that lets go of what has no region",
        [ADMIN, policy(deny("*", when={"StringNotEqualsIfExists": {"aws:RequestedRegion": "us-east-1"}}))],
        [Ask(NO), Ask(YES, DATA, differs={"moto": OPERATOR})],
        page=IF_EXISTS,
    ),
    Role(
        "Region lock that the landing zone's own roles are free of",
        [
            ADMIN,
            policy(
                deny(
                    "*",
                    when={**EU_ONLY, "ArnNotLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/LandingZone*"}},
                )
            ),
        ],
        [
            Ask(YES, differs={"moto": OPERATOR}),
            Ask(
                MAYBE,
                DATA,
                yes_if={"aws:PrincipalArn": f"arn:aws:iam::{ACCOUNT}:role/LandingZoneNode"},
                no_if={"aws:PrincipalArn": f"arn:aws:iam::{ACCOUNT}:role/Node"},
                differs={"moto if yes": OPERATOR},
            ),
            Ask(NO, DATA, known={"aws:PrincipalArn": NODE_ROLE}),
        ],
        page=ARN_OPERATORS,
    ),
    Role(
        "The region in the ARN instead of in a condition",
        [policy(allow("ssm:*", on=f"arn:aws:ec2:eu-west-1:{ACCOUNT}:instance/*"))],
        [Ask(YES), Ask(NO, DATA)],
    ),
    Role(
        "Two regions in ARNs",
        [
            policy(
                allow(PING, on=["arn:aws:ec2:eu-west-1:*:instance/*", "arn:aws:ec2:us-east-1:*:instance/*"]),
            )
        ],
        [Ask(YES), Ask(YES, DATA), Ask(NO, BARE)],
    ),
    Role(
        "A deny for another region's instances does not concern this one",
        [CORE, policy(deny("ssm:*", on="arn:aws:ec2:ap-south-1:*:instance/*"))],
        [Ask(YES)],
    ),
    Role(
        "Another account's instances, copied from there",
        [policy(allow("ssm:*", on=f"arn:aws:ec2:*:{STRANGER}:instance/*"))],
        [Ask(NO)],
    ),
]

ORG = "o-exampleorg1"
NOT_BY_SERVICE = {"BoolIfExists": {"aws:ViaAWSService": "false"}}
QUARANTINES = [
    Role("Everything denied on top", [CORE, policy(deny("*"))], [Ask(NO), Ask(NO, action=CHANNEL)]),
    Role(
        "Sessions from before an incident are revoked: the instance's next credentials are free again",
        [CORE, policy(deny("*", on=["*"], when={"DateLessThan": {"aws:TokenIssueTime": "2026-05-01T10:00:00Z"}}))],
        [
            Ask(
                MAYBE,
                yes_if={"aws:TokenIssueTime": "2026-05-01T11:00:00Z"},
                no_if={"aws:TokenIssueTime": "2026-05-01T09:00:00Z"},
                differs={"moto if yes": OPERATOR},
            )
        ],
        page=REVOKE,
    ),
    Role(
        "A deny list for leaked keys, which leaves the agent alone",
        [CORE, policy(deny("iam:CreateUser", "ec2:RunInstances", "organizations:*", "ssm:StartSession", "s3:Put*"))],
        [Ask(YES)],
    ),
    Role(
        "Quarantine by the instance's tag",
        [CORE, policy(deny("*", when={"StringEquals": {"aws:ResourceTag/quarantine": "true"}}))],
        [Ask(YES, differs={"moto": MISSING_KEY}), Ask(NO, SICK)],
    ),
    Role(
        "Quarantine that keeps the way in open for forensics",
        [CORE, policy(others(deny("ssm:*", "ssmmessages:*", "ec2messages:*")))],
        [Ask(YES), Ask(YES, action=CHANNEL), Ask(NO, action="s3:GetObject")],
    ),
    Role(
        "Quarantine that wanted to, and forgot the registration",
        [CORE, policy(others(deny("ssmmessages:*", "ec2messages:*", "ssm:Get*")))],
        [Ask(NO), Ask(YES, action=CHANNEL)],
    ),
    Role(
        "Quarantine by the role's tag",
        [CORE, policy(deny("*", when={"StringEquals": {"aws:PrincipalTag/status": "quarantined"}}))],
        [
            Ask(
                MAYBE,
                yes_if={"aws:PrincipalTag/status": None},
                no_if={"aws:PrincipalTag/status": "quarantined"},
                differs={"moto if yes": MISSING_KEY},
            ),
            Ask(NO, known={"aws:PrincipalTag/status": "quarantined"}),
            Ask(YES, known={"aws:PrincipalTag/status": None}, differs={"moto": MISSING_KEY}),
        ],
    ),
    Role(
        "A deny that begins at a time, in seconds since 1970",
        [CORE, policy(deny("*", when={"DateGreaterThan": {"aws:CurrentTime": "1777629600"}}))],
        [
            Ask(
                MAYBE,
                yes_if={"aws:CurrentTime": "2026-05-01T09:00:00Z"},
                no_if={"aws:CurrentTime": "2026-05-01T11:00:00Z"},
                differs={"moto if yes": OPERATOR},
            )
        ],
        page=OPERATORS,
    ),
    Role(
        "Maintenance window in another time zone",
        [
            policy(
                allow(
                    "ssm:*",
                    when={
                        "DateGreaterThanEquals": {"aws:CurrentTime": "2026-05-01T10:00:00+02:00"},
                        "DateLessThan": {"aws:CurrentTime": "2026-05-01T12:00:00+02:00"},
                    },
                )
            )
        ],
        [
            Ask(
                MAYBE,
                yes_if={"aws:CurrentTime": "2026-05-01T09:00:00Z"},
                no_if={"aws:CurrentTime": "2026-05-01T11:00:00Z"},
                differs={"moto if no": OPERATOR},
            )
        ],
        page=OPERATORS,
    ),
    Role(
        "MFA for everyone, also for machines",
        [CORE, policy(deny("*", when={"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}}))],
        [Ask(NO, either={"aws:MultiFactorAuthPresent": "false"})],
        page=KEYS,
    ),
    Role(
        "MFA demanded where the key is there: whether an instance's call has it is not documented",
        [CORE, policy(deny("*", when={"Bool": {"aws:MultiFactorAuthPresent": "false"}}))],
        [
            Ask(
                MAYBE,
                either={"aws:MultiFactorAuthPresent": "false"},
                yes_if={"aws:MultiFactorAuthPresent": None},
                no_if={"aws:MultiFactorAuthPresent": "false"},
                differs={"moto if yes": OPERATOR},
            )
        ],
        page=KEYS,
    ),
]

PERIMETERS = [
    Role(
        "Identity perimeter: only principals of the organization",
        [CORE, policy(deny("*", when={"StringNotEqualsIfExists": {"aws:PrincipalOrgID": ORG}}))],
        [
            Ask(
                MAYBE,
                yes_if={"aws:PrincipalOrgID": ORG},
                no_if={"aws:PrincipalOrgID": "o-otherorg"},
                differs={"moto if yes": OPERATOR},
            ),
            Ask(YES, known={"aws:PrincipalOrgID": ORG}, differs={"moto": OPERATOR}),
            # An account outside of any organization has no such key, and IfExists takes that as met.
            Ask(NO, known={"aws:PrincipalOrgID": None}),
        ],
        page=IF_EXISTS,
    ),
    Role(
        "Resource perimeter by organization, services on one's behalf excepted",
        [CORE, policy(deny("*", when={"StringNotEquals": {"aws:ResourceOrgID": ORG}, **NOT_BY_SERVICE}))],
        [
            Ask(
                MAYBE,
                yes_if={"aws:ResourceOrgID": ORG},
                no_if={"aws:ResourceOrgID": "o-otherorg"},
                differs={"moto if yes": OPERATOR},
            ),
            Ask(YES, known={"aws:ResourceOrgID": ORG}, differs={"moto": OPERATOR}),
        ],
    ),
    Role(
        "Resource perimeter by organization, as a variable",
        [CORE, policy(deny("*", when={"StringNotEquals": {"aws:ResourceOrgID": "${aws:PrincipalOrgID}"}}))],
        [
            Ask(
                MAYBE,
                yes_if={"aws:ResourceOrgID": ORG, "aws:PrincipalOrgID": ORG},
                no_if={"aws:ResourceOrgID": ORG, "aws:PrincipalOrgID": "o-otherorg"},
                differs={"moto if yes": OPERATOR},
            ),
            # Neither has a value: nothing equals it, so that the inverted operator holds and the statement denies.
            Ask(NO, known={"aws:ResourceOrgID": None, "aws:PrincipalOrgID": None}),
            Ask(NO, known={"aws:ResourceOrgID": ORG, "aws:PrincipalOrgID": None}),
        ],
        page=VARIABLES,
    ),
    Role(
        "Resource perimeter by account",
        [CORE, policy(deny("*", when={"StringNotEquals": {"aws:ResourceAccount": "${aws:PrincipalAccount}"}}))],
        [Ask(YES, differs={"moto": OPERATOR})],
        page=KEYS,
    ),
    Role(
        "Resource perimeter by a list of accounts that lacks this one",
        [ADMIN, policy(deny("ssm:*", when={"StringNotEquals": {"aws:ResourceAccount": [STRANGER, "777788889999"]}}))],
        [Ask(NO), Ask(YES, action=CHANNEL)],
        page=KEYS,
    ),
    Role(
        "Network perimeter by endpoint",
        [
            CORE,
            policy(
                deny(
                    "*", when={"StringNotEqualsIfExists": {"aws:SourceVpce": ["vpce-0a", "vpce-0b"]}, **NOT_BY_SERVICE}
                )
            ),
        ],
        [
            Ask(
                MAYBE,
                yes_if={"aws:SourceVpce": "vpce-0b"},
                no_if={"aws:SourceVpce": None},
                differs={"moto if yes": OPERATOR},
            ),
            Ask(NO, known={"aws:SourceVpce": "vpce-0c"}),
            Ask(YES, known={"aws:SourceVpce": "vpce-0a"}, differs={"moto": OPERATOR}),
        ],
        page=IF_EXISTS,
    ),
    Role(
        "Network perimeter by address or VPC",
        [
            CORE,
            policy(
                deny(
                    "*",
                    when={
                        "NotIpAddressIfExists": {"aws:SourceIp": ["192.0.2.0/24", "198.51.100.7"]},
                        "StringNotEqualsIfExists": {"aws:SourceVpc": "vpc-0a"},
                    },
                )
            ),
        ],
        [
            Ask(
                MAYBE,
                yes_if={"aws:SourceIp": "198.51.100.7"},
                no_if={"aws:SourceIp": "203.0.113.9"},
                differs={"moto if yes": OPERATOR},
            ),
            Ask(
                MAYBE,
                yes_if={"aws:SourceVpc": "vpc-0a"},
                no_if={"aws:SourceVpc": "vpc-0b"},
                differs={"moto if yes": OPERATOR},
            ),
        ],
        page=OPERATORS,
    ),
    Role(
        "An instance's credentials are good in its own VPC only",
        [
            CORE,
            policy(
                deny(
                    "*",
                    when={
                        "StringNotEquals": {"aws:SourceVpc": "${aws:Ec2InstanceSourceVpc}"},
                        "Null": {"ec2:SourceInstanceARN": "false"},
                        **NOT_BY_SERVICE,
                    },
                )
            ),
        ],
        [
            Ask(
                MAYBE,
                yes_if={"aws:SourceVpc": "vpc-0a", "aws:Ec2InstanceSourceVpc": "vpc-0a"},
                # Without an endpoint the call does not name its VPC.
                no_if={"aws:SourceVpc": None, "aws:Ec2InstanceSourceVpc": "vpc-0a"},
                differs={"moto if yes": OPERATOR},
            ),
            Ask(
                YES, known={"aws:SourceVpc": "vpc-0a", "aws:Ec2InstanceSourceVpc": "vpc-0a"}, differs={"moto": OPERATOR}
            ),
        ],
        page=KEYS,
    ),
    Role(
        "Nothing without TLS, which an agent always uses",
        [CORE, policy(deny("*", when={"Bool": {"aws:SecureTransport": "false"}}))],
        [Ask(YES, differs={"moto": OPERATOR})],
        page=KEYS,
    ),
    Role(
        "Allowed only where a service calls on one's behalf: an agent calls by itself",
        [policy(allow("ssm:*", when={"Bool": {"aws:ViaAWSService": "true"}}))],
        [Ask(NO, differs={"moto": OPERATOR})],
        page=KEYS,
    ),
    Role(
        "Allowed only by way of CloudFormation",
        [
            policy(
                allow("ssm:*", when={"ForAnyValue:StringEquals": {"aws:CalledVia": ["cloudformation.amazonaws.com"]}})
            )
        ],
        [Ask(NO, differs={"moto": OPERATOR})],
        page=SETS,
    ),
    Role(
        "Denied to all but a service's own principal",
        [CORE, policy(deny("*", when={"Bool": {"aws:PrincipalIsAWSService": False}}))],
        [Ask(NO)],
        page=KEYS,
    ),
    Role(
        "Credentials that the metadata service gave in its first version are denied",
        [CORE, policy(deny("*", when={"NumericLessThan": {"ec2:RoleDelivery": "2.0"}}))],
        [
            Ask(
                MAYBE,
                yes_if={"ec2:RoleDelivery": "2.0"},
                no_if={"ec2:RoleDelivery": "1.0"},
                differs={"moto if yes": OPERATOR},
            ),
            Ask(YES, known={"ec2:RoleDelivery": "2.0"}, differs={"moto": OPERATOR}),
        ],
        page=KEYS,
    ),
]

LIMITED = [
    Role(
        "Boundary for developers: all but IAM",
        [CORE],
        [Ask(YES)],
        boundary=policy(others(allow("iam:*", "organizations:*"))),
        page=BOUNDARIES,
    ),
    Role(
        "Boundary of applications: storage and logs",
        [CORE],
        [Ask(NO, differs={"moto": BOUNDARY}), Ask(NO, action=CHANNEL, differs={"moto": BOUNDARY})],
        boundary=policy(allow("s3:*", "logs:*", "dynamodb:*")),
        page=BOUNDARIES,
    ),
    Role(
        "Boundary that forgot the channels",
        [ADMIN],
        [Ask(YES), Ask(NO, action=CHANNEL, differs={"moto": BOUNDARY})],
        boundary=policy(allow("s3:*", "ec2:*", "ssm:*")),
        page=BOUNDARIES,
    ),
    Role(
        "Boundary with a region lock",
        [ADMIN],
        [Ask(YES), Ask(NO, DATA, differs={"moto": BOUNDARY})],
        boundary=policy(allow("*"), deny("*", when=EU_ONLY)),
        page=BOUNDARIES,
    ),
    Role(
        "Boundary that only denies: it allows nothing",
        [ADMIN],
        [Ask(NO, differs={"moto": BOUNDARY})],
        boundary=policy(deny("iam:*")),
        page=BOUNDARIES,
    ),
    Role(
        "Boundary by the instance's tag",
        [CORE],
        [Ask(YES), Ask(NO, DATA, differs={"moto": BOUNDARY}), Ask(NO, BARE, differs={"moto": BOUNDARY})],
        boundary=policy(allow("*", when={"StringEquals": {"aws:ResourceTag/team": "web"}})),
        page=BOUNDARIES,
    ),
    Role(
        "Boundary for hybrid nodes only",
        [CORE],
        [Ask(NO, differs={"moto": BOUNDARY})],
        boundary=policy(allow("ssm:*", on="arn:aws:ssm:*:*:managed-instance/*")),
        page=BOUNDARIES,
    ),
    Role(
        "Boundary that allows all, on a role that allows nothing",
        [ECR, LOGS],
        [Ask(NO)],
        boundary=ADMIN,
        page=BOUNDARIES,
    ),
    Role(
        "A condition in the role and none that could help in the boundary",
        [policy(allow("ssm:*", when={"StringEquals": {"aws:PrincipalOrgID": ORG}}))],
        [Ask(NO, differs={"moto": BOUNDARY})],
        boundary=policy(allow("s3:*")),
        page=BOUNDARIES,
    ),
    Role(
        "A condition in the boundary that can't be seen from outside",
        [CORE],
        [
            Ask(
                MAYBE,
                yes_if={"aws:PrincipalOrgID": ORG},
                no_if={"aws:PrincipalOrgID": "o-otherorg"},
                differs={"moto if no": BOUNDARY},
            )
        ],
        boundary=policy(allow("*", when={"StringEquals": {"aws:PrincipalOrgID": ORG}})),
        page=BOUNDARIES,
    ),
]

SAME_TEAM = {"StringEquals": {"aws:ResourceTag/team": "${aws:PrincipalTag/team}"}}
OTHER_TEAM = {"StringNotEquals": {"aws:ResourceTag/team": "${aws:PrincipalTag/team}"}}
TAGGED = [
    Role(
        "Allowed for one team's instances",
        [policy(allow("ssm:*", when={"StringEquals": {"aws:ResourceTag/team": "web"}}))],
        [Ask(YES), Ask(NO, DATA), Ask(NO, BARE, differs={"moto": MISSING_KEY})],
    ),
    Role(
        "Allowed by Systems Manager's own tag key",
        [policy(allow("ssm:*", when={"StringEquals": {"ssm:resourceTag/env": ["prod", "stage"]}}))],
        [Ask(YES), Ask(NO, DATA), Ask(NO, BARE, differs={"moto": MISSING_KEY})],
        page=ACTIONS,
    ),
    Role(
        "A tag's key in another case is the same key",
        [policy(allow("ssm:*", when={"StringEquals": {"aws:ResourceTag/Team": "web"}}))],
        [Ask(YES), Ask(NO, DATA, differs={"moto": KEY_NAME})],
        page=TAG_CASE,
    ),
    Role(
        "A tag's value in another case is another value",
        [policy(allow("ssm:*", when={"StringEquals": {"aws:ResourceTag/team": "Web"}}))],
        [Ask(NO)],
        page=OPERATORS,
    ),
    Role(
        "... unless the operator ignores it",
        [policy(allow("ssm:*", when={"StringEqualsIgnoreCase": {"aws:ResourceTag/team": "WEB"}}))],
        [Ask(YES), Ask(NO, DATA, differs={"moto": OPERATOR})],
        page=OPERATORS,
    ),
    Role(
        "The instance's team has to be the role's",
        [policy(allow("ssm:*", when=SAME_TEAM))],
        [
            Ask(
                MAYBE,
                yes_if={"aws:PrincipalTag/team": "web"},
                no_if={"aws:PrincipalTag/team": "data"},
                differs={"moto if yes": VARIABLE},
            ),
            Ask(YES, known={"aws:PrincipalTag/team": "web"}, differs={"moto": VARIABLE}),
            Ask(NO, DATA, known={"aws:PrincipalTag/team": "web"}),
            # A variable without a value equals nothing.
            Ask(NO, known={"aws:PrincipalTag/team": None}),
            Ask(NO, BARE, differs={"moto": MISSING_KEY}),
        ],
        page=VARIABLES,
    ),
    Role(
        "Denied where the instance's team is not the role's",
        [CORE, policy(deny("*", when=OTHER_TEAM))],
        [
            Ask(
                MAYBE,
                yes_if={"aws:PrincipalTag/team": "web"},
                no_if={"aws:PrincipalTag/team": "data"},
                differs={"moto if yes": OPERATOR},
            ),
            Ask(YES, known={"aws:PrincipalTag/team": "web"}, differs={"moto": OPERATOR}),
            Ask(NO, BARE, known={"aws:PrincipalTag/team": "web"}),
            Ask(NO, known={"aws:PrincipalTag/team": None}),
        ],
        page=VARIABLES,
    ),
    Role(
        "The role's team, or a common one where it has none",
        [policy(allow("ssm:*", when={"StringEquals": {"aws:ResourceTag/team": "${aws:PrincipalTag/team, 'web'}"}}))],
        [
            Ask(YES, known={"aws:PrincipalTag/team": None}, differs={"moto": VARIABLE}),
            Ask(NO, known={"aws:PrincipalTag/team": "data"}),
            Ask(NO, DATA, known={"aws:PrincipalTag/team": None}),
            Ask(YES, DATA, known={"aws:PrincipalTag/team": "data"}, differs={"moto": VARIABLE}),
            Ask(
                MAYBE,
                yes_if={"aws:PrincipalTag/team": None},
                no_if={"aws:PrincipalTag/team": "data"},
                differs={"moto if yes": VARIABLE},
            ),
        ],
        page=DEFAULTS,
    ),
    Role(
        "Denied without an owner",
        [CORE, policy(deny("ssm:*", when={"Null": {"aws:ResourceTag/team": "true"}}))],
        [Ask(YES, differs={"moto": OPERATOR}), Ask(NO, BARE)],
        page=NULL,
    ),
    Role(
        "The tag owner must exist, with any value. CloudFormation writes the boolean as text",
        [policy(allow("ssm:*", when={"Null": {"aws:ResourceTag/team": False}}))],
        [Ask(YES), Ask(NO, BARE, differs={"moto": OPERATOR})],
        page=NULL,
    ),
    Role(
        "Production, and what is not tagged yet",
        [policy(allow("ssm:*", when={"StringEqualsIfExists": {"aws:ResourceTag/env": "prod"}}))],
        [Ask(YES), Ask(NO, DATA, differs={"moto": OPERATOR}), Ask(YES, BARE)],
        page=IF_EXISTS,
    ),
    Role(
        "A pattern with a variable in it",
        [
            policy(
                allow("ssm:*", when={"StringLike": {"aws:ResourceTag/Name": ["${aws:ResourceTag/team}-*", "bastion"]}})
            )
        ],
        [
            Ask(YES),
            Ask(YES, DATA),
            Ask(NO, SICK, differs={"moto": OPERATOR}),
            Ask(NO, BARE, differs={"moto": OPERATOR}),
        ],
        page=VARIABLES,
    ),
    Role(
        "Two keys have to hold, two values are a choice",
        [
            policy(
                allow(
                    "ssm:*",
                    when={"StringEquals": {"aws:ResourceTag/team": ["data", "web"], "aws:ResourceTag/env": "prod"}},
                )
            )
        ],
        [Ask(YES), Ask(NO, DATA), Ask(NO, SICK, differs={"moto": MISSING_KEY})],
        page=SEVERAL,
    ),
    Role(
        "All of the tags of a request are among these: a request without tags meets it",
        [policy(allow("ssm:*", when={"ForAllValues:StringEquals": {"aws:TagKeys": ["team", "env"]}}))],
        [Ask(YES)],
        page=SETS,
    ),
    Role(
        "The same as a deny, which so hits every request without tags",
        [CORE, policy(deny("ssm:*", when={"ForAllValues:StringEquals": {"aws:TagKeys": ["owner"]}}))],
        [Ask(NO), Ask(YES, action=CHANNEL)],
        page=SETS,
    ),
    Role(
        "One tag of the request is not among these: a request without tags does not meet it",
        [CORE, policy(deny("ssm:*", when={"ForAnyValue:StringNotEquals": {"aws:TagKeys": ["owner"]}}))],
        [Ask(YES, differs={"moto": OPERATOR})],
        page=SETS,
    ),
    Role(
        "Allowed below a unit of the organization",
        [
            policy(
                allow(
                    "ssm:*",
                    when={"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": [f"{ORG}/r-ab12/ou-ab12-prod/*"]}},
                )
            )
        ],
        [
            Ask(
                MAYBE,
                yes_if={"aws:PrincipalOrgPaths": [f"{ORG}/r-ab12/ou-ab12-prod/ou-ab12-web/"]},
                no_if={"aws:PrincipalOrgPaths": [f"{ORG}/r-ab12/ou-ab12-test/"]},
                differs={"moto if no": OPERATOR},
            ),
            Ask(NO, known={"aws:PrincipalOrgPaths": None}, differs={"moto": OPERATOR}),
        ],
        page=KEYS,
    ),
]

SOURCES = [
    Role(
        "Allowed from the account's own instances",
        [policy(allow("ssm:*", when={"ArnLike": {"ec2:SourceInstanceARN": f"arn:aws:ec2:*:{ACCOUNT}:instance/*"}}))],
        [Ask(YES), Ask(YES, DATA), Ask(NO, BEIJING, differs={"moto": OPERATOR})],
        page=KEYS,
    ),
    Role(
        "The key compared with itself, as AWS's page on compliance items has it",
        [policy(allow("ssm:*", when={"StringEquals": {"ec2:SourceInstanceARN": "${ec2:SourceInstanceARN}"}}))],
        [Ask(YES, differs={"moto": VARIABLE})],
        page=VARIABLES,
    ),
    Role(
        "The key of hybrid nodes, which the call of a profile does not have",
        [policy(allow("ssm:*", when={"StringEquals": {"ssm:SourceInstanceARN": "${ssm:SourceInstanceARN}"}}))],
        [Ask(NO, differs={"moto": MISSING_KEY})],
        page="Service Authorization Reference: AWS Systems Manager, condition keys",
    ),
    Role(
        "Credentials that are good on one instance only",
        [CORE, policy(deny("*", when={"ArnNotEquals": {"ec2:SourceInstanceARN": WEB.arn}}))],
        [Ask(YES, differs={"moto": OPERATOR}), Ask(NO, DATA), Ask(NO, DATA, action=CHANNEL)],
        page=ARN_OPERATORS,
    ),
    Role(
        "Denied from instances at all, by the key's presence",
        [CORE, policy(deny("*", when={"Null": {"ec2:SourceInstanceARN": "false"}}))],
        [Ask(NO), Ask(NO, action=CHANNEL)],
        page=NULL,
    ),
    Role(
        "ArnLike looks at each component: five of them are never six",
        [CORE, policy(deny("*", when={"ArnLike": {"ec2:SourceInstanceARN": "arn:aws:ec2:*:instance/*"}}))],
        [Ask(YES, differs={"moto": OPERATOR})],
        page=ARN_OPERATORS,
    ),
    Role(
        "StringLike does not: its wildcard runs over the colons",
        [CORE, policy(deny("*", when={"StringLike": {"ec2:SourceInstanceARN": "arn:aws:ec2:*:instance/*"}}))],
        [Ask(NO)],
        page=OPERATORS,
    ),
    Role(
        "Instances by their id in the session's name",
        [policy(allow("ssm:*", when={"StringLike": {"aws:userid": "*:i-0a1b2c3d4e5f60718"}}))],
        [
            Ask(YES, known={"aws:userid": "AROAEXAMPLEROLEID0001:i-0a1b2c3d4e5f60718"}),
            Ask(
                NO, DATA, known={"aws:userid": "AROAEXAMPLEROLEID0001:i-0f9e8d7c6b5a41322"}, differs={"moto": OPERATOR}
            ),
        ],
        page=PRINCIPALS,
    ),
    Role(
        "A user's name in the ARN, which a role's session does not have",
        [policy(allow("ssm:*", on="arn:aws:ec2:*:*:instance/${aws:username}*"))],
        [Ask(NO)],
        page=PRINCIPALS,
    ),
    Role(
        "A user's name in a deny's ARN: it matches no resource, and so denies none",
        [CORE, policy(deny("ssm:*", on="arn:aws:ec2:*:*:instance/*${aws:username}*"))],
        [Ask(YES)],
        page=VARIABLES,
    ),
    Role(
        "Roles below a path are denied",
        [CORE, policy(deny("*", when={"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/service-role/*"}}))],
        [
            Ask(NO, known={"aws:PrincipalArn": NODE_ROLE}),
            Ask(YES, known={"aws:PrincipalArn": f"arn:aws:iam::{ACCOUNT}:role/NodeRole"}, differs={"moto": OPERATOR}),
        ],
        page=KEYS,
    ),
    Role(
        "A role named without the path that it has",
        [policy(allow("ssm:*", when={"ArnEquals": {"aws:PrincipalArn": f"arn:aws:iam::{ACCOUNT}:role/NodeRole"}}))],
        [Ask(NO, known={"aws:PrincipalArn": NODE_ROLE}, differs={"moto": OPERATOR})],
        page=KEYS,
    ),
]

SHAPES = [
    Role("Every instance id begins with i-", [policy(allow(PING, on="arn:aws:ec2:*:*:instance/i-*"))], [Ask(YES)]),
    Role(
        "All partitions",
        [policy(allow(PING, on="arn:*:ec2:*:*:instance/*"))],
        [Ask(YES), Ask(YES, BEIJING), Ask(YES, GOV)],
    ),
    Role(
        "A commercial ARN in China or GovCloud", [policy(allow(PING, on=INSTANCES))], [Ask(NO, BEIJING), Ask(NO, GOV)]
    ),
    Role(
        "Systems Manager's own resources only",
        [policy(allow("ssm:*", on=["arn:aws:ssm:*:*:*", "arn:aws:ssm:*::document/*"]))],
        [Ask(NO)],
    ),
    Role(
        "Other resources of EC2",
        [policy(allow("*", on=["arn:aws:ec2:*:*:volume/*", "arn:aws:ec2:*:*:*-group/*"]))],
        [Ask(NO)],
    ),
    Role("All of EC2 by a short ARN", [policy(allow(PING, on="arn:aws:ec2:*"))], [Ask(YES)], page=ARNS),
    Role(
        "A service by its name alone",
        [policy(allow(PING, on="arn:aws:ec2"))],
        [Ask(YES, differs={"moto": COMPLETED})],
        page=ARNS,
    ),
    Role(
        "European regions by a short ARN",
        [policy(allow(PING, on="arn:aws:ec2:eu-*"))],
        [Ask(YES), Ask(NO, DATA)],
        page=ARNS,
    ),
    Role(
        "A component forgotten in an allow",
        [policy(allow(PING, on="arn:aws:ec2:*:instance/*"))],
        [
            Ask(
                MAYBE,
                open_by="one page says that a * at the end of a component can run beyond the colon, another that "
                "an ARN of five components gets a sixth, with which it fits no instance",
            ),
        ],
        page=f"{ELEMENT_RESOURCE}; {ARNS}",
    ),
    Role(
        "A component forgotten in a deny",
        [CORE, policy(deny("ssm:*", on="arn:aws:ec2:*:instance/*"))],
        [Ask(MAYBE, open_by="as in an allow")],
        page=f"{ELEMENT_RESOURCE}; {ARNS}",
    ),
    Role(
        "Region and account left empty, as for a bucket",
        [policy(allow(PING, on="arn:aws:ec2:::instance/*"))],
        [Ask(NO)],
    ),
    Role("The resource type in capitals", [policy(allow(PING, on="arn:aws:ec2:*:*:Instance/*"))], [Ask(NO)]),
    Role(
        "Instances by id",
        [policy(allow(PING, on=[f"arn:aws:ec2:eu-west-1:{ACCOUNT}:instance/{WEB.id}", "arn:aws:s3:::fleet/*"]))],
        [Ask(YES), Ask(NO, DATA), Ask(NO, SICK)],
    ),
    Role(
        "An id with a question mark",
        [policy(allow(PING, on="arn:aws:ec2:*:*:instance/i-0a1b2c3d4e5f6071?"))],
        [Ask(YES, differs={"moto": QUESTION_MARK}), Ask(NO, DATA)],
        page=ELEMENT_RESOURCE,
    ),
    Role(
        "Everything but a bucket",
        [policy(elsewhere(allow("*", on="arn:aws:s3:::secrets/*")))],
        [Ask(YES)],
        page=ELEMENT_NOTRESOURCE,
    ),
    Role(
        "Everything but instances",
        [policy(elsewhere(allow("*", on=[INSTANCES, "arn:aws:s3:::secrets/*"])))],
        [Ask(NO, differs={"moto": EXCEPT})],
        page=ELEMENT_NOTRESOURCE,
    ),
    Role(
        "Systems Manager denied but for instances",
        [CORE, policy(elsewhere(deny("ssm:*", on=INSTANCES)))],
        [Ask(YES)],
        page=ELEMENT_NOTRESOURCE,
    ),
    Role(
        "Everything denied but a bucket, under a node's own allow",
        [CORE, policy(elsewhere(deny("*", on="arn:aws:s3:::logs/*")))],
        [Ask(NO, differs={"moto": EXCEPT})],
        page=ELEMENT_NOTRESOURCE,
    ),
    Role(
        "Everything denied outside of one region's instances",
        [ADMIN, policy(elsewhere(deny("ssm:Update*", on="arn:aws:ec2:eu-*:*:instance/*")))],
        [Ask(YES), Ask(NO, DATA, differs={"moto": EXCEPT})],
        page=ELEMENT_NOTRESOURCE,
    ),
    Role(
        "A tag as a variable in the ARN",
        [policy(allow(PING, on="arn:aws:ec2:*:*:instance/${aws:PrincipalTag/node}"))],
        [
            Ask(
                MAYBE,
                yes_if={"aws:PrincipalTag/node": WEB.id},
                no_if={"aws:PrincipalTag/node": DATA.id},
                differs={"moto if yes": VARIABLE},
            ),
            Ask(YES, known={"aws:PrincipalTag/node": WEB.id}, differs={"moto": VARIABLE}),
            Ask(NO, known={"aws:PrincipalTag/node": None}),
        ],
        page=VARIABLES,
    ),
    Role(
        "The account as a variable in the ARN",
        [policy(allow(PING, on="arn:aws:ec2:${aws:RequestedRegion}:${aws:PrincipalAccount}:instance/*"))],
        [Ask(YES, differs={"moto": VARIABLE}), Ask(YES, DATA, differs={"moto": VARIABLE})],
        page=VARIABLES,
    ),
    Role(
        "A variable in a document of the first version is plain text",
        [policy(allow("ssm:*", when=SAME_TEAM), version="2008-10-17")],
        [Ask(NO, known={"aws:PrincipalTag/team": "web"}), Ask(NO)],
        page=ELEMENT_VERSION,
    ),
    Role(
        "... and in one without a version",
        [
            policy(allow("ssm:*", on="arn:aws:ec2:*:${aws:PrincipalAccount}:instance/*"), version=None),
            policy(deny("s3:*"), version=None),
        ],
        [Ask(NO)],
        page=ELEMENT_VERSION,
    ),
    Role(
        "A star that is meant as a star",
        [policy(allow(PING, on="arn:aws:ec2:*:*:instance/${*}"))],
        [Ask(NO, differs={"ours": STAR})],
        page="IAM: IAM policy elements: Variables and tags, Special characters",
    ),
    Role(
        "A deny for hybrid nodes does not concern instances",
        [CORE, policy(deny("ssm:*", on="arn:aws:ssm:*:*:managed-instance/*"))],
        [Ask(YES)],
        page=ACTIONS,
    ),
    Role("An empty condition is none", [CORE, policy(deny("ssm:*", when={}))], [Ask(NO)]),
    Role("No policy at all", [], [Ask(NO), Ask(NO, action=CHANNEL)]),
    Role(
        "A condition is open, and another policy allows without one",
        [policy(allow("ssm:*", when={"StringEquals": {"aws:PrincipalOrgID": ORG}})), CORE],
        [Ask(YES), Ask(YES, known={"aws:PrincipalOrgID": "o-otherorg"}, differs={"moto": UNMET})],
    ),
    Role(
        "A condition is open, and another policy denies without one",
        [policy(allow("ssm:*", when={"StringEquals": {"aws:PrincipalOrgID": ORG}})), policy(deny("ssm:Update*"))],
        [Ask(NO)],
    ),
]

ROLES = [*NODES, *REGIONS, *QUARANTINES, *PERIMETERS, *LIMITED, *TAGGED, *SOURCES, *SHAPES]
