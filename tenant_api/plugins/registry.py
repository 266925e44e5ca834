"""Finds plugins by entry point: built-in ones and those of third parties through the same door."""

from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from pydantic import BaseModel, ValidationError

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
        for point in entry_points(group=group)
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


def settings_of(plugin: type[Any], given: dict[str, Any]) -> BaseModel:
    """The plugin's own settings, validated by its own model. The message names members, never values."""
    model: type[BaseModel] = plugin.settings_model
    try:
        return model.model_validate(given)
    except ValidationError as error:
        reasons = "; ".join(f"{'.'.join(map(str, part['loc']))}: {part['msg']}" for part in error.errors())
        raise PluginError(f"The settings of the plugin {plugin.name!r} are wrong: {reasons}.") from None


def _only(group: str, name: str) -> EntryPoint:
    points = [point for point in entry_points(group=group) if point.name == name]
    if not points:
        choices = ", ".join(f"{plugin.name} ({plugin.distribution} {plugin.version})" for plugin in installed(group))
        raise PluginError(f"There is no plugin {name!r} in {group}. Installed: {choices or 'none'}.")
    if len({point.value for point in points}) > 1:
        raise PluginError(f"Several packages claim the plugin {name!r} of {group}; uninstall all but one.")
    return points[0]


def _members(protocol: type) -> set[str]:
    own = {name for name in vars(protocol) if not name.startswith("_")}
    return own | {name for name in getattr(protocol, "__annotations__", {}) if not name.startswith("_")}
