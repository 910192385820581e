# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""IAM with AWS's quotas, name rules and pages."""

from __future__ import annotations

from localstack.services.iam.provider import IamProvider


class FleetIamProvider(IamProvider):  # type: ignore[misc]
    """LocalStack's IAM with what it lacks or gets wrong."""
