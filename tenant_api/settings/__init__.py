"""The settings of the service: one frozen tree, read once from the environment."""

from tenant_api.settings.errors import SettingsError
from tenant_api.settings.load import load_settings
from tenant_api.settings.tree import Settings

__all__ = ["Settings", "SettingsError", "load_settings"]
