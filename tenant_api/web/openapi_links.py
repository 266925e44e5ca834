"""Where an answer leads: from what was made, or stands first in a list, to the operations on it (OpenAPI links)."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from tenant_api.web.operation import Operation

Json = dict[str, Any]
Place = tuple[str, str]
"""A path and a method."""

JOB = "/v3/jobs/{id}"


class Links:
    """The links of all operations; they follow from paths and members alone."""

    def __init__(self, operations: Iterable[tuple[Place, Operation]]) -> None:
        self._operations: Mapping[Place, Operation] = dict(sorted(operations, key=lambda entry: entry[0]))

    def of(self, path: str, method: str, *, taken: Json, sent: Json) -> Json:
        """The links of a success, by the schemas of the bodies taken and sent."""
        if method == "GET" and sent.get("type") == "array":
            return dict(self._to_item(f"{path}/{{id}}", "$response.body#/0/id", methods=("GET",)))
        if method != "POST":
            return {}
        if not sent:
            return dict(self._to_list(path, taken))
        members = sent.get("properties", {})
        found: Json = {}
        if "id" in members and "{" not in path:
            found |= self._to_item(f"{path.removesuffix('/import')}/{{id}}", "$response.body#/id")
        if "jobId" in members:
            found |= self._to_item(JOB, "$response.body#/jobId")
        return found

    def _to_item(
        self, item: str, expression: str, *, methods: Iterable[str] = ("GET", "PUT", "POST", "DELETE")
    ) -> Iterator[tuple[str, Json]]:
        """An item, and what is below it."""
        for (path, method), operation in self._operations.items():
            below = path.removeprefix(item)
            if path.startswith(item) and "{" not in below and method in methods:
                yield operation.id, {"operationId": operation.id, "parameters": {"id": expression}}

    def _to_list(self, path: str, taken: Json) -> Iterator[tuple[str, Json]]:
        """The list in which an item is found by a member that was sent: expressions take no id from an address."""
        target = self._operations.get((path, "GET"))
        filters = target.lists.filters if target and target.lists else {}
        name = next((name for name in filters if name in taken.get("properties", {})), None)
        if target and name:
            yield target.id, {"operationId": target.id, "parameters": {name: f"$request.body#/{name}"}}
