# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What an engineer would write without Ansible: one session, a thread pool, read and set in every region.

Usage: plain_boto3.py SETTING VALUE REGION...
"""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3


def main() -> None:
    setting, value, *regions = sys.argv[1:]
    session = boto3.Session()
    clients = [session.client("ssm", region_name=region) for region in regions]

    def apply(client: Any) -> None:
        if client.get_service_setting(SettingId=setting)["ServiceSetting"]["SettingValue"] != value:
            client.update_service_setting(SettingId=setting, SettingValue=value)

    with ThreadPoolExecutor(len(regions)) as pool:
        list(pool.map(apply, clients))


if __name__ == "__main__":
    main()
