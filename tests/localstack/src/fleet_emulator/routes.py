# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The control interface over HTTP, below ``/_fleet/``."""

from __future__ import annotations

import os
from typing import Any

from localstack.http import Request, Response
from localstack.services.edge import ROUTER

from fleet_emulator import agents, ec2_defaults, iam_rules, settings, state
from fleet_emulator.faults import FAULTS, RuleError
from fleet_emulator.holds import HOLDS, HoldError
from fleet_emulator.recorder import RECORDER

_MATCH_KEYS = ("service", "operation", "region", "resource", "principal", "error")


def add() -> None:
    """Serve the routes."""
    ROUTER.add("/_fleet/health", health, methods=["GET"])
    ROUTER.add("/_fleet/calls", calls, methods=["GET", "DELETE"])
    ROUTER.add("/_fleet/faults", faults, methods=["GET", "PUT", "DELETE"])
    ROUTER.add("/_fleet/holds", holds, methods=["GET", "PUT", "DELETE"])
    ROUTER.add("/_fleet/holds/release", release, methods=["POST"])
    ROUTER.add("/_fleet/watch", watch, methods=["GET", "PUT", "DELETE"])
    ROUTER.add("/_fleet/copy", copy, methods=["POST"])
    ROUTER.add("/_fleet/quotas", quotas, methods=["GET", "PUT"])
    ROUTER.add("/_fleet/declarative-policy", declarative_policy, methods=["PUT", "DELETE"])
    ROUTER.add("/_fleet/setting-age", setting_age, methods=["PUT"])
    ROUTER.add("/_fleet/reset", reset, methods=["POST"])


def health(request: Request) -> Response:
    """Who answers here."""
    return _answer({"status": "running", "pid": os.getpid(), "home": os.environ.get("FLEET_EMULATOR_HOME")})


def calls(request: Request) -> Response:
    """GET the recorded calls, DELETE them."""
    account = request.args.get("account")
    if request.method == "DELETE":
        RECORDER.clear(account)
        return _answer({})
    writes = request.args.get("writes", "").lower() in ("1", "true", "yes")
    globs = {key: request.args[key] for key in _MATCH_KEYS if key in request.args}
    return _answer({"calls": RECORDER.find(account, writes, **globs)})


def faults(request: Request) -> Response:
    """GET, PUT (replace) or DELETE the rules."""
    account = request.args.get("account")
    if request.method == "PUT":
        body: Any = request.get_json(force=True, silent=True)
        rules, seed = (body.get("rules"), body.get("seed", 0)) if isinstance(body, dict) else (body, 0)
        if not isinstance(rules, list):
            return _answer({"error": "send a list of rules, or an object with rules and seed"}, 400)
        try:
            FAULTS.set(rules, account, int(seed))
        except (RuleError, TypeError, ValueError) as error:
            return _answer({"error": str(error)}, 400)
    elif request.method == "DELETE":
        FAULTS.clear(account)
    if account and request.method != "GET":
        agents.LOOKS.spoil(account)
    return _answer({"rules": FAULTS.get(account)})


def holds(request: Request) -> Response:
    """GET (and wait for), PUT (replace) or DELETE an account's holds."""
    account = request.args.get("account")
    if not account:
        return _answer({"error": "name the account"}, 400)
    if request.method == "DELETE":
        HOLDS.clear(account)
    elif request.method == "PUT":
        body: Any = request.get_json(force=True, silent=True)
        if not isinstance(body, list):
            return _answer({"error": "send a list of holds"}, 400)
        try:
            HOLDS.set(body, account)
        except HoldError as error:
            return _answer({"error": str(error)}, 400)
    try:
        wait = float(request.args.get("wait", 0))
    except ValueError:
        return _answer({"error": "wait is a number of seconds"}, 400)
    return _answer({"holds": HOLDS.get(account, wait)})


def release(request: Request) -> Response:
    """Let an account's held calls go, or drop them."""
    account = request.args.get("account")
    if not account:
        return _answer({"error": "name the account"}, 400)
    drop = request.args.get("drop", "").lower() in ("1", "true", "yes")
    return _answer({"released": HOLDS.release(account, drop=drop)})


def watch(request: Request) -> Response:
    """PUT: look at the account's agents after each of its writes from now on; GET what was seen; DELETE: stop."""
    account = request.args.get("account")
    if not account:
        return _answer({"error": "name the account"}, 400)
    if request.method == "PUT":
        agents.WATCHES.start(account)
    elif request.method == "DELETE":
        agents.WATCHES.stop(account)
        return _answer({})
    seen = agents.WATCHES.get(account)
    return _answer({"error": "nobody watches this account"}, 404) if seen is None else _answer(seen)


def copy(request: Request) -> Response:
    """Give the account ``to`` all that the account has."""
    try:
        state.copy(request.args.get("account", ""), request.args.get("to", ""))
    except ValueError as error:
        return _answer({"error": str(error)}, 400)
    return _answer({})


def quotas(request: Request) -> Response:
    """GET or change (PUT) the IAM quotas of an account."""
    account = request.args.get("account")
    if not account:
        return _answer({"error": "name the account"}, 400)
    if request.method == "PUT":
        body: Any = request.get_json(force=True, silent=True)
        try:
            iam_rules.QUOTAS_OF.set(account, body)
        except (TypeError, ValueError, AttributeError) as error:
            return _answer({"error": str(error)}, 400)
    return _answer(iam_rules.QUOTAS_OF.of(account))


def declarative_policy(request: Request) -> Response:
    """PUT or DELETE the metadata defaults that a declarative policy of the organization sets in a region."""
    account, region = request.args.get("account"), request.args.get("region")
    if not account or not region:
        return _answer({"error": "name the account and the region"}, 400)
    body: Any = request.get_json(force=True, silent=True) if request.method == "PUT" else {"defaults": None}
    if not isinstance(body, dict) or "defaults" not in body:
        return _answer({"error": "send an object with defaults, and message if there is one"}, 400)
    ec2_defaults.STORE.manage(account, region, body["defaults"], str(body.get("message", "")))
    return _answer({})


def setting_age(request: Request) -> Response:
    """PUT how long ago a service setting was last changed."""
    account, region = request.args.get("account"), request.args.get("region")
    body: Any = request.get_json(force=True, silent=True)
    try:
        path, seconds = settings.path_of(body["setting"]), float(body["seconds"])
        if not account or not region or path not in settings.KINDS:
            raise ValueError(path)
    except (KeyError, TypeError, ValueError):
        return _answer({"error": "name the account and the region, and send a known setting and the seconds"}, 400)
    settings.STORE.set_age(account, region, path, seconds)
    return _answer({})


def reset(request: Request) -> Response:
    """Forget an account."""
    account = request.args.get("account")
    if not account:
        return _answer({"error": "name the account to reset"}, 400)
    state.reset(account)
    return _answer({})


def _answer(body: dict[str, Any], status: int = 200) -> Response:
    response = Response(status=status)
    response.set_json(body)
    return response
