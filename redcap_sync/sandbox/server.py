"""The HTTP side: one POST endpoint for the API, and a readable page behind each deep link."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import UTC, timedelta
from email.utils import format_datetime
from mimetypes import guess_type
from threading import Lock
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from redcap_sync.sandbox.call import ApiCall
from redcap_sync.sandbox.call_error import ApiError, no_rights, not_valid
from redcap_sync.sandbox.contents import HANDLERS
from redcap_sync.sandbox.contents.project import create_project
from redcap_sync.sandbox.faults import Fault, Faults, replacement, spoiled
from redcap_sync.sandbox.installation import SUPER_TOKEN_LENGTH, Installation
from redcap_sync.sandbox.pages.entry import entry_page, saved_entry
from redcap_sync.sandbox.pages.home import project_page, record_home_page, start_page
from redcap_sync.sandbox.pages.survey import saved_survey, survey_page
from redcap_sync.sandbox.parameters import Parameters, Upload, parameters_from_pairs
from redcap_sync.sandbox.quality_module import answer_module
from redcap_sync.sandbox.rendering import Answer, error_answer
from redcap_sync.sandbox.storage import Storage

NOT_FOUND_PAGE = (
    '<!DOCTYPE HTML PUBLIC "-//IETF//DTD HTML 2.0//EN">\n<html><head>\n<title>404 Not Found</title>\n</head><body>\n'
    "<h1>Not Found</h1>\n<p>The requested URL was not found on this server.</p>\n</body></html>\n"
)
NOT_IMPLEMENTED = error_answer("The requested method is not implemented.", 501, "xml")
EVERY_VERB = ["POST", "GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"]
LARGEST_PART = 1 << 30
UNTYPED = "application/octet-stream"
FAULT_HEADER = "x-sandbox-fault"
Page = Callable[[Installation, Mapping[str, str]], str | None]
Saving = Callable[[Installation, Mapping[str, str], Mapping[str, str]], str | None]


class Server:
    """Answers requests to one installation, one call at a time, because a call reads and writes one state."""

    def __init__(
        self, installation: Installation, faults: Faults | None = None, storage: Storage | None = None
    ) -> None:
        self._installation = installation
        self._faults = faults
        self._storage = storage
        self._lock = Lock()

    def application(self) -> Starlette:
        """Build the ASGI application; the endpoint that scripts faults exists only where faults are on."""
        routes = [
            Route("/api/", self._api, methods=EVERY_VERB),
            Route("/api", self._api, methods=EVERY_VERB),
            Route("/", self._page(lambda installation, _query: start_page(installation))),
            Route("/redcap_v{version}/index.php", self._page(project_page)),
            Route("/redcap_v{version}/DataEntry/record_home.php", self._page(record_home_page)),
            Route("/redcap_v{version}/DataEntry/index.php", self._page(entry_page)),
            Route("/redcap_v{version}/DataEntry/index.php", self._saving(saved_entry), methods=["POST"]),
            Route("/surveys/", self._page(survey_page)),
            Route("/surveys/", self._saving(saved_survey), methods=["POST"]),
        ]
        if self._faults is not None:
            routes.append(Route("/faults", self._script_fault, methods=["POST", "DELETE"]))
        return Starlette(routes=routes, exception_handlers={404: _not_found})

    async def _api(self, request: Request) -> Response:
        if request.method != "POST":
            return _response(NOT_IMPLEMENTED)
        parameters = replace(await read_parameters(request), query=dict(request.query_params))
        header = request.headers.get(FAULT_HEADER, "")
        try:
            fault = self._faults.take(parameters, header) if self._faults is not None else None
        except ValueError as wrong:
            return _response(error_answer(str(wrong), 400, parameters.return_format))
        if fault is None:
            return _response(await run_in_threadpool(self._answer, parameters))
        return await self._faulty(parameters, fault)

    async def _faulty(self, parameters: Parameters, fault: Fault) -> Response:
        if fault.kind == "slow":
            await asyncio.sleep(fault.seconds)
        replaced = replacement(fault, parameters)
        if replaced is not None:
            return _response(replaced)
        try:
            answered = await run_in_threadpool(self._answer, parameters, fault)
        except ApiError as refused:
            return _response(error_answer(f"the call of the fault was refused: {refused.message}", 400, "json"))
        return _DroppedResponse(answered.body) if fault.kind == "dropped" else _response(spoiled(fault, answered))

    def _answer(self, parameters: Parameters, fault: Fault | None = None) -> Answer:
        with self._lock:
            answered = answer(self._installation, parameters, fault.clock_error if fault else timedelta())
            if fault is not None and fault.change is not None:
                fault.change()
            if self._storage is not None:
                self._storage.save(self._installation)
        return answered

    def _page(self, render: Page) -> Callable[[Request], Response]:
        """Make what answers to a page's address."""

        def answered(request: Request) -> Response:
            with self._lock:
                return _html(render(self._installation, request.query_params))

        return answered

    def _saving(self, save: Saving) -> Callable[[Request], Awaitable[Response]]:
        """Make what takes the form of a page: what a respondent or a user sends."""

        async def answered(request: Request) -> Response:
            sent = await read_parameters(request)
            return await run_in_threadpool(self._saved, save, request.query_params, sent.scalars)

        return answered

    def _saved(self, save: Saving, query: Mapping[str, str], sent: Mapping[str, str]) -> Response:
        with self._lock:
            found = save(self._installation, query, sent)
            if self._storage is not None:
                self._storage.save(self._installation)
        return _html(found)

    async def _script_fault(self, request: Request) -> Response:
        """Script a fault over HTTP: kind, content, times, after, seconds, call; DELETE forgets the script."""
        faults = self._faults or Faults()
        asked = await read_parameters(request)
        if request.method == "DELETE":
            faults.clear()
            return Response(status_code=204)
        try:
            faults.script(
                asked.text("kind"),
                content=asked.text("content"),
                times=asked.integer("times", 1),
                after=asked.integer("after", 0),
                seconds=float(asked.text("seconds") or 0),
                change=self._change(asked.text("call")) if "call" in asked else None,
            )
        except (ValueError, ApiError) as wrong:
            return Response(str(wrong), 400)
        return Response(status_code=204)

    def _change(self, call: str) -> Callable[[], None]:
        """What makes the API call of a form when it is called; that raises ApiError where the call is refused."""
        parameters = parameters_from_pairs(parse_qsl(call, keep_blank_values=True))

        def change() -> None:
            _answer(self._installation, parameters, timedelta())

        return change


class _DroppedResponse(Response):
    """Promises a whole body, sends half of it, and closes the connection."""

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        promised = max(len(self.body), 2)
        headers = [(b"content-length", str(promised).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": bytes(self.body)[: promised // 2], "more_body": True})


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
    name = part.filename or "file"
    sent = part.content_type or UNTYPED
    # Clients that name no type: servers go by the name then.
    media_type = guess_type(name)[0] or UNTYPED if sent == UNTYPED else sent
    return Upload(name, media_type, await part.read())


def answer(installation: Installation, parameters: Parameters, clock_error: timedelta = timedelta()) -> Answer:
    """Answer one call; whatever the API refuses is rendered in the caller's returnFormat."""
    try:
        return _answer(installation, parameters, clock_error)
    except ApiError as refused:
        return error_answer(refused.message, refused.status, parameters.return_format)


def _answer(installation: Installation, parameters: Parameters, clock_error: timedelta) -> Answer:
    if len(parameters.text("token")) == SUPER_TOKEN_LENGTH and parameters.text("content") == "project":
        return create_project(installation, parameters, installation.clock)
    holder = installation.holder(parameters.text("token"))
    if holder is None:
        raise no_rights()
    handler = answer_module if parameters.of_module else HANDLERS.get(parameters.text("content"))
    if handler is None:
        raise not_valid("content")
    project, user = holder
    call = ApiCall(installation, project, user, parameters, clock_error)
    logged = len(project.journal)
    answered = handler(call)
    if len(project.journal) <= logged:
        # Servers log every call of the API, so that a client which polls fills the log.
        call.log("manage", "Manage/Design", details=f"{parameters.content} (API)")
    stamp = format_datetime(call.now.astimezone(UTC), usegmt=True)
    return Answer(answered.body, answered.media_type, answered.status, {**answered.headers, "date": stamp})


def _html(page: str | None) -> Response:
    return HTMLResponse(page or NOT_FOUND_PAGE, 200 if page else 404)


def _not_found(_request: Request, _error: Exception) -> Response:
    return HTMLResponse(NOT_FOUND_PAGE, 404)


def _response(answered: Answer) -> Response:
    # A file's name may have letters that HTTP has not, which go out as UTF-8, and line breaks, which cannot.
    media_type = "".join(filter(str.isprintable, answered.media_type)).encode().decode("latin-1")
    return Response(answered.body, answered.status, {"content-type": media_type, **answered.headers})
