"""Calls to AWS: synchronous boto3 in threads of its own, with a time limit and the contract's errors."""

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from typing import Any, Literal, Self, TypeVar

from pydantic import BaseModel, ValidationError

from idp_providers.cognito.answers import NoAnswerError, refusal
from idp_providers.cognito.settings import CognitoSettings
from idp_providers.errors import IdpConfigurationError, IdpDeniedError, IdpError, IdpRejectedError

Service = Literal["cognito-idp", "ssm"]
Answer = TypeVar("Answer", bound=BaseModel)

_TALKATIVE = ("botocore.auth", "botocore.endpoint", "botocore.parsers")
"""They write requests, answers and session tokens to the log at the level DEBUG."""
_NONSENSE = (ValidationError, LookupError, ValueError, TypeError, AttributeError)


class Done(BaseModel):
    """An answer of which nothing matters but that AWS gave it."""


class Aws:
    """Nothing is repeated here: who calls knows what may be. One instance serves all requests at once."""

    def __init__(self, settings: CognitoSettings, clients: dict[str, Any], errors: Any, threads: int) -> None:
        self._limit = 2 * settings.timeout_seconds  # to connect and to be answered; it also ends what trickles in
        self._clients = clients
        self._errors = errors
        self._threads = ThreadPoolExecutor(max_workers=threads, thread_name_prefix="cognito")

    @classmethod
    async def opened(cls, settings: CognitoSettings) -> Self:
        """IdpConfigurationError without boto3 or with a configuration of AWS that cannot be read."""
        return await asyncio.to_thread(cls._open, settings)

    @classmethod
    def _open(cls, settings: CognitoSettings) -> Self:
        failure: str
        try:
            # Not every installation talks to AWS: boto3 is an optional part.
            import boto3  # noqa: PLC0415
            from botocore import exceptions  # noqa: PLC0415
            from botocore.config import Config  # noqa: PLC0415
            from botocore.session import Session  # noqa: PLC0415
        except ImportError:
            raise IdpConfigurationError("boto3 is missing: install tenant-api[cognito].") from None
        _quieten()
        config = Config(
            connect_timeout=settings.timeout_seconds,
            read_timeout=settings.timeout_seconds,
            retries={"total_max_attempts": 1, "mode": "standard"},
            max_pool_connections=settings.connections,
        )
        secret = settings.secret_access_key
        try:
            ground = Session()
            session = boto3.session.Session(
                aws_access_key_id=settings.access_key_id,
                aws_secret_access_key=secret.get_secret_value() if secret else None,
                region_name=settings.region,
                botocore_session=ground,
            )
            ground.register_component("data_loader", _descriptions())  # after boto3 has written to the one of its own
            endpoints = {"cognito-idp": settings.cognito_endpoint_url, "ssm": settings.parameter_endpoint_url}
            clients = {
                service: session.client(service, config=config, endpoint_url=endpoint)
                for service, endpoint in endpoints.items()
            }
            for client in clients.values():
                client.meta.events.register("before-parse", _demand_all)
            return cls(settings, clients, exceptions, settings.connections)
        except (exceptions.BotoCoreError, ValueError) as error:
            failure = type(error).__name__
        raise IdpConfigurationError(f"boto3 cannot be set up ({failure}).")

    async def close(self) -> None:
        """Calls that are under way end by their own time limit."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        for client in self._clients.values():
            client.close()

    async def call(self, service: Service, operation: str, answer: type[Answer], **parameters: Any) -> Answer:
        """One request. Errors are raised outside the handlers: what they replace carries requests and answers."""
        failure: IdpError
        try:
            async with asyncio.timeout(self._limit):
                send = partial(self._send, service, operation, parameters)
                return answer.model_validate(await asyncio.get_running_loop().run_in_executor(self._threads, send))
        except TimeoutError:
            failure = NoAnswerError("AWS gave no answer in time.")
        except self._errors.ClientError as error:
            failure = refusal(*_said(error.response))
        except (self._errors.NoCredentialsError, self._errors.PartialCredentialsError):
            failure = IdpDeniedError("There are no AWS credentials.")
        except self._errors.ParamValidationError:
            failure = IdpRejectedError("Cognito cannot hold these values.")
        except (self._errors.BotoCoreError, self._errors.HTTPClientError, OSError) as error:
            failure = NoAnswerError(f"AWS gave no answer ({type(error).__name__}).")
        except _NONSENSE as error:
            failure = IdpError(f"AWS's answer has not the expected form ({type(error).__name__}).")
        except RuntimeError:
            failure = NoAnswerError("The provider is closed.")
        raise failure

    def _send(self, service: Service, operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
        answer: dict[str, Any] = getattr(self._clients[service], operation)(**parameters)
        if not answer["ResponseMetadata"].get("RequestId"):
            raise ValueError("an answer, but not one of AWS")
        return answer


@cache
def _descriptions() -> Any:
    """What botocore reads about AWS: megabytes, which change with the package only. Once per process."""
    from botocore.session import Session  # noqa: PLC0415 - boto3 is an optional part

    return Session().get_component("data_loader")


def _said(response: dict[str, Any]) -> tuple[str, int]:
    metadata, error = response.get("ResponseMetadata", {}), response.get("Error", {})
    return str(error.get("Code", "")), int(metadata.get("HTTPStatusCode", 0))


def _demand_all(response_dict: dict[str, Any], **_: Any) -> None:
    """Botocore does not count what it reads: an answer that breaks off would pass for one without sense."""
    announced = response_dict["headers"].get("Content-Length", "")
    if announced.isdecimal() and len(response_dict["body"]) < int(announced):
        raise ConnectionError("the answer breaks off")


def _quieten() -> None:
    for name in _TALKATIVE:
        logging.getLogger(name).addFilter(_without_details)


def _without_details(record: logging.LogRecord) -> bool:
    return record.levelno > logging.DEBUG
