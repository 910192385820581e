# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Large answers of EC2, written straight to XML.

moto renders an answer, LocalStack parses it and writes it again: 4 ms for each instance, 10 s for a fleet of 2,400.
Here a shape of botocore's model is turned into a writer once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cache
from typing import Any
from xml.sax.saxutils import escape

from localstack.aws.api import RequestContext
from localstack.http import Response

Writer = Callable[[Any], str]


def respond(context: RequestContext, answer: Mapping[str, Any]) -> Response:
    """The HTTP response to the operation of this context."""
    operation = context.operation
    # Without it LocalStack would parse the response for its own record, which takes four times as long as writing it.
    context.service_response = dict(answer)
    root, namespace = f"{operation.name}Response", operation.metadata.get("xmlNamespace", "")
    body = (
        f"<?xml version='1.0' encoding='utf-8'?>\n<{root} xmlns=\"{namespace}\">"
        f"{_output_writer(operation)(answer)}<requestId>{context.request_id}</requestId></{root}>"
    )
    return Response(body, 200, {"Content-Type": "text/xml", "x-amzn-RequestId": context.request_id})


@cache
def _output_writer(operation: Any) -> Writer:
    return _writer(operation.output_shape)


def _writer(shape: Any) -> Writer:
    if shape.type_name == "structure":
        # A member gets its writer when it is first met: most of an instance's shape is never used here.
        return _structure_writer(shape)
    if shape.type_name == "list":
        item = _writer(shape.member)
        return lambda values: "".join([f"<item>{item(value)}</item>" for value in values])
    if shape.type_name == "boolean":
        return lambda value: "true" if value else "false"
    if shape.type_name == "timestamp":
        return _timestamp
    return lambda value: escape(str(value))


def _structure_writer(shape: Any) -> Writer:
    members: dict[str, tuple[str, str, Writer]] = {}

    def member(key: str) -> tuple[str, str, Writer]:
        child = shape.members[key]
        name = child.serialization.get("name", key)
        members[key] = found = (f"<{name}>", f"</{name}>", _writer(child))
        return found

    def write(values: Mapping[str, Any]) -> str:
        parts: list[str] = []
        for key, value in values.items():
            if value is not None:
                start, end, inner = members.get(key) or member(key)
                parts += (start, inner(value), end)
        return "".join(parts)

    return write


def _timestamp(value: datetime | str) -> str:
    return value if isinstance(value, str) else value.strftime("%Y-%m-%dT%H:%M:%S.000Z")
