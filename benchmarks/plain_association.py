# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The least that a program has to do: list the instances of each region and associate the profile with them.

With --burst and --rate the calls of a region are spread as its token bucket allows: the bound that the module is held
against. Without them they are all sent at once: what a pool of threads does that knows nothing of token buckets.

Left out on purpose: looking the profile up, skipping instances that can't be changed or have a profile, waiting until
the associations are in effect, undoing, reporting each instance.

Usage: plain_association.py [--burst N --rate N] [--threads N] PROFILE REGION...
"""

from __future__ import annotations

import argparse
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError


def associate(client: Any, profile: str, threads: int, burst: int, rate: float) -> list[str]:
    """Associate the profile with every instance of the client's region; returns the errors."""
    pages = client.get_paginator("describe_instances").paginate(PaginationConfig={"PageSize": 1000})
    ids = [i["InstanceId"] for page in pages for row in page["Reservations"] for i in row["Instances"]]
    errors = []
    # The bucket gives tokens since the first call has reached it, so at the latest since that call's answer.
    first_answer = threading.Event()
    refilled_since = 0.0

    def one(number: int) -> None:
        nonlocal refilled_since
        if burst and number >= burst:
            first_answer.wait()
            time.sleep(max(0.0, refilled_since + (number - burst + 1) / rate - time.monotonic()))
        try:
            client.associate_iam_instance_profile(InstanceId=ids[number], IamInstanceProfile={"Name": profile})
        except ClientError as error:
            errors.append(f"{ids[number]}: {error}")
        if not first_answer.is_set():
            refilled_since = time.monotonic()
            first_answer.set()

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(one, range(len(ids))))
    return errors


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--threads", type=int, default=16, help="for each region")
    parser.add_argument("--burst", type=int, default=0)
    parser.add_argument("--rate", type=float, default=0.0)
    parser.add_argument("profile")
    parser.add_argument("regions", nargs="+")
    arguments = parser.parse_args()
    session = boto3.Session()
    config = Config(max_pool_connections=arguments.threads)
    clients = [session.client("ec2", region_name=region, config=config) for region in arguments.regions]

    def one(client: Any) -> list[str]:
        return associate(client, arguments.profile, arguments.threads, arguments.burst, arguments.rate)

    with ThreadPoolExecutor(len(clients)) as pool:
        errors = [error for found in pool.map(one, clients) for error in found]
    print("\n".join(errors), end="", file=sys.stderr)
    return 1 if errors else 0


if __name__ == "__main__":
    raise SystemExit(main())
