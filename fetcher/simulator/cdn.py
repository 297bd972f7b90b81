"""The CDN: who may have a file, which part of it, and what goes wrong."""

import asyncio
from dataclasses import replace
from email.utils import formatdate

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from fetcher.simulator.delivery import Delivery
from fetcher.simulator.faults import FaultKind
from fetcher.simulator.library import Video
from fetcher.simulator.plan import Plan, spoil
from fetcher.simulator.ranges import UnsatisfiableRangeError, if_range_holds, parse_range
from fetcher.simulator.recorder import entry_of
from fetcher.simulator.world import World


class Cdn:
    """Answers for every path that is not the API's."""

    def __init__(self, world: World) -> None:
        self._world = world

    def routes(self) -> list[Route]:
        """Return the one route, which takes GET and HEAD."""
        return [Route("/{path:path}", self.answer, methods=["GET"])]

    async def answer(self, request: Request) -> Response:
        """Answer a request for a file."""
        video = self._world.library.at_path(request.url.path)
        if video is None:
            return _xml_error(404, "NoSuchKey")
        entry_of(request.scope).note(vid=video.vid)
        if latency := video.faults.take(FaultKind.LATENCY):
            await asyncio.sleep(latency.seconds)
        return self._refusal(request, video) or self._redirect(request, video) or self._file(request, video)

    def _refusal(self, request: Request, video: Video) -> Response | None:
        if refuse := video.faults.take(FaultKind.REFUSE):
            headers = {"Retry-After": refuse.text} if refuse.text is not None else {}
            return PlainTextResponse("busy", refuse.status_code, headers)
        if reason := self._link_refusal(request, video):
            return _denied(reason)
        if denied := video.faults.take(FaultKind.DENIED):
            return _denied(str(denied.text))
        if gone := video.faults.take(FaultKind.GONE):
            return _xml_error(gone.status_code, "NoSuchKey")
        if self._world.library.is_frozen(video.vid):
            return _xml_error(403, "InvalidObjectState")
        return None

    def _link_refusal(self, request: Request, video: Video) -> str | None:
        reason = self._world.signer.refusal(
            request.url.path,
            request.query_params.get("auth_key"),
            now=self._world.now(),
            lifetime=self._world.lifetime_of(video),
        )
        return reason and f"req auth: {reason}"

    def _redirect(self, request: Request, video: Video) -> Response | None:
        if request.url.path != video.path:
            return None
        fault = video.faults.take(FaultKind.REDIRECT)
        if fault is None:
            return None
        to = fault.text or ""
        target = (
            to if "://" in to else self._world.signed(f"{to}{video.path}", lifetime=self._world.lifetime_of(video))
        )
        return Response(status_code=302, headers={"Location": target})

    def _file(self, request: Request, video: Video) -> Response:
        whole = self._whole(video)
        if request.method == "HEAD":
            return Delivery(whole, self._world.line)
        try:
            plan = _with_range(whole, request)
        except UnsatisfiableRangeError:
            return Response(status_code=416, headers={"Content-Range": f"bytes */{whole.body.size}"})
        return Delivery(spoil(plan, video.faults), self._world.line)

    def _whole(self, video: Video) -> Plan:
        return Plan(
            body=video.body,
            start=0,
            stop=video.size,
            partial=False,
            etag=video.etag,
            last_modified=formatdate(int(video.created_at) + video.version, usegmt=True),
            content_type=video.content_type,
            crc64=video.crc64() if self._world.library.crc else None,
        )


def _with_range(whole: Plan, request: Request) -> Plan:
    condition = request.headers.get("if-range")
    if not if_range_holds(condition, etag=whole.etag, last_modified=whole.last_modified):
        return whole
    span = parse_range(request.headers.get("range"), whole.body.size)
    return whole if span is None else replace(whole, start=span[0], stop=span[1], partial=True)


def _denied(reason: str) -> Response:
    return _xml_error(403, "AccessDenied", {"X-Tengine-Error": f"denied by {reason}"})


def _xml_error(status_code: int, code: str, headers: dict[str, str] | None = None) -> Response:
    text = f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code></Error>\n'
    return Response(text, status_code, headers, media_type="application/xml")
