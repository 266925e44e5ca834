"""Whatever is sent along the committed description is answered along it, and never by a failure of ours.

A small part of `make fuzz`, with the same cases every time.
"""

import pytest

from tenant_api.embedded import ServerAddress
from tests import database
from tests.api.openapi.test_committed_document import committed
from tests.fuzz.campaign import Effort, run
from tests.fuzz.service import serving

EFFORTS = {
    "single-tenant": Effort(seed=1, cases=1, chains=0, phases=("examples", "fuzzing"), deterministic=True),
    "multi-tenant": Effort(seed=2, cases=1, chains=8, phases=("fuzzing", "stateful"), deterministic=True),
}


# The service's connection pool draws from `random` in its own thread, whatever the strategies do.
@pytest.mark.filterwarnings("ignore:Do not use the `random` module inside strategies")
@pytest.mark.parametrize("mode", EFFORTS)
def test_every_answer_is_as_described(server: ServerAddress, prepared: str, mode: str) -> None:
    multi_tenancy = mode == "multi-tenant"
    with (
        database.temporary_database(server, template=prepared) as url,
        serving(url, multi_tenancy=multi_tenancy) as served,
    ):
        outcome = run(committed(), served, EFFORTS[mode])
        assert outcome.findings == {}
        assert served.errors() == []
    described = sum(multi_tenancy or not path.startswith("/v3/tenants") for path in committed()["paths"])
    assert len({label.split()[1] for label in outcome.answers}) == described
    assert set(outcome.phases) == set(EFFORTS[mode].phases)
