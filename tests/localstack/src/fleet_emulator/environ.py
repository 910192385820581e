# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The environment variables of the two sides: the emulator's process and the programs that call it."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

DEFAULT_ACCOUNT = "000000000000"
DEFAULT_REGION = "us-east-1"
# Without "events": with it LocalStack's SSM would send an event for every change of a parameter.
SERVICES = (
    "account",
    "ec2",
    "iam",
    "kms",
    "logs",
    "organizations",
    "resourcegroupstaggingapi",
    "route53",
    "s3",
    "ssm",
    "sts",
)
OVERRIDDEN = ("account", "ec2", "iam", "organizations", "ssm", "sts")

# Variables of the AWS SDKs that say how to call, not whom: a caller may keep them.
_KEPT = frozenset({"AWS_REGION", "AWS_DEFAULT_REGION", "AWS_MAX_ATTEMPTS", "AWS_RETRY_MODE", "AWS_PAGER"})
# Prefixes under which the SDKs and the amazon.aws collection look for credentials, profiles and endpoints.
_AWS_PREFIXES = ("AWS_", "EC2_", "BOTO_", "S3_URL")
# What the server takes over from its starter: nothing that could name an account or an endpoint.
_SERVER_KEPT = (
    "PATH",
    "PYTHONPATH",
    "VIRTUAL_ENV",
    "LANG",
    "LC_ALL",
    "TZ",
    "LD_LIBRARY_PATH",
    "COVERAGE_PROCESS_START",
)


def is_account_id(value: str | None) -> bool:
    """Whether LocalStack would read this access key as an account id."""
    return bool(value) and re.fullmatch(r"\d{12}", value or "") is not None


def client_environment(base: Mapping[str, str], endpoint: str, account: str | None = None) -> dict[str, str]:
    """The environment in which a program reaches only the emulator, whatever AWS set-up its user has."""
    env = {key: value for key, value in base.items() if key in _KEPT or not key.startswith(_AWS_PREFIXES)}
    given = account or base.get("AWS_ACCESS_KEY_ID")
    region = base.get("AWS_REGION") or base.get("AWS_DEFAULT_REGION") or DEFAULT_REGION
    no_proxy = base.get("NO_PROXY") or base.get("no_proxy") or ""
    no_proxy = ",".join([*filter(None, no_proxy.split(",")), "127.0.0.1", "localhost"])
    env.update(
        AWS_ENDPOINT_URL=endpoint,
        AWS_ACCESS_KEY_ID=given if given and is_account_id(given) else DEFAULT_ACCOUNT,
        AWS_SECRET_ACCESS_KEY="emulator",
        AWS_REGION=region,
        AWS_DEFAULT_REGION=base.get("AWS_DEFAULT_REGION") or region,
        AWS_EC2_METADATA_DISABLED="true",
        # Files that exist and are empty: no profile, no role, no single sign-on can come from them.
        AWS_CONFIG_FILE="/dev/null",
        AWS_SHARED_CREDENTIALS_FILE="/dev/null",
        NO_PROXY=no_proxy,
        no_proxy=no_proxy,
    )
    return env


def server_environment(base: Mapping[str, str], home: Path, port: int) -> dict[str, str]:
    """The environment of the emulator's own process: all its files under *home*, nothing asked of the network."""
    env = {key: base[key] for key in _SERVER_KEPT if key in base}
    if env.get("PYTHONPATH"):
        # The server works in a folder of its own, where a relative path would lead nowhere.
        env["PYTHONPATH"] = os.pathsep.join(os.path.abspath(path) for path in env["PYTHONPATH"].split(os.pathsep))
    env.update(
        HOME=str(home),
        # LocalStack warns that this is deprecated, yet its S3 would otherwise write to a folder shared by all.
        TMPDIR=str(home / "tmp"),
        CONFIG_DIR=str(home / "config"),
        FILESYSTEM_ROOT=str(home / "filesystem"),
        # The plugin cache of an earlier start would hide entry points that were installed or edited since.
        XDG_CACHE_HOME=str(home / "cache"),
        GATEWAY_LISTEN=f"127.0.0.1:{port}",
        GATEWAY_SERVER="fleet",
        LOCALSTACK_HOST=f"127.0.0.1:{port}",
        SERVICES=",".join(SERVICES),
        STRICT_SERVICE_LOADING="1",
        EAGER_SERVICE_LOADING="0",
        PERSISTENCE="0",
        DISABLE_EVENTS="1",
        SKIP_SSL_CERT_DOWNLOAD="1",
        DNS_ADDRESS="0",
        AWS_EC2_METADATA_DISABLED="true",
        AWS_CONFIG_FILE="/dev/null",
        AWS_SHARED_CREDENTIALS_FILE="/dev/null",
        MOTO_ALLOW_NONEXISTENT_REGION="true",
        # Two images instead of the 1,181 that moto would make for each account and region.
        MOTO_AMIS_PATH=str(Path(__file__).with_name("amis.json")),
        PYTHONUNBUFFERED="1",
    )
    env.update({f"PROVIDER_OVERRIDE_{service.upper()}": "fleet" for service in OVERRIDDEN})
    return env
