"""The entrance to the settings."""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from tenant_api.settings.defaults import data_folder
from tenant_api.settings.environment import PREFIX, Catalogue, read_environment, variable_of
from tenant_api.settings.errors import SettingsError
from tenant_api.settings.tree import KeySettings, Settings

_MAKING_KEYS = {
    "connection_strings": "openssl rand -base64 24",
    "sealing": 'echo "k1:$(openssl rand -base64 32)"',
    "pepper": 'echo "k1:$(openssl rand -base64 32)"',
    "marker": 'echo "k1:$(openssl rand -base64 32)"',
}


def load_settings(environ: Mapping[str, str]) -> Settings:
    """Read all settings from `environ`, which is `os.environ` in production.

    Nothing else in the service reads the environment. SettingsError lists every problem, one per line, each
    with the variable that it is about and without any value.
    """
    catalogue = Catalogue.of(Settings)
    tree, problems = read_environment(catalogue, environ)
    problems += _missing_keys(tree)
    tree.setdefault("embedded", {}).setdefault("folder", data_folder(environ))
    try:
        settings = Settings.model_validate(tree)
    except ValidationError as error:
        problems += _invalid_values(error, catalogue)
        raise SettingsError(problems) from None
    if problems:
        raise SettingsError(problems)
    return settings


def _missing_keys(tree: Mapping[str, Any]) -> list[str]:
    if "url" not in tree.get("database", {}):
        return []
    given = tree.get("keys", {})
    return [
        f"{variable_of(('keys', name))}: required with {variable_of(('database', 'url'))}; "
        f"make one with: {_MAKING_KEYS[name]}"
        for name in KeySettings.model_fields
        if name not in given
    ]


def _invalid_values(error: ValidationError, catalogue: Catalogue) -> list[str]:
    known = set(catalogue.paths.values())
    return [
        f"{_place(item['loc'], known)}: {_reason(item['msg'])}"
        for item in error.errors(include_input=False, include_url=False, include_context=False)
    ]


def _place(location: Sequence[int | str], known: set[tuple[str, ...]]) -> str:
    """The variable that a location of pydantic belongs to, and the way from there on for a JSON value."""
    for length in range(len(location), 0, -1):
        path = tuple(str(step) for step in location[:length])
        if path in known:
            rest = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in location[length:])
            return variable_of(path) + rest
    return PREFIX + ".".join(str(step) for step in location)


def _reason(message: str) -> str:
    text = message.removeprefix("Value error, ")
    return text[:1].lower() + text[1:]
