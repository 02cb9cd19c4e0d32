"""Reads the routes file: the list of routes that an operator writes in YAML."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import yaml
from marshmallow import ValidationError
from marshmallow import fields as fields_of_marshmallow

from authz_gateway.routing.route_table import Access, Route, RouteTable
from shared.declared import Faults, load
from shared.policy.paths import is_own
from shared.settings import SettingsError

_VARIABLE = re.compile(r"\$\{(\w+)\}", re.ASCII)
_KEYS = frozenset(field.name for field in fields(Route))
_WHEN = "when"
_SWITCH = fields_of_marshmallow.Boolean()


def load_routes(path: Path, variables: Mapping[str, str]) -> RouteTable:
    """The routes of the file; `${NAME}` in an upstream is replaced from `variables`.

    A route with `when` exists only if the variable that it names is true.

    Raises `SettingsError` with all faults.
    """
    faults: list[str] = []
    routes: list[Route] = []
    for number, row in enumerate(_rows(path), 1):
        try:
            if _exists(row, variables):
                routes.append(_route(row, variables))
        except Faults as error:
            prefix = row.get("prefix") if isinstance(row, Mapping) else None
            place = f"{path}, route {number}" + (f" ({prefix})" if prefix else "")
            faults += (f"{place}: {fault}" for fault in _sentences(error))
    faults += (f"{path}: {fault}" for fault in _conflicts(routes))
    if faults:
        raise SettingsError(faults)
    return RouteTable(routes)


_SHARED_KEYS = (
    *("upstream", "rewrite", "timeout", "rate", "burst"),
    *("path", "case_insensitive", "trusted", "trailers", "resource"),
)
"""Keys that must be the same in all routes of one prefix."""


def _conflicts(routes: Iterable[Route]) -> Iterator[str]:
    """Faults of routes with the same prefix: they may differ only in methods and access."""
    by_prefix: defaultdict[str, list[Route]] = defaultdict(list)
    for route in routes:
        by_prefix[route.prefix].append(route)
    for prefix, group in by_prefix.items():
        methods = Counter(method for route in group for method in route.methods or ())
        if len(group) > 1 and not all(route.methods for route in group):
            yield f"{prefix} stands {len(group)} times: name the methods of each."
        yield from (f"{prefix}: {name} stands {n} times." for name, n in methods.items() if n > 1)
        for name in _SHARED_KEYS:
            if any(getattr(route, name) != getattr(group[0], name) for route in group):
                yield f"{prefix}: {name} differs; routes of one prefix have it in common."


def _rows(path: Path) -> list[Any]:
    try:
        rows = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise SettingsError([f"{path}: {error}"]) from None
    if not isinstance(rows, list) or not rows:
        raise SettingsError([f"{path}: Not a list of routes."])
    return rows


def _exists(row: Any, variables: Mapping[str, str]) -> bool:
    """Whether the route's switch is on; a route without one exists. Raises `Faults`."""
    if not isinstance(row, Mapping) or _WHEN not in row:
        return True
    name = row[_WHEN]
    if not isinstance(name, str) or not variables.get(name):
        raise Faults({_WHEN: [f"{name} is not set."]})
    try:
        return bool(_SWITCH.deserialize(variables[name]))
    except ValidationError:
        raise Faults({_WHEN: [f"{name} is neither true nor false."]}) from None


def _route(row: Any, variables: Mapping[str, str]) -> Route:
    if not isinstance(row, Mapping):
        raise Faults({"route": ["Not a mapping of names to values."]})
    unknown = {str(key): ["Unknown."] for key in row if key not in _KEYS and key != _WHEN}
    upstream = row.get("upstream")
    unset: list[str] = []
    if isinstance(upstream, str):
        unset = [name for name in _VARIABLE.findall(upstream) if not variables.get(name)]
        row = {**row, "upstream": _VARIABLE.sub(lambda name: variables.get(name[1], ""), upstream)}
    try:
        route = load(Route, {key: value for key, value in row.items() if key in _KEYS})
    except Faults as error:
        found = dict(error.by_key)
    else:
        needed = not route.upstream and route.access is not Access.BLOCKED
        found = {"upstream": ["Missing."]} if needed else {}
        if route.burst is not None and route.rate is None:
            found["burst"] = ["Of no rate."]
        if route.access is not Access.REQUIRED:
            found |= {
                name: ["Only of a route with `access: required`."]
                for name in ("max_age", "acr")
                if getattr(route, name) is not None
            }
        if route.takes_raw_paths and is_own(route.prefix):
            found["path"] = ["Our own services have strict paths."]
    if unset:
        found["upstream"] = [f"{name} is not set." for name in unset]
    if found or unknown:
        raise Faults({**found, **unknown})
    return route


def _sentences(faults: Faults) -> Iterator[str]:
    return (f"{key}: {' '.join(messages)}" for key, messages in faults.by_key.items())
