"""The command line: `tenant-api` or `python -m tenant_api`."""

import sys
from collections.abc import Sequence

import rich_click as click

from tenant_api.cli.root import root

FAILED = 1
MISUSED = 2
INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command and exit: 0 for success, 1 for failure, 2 for wrong usage, 130 when interrupted."""
    sys.exit(_run(list(sys.argv[1:] if arguments is None else arguments)))


def _run(arguments: list[str]) -> int:
    try:
        code = root.main(arguments, prog_name="tenant-api", standalone_mode=False)
    except click.UsageError as error:
        place = error.ctx.command_path if error.ctx else "tenant-api"
        return _fail(f"{error.format_message()} See: {place} --help", MISUSED)
    except click.ClickException as error:
        return _fail(error.format_message(), FAILED)
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except Exception as error:
        from tenant_api.cli.failures import sentence_of  # noqa: PLC0415 - needed, and slow to import, on failure only

        sentence = sentence_of(error)
        if sentence is None:
            raise
        return _fail(sentence, FAILED)
    return code if isinstance(code, int) else 0


def _fail(sentence: str, code: int) -> int:
    click.echo(sentence, err=True)
    return code


if __name__ == "__main__":
    main()
