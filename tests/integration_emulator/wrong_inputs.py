# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a user may get wrong, and the message: all of it, or its beginning where it ends with "...".

Each message is one line that names the option, the value, and what is allowed. Those of roles and playbooks end with
"Nothing was changed.", which is left out here.
"""

from __future__ import annotations

DHMC = "/ssm/managed-instance/default-ec2-instance-management-role"
TIER = "/ssm/managed-instance/activation-tier"
OTHER = "999999999999"
INSTANCE = "i-0123456789abcdef0"
POLICY = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}
BAD_EFFECT = {"P": {"Statement": [{"Effect": "allow", "Action": "*", "Resource": "*"}]}}
NO_ACTION = {"P": {"Statement": [{"Effect": "Allow", "Resource": "*"}]}}

_FEATURES = (
    "settings, dhmc, dhmc_role, instance_profile, profile_association, profile_association_extend, s3_policy, "
    "preflight, preflight_permissions, preflight_metadata, readiness, operator_policy, read_only"
)
_SECONDS = "is not a whole number of seconds from 1 to 86400."
_NAME = "give its name, its path and name, or its ARN (a name has letters, digits and _+=,.@- only)."

# Of each role: the variables, and the message.
ROLES = {
    "dhmc": [
        (
            {"dhmc_state": "presnt"},
            "dhmc_state: 'presnt' is not one of present, absent, restored. Did you mean present?",
        ),
        ({"dhmc_state": True}, "dhmc_state: true is not one of present, absent, restored. Give one of these."),
        (
            {"dhmc_regions": []},
            "dhmc_regions: is an empty list: name at least one region, or 'all' for every enabled region.",
        ),
        ({"dhmc_regions": [None]}, "dhmc_regions: entry 1, null, is not text: give a list of region names."),
        ({"dhmc_regions": ["eu-west-1", ""]}, "dhmc_regions: entry 2 is empty: give a list of region names."),
        (
            {"dhmc_regions": {"eu-west-1": 1}},
            'dhmc_regions: {"eu-west-1": 1} is not a list of region names: give a list, or a text with commas.',
        ),
        (
            {"dhmc_regions": "all,eu-west-1"},
            'dhmc_regions: mixes \'all\' with region names (["all", "eu-west-1"]): give one or the other.',
        ),
        (
            {"dhmc_regions": "Ireland"},
            "dhmc_regions: 'Ireland' is not the name of a region: give names such as eu-west-1, or 'all'.",
        ),
        (
            {"dhmc_regions": "eu-west-*"},
            "dhmc_regions: 'eu-west-*' is not the name of a region: give names such as eu-west-1, or 'all'.",
        ),
        ({"ssm_regions": 5}, "ssm_regions: 5 is not a list of region names: give a list, or a text with commas."),
        ({"dhmc_overwrite": "maybe"}, "dhmc_overwrite: 'maybe' is not a boolean: give true or false."),
        ({"dhmc_role_create": 2}, "dhmc_role_create: 2 is not a boolean: give true or false."),
        ({"dhmc_role_name": "My Role"}, f"dhmc_role_name: 'My Role' does not name an IAM role: {_NAME}"),
        ({"dhmc_role_name": "x" * 65}, f"dhmc_role_name: the role name '{'x' * 65}' has 65 characters; IAM allows 64."),
        ({"dhmc_role_name": ["R"]}, 'dhmc_role_name: ["R"] is not a text: give one line of text.'),
        (
            {"dhmc_role_name": "a\nb"},
            "dhmc_role_name: 'a\\nb' has a line break or another control character: give one line of text.",
        ),
        (
            {"dhmc_role_name": "arn:aws:iam::123456789012:user/U"},
            (
                "dhmc_role_name: 'arn:aws:iam::123456789012:user/U' is not the ARN of an IAM role "
                "(arn:PARTITION:iam::ACCOUNT:role/NAME)."
            ),
        ),
        (
            {"dhmc_role_path": "/a b/"},
            "dhmc_role_path: '/a b/' is not a path of IAM: give / or names between slashes, such as /service-role/.",
        ),
        (
            {"dhmc_role_description": "→"},
            "dhmc_role_description: '→' is not text that IAM takes: letters of Latin-1 only.",
        ),
        ({"dhmc_role_description": "x" * 1001}, "dhmc_role_description: 'xxx..."),
        (
            {"dhmc_role_managed_policies": "Amazon SSM!"},
            f"dhmc_role_managed_policies: 'SSM!' does not name a managed policy: {_NAME}",
        ),
        (
            {"dhmc_role_managed_policies": "A\nB"},
            "dhmc_role_managed_policies: 'A\\nB' has managed policies without a comma between them: give a list, or "
            "commas.",
        ),
        (
            {"dhmc_role_managed_policies": [{}]},
            "dhmc_role_managed_policies: entry 1, {}, is not text: give a list of managed policies.",
        ),
        (
            {"dhmc_role_inline_policies": "P"},
            (
                "dhmc_role_inline_policies: 'P' is not a dictionary: give one, such as {\"MyPolicy\": "
                '{"Version": "2012-10-17", "Statement": [...]}}.'
            ),
        ),
        (
            {"dhmc_role_inline_policies": {"my policy": POLICY}},
            (
                "dhmc_role_inline_policies: 'my policy' is not the name of a policy: a name has 1 to 128 "
                "letters, digits and _+=,.@-."
            ),
        ),
        (
            {"dhmc_role_inline_policies": {"P": {}}},
            (
                "dhmc_role_inline_policies: P: has no Statement: give a policy document, such as "
                '{"Version": "2012-10-17", "Statement": [...]}.'
            ),
        ),
        (
            {"dhmc_role_inline_policies": BAD_EFFECT},
            "dhmc_role_inline_policies: P: the Effect of a statement is 'allow': give Allow or Deny.",
        ),
        (
            {"dhmc_role_inline_policies": NO_ACTION},
            "dhmc_role_inline_policies: P: a statement has not exactly one of Action and NotAction: give one of them.",
        ),
        (
            {"dhmc_role_permissions_boundary": "Boundary"},
            (
                "dhmc_role_permissions_boundary: 'Boundary' is not the ARN of a managed policy "
                "(arn:PARTITION:iam::ACCOUNT:policy/NAME)."
            ),
        ),
        ({"ssm_tags": "owner=x"}, 'ssm_tags: \'owner=x\' is not a dictionary: give one, such as {"team": "a"}.'),
        (
            {"dhmc_role_tags": {"aws:x": "y"}},
            "dhmc_role_tags: 'aws:x' is not a key that a tag may have: aws: is AWS's own. Give another.",
        ),
        ({"dhmc_role_tags": {"team": None}}, "dhmc_role_tags: 'team': null is not the value of a tag: give a text."),
        (
            {"dhmc_role_tags": {"team": "a;b"}},
            "dhmc_role_tags: 'team': a tag has letters, digits, blanks and _.:/=+-@ only.",
        ),
        ({"dhmc_backup_file": "backups/"}, "dhmc_backup_file: 'backups/' is a folder: give the path of a file."),
        (
            {"ssm_backup_file": "x" * 256},
            f"ssm_backup_file: '{'x' * 76}... is too long for a path: give a shorter one.",
        ),
        ({"dhmc_timeout": "5m"}, f"dhmc_timeout: '5m' {_SECONDS}"),
        ({"dhmc_timeout": 0}, f"dhmc_timeout: 0 {_SECONDS}"),
        ({"dhmc_region": "eu-west-1"}, "dhmc_region: there is no such variable. Did you mean dhmc_regions?"),
        ({"ssm_region": "eu-west-1"}, "ssm_region: there is no such variable. Did you mean ssm_regions?"),
        ({"dhcm_state": "absent"}, "dhcm_state: there is no such variable. Did you mean dhmc_state?"),
        (
            {"dhmc_overwrite": "maybe", "dhmc_timeout": -1},
            f"dhmc_overwrite: 'maybe' is not a boolean: give true or false. | dhmc_timeout: -1 {_SECONDS}",
        ),
    ],
    "preflight": [
        ({"preflight_fix": 5}, "preflight_fix: 5 is not a list of fixes: give a list, or a text with commas."),
        (
            {"preflight_fix": "permision", "ssm_backup_file": "b.json"},
            "preflight_fix: 'permision' is not one of permissions, imdsv2, imds. Did you mean permissions?",
        ),
        (
            {"preflight_fix": "imds"},
            (
                "preflight_fix: imds needs a backup, for what is changed has to be kept first: name its "
                "file in preflight_backup_file (or set ssm_backup_file)."
            ),
        ),
        (
            {"preflight_state": "restored"},
            "preflight_backup_file: is empty: name the file that an earlier run wrote (or set ssm_backup_file).",
        ),
        ({"preflight_timeout": "abc"}, f"preflight_timeout: 'abc' {_SECONDS}"),
        ({"preflight_timeout": "1.5"}, f"preflight_timeout: '1.5' {_SECONDS}"),
        (
            {"preflight_method": "Auto"},
            "preflight_method: 'Auto' is not one of auto, detach, deny, rewrite. Did you mean auto?",
        ),
        (
            {"preflight_instance_profiles": "a b!"},
            f"preflight_instance_profiles: 'b!' does not name an instance profile: {_NAME}",
        ),
        (
            {"preflight_instance_filters": "role=web"},
            'preflight_instance_filters: \'role=web\' is not a dictionary: give one, such as {"tag:role": "web"}.',
        ),
        (
            {"preflight_instance_filters": {"tag:role": None}},
            "preflight_instance_filters: 'tag:role': null is not the value of an EC2 filter: give a text, or a list.",
        ),
        (
            {"preflight_deny_policy_name": "a b"},
            (
                "preflight_deny_policy_name: 'a b' is not the name of a policy: a name has letters, "
                "digits and _+=,.@- only."
            ),
        ),
        ({"preflight_fixes": "imds"}, "preflight_fixes: there is no such variable. Did you mean preflight_fix?"),
    ],
    "instance_profile": [
        ({"instance_profile_name": "a b"}, f"instance_profile_name: 'a b' does not name an instance profile: {_NAME}"),
        (
            {"instance_profile_name": "x" * 129},
            f"instance_profile_name: the profile name '{'x' * 129}' has 129 characters; IAM allows 128.",
        ),
        (
            {"instance_profile_role_name": "role/"},
            f"instance_profile_role_name: 'role/' does not name an IAM role: {_NAME}",
        ),
        ({"instance_profile_core": "si"}, "instance_profile_core: 'si' is not a boolean: give true or false."),
        (
            {"instance_profile_managed_policies": True},
            (
                "instance_profile_managed_policies: true is not a list of managed policies: give a list, "
                "or a text with commas."
            ),
        ),
        (
            {"instance_profile_tags": ["team"]},
            'instance_profile_tags: ["team"] is not a dictionary: give one, such as {"team": "a"}.',
        ),
        (
            {"instance_profile_names": "x"},
            "instance_profile_names: there is no such variable. Did you mean instance_profile_name?",
        ),
    ],
    "profile_association": [
        (
            {"profile_association_existing": "overwrite"},
            "profile_association_existing: 'overwrite' is not one of keep, replace, extend. Give one of these.",
        ),
        (
            {"profile_association_instance_ids": "web-1"},
            "profile_association_instance_ids: 'web-1' is not an instance id: give ids such as i-0123456789abcdef0.",
        ),
        (
            {"profile_association_instance_ids": [None]},
            "profile_association_instance_ids: entry 1, null, is not text: give a list of instance ids.",
        ),
        (
            {"profile_association_filters": {"": "x"}},
            'profile_association_filters: its key \'\' is not text: give a dictionary such as {"tag:role": "web"}.',
        ),
        (
            {"profile_association_instance_ids": INSTANCE, "profile_association_filters": {"tag:a": "b"}},
            "profile_association_instance_ids: excludes profile_association_filters: give one of them.",
        ),
        (
            {"profile_association_policies": [""]},
            "profile_association_policies: entry 1 is empty: give a list of managed policies.",
        ),
        (
            {"profile_association_wait": "later"},
            "profile_association_wait: 'later' is not a boolean: give true or false.",
        ),
        (
            {"profile_association_profile": "x", "profile_association_regoins": "eu-west-1"},
            "profile_association_regoins: there is no such variable. Did you mean profile_association_regions?",
        ),
    ],
    "readiness_report": [
        (
            {"readiness_report_formats": "pdf"},
            "readiness_report_formats: 'pdf' is not one of json, csv, html. Give one of these.",
        ),
        (
            {"readiness_report_name": "a/b"},
            (
                "readiness_report_name: 'a/b' is not a file's name: give one without a folder "
                "(readiness_report_directory)."
            ),
        ),
        (
            {"readiness_report_name": "../x"},
            (
                "readiness_report_name: '../x' is not a file's name: give one without a folder "
                "(readiness_report_directory)."
            ),
        ),
        ({"audit_ssm_fail_under": "all"}, "audit_ssm_fail_under: 'all' is not a percentage from 0 to 100."),
        ({"readiness_report_fail_under": 101}, "readiness_report_fail_under: 101 is not a percentage from 0 to 100."),
        (
            {"readiness_report_node_quota": "many"},
            "readiness_report_node_quota: 'many' is not a whole number of nodes from 1 to 10000000.",
        ),
        (
            {"readiness_report_baseline": "old/"},
            "readiness_report_baseline: 'old/' is a folder: give the path of a file.",
        ),
        (
            {"readiness_report_title": "a\tb"},
            "readiness_report_title: 'a\\tb' has a line break or another control character: give one line of text.",
        ),
        (
            {"audit_ssm_failunder": 95},
            "audit_ssm_failunder: there is no such variable. Did you mean audit_ssm_fail_under?",
        ),
    ],
    "s3_policy": [
        (
            {"s3_policy_bucket_set": "Current"},
            "s3_policy_bucket_set: 'Current' is not one of current, page. Did you mean current?",
        ),
        (
            {"s3_policy_name": "Buckets-2"},
            "s3_policy_name: 'Buckets-2' ends like the second or a later policy of another name: leave the number out.",
        ),
        (
            {"s3_policy_name": "a b"},
            "s3_policy_name: 'a b' is not a policy name: a name has letters, digits and _+=,.@- only.",
        ),
        ({"s3_policy_buckets": 5}, "s3_policy_buckets: 5 is not a list of buckets: give names, ARNs or dictionaries."),
        (
            {"s3_policy_buckets": [None]},
            "s3_policy_buckets: entry 1, null, is not a bucket: give a name, an ARN or a dictionary.",
        ),
        (
            {"s3_policy_buckets": "My_Bucket"},
            (
                "s3_policy_buckets: 'My_Bucket' is not the name or the ARN of a bucket: a name has 3 to "
                "63 lower-case letters, digits, dots and hyphens, and begins and ends with a letter or "
                "digit."
            ),
        ),
        (
            {"s3_policy_buckets": "logs-*"},
            "s3_policy_buckets: 'logs-*' has a wildcard, which could reach buckets of others: name each bucket.",
        ),
        (
            {"s3_policy_buckets": [{"bucket": "x"}]},
            (
                "s3_policy_buckets: a bucket has no option bucket: give name, and cross_account, "
                "encrypted or kms_key_arns."
            ),
        ),
        (
            {"s3_policy_attach_to": "MyRole"},
            (
                "s3_policy_attach_to: 'MyRole' is nothing to attach to: give dhmc_role, role/NAME, "
                "instance-profile/NAME, or the ARN of a role or an instance profile."
            ),
        ),
        (
            {"s3_policy_extra_region_buckets": ["x"]},
            (
                's3_policy_extra_region_buckets: ["x"] is not a dictionary: give one, such as '
                '{"eu-west-1": ["my-bucket"]}.'
            ),
        ),
        (
            {"s3_policy_vpc_endpoints": "no way"},
            "s3_policy_vpc_endpoints: 'no way' is not a boolean: give true or false.",
        ),
        (
            {"s3_policy_atach_to": "dhmc_role"},
            "s3_policy_atach_to: there is no such variable. Did you mean s3_policy_attach_to?",
        ),
    ],
    "operator_policy": [
        (
            {"operator_policy_features": []},
            f"operator_policy_features: is an empty list: name at least one of {_FEATURES}.",
        ),
        (
            {"operator_policy_features": "dhcm"},
            f"operator_policy_features: 'dhcm' is not one of {_FEATURES}. Did you mean dhmc?",
        ),
        (
            {"operator_policy_mode": "write"},
            "operator_policy_mode: 'write' is not one of render, create. Give one of these.",
        ),
        (
            {"operator_policy_account": 12345678901},
            "operator_policy_account: 12345678901 is not an account's id: give its 12 digits, in quotes.",
        ),
        (
            {"operator_policy_partition": "china"},
            "operator_policy_partition: 'china' is not a partition: give aws, aws-cn or aws-us-gov, for example.",
        ),
        (
            {"operator_policy_name_prefix": "../x"},
            (
                "operator_policy_name_prefix: '../x' is not the beginning of policy names: it has "
                "letters, digits and _+=,.@- only."
            ),
        ),
        (
            {"operator_policy_other_roles": ["a b"]},
            f"operator_policy_other_roles: 'a b' does not name an IAM role: {_NAME}",
        ),
        (
            {"operator_policy_feature": "dhmc"},
            "operator_policy_feature: there is no such variable. Did you mean operator_policy_features?",
        ),
    ],
}

# Of each playbook, likewise; what its roles refuse, it refuses before the first of them runs.
PLAYBOOKS = {
    "enable_ssm": [
        ({"ssm_mode": "DHMC"}, "ssm_mode: 'DHMC' is not one of dhmc, instance_profile, both. Did you mean dhmc?"),
        ({"ssm_wait_fail": "maybe"}, "ssm_wait_fail: 'maybe' is not a boolean: give true or false."),
        ({"ssm_wait_timeout": "soon"}, "ssm_wait_timeout: 'soon' is not a number of seconds from 0 to 604800."),
        ({"ssm_wait_timeout": "-1"}, "ssm_wait_timeout: '-1' is not a number of seconds from 0 to 604800."),
        ({"ssm_report": "perhaps"}, "ssm_report: 'perhaps' is not a boolean: give true or false."),
        ({"ssm_s3_policy": []}, "ssm_s3_policy: [] is not a boolean: give true or false."),
        ({"ssm_tags": "owner=x"}, 'ssm_tags: \'owner=x\' is not a dictionary: give one, such as {"team": "a"}.'),
        (
            {"ssm_mode": "both", "preflight_fix": "permissions", "ssm_backup_file": "b.json"},
            "preflight_fix: permissions takes away what ssm_mode=both gives: use ssm_mode=dhmc.",
        ),
        (
            {"preflight_fix": "permissions"},
            (
                "preflight_fix: permissions needs a backup, for what is changed has to be kept first: "
                "name its file in preflight_backup_file (or set ssm_backup_file)."
            ),
        ),
        (
            {"ssm_backup_file": "/r/ssm-readiness.json", "ssm_report_directory": "/r"},
            (
                "ssm_backup_file: /r/ssm-readiness.json is where the report is going to be written: name "
                "another file, or another ssm_report_directory."
            ),
        ),
        (
            {"ssm_backup_file": "/r/a.json", "ssm_report_baseline": "/r/a.json"},
            "ssm_report_baseline: /r/a.json is the ssm_backup_file: name the JSON file of a report.",
        ),
        ({"instance_profile_name": "a b"}, f"instance_profile_name: 'a b' does not name an instance profile: {_NAME}"),
        ({"ssm_modes": "dhmc"}, "ssm_modes: there is no such variable. Did you mean ssm_mode?"),
        ({"ssm_wait_time": "60"}, "ssm_wait_time: there is no such variable. Did you mean ssm_wait_timeout?"),
    ],
    "attach_instance_profile": [
        ({"ssm_wait": "5"}, "ssm_wait: '5' is not a boolean: give true or false."),
        (
            {"profile_association_existing": "extends"},
            "profile_association_existing: 'extends' is not one of keep, replace, extend. Did you mean extend?",
        ),
    ],
    "disable_ssm": [
        ({"ssm_mode": "off"}, "ssm_mode: 'off' is not one of dhmc, instance_profile, both. Give one of these."),
        (
            {"instance_profile_remove": "please"},
            "instance_profile_remove: 'please' is not a boolean: give true or false.",
        ),
        ({"dhmc_role_remove": "please"}, "dhmc_role_remove: 'please' is not a boolean: give true or false."),
        (
            {"ssm_backup_file": "a\0b"},
            "ssm_backup_file: 'a\\x00b' has a line break or another control character: give one line of text.",
        ),
        ({"ssm_backupfile": "b.json"}, "ssm_backupfile: there is no such variable. Did you mean ssm_backup_file?"),
    ],
    "audit_ssm": [
        (
            {"audit_ssm_fail_under": "95 percent"},
            "audit_ssm_fail_under: '95 percent' is not a percentage from 0 to 100.",
        ),
        ({"ssm_report_directory": ["a"]}, 'ssm_report_directory: ["a"] is not a text: give one line of text.'),
        (
            {"ssm_report_dirctory": "a"},
            "ssm_report_dirctory: there is no such variable. Did you mean ssm_report_directory?",
        ),
    ],
}

_TABLE = "takes the list"
_RESULT = "takes what ssm_managed_instance_info returns"
# The filter, what it is given, its options, and the message.
FILTERS = [
    (
        "region_table",
        [{}],
        {},
        f"region_table {_TABLE} 'regions' that ssm_service_setting returns: there is no 'region' in what was given.",
    ),
    (
        "region_table",
        5,
        {},
        f"region_table {_TABLE} 'regions' that ssm_service_setting returns: what was given is something else.",
    ),
    ("region_table", "us-east-1", {}, f"region_table {_TABLE} 'regions' that ssm_service_setting returns."),
    (
        "association_table",
        [{}],
        {},
        (
            f"association_table {_TABLE} 'instances' that instance_profile_association returns: there "
            f"is no 'region' in what was given."
        ),
    ),
    (
        "association_table",
        None,
        {},
        (
            f"association_table {_TABLE} 'instances' that instance_profile_association returns: what "
            f"was given is something else."
        ),
    ),
    ("preflight_table", [{}], {}, f"preflight_table {_TABLE}s..."),
    ("preflight_table", 5, {}, f"preflight_table {_TABLE}s..."),
    ("readiness_table", [{}], {}, f"readiness_table {_RESULT}."),
    ("readiness_table", {"totals": 5}, {}, f"readiness_table {_RESULT}: there is no 'regions' in what was given."),
    ("readiness_csv", 5, {}, f"readiness_csv {_RESULT}."),
    ("readiness_csv", {"instances": [5]}, {}, f"readiness_csv {_RESULT}: what was given is something else."),
    ("readiness_page", {"totals": {}}, {}, f"readiness_page {_RESULT}: there is no 'instances' in what was given."),
    (
        "operator_policy_document",
        [None],
        {"account": "123456789012"},
        "regions: entry 1 of the list is null, which is not a name: give texts only.",
    ),
    (
        "operator_policy_document",
        5,
        {"account": "123456789012"},
        "regions: 5 is not a list: give a list, or a string with commas.",
    ),
    (
        "operator_policy_document",
        "eu-wset-1",
        {"account": "123456789012"},
        "regions: 'eu-wset-1' is not an AWS region. Did you mean eu-west-1...",
    ),
    (
        "operator_policy_document",
        "eu-west-1",
        {"account": 5},
        "account: '5' is not an account id: give its 12 digits, in quotes.",
    ),
    ("ssm_s3_policies", [{}], {}, "regions: entry 1 of the list is {}, which is not a name: give texts only."),
    ("ssm_s3_policies", 5, {}, "ssm_s3_policies takes region names: what was given is something else."),
    ("ssm_s3_policies", "eu-west-1", {"buckets": [5]}, "buckets: '5' is not the name or the ARN of a bucket: ..."),
    ("ssm_s3_policies", "eu-west-1", {"size_limit": "big"}, "size_limit: 'big' is not a whole number from 1."),
]

_ASSOCIATION = {"instance_profile": "P", "regions": "us-east-1"}
_METADATA = {"regions": "us-east-1", "all_instances": True, "http_tokens": "required"}
_SETTING = {"setting": DHMC, "value": "service-role/R", "regions": "us-east-1"}
# The module, its options, and the message.
MODULES = [
    (
        "ssm_service_setting",
        _SETTING | {"regions": [None]},
        "regions: entry 1 of the list is null, which is not a name: give texts only.",
    ),
    (
        "ssm_service_setting",
        _SETTING | {"regions": ["us-east-1", ["x"]]},
        'regions: entry 2 of the list is ["x"], which is not a name: give texts only.',
    ),
    (
        "ssm_service_setting",
        _SETTING | {"regions": []},
        "regions is an empty list: name at least one region, or 'all' for every enabled region.",
    ),
    (
        "ssm_service_setting",
        _SETTING | {"regions": "eu-wset-1"},
        "regions: 'eu-wset-1' is not an AWS region. Did you mean eu-west-1...",
    ),
    (
        "ssm_service_setting",
        _SETTING | {"regions": "all,us-east-1"},
        "regions mixes 'all' with region names (all, us-east-1): give one or the other.",
    ),
    (
        "ssm_service_setting",
        _SETTING | {"regions": "us-east-1,cn-north-1"},
        "regions spans the AWS partitions aws, aws-cn...",
    ),
    (
        "ssm_service_setting",
        _SETTING | {"regions": "us-east-1,af-south-1"},
        "regions: not enabled in this account: af-south-1...",
    ),
    ("ssm_service_setting", _SETTING | {"setting": "/ssm/a b"}, "setting: '/ssm/a b'..."),
    ("ssm_service_setting", _SETTING | {"value": "x" * 65}, "value: ..."),
    ("ssm_service_setting", _SETTING | {"value": f"arn:aws:iam::{OTHER}:role/R"}, "value: ..."),
    ("ssm_service_setting", _SETTING | {"setting": TIER, "value": "Advanced"}, "value: 'Advanced'..."),
    ("ssm_service_setting", _SETTING | {"timeout": 0}, "timeout: 0 is not a number of seconds above 0."),
    (
        "ssm_service_setting",
        _SETTING | {"backup_file": "/no/such/folder/b.json"},
        "backup_file: /no/such/folder/b.json: the folder /no/such/folder does not exist...",
    ),
    ("ssm_service_setting", {"setting": DHMC, "state": "restored", "backup": []}, "state=restored needs backup..."),
    ("ssm_service_setting", {"setting": DHMC, "state": "restored", "backup": [{"a": 1}]}, "backup: entry 1 has no ..."),
    (
        "ssm_service_setting",
        {"setting": DHMC, "state": "restored", "backup_file": "/no/such.json"},
        "backup_file: /no/such.json does not exist...",
    ),
    (
        "ssm_service_setting_info",
        {"setting": DHMC, "regions": [None]},
        "regions: entry 1 of the list is null, which is not a name: give texts only.",
    ),
    ("backup_file_info", {"path": "/no/such.json"}, "path: /no/such.json does not exist..."),
    ("backup_file_info", {"path": "/dev/null"}, "path: /dev/null is not a regular file..."),
    (
        "ssm_managed_instance_info",
        {"regions": "us-east-1", "instance_ids": [None]},
        "instance_ids: entry 1 of the list is null, which is not a name: give texts only.",
    ),
    (
        "ssm_managed_instance_info",
        {"regions": "us-east-1", "instance_ids": "web"},
        "instance_ids: web is not an instance id (i-0123456789abcdef0)...",
    ),
    (
        "ssm_managed_instance_wait",
        {"regions": "us-east-1", "coverage": 101},
        "coverage: 101 is not a percentage from 0 to 100.",
    ),
    (
        "ssm_managed_instance_wait",
        {"regions": "us-east-1", "interval": 0},
        "interval: 0 is not a number of seconds above 0.",
    ),
    (
        "ssm_managed_instance_wait",
        {"regions": "us-east-1", "filters": {"tag:a": "b"}},
        "No instance is in scope in us-east-1: correct instance_ids, filters or regions...",
    ),
    (
        "instance_profile_association",
        _ASSOCIATION,
        "Which instances: set instance_ids, filters, or all_instances to true...",
    ),
    (
        "instance_profile_association",
        _ASSOCIATION | {"instance_ids": [None]},
        "instance_ids: entry 1 of the list is null, which is not a name: give texts only.",
    ),
    (
        "instance_profile_association",
        _ASSOCIATION | {"instance_ids": INSTANCE, "filters": {"a": "b"}},
        "instance_ids and filters are mutually exclusive: give one of them...",
    ),
    (
        "instance_profile_association",
        _ASSOCIATION | {"instance_profile": "a b", "all_instances": True},
        "instance_profile: 'a b' does not name an instance profile: ...",
    ),
    ("ec2_metadata_options", _METADATA | {"regions": "mars"}, "regions: 'mars' is not an AWS region..."),
    ("ec2_metadata_options", _METADATA | {"http_put_response_hop_limit": 65}, "http_put_response_hop_limit: ..."),
    ("instance_profile_permission_info", {"regions": "us-east-1", "actions": "ssm"}, "actions: ..."),
    (
        "instance_profile_policy",
        {"role": "a b", "managed_policies": ["P"], "state": "present"},
        "role: 'a b' does not name an IAM role: ...",
    ),
    (
        "instance_profile_policy",
        {"role": "R", "managed_policies": ["P!"], "state": "present"},
        "managed_policies: 'P!' does not name a managed policy: ...",
    ),
    ("iam_role_access_info", {"role_name": "a b"}, "role_name: 'a b' does not name an IAM role: ..."),
    (
        "role_options",
        {"role": "dhcm"},
        (
            "role: 'dhcm' is not one of dhmc, preflight, instance_profile, profile_association, "
            "readiness_report, s3_policy, operator_policy. Did you mean dhmc?"
        ),
    ),
    ("role_options", {}, "role_options: give role or playbook, one of them."),
]
