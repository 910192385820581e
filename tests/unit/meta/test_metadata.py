# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands in two files must agree."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from ansible_collections.fleet.aws_ssm.plugins.module_utils._clients import COLLECTION_VERSION
from ansible_collections.fleet.aws_ssm.plugins.plugin_utils._role_options.check import read_role
from ansible_collections.fleet.aws_ssm.plugins.plugin_utils._role_options.playbooks import PLAYBOOKS
from ansible_collections.fleet.aws_ssm.plugins.plugin_utils._role_options.roles import ROLES as TABLES

ROOT = Path(__file__).resolve().parents[3]
ROLES = sorted(path.name for path in (ROOT / "roles").iterdir() if path.is_dir())
# Those that call AWS; a module that does not has nothing to share with them.
MODULES = sorted(
    path.stem for path in (ROOT / "plugins" / "modules").glob("*.py") if "AnsibleAWSModule" in path.read_text("utf-8")
)


def load(*parts):
    return yaml.safe_load(ROOT.joinpath(*parts).read_text(encoding="utf-8"))


@pytest.mark.skipif(not (ROOT / "galaxy.yml").exists(), reason="an installed collection has a MANIFEST.json instead")
def test_the_user_agent_names_the_version_of_galaxy_yml():
    assert load("galaxy.yml")["version"] == COLLECTION_VERSION


def test_the_action_group_lists_exactly_the_modules_that_call_aws():
    group = load("meta", "runtime.yml")["action_groups"]["aws"]
    assert sorted(name for name in group if isinstance(name, str)) == MODULES
    extended = [entry["metadata"]["extend_group"] for entry in group if isinstance(entry, dict)]
    assert extended == [["amazon.aws.aws"]]


@pytest.mark.parametrize("module", MODULES)
def test_a_module_documents_the_collections_attributes_and_the_release_it_came_with(module):
    source = (ROOT / "plugins" / "modules" / f"{module}.py").read_text(encoding="utf-8")
    documentation = yaml.safe_load(source.split('DOCUMENTATION = r"""')[1].split('"""')[0])
    fragments = documentation["extends_documentation_fragment"]
    kind = module.rpartition("_")[2]
    expected = "fleet.aws_ssm.attributes" + (f".{kind}" if kind in ("info", "wait") else "")
    assert documentation["module"] == module
    assert [name for name in fragments if name.startswith("fleet.aws_ssm.attributes")] == [expected]
    assert documentation["version_added"]


@pytest.mark.parametrize("role", ROLES)
def test_a_roles_defaults_and_its_argument_specs_name_the_same_variables(role):
    defaults = load("roles", role, "defaults", "main.yml")
    options = load("roles", role, "meta", "argument_specs.yml")["argument_specs"]["main"]["options"]
    required = {name for name, option in options.items() if option.get("required")}
    assert set(options) - required == set(defaults)
    assert [name for name in options if not name.startswith(f"{role}_")] == []


@pytest.mark.parametrize("role", ROLES)
def test_a_roles_argument_specs_document_the_default_that_holds(role):
    defaults = load("roles", role, "defaults", "main.yml")
    options = load("roles", role, "meta", "argument_specs.yml")["argument_specs"]["main"]["options"]
    literal = {name: value for name, value in defaults.items() if "{{" not in str(value)}
    assert {name: options[name].get("default") for name in literal} == literal
    assert [name for name, value in literal.items() if value not in options[name].get("choices", [value])] == []


@pytest.mark.parametrize("role", ROLES)
def test_a_roles_readme_names_every_variable(role):
    text = (ROOT / "roles" / role / "README.md").read_text(encoding="utf-8")
    options = load("roles", role, "meta", "argument_specs.yml")["argument_specs"]["main"]["options"]
    assert [name for name in options if f"{name}:" not in text] == []


# Made of several variables of other roles, which only Jinja in the role's defaults can do.
COMPOSED = {"operator_policy_managed_policies", "operator_policy_inline_policies"}


@pytest.mark.parametrize("role", ROLES)
def test_a_roles_table_of_variables_has_the_names_and_the_defaults_of_its_files(role):
    defaults = load("roles", role, "defaults", "main.yml")
    table = TABLES[role]
    assert {option.name for option in table.options} == set(defaults)
    for option in table.options:
        value = str(defaults[option.name])
        if option.name in COMPOSED:
            continue
        if "{{" in value:
            assert option.shared, option.name
            assert value.startswith(f"{{{{ {option.shared} | default("), option.name
        else:
            assert not option.shared, option.name
            assert read_role(role, {option.name: defaults[option.name]}.get, (), "") == read_role(role, {}.get)


CHECKED = [
    role for role in ROLES if "role_options" in (ROOT / "roles" / role / "tasks" / "main.yml").read_text("utf-8")
]


@pytest.mark.parametrize("role", CHECKED)
def test_a_roles_argument_specs_leave_it_to_the_table_to_refuse_a_value(role):
    options = load("roles", role, "meta", "argument_specs.yml")["argument_specs"]["main"]["options"]
    # Ansible's own message has two lines, and is the first that a user sees.
    assert {name: option["type"] for name, option in options.items() if option["type"] not in ("raw", "str")} == {}
    assert [name for name, option in options.items() if "choices" in option or option.get("required")] == []


def test_the_module_that_reads_variables_knows_every_role_and_playbook():
    source = (ROOT / "plugins" / "modules" / "role_options.py").read_text(encoding="utf-8")
    options = yaml.safe_load(source.split('DOCUMENTATION = r"""')[1].split('"""')[0])["options"]
    assert sorted(options["role"]["choices"]) == ROLES == sorted(TABLES)
    playbooks = sorted(path.stem for path in (ROOT / "playbooks").glob("*.yml"))
    assert sorted(options["playbook"]["choices"]) == playbooks == sorted(PLAYBOOKS)


@pytest.mark.parametrize("playbook", PLAYBOOKS)
def test_a_playbook_says_what_each_of_its_variables_means(playbook):
    text = (ROOT / "playbooks" / f"{playbook}.yml").read_text(encoding="utf-8")
    comment = text.split("\n- name:")[0]
    assert [option.name for option in PLAYBOOKS[playbook].options if option.name not in comment] == []
