"""The HTTP side: one POST endpoint for the API, and a readable page behind each deep link."""

from __future__ import annotations

from datetime import UTC, timedelta
from email.utils import format_datetime
from threading import Lock
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from redcap_sync.sandbox.call import Call
from redcap_sync.sandbox.contents import HANDLERS
from redcap_sync.sandbox.errors import ApiError, no_rights, not_valid
from redcap_sync.sandbox.installation import Installation
from redcap_sync.sandbox.page import record_page
from redcap_sync.sandbox.parameters import Parameters, Upload, parameters_from_pairs
from redcap_sync.sandbox.rendering import Answer, error_answer

NOT_FOUND_PAGE = (
    '<!DOCTYPE HTML PUBLIC "-//IETF//DTD HTML 2.0//EN">\n<html><head>\n<title>404 Not Found</title>\n</head><body>\n'
    "<h1>Not Found</h1>\n<p>The requested URL was not found on this server.</p>\n</body></html>\n"
)
NOT_IMPLEMENTED = error_answer("The requested method is not implemented.", 501, "xml")
EVERY_OTHER_VERB = ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"]
LARGEST_PART = 1 << 30


def application(installation: Installation) -> Starlette:
    """Build the ASGI application of an installation."""
    # One call at a time: what a call reads and writes is one state.
    lock = Lock()

    def locked_answer(parameters: Parameters) -> Answer:
        with lock:
            return answer(installation, parameters)

    async def api(request: Request) -> Response:
        if request.method != "POST":
            return _response(NOT_IMPLEMENTED)
        parameters = await read_parameters(request)
        return _response(await run_in_threadpool(locked_answer, parameters))

    def page(request: Request) -> Response:
        with lock:
            found = record_page(installation, request.query_params)
        return HTMLResponse(found or NOT_FOUND_PAGE, 200 if found else 404)

    def not_found(_request: Request, _error: Exception) -> Response:
        return HTMLResponse(NOT_FOUND_PAGE, 404)

    routes = [
        Route("/api/", api, methods=["POST", *EVERY_OTHER_VERB]),
        Route("/api", api, methods=["POST", *EVERY_OTHER_VERB]),
        Route("/redcap_v{version}/DataEntry/index.php", page),
    ]
    return Starlette(routes=routes, exception_handlers={404: not_found})


async def read_parameters(request: Request) -> Parameters:
    """Read a form body; only uploads come as multipart."""
    if request.headers.get("content-type", "").startswith("multipart/"):
        async with request.form(max_fields=LARGEST_PART, max_part_size=LARGEST_PART) as form:
            pairs = [(key, value) for key, value in form.multi_items() if isinstance(value, str)]
            uploads = {key: await _upload(value) for key, value in form.multi_items() if isinstance(value, UploadFile)}
            return parameters_from_pairs(pairs, uploads)
    body = (await request.body()).decode("utf-8", "replace")
    return parameters_from_pairs(parse_qsl(body, keep_blank_values=True))


async def _upload(part: UploadFile) -> Upload:
    return Upload(part.filename or "file", part.content_type or "application/octet-stream", await part.read())


def answer(installation: Installation, parameters: Parameters, clock_error: timedelta = timedelta()) -> Answer:
    """Answer one call; whatever the API refuses is rendered in the caller's returnFormat."""
    try:
        return _answer(installation, parameters, clock_error)
    except ApiError as refused:
        return error_answer(refused.message, refused.status, parameters.return_format)


def _answer(installation: Installation, parameters: Parameters, clock_error: timedelta) -> Answer:
    holder = installation.holder(parameters.text("token"))
    if holder is None:
        raise no_rights()
    handler = HANDLERS.get(parameters.text("content"))
    if handler is None:
        raise not_valid("content")
    project, user = holder
    call = Call(installation, project, user, parameters, clock_error)
    answered = handler(call)
    stamp = format_datetime(call.now.astimezone(UTC), usegmt=True)
    return Answer(answered.body, answered.media_type, answered.status, {**answered.headers, "date": stamp})


def _response(answered: Answer) -> Response:
    headers = {"content-type": answered.media_type, **answered.headers}
    return Response(answered.body, answered.status, headers)
