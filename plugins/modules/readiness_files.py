#!/usr/bin/python
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write the readiness report. The writing itself is done by the action plugin of this name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: readiness_files
short_description: Write the readiness report to the controller, over nothing but an earlier one
version_added: 1.0.0
description:
  - Writes what M(fleet.aws_ssm.ssm_managed_instance_info) returned as JSON, as CSV and as one HTML page, into a folder on the
    controller. Without O(report) it checks whether that could be done, and reads an earlier report.
  - It replaces a file only if that is a report. JSON is one by C("format"), CSV by its first line, and the page by its
    generator. A file of another kind, a link or a folder is an error.
  - All files are written, or none is. Each is for its owner only (mode 0600).
author:
  - The fleet.aws_ssm contributors (@fleet-aws)
options:
  directory:
    description:
      - The folder. A relative one counts from the folder in which Ansible was started. It is made if it does not exist, for
        its owner only; the mode of one that exists stays as it is.
      - Empty for no files.
    type: str
    default: ""
  name:
    description: The files' name, without its ending.
    type: str
    default: ssm-readiness
  formats:
    description: Which files.
    type: list
    elements: str
    choices: [json, csv, html]
    default: [json, csv, html]
  title:
    description: The title of the HTML page.
    type: str
    default: Systems Manager readiness
  baseline:
    description: The JSON file of an earlier report, to be returned. Only without O(report).
    type: str
    default: ""
  report:
    description: What M(fleet.aws_ssm.ssm_managed_instance_info) returned. Without it nothing is written.
    type: dict
attributes:
  check_mode:
    description: Can run in check mode and return what would be written.
    support: full
  diff_mode:
    description: Shows what changes in diff mode.
    support: none
    details: A report can be as large as the fleet.
  platform:
    description: Where the action runs.
    support: full
    platforms: posix
  idempotent:
    description: A report that was written is no change.
    support: full
seealso:
  - module: fleet.aws_ssm.ssm_managed_instance_info
notes:
  - It always runs on the controller, without a connection.
"""

EXAMPLES = r"""
- name: See whether the report can be written, and read the earlier one
  fleet.aws_ssm.readiness_files:
    directory: reports
    baseline: reports/ssm-readiness.json
  register: before

- name: Look at every region
  fleet.aws_ssm.ssm_managed_instance_info:
    regions: all
    baseline: "{{ before.baseline }}"
  register: survey

- name: Write the report
  fleet.aws_ssm.readiness_files:
    directory: reports
    report: "{{ survey }}"
"""

RETURN = r"""
files:
  description: The paths of the files, which were written, or can be.
  returned: success
  type: list
  elements: str
baseline:
  description:
    - What a comparison needs of the earlier report, for O(fleet.aws_ssm.ssm_managed_instance_info#module:baseline).
    - Empty without O(baseline).
  returned: without O(report)
  type: dict
  contains:
    generated:
      description: When AWS was asked for it.
      type: str
    totals:
      description: Its C(coverage).
      type: dict
    instances:
      description: The C(instance_id) and C(verdict) of each instance.
      type: list
      elements: dict
"""

from ansible.module_utils.basic import AnsibleModule


def main() -> None:
    """Say that only the action plugin can do this."""
    module = AnsibleModule(
        argument_spec={
            "directory": {"type": "str", "default": ""},
            "name": {"type": "str", "default": "ssm-readiness"},
            "formats": {
                "type": "list",
                "elements": "str",
                "choices": ["json", "csv", "html"],
                "default": ["json", "csv", "html"],
            },
            "title": {"type": "str", "default": "Systems Manager readiness"},
            "baseline": {"type": "str", "default": ""},
            "report": {"type": "dict"},
        },
        supports_check_mode=True,
    )
    module.fail_json(msg="readiness_files runs on the controller only, as an action plugin.")


if __name__ == "__main__":
    main()
