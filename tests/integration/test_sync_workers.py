"""What a run is opened with comes from the settings."""

import time

from polyv_client_cases import SECRET, TASK
from polyv_server import PolyvServer, Reply

from fetcher.credentials import Credentials
from fetcher.polyv.clock import PolyvClock
from fetcher.settings import Settings
from fetcher.sync.workers import polyv_client


async def test_questions_to_polyv_are_tried_again_as_soon_as_the_setting_says() -> None:
    """After 1, 2 and 4 s where it says nothing."""
    credentials = Credentials(app_id="a0Wmol5EwX", app_secret=SECRET)
    with PolyvServer(secret=SECRET) as server:
        server.script.extend([Reply(reset=True)] * 3)
        settings = Settings(api_url=server.url, retry_delay=0.01)

        async with polyv_client(settings, credentials, PolyvClock(time.time)) as client:
            await client.get_task(TASK)

    assert 4 == len(server.requests)
    assert server.requests[3].at - server.requests[0].at < 5
