"""Credentials as tests hold them."""

from dataclasses import dataclass
from typing import Any

from tests.api.service import Api


@dataclass(frozen=True)
class Credential:
    id: int
    key: str
    secret: str

    @property
    def path(self) -> str:
        return f"/v3/apiClients/{self.id}/secrets"

    async def works(self, api: Api, secret: str | None = None) -> bool:
        answer = await api.grant({"key": self.key, "secret": self.secret if secret is None else secret})
        assert answer.status_code in {200, 401}, answer.text
        return answer.status_code == 200


async def rotated(api: Api, credential: Credential, **body: Any) -> dict[str, Any]:
    answer = await api.post(credential.path, body)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made
