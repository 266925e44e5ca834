"""The example provider with one bug at a time, each under the whole kit. Run by test_seeded_bugs.py, never by itself.

Every bug is one that providers really have. Of the kit, only the check that must fail for it is run.
"""

import test_acme

from tests.identity import seeded_client_bugs, seeded_line_bugs, seeded_token_bugs
from tests.identity.seeded_bug import Bug

servers = test_acme.servers
MODULES = (seeded_client_bugs, seeded_line_bugs, seeded_token_bugs)


def _kit_of(bug: type[Bug]) -> type[test_acme.TestAcme]:
    members = {"kind": bug, "caught_by": bug.caught_by, "new_keys_seconds": 1.0}
    return type(f"Test{bug.__name__}", (test_acme.TestAcme,), members)


BUGS = [bug for bug in Bug.__subclasses__() if bug.__module__ in {module.__name__ for module in MODULES}]
globals().update({f"Test{bug.__name__}": _kit_of(bug) for bug in BUGS})
