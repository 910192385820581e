# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""Module body of ssm_managed_instance_info: read every region side by side, judge each instance, count."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from ansible_collections.fleet.aws_ssm.plugins.module_utils._clients import Clients
from ansible_collections.fleet.aws_ssm.plugins.module_utils._errors import Failure, InputError, describe
from ansible_collections.fleet.aws_ssm.plugins.module_utils._iam_reader import IamReader
from ansible_collections.fleet.aws_ssm.plugins.module_utils._instance_selection import (
    check_found,
    instance_filters,
    instance_ids,
)
from ansible_collections.fleet.aws_ssm.plugins.module_utils._reachability import Network
from ansible_collections.fleet.aws_ssm.plugins.module_utils._readiness import (
    Assessment,
    assess,
    needs_network,
)
from ansible_collections.fleet.aws_ssm.plugins.module_utils._readiness_fix import BACKUP
from ansible_collections.fleet.aws_ssm.plugins.module_utils._readiness_reading import (
    Wanted,
    read_iam,
    read_networks,
    read_regions,
)
from ansible_collections.fleet.aws_ssm.plugins.module_utils._readiness_reasons import Reason
from ansible_collections.fleet.aws_ssm.plugins.module_utils._readiness_report import (
    check_baseline,
    comparison,
    instance_row,
    reasons_of,
    region_forbidden_row,
    region_off_row,
    region_row,
    sorted_rows,
    totals_of,
)
from ansible_collections.fleet.aws_ssm.plugins.module_utils._readiness_types import Subject
from ansible_collections.fleet.aws_ssm.plugins.module_utils._regional import (
    choose_regions,
    refuse_disabled,
    regions_off,
    set_aside_closed,
)
from ansible_collections.fleet.aws_ssm.plugins.module_utils._regions import ALL, split_names

if TYPE_CHECKING:
    from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule


def run_info(module: AnsibleAWSModule) -> dict[str, Any]:
    """ssm_managed_instance_info: fails, with what was read, if a region or a part of IAM could not be read.

    Unless `fail_on_unread` is off: then the message is in the result.
    """
    baseline = check_baseline(module.params["baseline"])
    quota = module.params["node_quota"]
    if quota < 0:
        raise InputError(f"node_quota: {quota} is not a number of nodes; 0 stands for no quota.")
    backup = module.params["backup_file_name"] or BACKUP
    look = Look(module)
    rows = look.rows(backup)
    regions = look.region_rows(rows, quota)
    totals = totals_of(rows, regions)
    result: dict[str, Any] = {
        "changed": False,
        "generated": look.now.isoformat(timespec="seconds"),
        "account": look.account,
        "partition": look.partition,
        "instances": rows,
        "regions": regions,
        "totals": totals,
        "reasons": reasons_of(look.reasons(), regions, backup),
        "failed_regions": [{"region": row["region"], "error": row["error"]} for row in regions if row["failed"]],
        "forbidden_regions": list(look.forbidden),
        "unread": look.iam.unread,
    }
    if baseline is not None:
        result["comparison"] = comparison(baseline, rows, totals["coverage"])
    why = [f"{one['region']}: {one['error']['code']}: {one['error']['message']}" for one in result["failed_regions"]]
    why += look.iam.unread
    if why:
        more = f"; and {len(why) - 10} more" if len(why) > 10 else ""
        message = f"Not all could be read: {'; '.join(why[:10])}{more}"
        if module.params["fail_on_unread"]:
            raise Failure(message, **result)
        result["msg"] = message
    return result


class Look:
    """One look at the instances of all regions. What can't be read is kept, and the rest is judged all the same."""

    def __init__(self, module: AnsibleAWSModule) -> None:
        """Read it all; raises InputError for bad input."""
        params = module.params
        deadline = time.monotonic() + params["timeout"]
        ids = instance_ids(params["instance_ids"]) or []
        if ids and params["filters"]:
            raise InputError("instance_ids and filters are mutually exclusive: give one of them.")
        filters = [] if ids else instance_filters(params["filters"])
        clients = Clients(module)
        self.regions = choose_regions(module, clients)
        every = [name.lower() for name in split_names(params["regions"]) or []] == [ALL]
        self.off = regions_off(clients, self.regions) if every else []
        self.now = datetime.now(timezone.utc)
        reader = IamReader(clients.client("iam", clients.global_region(self.regions)), deadline)
        # A region that does not answer must leave time for IAM and the networks.
        half = deadline - params["timeout"] / 2
        self.facts = read_regions(clients, Wanted(self.regions, ids, filters), half, reader.begin)
        closed = {region: one.error for region, one in self.facts.items() if one.error and one.closed}
        self.forbidden = {
            region: describe(error)
            for region in set_aside_closed(params, self.regions, dict(closed), list(closed))
            for error in [closed[region]]
        }
        self.errors = {
            region: one.error for region, one in self.facts.items() if one.error and region not in self.forbidden
        }
        refuse_disabled(clients, self.errors)
        machines = [machine for one in self.facts.values() for machine in one.machines]
        if not self.errors:
            check_found(ids, (machine.id for machine in machines), self.regions)
        self.account, self.partition = self._whereabouts()
        arns = {machine.profile_arn for machine in machines if machine.profile_arn and machine.state == "running"}
        self.iam = read_iam(reader, arns, self.facts)
        self._judged = [self._judge(subject) for subject in self._subjects()]
        unclear = [subject.machine for subject, found in self._judged if needs_network(found)]
        networks, errors = read_networks(clients, unclear, deadline)
        for region, error in errors.items():
            self.errors.setdefault(region, error)
        self._judged = [
            self._judge(subject, networks[subject.machine.region])
            if subject.machine.region in networks and needs_network(found)
            else (subject, found)
            for subject, found in self._judged
        ]

    def _whereabouts(self) -> tuple[str | None, str | None]:
        """Account and partition, from the ARN of a setting or of a profile."""
        arns = [one.setting.arn for one in self.facts.values() if one.setting and one.setting.arn]
        arns += [machine.profile_arn for one in self.facts.values() for machine in one.machines if machine.profile_arn]
        if not arns:
            return None, None
        _arn, partition, _service, _region, account, _name = arns[0].split(":", 5)
        return account, partition

    def _subjects(self) -> Iterator[Subject]:
        for facts in self.facts.values():
            for machine in facts.machines:
                yield Subject(
                    machine,
                    self.iam.dhmc(machine),
                    facts.nodes.get(machine.id),
                    self.iam.profile(machine),
                    facts.unfinished.get(machine.id, ""),
                )

    def _judge(self, subject: Subject, network: Network | None = None) -> tuple[Subject, Assessment]:
        return subject, assess(subject, network, self.now)

    def rows(self, backup: str = BACKUP) -> list[dict[str, Any]]:
        """Each instance. The commands in its fixes name the file `backup`."""
        return sorted_rows(instance_row(self.account, subject, found, backup) for subject, found in self._judged)

    def reasons(self) -> Iterator[Reason]:
        """Those of all instances."""
        for _subject, found in self._judged:
            yield from found.reasons

    def region_rows(self, rows: Iterable[Mapping[str, Any]], quota: int) -> list[dict[str, Any]]:
        """Each region, and those that are off."""
        of_region: dict[str, list[Mapping[str, Any]]] = {region: [] for region in self.regions}
        for row in rows:
            of_region[row["region"]].append(row)
        found = []
        for region, facts in self.facts.items():
            if region in self.forbidden:
                found.append(region_forbidden_row(region, self.forbidden[region]))
                continue
            dhmc = self.iam.dhmc_of(region)
            row = region_row(region, of_region[region], dhmc=dhmc, nodes=len(facts.nodes), quota=quota)
            if region in self.errors:
                row.update(failed=True, error=describe(self.errors[region]))
            found.append(row)
        return found + [region_off_row(region) for region in self.off]
