# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks and writes the files of the readiness report on the controller. What the options mean is in the module.

An action plugin needs no module start, and the content of the files does not travel through one.
"""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase

from ansible_collections.fleet.aws_ssm.plugins.module_utils._core.text import printable
from ansible_collections.fleet.aws_ssm.plugins.module_utils._errors import InputError
from ansible_collections.fleet.aws_ssm.plugins.plugin_utils._report_files import ReportFiles, read_baseline
from ansible_collections.fleet.aws_ssm.plugins.plugin_utils._report_marks import FORMATS, text_of

_SPEC: dict[str, dict[str, Any]] = {
    "directory": {"type": "str", "default": ""},
    "name": {"type": "str", "default": "ssm-readiness"},
    "formats": {"type": "list", "elements": "str", "choices": list(FORMATS), "default": list(FORMATS)},
    "title": {"type": "str", "default": "Systems Manager readiness"},
    "baseline": {"type": "str", "default": ""},
    "report": {"type": "dict"},
}


class ActionModule(ActionBase):
    """Without a report it checks what can be checked, with one it writes."""

    TRANSFERS_FILES = False
    _requires_connection = False

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Check the targets and the earlier report, or write."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        _validation, args = self.validate_argument_spec(argument_spec=_SPEC)
        report = args["report"]
        try:
            files = self._files(args)
            if report is None:
                files.check() if files else None
                result["baseline"] = read_baseline(args["baseline"]) if args["baseline"] else {}
            elif files and not self._task.check_mode:
                files.write({kind: text_of(kind, report, args["title"]) for kind in files.paths})
        except InputError as error:
            end = "AWS was not asked." if report is None else "No file was written."
            return {**result, "failed": True, "msg": f"{printable(error)} {end}"}
        # That a report was written is no change of what it reports on.
        return {**result, "changed": False, "files": [str(path) for path in files.paths.values()] if files else []}

    def _files(self, args: dict[str, Any]) -> ReportFiles | None:
        if not args["directory"]:
            return None
        name = args["name"]
        if not name or name.startswith(".") or "/" in name or not name.isprintable():
            raise InputError(
                f"readiness_report_name: {name} is not a file's name. Name the folder in readiness_report_directory."
            )
        return ReportFiles(args["directory"], name, args["formats"])
