"""One pass of Schemathesis over the committed description: examples, boundaries, random cases, chains of requests."""

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import schemathesis
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import events, from_schema
from schemathesis.engine.recorder import ScenarioRecorder
from schemathesis.hooks import unregister_all

from tests.fuzz.service import Served
from tests.fuzz.world import TENANTS, World

Json = dict[str, Any]

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "response_headers_conformance",
    "use_after_free",
    "ensure_resource_availability",
    "ignored_auth",
    "unsupported_method",
)
"""Not `negative_data_rejection`: the contract takes more than its description says (numbers as text, members and
parameters in any case). Not `positive_data_acceptance`: it knows nothing of names that are taken."""
PHASES = ("examples", "coverage", "fuzzing", "stateful")
WORDS = ("/v3/claimSets/copy", "/v3/claimSets/import")
"""To other methods than POST these are ids that cannot be read: 400, not 405."""


@dataclass(frozen=True, kw_only=True)
class Effort:
    """How much is tried: random cases per operation, and chains of requests in all."""

    seed: int
    cases: int
    chains: int
    phases: Collection[str] = PHASES
    deterministic: bool = False


@dataclass
class Outcome:
    """What was answered, by operation and status, and what was wrong, with the command that repeats it."""

    answers: dict[str, Counter[int]] = field(default_factory=dict)
    phases: Counter[str] = field(default_factory=Counter)
    findings: dict[str, str] = field(default_factory=dict)

    @property
    def cases(self) -> int:
        """How many requests were sent."""
        return self.phases.total()

    def add(self, phase: str, recorder: ScenarioRecorder) -> None:
        for case_id, interaction in recorder.interactions.items():
            case = recorder.cases[case_id].value
            label = f"{case.method.upper()} {case.path}"
            status = interaction.response.status_code if interaction.response else 0
            self.answers.setdefault(label, Counter())[status] += 1
            self.phases[phase] += 1
        for case_id, checks in recorder.checks.items():
            for check in checks:
                if check.failure_info is None:
                    continue
                case = recorder.cases[case_id].value
                failure = check.failure_info.failure
                key = f"{check.name}: {case.method.upper()} {case.path}: {failure.title}"
                self.findings.setdefault(key, f"{failure.message}\n{check.failure_info.code_sample}")

    def merge(self, other: "Outcome") -> None:
        for label, statuses in other.answers.items():
            self.answers.setdefault(label, Counter()).update(statuses)
        self.phases.update(other.phases)
        self.findings = {**other.findings, **self.findings}


def run(document: Json, served: Served, effort: Effort) -> Outcome:
    """Send everything that the effort allows."""
    schema = schemathesis.openapi.from_dict(offered(document, served), config=_config(served, effort))
    world = World(served)
    world.begin(document, served)
    for name in ("before_call", "after_call"):
        schemathesis.hook(name)(partial(getattr(world, name)))  # marks its hooks, and methods cannot be marked
    try:
        return _outcome(from_schema(schema).execute())
    finally:
        unregister_all()


def _outcome(stream: Iterable[Any]) -> Outcome:
    outcome = Outcome()
    for event in stream:
        if isinstance(event, events.ScenarioFinished):
            outcome.add(event.phase.value, event.recorder)
        elif isinstance(event, events.NonFatalError):
            outcome.findings.setdefault(f"error: {event.label}", str(event.value))
        elif isinstance(event, events.FatalError):
            raise event.exception
    return outcome


def offered(document: Json, served: Served) -> Json:
    """What a service offers of the committed description; one without tenants ignores what it says about them."""
    if served.own_tenant is not None:
        return document
    return {**document, "paths": {path: item for path, item in document["paths"].items() if TENANTS not in path}}


def _config(served: Served, effort: Effort) -> SchemathesisConfig:
    generation = {"deterministic": effort.deterministic, "no-shrink": True, "database": "none"}
    phases: dict[str, Any] = {phase: {"enabled": phase in effort.phases} for phase in PHASES}
    phases["fuzzing"]["generation"] = {"max-examples": effort.cases}
    phases["stateful"]["generation"] = {"max-examples": effort.chains}
    return SchemathesisConfig.from_dict(
        {
            "seed": effort.seed,
            "suppress-health-check": ["all"],
            "base-url": served.url,
            "headers": served.headers,
            "continue-on-failure": True,
            "request-timeout": 30,
            "checks": {"enabled": False, **{check: {"enabled": True} for check in CHECKS}},
            "generation": generation,
            "phases": phases,
            "operations": [
                *({"include-path": path, "checks": {"unsupported_method": {"enabled": False}}} for path in WORDS),
                # What would change the tenant of the campaign is aimed at nobody, who is not available.
                {"include-path-regex": f"^{TENANTS}/", "checks": {"ensure_resource_availability": {"enabled": False}}},
            ],
        }
    )
