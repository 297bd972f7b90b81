"""The API: from a request to the vendor's answer, spoilt where a fault asks for it."""

import asyncio
import json
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from fetcher.simulator import api_library, api_tasks
from fetcher.simulator.api_faults import ApiFault, ApiFaultKind
from fetcher.simulator.api_gate import RateGuard, admit, admit_v2
from fetcher.simulator.envelope import RefusedError, failure, success
from fetcher.simulator.recorder import entry_of, wire_of
from fetcher.simulator.world import World

Call = Callable[[World, Mapping[str, str]], Any]

PORTAL: Final = "<!DOCTYPE html><html><body><h1>Please log in to the network</h1></body></html>"
_V3_CALLS: Final[tuple[tuple[str, str, Call], ...]] = (
    ("POST", "/v3/video/source-file-task/create", api_tasks.create),
    ("GET", "/v3/video/source-file-task/get", api_tasks.get),
    ("GET", "/v3/video/list-video", api_library.list_video),
    ("GET", "/v3/video/get-video-info", api_library.get_video_info),
    ("GET", "/v3/category/get", api_library.get_category),
)


class DroppedResponse(Response):
    """No answer at all: the connection is reset."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI
        """Reset the connection and wait until it is gone."""
        wire_of(scope).reset()
        while (await receive())["type"] != "http.disconnect":
            pass


class Api:
    """Answers the API's calls for one world."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._rate = RateGuard()

    def routes(self) -> list[Route]:
        """Return one route for each call."""
        v3 = [Route(path, self._endpoint(call), methods=[method]) for method, path, call in _V3_CALLS]
        return [*v3, Route("/v2/video/{user_id}/get-video-msg", self._endpoint(api_library.get_video_msg))]

    def _endpoint(self, call: Call) -> Callable[[Request], Any]:
        async def endpoint(request: Request) -> Response:
            return await self._answer(request, call)

        return endpoint

    async def _answer(self, request: Request, call: Call) -> Response:
        if self._rate.is_blocked(self._world.rate_limit):
            blocked_by_page = self._world.rate_limit and self._world.rate_limit.answer == "html"
            return HTMLResponse(PORTAL, 403) if blocked_by_page else DroppedResponse()
        params = await _params(request)
        instead = await self._fault_before(request)
        return instead or self._fault_after(request, self._called(request, call, params))

    def _called(self, request: Request, call: Call, params: Mapping[str, str]) -> dict[str, Any]:
        try:
            if "user_id" in request.path_params:
                admit_v2(self._world, request.path_params["user_id"], params)
            else:
                admit(self._world, params)
            data = call(self._world, params)
        except RefusedError as refused:
            return failure(refused)
        _note_task(request, params, data)
        return success(data)

    def _take(self, kind: ApiFaultKind, request: Request) -> ApiFault | None:
        path = request.url.path
        return self._world.api_faults.take(kind, applies=lambda fault: fault.path in path)

    async def _fault_before(self, request: Request) -> Response | None:
        if slow := self._take(ApiFaultKind.SLOW, request):
            await asyncio.sleep(slow.seconds)
        if self._take(ApiFaultKind.UNHEARD, request):
            return DroppedResponse()
        if self._take(ApiFaultKind.HTML, request):
            return HTMLResponse(PORTAL)
        if self._take(ApiFaultKind.HTTP_500, request):
            return PlainTextResponse("Internal Server Error", 500)
        if error := self._take(ApiFaultKind.ERROR, request):
            return _in_envelope(failure(RefusedError(error.error_code)))
        return None

    def _fault_after(self, request: Request, answer: dict[str, Any]) -> Response:
        if self._take(ApiFaultKind.RESET, request):
            return DroppedResponse()
        if self._take(ApiFaultKind.EMPTY, request):
            return Response(b"", media_type="application/json")
        if self._take(ApiFaultKind.TRUNCATED_JSON, request):
            text = json.dumps(answer).encode()
            return Response(text[: len(text) // 2], media_type="application/json")
        if self._take(ApiFaultKind.NULL_DATA, request):
            return _in_envelope(success(None))
        return _in_envelope(answer)


def _in_envelope(answer: dict[str, Any]) -> Response:
    """Return an answer whose HTTP status is its code."""
    return JSONResponse(answer, answer["code"])


async def _params(request: Request) -> dict[str, str]:
    form = parse_qsl((await request.body()).decode(), keep_blank_values=True)
    return {**request.query_params, **dict(form)}


def _note_task(request: Request, params: Mapping[str, str], data: Any) -> None:
    created = data.get("taskId") if isinstance(data, dict) else None
    entry_of(request.scope).note(task_id=created or params.get("taskId"))
