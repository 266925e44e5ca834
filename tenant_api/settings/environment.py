"""From environment variables to a tree of values, with every variable of ours accounted for."""

import difflib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from inspect import isclass
from typing import Any, get_origin

from pydantic import BaseModel

PREFIX = "TENANT_API_"
DELIMITER = "__"

SettingPath = tuple[str, ...]

_SERVICE_HOST = "_SERVICE_HOST"
_SERVICE_ADDRESS = re.compile(r"(tcp|udp|sctp)://")
_SERVICE_VARIABLE = re.compile(
    r"_(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)"
)


def variable_of(path: SettingPath) -> str:
    """The environment variable of a setting: `("http", "port")` is `TENANT_API_HTTP__PORT`."""
    return PREFIX + DELIMITER.join(path).upper()


@dataclass(frozen=True)
class Catalogue:
    """Every setting there is. Below an `open_paths` entry any name is allowed: a plugin's model judges it."""

    paths: Mapping[str, SettingPath]
    open_paths: Mapping[str, SettingPath]

    @classmethod
    def of(cls, model: type[BaseModel]) -> "Catalogue":
        leaves = list(_leaves(model, ()))
        return cls(
            paths={variable_of(path): path for path, is_open in leaves if not is_open},
            open_paths={variable_of(path) + DELIMITER: path for path, is_open in leaves if is_open},
        )

    def find(self, variable: str) -> SettingPath | None:
        if path := self.paths.get(variable):
            return path
        for start, path in self.open_paths.items():
            if variable.startswith(start):
                names = variable.removeprefix(start).lower().split(DELIMITER)
                return (*path, *names) if all(names) else None
        return None

    def nearest(self, variable: str) -> str:
        known = {name.removeprefix(PREFIX): name for name in self.paths}
        known |= {name.removeprefix(PREFIX): f"{name}…" for name in self.open_paths}
        wanted = variable.upper().removeprefix(PREFIX)
        return known[difflib.get_close_matches(wanted, known, n=1, cutoff=0)[0]]


def read_environment(catalogue: Catalogue, environ: Mapping[str, str]) -> tuple[dict[str, Any], list[str]]:
    """The values given, as a nested tree, and the problems with the names of variables."""
    tree: dict[str, Any] = {}
    problems = []
    foreign = _service_variables(environ)
    for variable in sorted(environ):
        if not variable.upper().startswith(PREFIX) or variable in foreign:
            continue
        path = catalogue.find(variable)
        if path is None:
            problems.append(f"{variable}: there is no such setting; did you mean {catalogue.nearest(variable)}?")
        elif not _put(tree, path, environ[variable]):
            problems.append(f"{variable}: contradicts another variable of almost the same name")
    return tree, problems


def _put(tree: dict[str, Any], path: SettingPath, value: str) -> bool:
    group: Any = tree
    for name in path[:-1]:
        group = group.setdefault(name, {})
        if not isinstance(group, dict):
            return False
    if path[-1] in group:
        return False
    group[path[-1]] = value
    return True


def _leaves(model: type[BaseModel], above: SettingPath) -> Iterator[tuple[SettingPath, bool]]:
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isclass(kind) and issubclass(kind, BaseModel):
            yield from _leaves(kind, (*above, name))
        else:
            yield (*above, name), get_origin(kind) is dict


def _service_variables(environ: Mapping[str, str]) -> set[str]:
    """What Kubernetes injects for Services whose names begin with `tenant-api`."""
    stems = [
        name.removesuffix(_SERVICE_HOST)
        for name in environ
        if name.endswith(_SERVICE_HOST) and _SERVICE_ADDRESS.match(environ.get(_port_of(name), ""))
    ]
    return {
        name
        for name in environ
        for stem in stems
        if DELIMITER not in name and name.startswith(stem) and _SERVICE_VARIABLE.fullmatch(name, len(stem))
    }


def _port_of(service_host: str) -> str:
    return service_host.removesuffix(_SERVICE_HOST) + "_PORT"
