"""HTTP as it arrives: what is none is refused here, for no application ever sees it."""

import json
from uuid import uuid4

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from tenant_api.kernel.errors import BadRequestError
from tenant_api.web.edge import MALFORMED, SECURITY_HEADERS
from tenant_api.web.problems import PROBLEM_JSON, URN, problem_body

REFUSAL = BadRequestError(errors=[MALFORMED])


class ProblemProtocol(HttpToolsProtocol):
    """The server's own protocol; malformed requests get the contract's problem body (section 1.4), then the end."""

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - the server's words, which its log has
        request_id = uuid4().hex
        content = json.dumps(_problem(request_id)).encode()
        headers = [
            (b"content-type", PROBLEM_JSON.encode()),
            (b"content-length", str(len(content)).encode()),
            (b"connection", b"close"),
            (b"x-request-id", request_id.encode()),
            *SECURITY_HEADERS,
            *self.server_state.default_headers,
        ]
        lines = b"".join(name + b": " + value + b"\r\n" for name, value in headers)
        self.transport.write(STATUS_LINE[REFUSAL.status] + lines + b"\r\n" + content)
        self.transport.close()


def _problem(request_id: str) -> dict[str, object]:
    return problem_body(
        detail=REFUSAL.detail,
        type_=URN + REFUSAL.code,
        title=REFUSAL.title,
        status=REFUSAL.status,
        correlation_id=request_id,
        errors=REFUSAL.errors,
    )
