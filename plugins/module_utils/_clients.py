# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Gateway: one boto3 session for a module, and its clients, one for each service and region."""

from __future__ import annotations

import gc
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

try:
    import boto3.session
    import botocore.config
    import botocore.exceptions
    import botocore.utils
except ImportError:
    pass  # AnsibleAWSModule says what is missing

from ansible_collections.amazon.aws.plugins.module_utils.botocore import get_aws_connection_info

from ansible_collections.fleet.aws_ssm.plugins.module_utils._errors import InputError
from ansible_collections.fleet.aws_ssm.plugins.module_utils._regions import (
    Partition,
    partition_of,
    partitions_of,
    same_partition,
)

if TYPE_CHECKING:
    from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

COLLECTION_VERSION = "1.0.0"

# Adaptive mode paces each client at what its region's token bucket gives after the first throttling answer. A region
# that does not answer must not hold the task for botocore's defaults (60 s connect + 60 s read, five times).
_RETRIES = {"mode": "adaptive", "total_max_attempts": 6}
_CONFIG: dict[str, Any] = {
    "connect_timeout": 10,
    "read_timeout": 30,
    "user_agent_extra": f"fleet.aws_ssm/{COLLECTION_VERSION}",
}

_NO_CREDENTIALS = (
    "No AWS credentials found. Looked at the options access_key and secret_key (or AWS_ACCESS_KEY_ID and "
    "AWS_SECRET_ACCESS_KEY), the option profile (or AWS_PROFILE), the shared credentials and configuration files, "
    "a web identity token, and the container's and the instance's metadata."
)


def parse_time(value: Any) -> datetime:
    """A time in an answer: botocore guesses its format each time; the one that AWS writes has a short way.

    An EC2 instance has several: guessing was a third of what it took to read an answer of DescribeInstances.
    """
    if isinstance(value, str) and value[10:11] == "T" and value.endswith("Z"):
        try:
            return datetime.fromisoformat(f"{value[:-1]}+00:00")
        except ValueError:
            pass
    return botocore.utils.parse_timestamp(value)


@dataclass(frozen=True)
class Identity:
    """Whose credentials the task uses."""

    account: str
    partition: str
    arn: str


class Clients:
    """Clients that share one session, which costs 80 ms to build where a further client costs 3 ms.

    Building a client is not thread-safe, so call I(client) in the main thread; the clients themselves are.
    """

    def __init__(self, module: AnsibleAWSModule) -> None:
        """Take connection and credential options from the module; raises InputError where there are none."""
        if not module.params.get("region"):
            module.params["region"] = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
        self.region, self._endpoint, params = get_aws_connection_info(module)
        self._verify = params.pop("verify")
        aws_config = params.pop("aws_config", None)
        self._clients: dict[tuple[str, str], Any] = {}
        self._opt_in: dict[str, str] = {}
        self._identity: Identity | None = None
        try:
            self._session = boto3.session.Session(**params)
            credentials = self._session.get_credentials()
        except botocore.exceptions.BotoCoreError as error:
            raise InputError(f"AWS credentials: {error}") from error
        if credentials is None:
            raise InputError(_NO_CREDENTIALS)
        self._config = botocore.config.Config(**{**_CONFIG, "retries": self._retries()})
        if aws_config:
            self._config = self._config.merge(aws_config)
        # As the AWS CLI does it; boto3 hides its botocore session.
        factory = self._session._session.get_component("response_parser_factory")  # noqa: SLF001
        factory.set_parser_defaults(timestamp_parser=parse_time)

    def _retries(self) -> dict[str, Any]:
        """How often and how botocore repeats calls: the environment and the configuration file go before ours."""
        # boto3 hides its botocore session. Its get_config_variable can't tell a default from what someone has set.
        scoped = self._session._session.get_scoped_config()  # noqa: SLF001
        retries = dict(_RETRIES)
        if mode := os.environ.get("AWS_RETRY_MODE") or scoped.get("retry_mode"):
            retries["mode"] = mode
        if attempts := os.environ.get("AWS_MAX_ATTEMPTS") or scoped.get("max_attempts"):
            if not str(attempts).isdigit() or int(attempts) < 1:
                raise InputError(f"AWS_MAX_ATTEMPTS (max_attempts): {attempts!r} is not a number of attempts from 1.")
            retries["total_max_attempts"] = int(attempts)
        return retries

    def client(self, service: str, region: str) -> Any:
        """The client of a service in a region, made on first use."""
        key = (service, region)
        if key not in self._clients:
            self._clients[key] = self._session.client(
                service, region_name=region, endpoint_url=self._endpoint, verify=self._verify, config=self._config
            )
            if len(self._clients) == 1:
                # What is loaded by now stays for good. Not walking it in every collection halves a client's cost.
                gc.freeze()
        return self._clients[key]

    def global_region(self, regions: Sequence[str] = (), partition: str | None = None) -> str:
        """The region to ask global services in: they answer for the partition of the regions that a task is about.

        C(partition) is its name, where that is known instead. Without a region, botocore takes C(aws-global), which is
        wrong for credentials of any other partition.
        """
        partitions = self.partitions()
        wanted = partition_of(regions, partitions) if regions else None
        if partition and not wanted:
            wanted = next((one for one in partitions if one.name == partition), None)
        if not wanted:
            return self.region or partitions[0].home
        return self.region if self.region and same_partition(self.region, wanted) else (*regions, wanted.home)[0]

    def identity(self, regions: Sequence[str] = (), partition: str | None = None) -> Identity:
        """STS GetCallerIdentity, asked once, in I(global_region)."""
        if self._identity is None:
            sts = self.client("sts", self.global_region(regions, partition))
            answer = sts.get_caller_identity()
            self._identity = Identity(answer["Account"], answer["Arn"].split(":")[1], answer["Arn"])
        return self._identity

    def partitions(self) -> list[Partition]:
        """What the installed botocore knows of partitions and regions."""
        # boto3 hides its botocore session; get_available_regions() reads a file that lists fewer regions.
        return partitions_of(self._session._session.get_data("partitions"))  # noqa: SLF001

    def region_opt_in(self, region: str) -> dict[str, str]:
        """Every region of the partition and its OptInStatus, asked once, in C(region) (EC2 DescribeRegions)."""
        if not self._opt_in:
            answer = self.client("ec2", region).describe_regions(AllRegions=True)
            self._opt_in = {entry["RegionName"]: entry["OptInStatus"] for entry in answer["Regions"]}
        return self._opt_in
