# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Rules: the text of a policy document, checked for what IAM refuses. Pure.

IAM User Guide, "Grammar of the IAM JSON policy language"; IAM API Reference, CreatePolicy.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from ansible_collections.fleet.aws_ssm.plugins.module_utils._errors import InputError
from ansible_collections.fleet.aws_ssm.plugins.module_utils._iam_policy import as_list
from ansible_collections.fleet.aws_ssm.plugins.module_utils._role_policies import document_text

# The characters that IAM takes.
_TEXT = re.compile("[\u0009\u000a\u000d\u0020-\u00ff]+")
_LENGTH = 131_072
_VERSIONS = ("2012-10-17", "2008-10-17")
_ELEMENTS = frozenset({"Version", "Id", "Statement"})
_STATEMENT = frozenset({"Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Condition"})
_SID = re.compile(r"[A-Za-z0-9]*")
_RESOURCE = re.compile(r"\*|arn:.+", re.DOTALL)
_ACTION = re.compile(r"\*|[A-Za-z0-9-]+:[A-Za-z0-9*?]+")


def checked_document(option: str, name: str, given: Any) -> str:
    """The text of a document that is given as a dictionary or as text, or InputError if IAM would not take it.

    Text stays as it is, byte for byte.
    """
    text = document_text(option, name, given)
    document = json.loads(text)
    where = f"{option}: the document of {name!r}"
    if not _TEXT.fullmatch(text) or len(text) > _LENGTH:
        raise InputError(
            f"{where} has more than {_LENGTH} characters, or some beyond Latin-1, which IAM does not take."
        )
    unknown = sorted(set(document) - _ELEMENTS)
    if unknown:
        raise InputError(f"{where} has {unknown[0]!r}: a document has Version, Id and Statement.")
    if document.get("Version", _VERSIONS[0]) not in _VERSIONS:
        raise InputError(f"{where} has the Version {document['Version']!r}: give {_VERSIONS[0]!r}, in quotes.")
    sids: set[str] = set()
    for number, statement in enumerate(as_list(document["Statement"]), start=1):
        problem = _problem(statement, sids)
        if problem:
            raise InputError(f"{option}: statement {number} of {name!r} {problem}")
    return text


def _problem(statement: Mapping[str, Any], sids: set[str]) -> str:
    """What is wrong with a statement that has its elements, or an empty text."""
    unknown = sorted(set(statement) - _STATEMENT)
    if unknown:
        return f"has {unknown[0]!r}: a policy of this kind has {', '.join(sorted(_STATEMENT))} there."
    sid = str(statement.get("Sid", ""))
    if not _SID.fullmatch(sid) or (sid and sid in sids):
        return f"has the Sid {sid!r}: it has letters and digits only, and each statement another one."
    sids.add(sid)
    if not isinstance(statement.get("Condition", {}), Mapping):
        return "has a Condition that is not a dictionary."
    # A policy variable has characters of its own, but only inside of an ARN.
    return _wrong_values(statement, "Action", _ACTION, "SERVICE:ACTION, or *") or _wrong_values(
        statement, "Resource", _RESOURCE, "an ARN, or *"
    )


def _wrong_values(statement: Mapping[str, Any], element: str, form: re.Pattern[str], allowed: str) -> str:
    negated = f"Not{element}"
    if element in statement and negated in statement:
        return f"has both {element} and {negated}: give one of them."
    values = as_list(statement.get(element, statement.get(negated)))
    wrong = [value for value in values if not isinstance(value, str) or not form.fullmatch(value)]
    if wrong:
        return f"has the {element.lower()} {wrong[0]!r}: give {allowed}."
    return "" if values else f"has no {element.lower()}: give {allowed}."
