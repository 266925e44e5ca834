"""Arguments that a program made, as scripts pass them on."""

from typing import Any, Final

#: Settings of a command that takes such an id. One key id in 64 begins with a dash (RFC 7638: a digest in base64url);
#: it is an id and no row of options, so nothing short, `-h` neither, is an option of these commands.
MADE_IDS: Final[dict[str, Any]] = {"ignore_unknown_options": True, "help_option_names": ["--help"]}
