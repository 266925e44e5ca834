"""A second process of the service on the database of the first, as Kubernetes runs replicas."""

from typing import Self

from benchmarks.child import Child, free_port, listens
from benchmarks.load import HOST
from benchmarks.service import Service


class Replica:
    """Answers requests; long work is left to the first process. Starts on entering, ends on leaving."""

    def __init__(self, service: Service) -> None:
        self.port = free_port()
        self._service = service
        self._child: Child | None = None

    def __enter__(self) -> Self:
        folder = self._service.folder / "replica"
        folder.mkdir(mode=0o700)
        self._child = Child(
            "benchmarks.sampled_service",
            environment={
                "TENANT_API_DATABASE__URL": self._service.database_url,
                "TENANT_API_DATABASE__PREPARED_STATEMENTS": "true",
                "TENANT_API_DATABASE__MIGRATE_ON_START": "false",
                "TENANT_API_HTTP__HOST": HOST,
                "TENANT_API_HTTP__PORT": str(self.port),
                "TENANT_API_IDP__SETTINGS__ISSUER": self._service.issuer,
                "TENANT_API_WORKERS__ENABLED": "false",
                **self._service.key_settings(),
            },
            folder=folder,
            settled=lambda: listens(self.port),
        )
        return self

    def __exit__(self, *_: object) -> None:
        if self._child:
            self._child.stop()
