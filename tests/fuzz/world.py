"""What cases find when they arrive: items that earlier ones made, so that references and ids lead somewhere."""

import json
import re
from collections import defaultdict
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

import httpx2
from schemathesis.generation.meta import TestPhase

from tenant_api.tenants.schemas import TENANT
from tests.fuzz.service import CALL_SECONDS, Served

Json = dict[str, Any]

REFERENCES = {
    "vendorId": "/v3/vendors",
    "applicationId": "/v3/applications",
    "dataStoreId": "/v3/dataStores",
    "dataStoreIds": "/v3/dataStores",
    "profileIds": "/v3/profiles",
    "originalId": "/v3/claimSets",
}
"""Members of bodies that name items, with the items' collection."""
FIRST = (
    "/v3/vendors",
    "/v3/dataStores",
    "/v3/profiles",
    "/v3/applications",
    "/v3/apiClients",
    "/v3/dataStoreContexts",
    "/v3/dataStoreDerivatives",
    "/v3/dataStores/manage",
)
TENANTS = "/v3/tenants"
NAMES = ("company", "applicationName", "name", "contextKey")
NOBODY = 999_999
LEFT_ALONE = 4
"""Every so manieth case goes out as it was drawn."""


class World:
    """Knows the items that there are, by collection, and puts them into cases. The order of cases decides, not luck."""

    def __init__(self, served: Served) -> None:
        self._own_tenant = served.own_tenant
        self._own_header = {} if served.own_tenant is None else {"Tenant": TENANT["name"]}
        self._known: dict[str, list[int | str]] = defaultdict(list)
        self._cases = 0

    def begin(self, document: Json, served: Served) -> None:
        """Make one of everything, as the examples say, but under names that leave theirs free."""
        for collection in FIRST:
            example = document["paths"][collection]["post"]["requestBody"]["content"]["application/json"]["example"]
            text = json.dumps(example)
            for name in [example[member] for member in NAMES if member in example]:
                text = text.replace(name, f"{name}0")
            body = self._with_references(json.loads(text))
            headers = {**served.headers, **self._own_header}
            answer = httpx2.post(
                served.url + collection, json=body, headers=headers, verify=False, timeout=CALL_SECONDS
            )
            assert answer.status_code in {201, 202}, answer.text
            self._learn(collection, answer.headers)

    def before_call(self, _context: Any, case: Any, _kwargs: Json) -> None:
        """Let references and the path name known items, and a replacement mean the item of its path."""
        self._cases += 1
        path = case.path_parameters or {}
        if self._cases % LEFT_ALONE:
            case.headers.update(self._own_header)
            if isinstance(case.body, dict):
                case.body = self._with_references(case.body)
            # In a chain the path names what an earlier answer named: that is what the chain is about.
            chained = case.meta is not None and case.meta.phase.name is TestPhase.STATEFUL
            if path and not chained and (known := self._known[case.path.partition("/{")[0]]):
                path["id"] = known[self._cases % len(known)]
        if case.method.upper() == "PUT" and isinstance(case.body, dict) and "id" in case.body and "id" in path:
            case.body["id"] = path["id"]
        if case.method.upper() != "GET" and case.path.startswith(TENANTS) and self._is_own(path.get("id")):
            path["id"] = NOBODY

    def after_call(self, _context: Any, case: Any, response: Any) -> None:
        """Remember what was made, forget what was removed."""
        if case.method.upper() == "POST" and response.status_code in {201, 202}:
            self._learn(case.path, {name: values[0] for name, values in response.headers.items()})
        if case.method.upper() == "DELETE" and response.status_code == 204:
            known = self._known[case.path.partition("/{")[0]]
            if (removed := case.path_parameters["id"]) in known:
                known.remove(removed)

    def _learn(self, collection: str, headers: Mapping[str, str]) -> None:
        location = headers.get("location", "")
        if found := re.fullmatch(r".*?(/v3/.+)/(\d+)", location):
            self._known[found[1]].append(int(found[2]))
        if job := re.fullmatch(r".*(/v3/jobs)/([0-9a-f-]+)", headers.get("operation-location", "")):
            self._known[job[1]].append(job[2])

    def _with_references(self, body: Json) -> Json:
        chosen = dict(body)
        for member, collection in REFERENCES.items():
            if member in chosen and (known := self._known[collection]):
                one = known[self._cases % len(known)]
                chosen[member] = [one] if member.endswith("s") else one
        return chosen

    def _is_own(self, written: Any) -> bool:
        return re.sub(r"[^0-9]", "", unquote(json.dumps(written))).lstrip("0") == str(self._own_tenant)
