# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""EC2's errors (Amazon EC2 API Reference, "Error codes for the Amazon EC2 API")."""

from __future__ import annotations

from localstack.aws.api import CommonServiceException


class Ec2Error(CommonServiceException):
    """A client error of EC2."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code, message, 400, True)


def invalid_value(message: str) -> Ec2Error:
    """InvalidParameterValue."""
    return Ec2Error("InvalidParameterValue", message)
