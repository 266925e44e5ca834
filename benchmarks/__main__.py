"""`python -m benchmarks`: all sections, in less than four minutes."""

import argparse
import signal
import sys

from benchmarks.effort import Effort
from benchmarks.runner import run

INTERRUPTED = 130


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    options = parser.parse_args()
    # A polite end stops what was started, as Ctrl-C does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        report = run(Effort(), lambda news: print(news, file=sys.stderr, flush=True))
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    print(report.as_json() if options.json else report.as_text())


if __name__ == "__main__":
    main()
