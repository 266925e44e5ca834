"""Records in Parameter Store, one parameter per client. Its name is taken once: that is what makes ids unique."""

from collections.abc import Collection, Mapping

from pydantic import BaseModel, Field

from idp_providers.cognito.aws import Aws, Done
from idp_providers.cognito.markers import key_of
from idp_providers.cognito.records import Record
from idp_providers.cognito.settings import CognitoSettings
from idp_providers.errors import IdpError, IdpRejectedError

MOST_AT_ONCE = 10
"""Names that Parameter Store takes in one call."""
_BYTES = {"Standard": 4096, "Advanced": 8192, "Intelligent-Tiering": 8192}


class _Parameter(BaseModel):
    name: str = Field(alias="Name")
    value: str = Field(alias="Value")


class _Parameters(BaseModel):
    found: list[_Parameter] = Field(alias="Parameters")
    missing: list[str] = Field(default=[], alias="InvalidParameters")


class _Written(BaseModel):
    version: int = Field(alias="Version")


class Parameters:
    """Nothing is listed: every call names what it is about."""

    def __init__(self, aws: Aws, settings: CognitoSettings) -> None:
        self._aws = aws
        self._place = f"{settings.parameter_prefix}/{settings.user_pool_id}"
        self._tier = settings.parameter_tier

    async def texts(self, keys: Collection[str]) -> Mapping[str, str]:
        """What is written under these keys; one call for every ten."""
        texts: dict[str, str] = {}
        for names in _in_tens([self._name(key) for key in keys]):
            answer = await self._aws.call("ssm", "get_parameters", _Parameters, Names=names)
            if not set(names) <= {*(parameter.name for parameter in answer.found), *answer.missing}:
                raise IdpError("Parameter Store's answer leaves out what was asked for.")
            texts |= {parameter.name.rpartition("/")[2]: parameter.value for parameter in answer.found}
        return texts

    def judge(self, record: Record) -> None:
        """IdpRejectedError for a record that no parameter of the chosen tier can hold."""
        if (size := len(record.text())) > (most := _BYTES[self._tier]):
            raise IdpRejectedError(
                f"What has to be kept about the client takes {size} bytes, and a parameter of the tier "
                f"{self._tier} holds {most}."
            )

    async def claim(self, record: Record) -> None:
        """Write what nobody has written yet; ClientAlreadyExistsError."""
        await self._put(record, overwrite=False)

    async def write(self, record: Record) -> None:
        await self._put(record, overwrite=True)

    async def delete(self, client_ids: Collection[str]) -> None:
        """Absent ones are no error; one call for every ten."""
        for names in _in_tens([self._name(key_of(client_id)) for client_id in client_ids]):
            await self._aws.call("ssm", "delete_parameters", Done, Names=names)

    async def _put(self, record: Record, *, overwrite: bool) -> None:
        await self._aws.call(
            "ssm",
            "put_parameter",
            _Written,
            Name=self._name(key_of(record.client_id)),
            Value=record.text(),
            Type="String",
            Tier=self._tier,
            Overwrite=overwrite,
        )

    def _name(self, key: str) -> str:
        return f"{self._place}/{key}"


def _in_tens(names: list[str]) -> list[list[str]]:
    distinct = list(dict.fromkeys(names))
    return [distinct[start : start + MOST_AT_ONCE] for start in range(0, len(distinct), MOST_AT_ONCE)]
