"""A line with latency: takes connections, and hands each byte on some time later, both ways.

A program of its own, started by its path: ``relay.py PORT SECONDS`` connects to PORT of loopback, delays each way
by SECONDS, and says on stdout where it listens. It ends when stdin does. What it does not do: lose or reorder.
Opening a TCP connection costs one round more, which is added to its first bytes.
"""

import asyncio
import sys
from typing import Final

_HOST: Final = "127.0.0.1"
_PIECE: Final = 64 << 10
_PIECES_ON_THE_WAY: Final = 64


async def _pass_on(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay_s: float, extra_s: float
) -> None:
    """Hand on what *reader* gives, *delay_s* later; the first piece *extra_s* later still."""
    loop = asyncio.get_running_loop()
    under_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(_PIECES_ON_THE_WAY)

    async def take() -> None:
        late = extra_s
        while piece := await reader.read(_PIECE):
            await under_way.put((loop.time() + delay_s + late, piece))
            late = 0.0
        await under_way.put((loop.time() + delay_s, b""))

    taking = asyncio.ensure_future(take())
    try:
        while True:
            due_at, piece = await under_way.get()
            await asyncio.sleep(due_at - loop.time())
            if not piece:
                break
            writer.write(piece)
            await writer.drain()
    finally:
        taking.cancel()
        writer.close()


async def _serve(port: int, delay_s: float) -> None:
    async def join(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        back, forth = await asyncio.open_connection(_HOST, port)
        await asyncio.gather(
            _pass_on(reader, forth, delay_s, 2 * delay_s),
            _pass_on(back, writer, delay_s, 0.0),
            return_exceptions=True,  # either side may go away whenever it likes
        )

    server = await asyncio.start_server(join, _HOST, 0)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    server.close()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1]), float(sys.argv[2])))
