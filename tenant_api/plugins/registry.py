"""Finds plugins by entry point: built-in ones and those of third parties through the same door."""

import sys
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import EntryPoint, EntryPoints, entry_points
from itertools import takewhile
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from tenant_api.settings.environment import variable_of

IDP_PROVIDERS = "tenant_api.idp_providers"
DB_PROVISIONERS = "tenant_api.db_provisioners"
API_VERSION = 1


class PluginError(Exception):
    """A plugin cannot be used; the sentence says which and why."""


@dataclass(frozen=True)
class Installed:
    """A plugin that could be chosen. Nothing of it has been imported."""

    group: str
    name: str
    distribution: str
    version: str


def installed(group: str) -> list[Installed]:
    """All plugins of a family, by name."""
    found = [
        Installed(
            group=group,
            name=point.name,
            distribution=point.dist.name if point.dist else "?",
            version=point.dist.version if point.dist else "?",
        )
        for point in _entry_points(group)
    ]
    return sorted(found, key=lambda plugin: (plugin.name, plugin.distribution))


def load(group: str, name: str, protocol: type) -> type[Any]:
    """Import the class of the chosen plugin and check that it speaks our contract.

    An installed package is code, so only the one that the settings name is ever imported.
    """
    point = _only(group, name)
    try:
        plugin = point.load()
    except Exception as error:
        raise PluginError(f"The plugin {name!r} of {group} cannot be imported: {error!r}.") from error
    if getattr(plugin, "api_version", None) != API_VERSION:
        found = getattr(plugin, "api_version", None)
        raise PluginError(f"The plugin {name!r} speaks version {found} of the contract, this service {API_VERSION}.")
    members = getattr(protocol, "__protocol_attrs__", None) or _members(protocol)
    if missing := sorted(member for member in members if not hasattr(plugin, member)):
        raise PluginError(f"The plugin {name!r} lacks {', '.join(missing)}.")
    return plugin  # type: ignore[no-any-return]  # an entry point promises nothing; the checks above did


def settings_of(plugin: type[Any], section: str, given: dict[str, Any]) -> BaseModel:
    """The plugin's own settings, validated by its own model.

    `section` is where they stand in ours: `idp` or `provisioner`. PluginError names variables, never values.
    """
    model: type[BaseModel] = plugin.settings_model
    try:
        return model.model_validate(given)
    except ValidationError as error:
        problems = error.errors(include_input=False, include_url=False, include_context=False)
        reasons = "; ".join(_problem(section, part) for part in problems)
        raise PluginError(f"The settings of the plugin {plugin.name!r} are wrong: {reasons}.") from None


def _problem(section: str, part: ErrorDetails) -> str:
    """In words that stay as they are where passwords are hidden: those are looked for behind colons."""
    names = map(str, takewhile(lambda step: isinstance(step, str), part["loc"]))
    variable = variable_of((section, "settings", *names))
    return f"{variable} is not set" if part["type"] == "missing" else f"{variable} ({part['msg']})"


@lru_cache(maxsize=1)
def _all_entry_points(path: tuple[str, ...]) -> Any:  # noqa: ARG001 - what is found depends on it
    """What the installed packages offer, of a type that depends on Python's version. A file of each one is read."""
    return entry_points()


def _entry_points(group: str) -> EntryPoints:
    offered: EntryPoints = _all_entry_points(tuple(sys.path)).select(group=group)
    return offered


def _only(group: str, name: str) -> EntryPoint:
    points = [point for point in _entry_points(group) if point.name == name]
    if not points:
        choices = ", ".join(f"{plugin.name} ({plugin.distribution} {plugin.version})" for plugin in installed(group))
        raise PluginError(f"There is no plugin {name!r} in {group}. Installed: {choices or 'none'}.")
    if len({point.value for point in points}) > 1:
        raise PluginError(f"Several packages claim the plugin {name!r} of {group}; uninstall all but one.")
    return points[0]


def _members(protocol: type) -> set[str]:
    own = {name for name in vars(protocol) if not name.startswith("_")}
    return own | {name for name in getattr(protocol, "__annotations__", {}) if not name.startswith("_")}
