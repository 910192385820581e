# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to fleet.aws_ssm: may change in any release.
"""What a filter says of input that is not what it takes: one line, in no words of Python's."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from ansible.errors import AnsibleFilterError

Filter = TypeVar("Filter", bound=Callable[..., Any])


def takes(what: str) -> Callable[[Filter], Filter]:
    """Return a decorator for a filter that takes `what`, such as "the list 'regions' that a module returns".

    A result has many levels, and each filter reads what it shows; so it is asked whether it could, instead of a second
    description of the same form.
    """

    def decorate(function: Filter) -> Filter:
        @wraps(function)
        def checked(*args: Any, **options: Any) -> Any:
            name = function.__name__
            try:
                return function(*args, **options)
            except KeyError as error:  # Ansible would add the words of a cause
                raise AnsibleFilterError(f"{name} takes {what}: there is no {error} in what was given.") from None
            except (AttributeError, IndexError, TypeError, ValueError):
                raise AnsibleFilterError(f"{name} takes {what}: what was given is something else.") from None

        return checked  # type: ignore[return-value]

    return decorate
