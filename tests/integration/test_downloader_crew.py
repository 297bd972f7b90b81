"""Threads that go on by themselves, and a loop that is told in groups."""

import asyncio
import functools
import threading
import time

import pytest

from fetcher.downloader.crew import Crew


async def test_each_gets_his_own_result_or_error() -> None:
    crew = Crew(4)

    def work(number: int) -> int:
        if number % 7 == 3:
            raise ValueError(number)
        return number * number

    results = await asyncio.gather(
        *(crew.do(functools.partial(work, n)) for n in range(500)), return_exceptions=True
    )
    await asyncio.to_thread(crew.close)

    for number, result in enumerate(results):
        if number % 7 == 3:
            assert isinstance(result, ValueError)
            assert (number,) == result.args
        else:
            assert number * number == result


async def test_never_more_than_its_size_at_a_time() -> None:
    crew, lock, busy, most = Crew(3), threading.Lock(), [0], [0]

    def work() -> None:
        with lock:
            busy[0] += 1
            most[0] = max(most[0], busy[0])
        time.sleep(0.002)
        with lock:
            busy[0] -= 1

    await asyncio.gather(*(crew.do(work) for _ in range(60)))
    await asyncio.to_thread(crew.close)

    assert 3 == most[0]


async def test_a_thread_goes_on_while_the_loop_is_busy() -> None:
    """What stands in line is not handed out by the loop."""
    crew = Crew(1)
    done: list[int] = []
    waiting = [crew.do(functools.partial(done.append, n)) for n in range(50)]
    until = time.monotonic() + 5
    while len(done) < 50 and time.monotonic() < until:
        time.sleep(0.01)  # noqa: ASYNC251 - the loop is busy, that is the point

    assert list(range(50)) == done
    assert not any(one.done() for one in waiting)
    await asyncio.gather(*waiting)
    await asyncio.to_thread(crew.close)


async def test_who_stops_waiting_holds_up_nobody() -> None:
    crew = Crew(1)
    done: list[int] = []
    first, second = crew.do(lambda: done.append(1)), crew.do(lambda: done.append(2))
    first.cancel()
    await second
    await asyncio.to_thread(crew.close)

    assert [1, 2] == done


async def test_closing_waits_for_what_is_wanted() -> None:
    crew = Crew(2)
    done: list[int] = []

    def slowly(number: int) -> None:
        time.sleep(0.005)
        done.append(number)

    for number in range(10):
        crew.do(functools.partial(slowly, number))
    await asyncio.to_thread(crew.close)

    assert list(range(10)) == sorted(done)


def test_a_loop_that_ends_first_leaves_no_thread_behind() -> None:
    crews = []

    async def leave() -> None:
        crews.append(Crew(2))
        crews[0].do(lambda: time.sleep(0.05))

    before = threading.active_count()
    asyncio.run(leave())
    crews[0].close()

    assert before == threading.active_count()


@pytest.mark.parametrize("size", [1, 8])
async def test_nothing_is_lost_between_two_tellings(size: int) -> None:
    """Work that ends at the very moment at which the loop collects results."""
    crew = Crew(size)
    for _ in range(100):
        await asyncio.wait_for(asyncio.gather(*(crew.do(lambda: None) for _ in range(size * 3))), 5)
    await asyncio.to_thread(crew.close)


async def test_what_is_not_begun_can_be_recalled() -> None:
    """What is begun goes on, and what comes later is next."""
    crew, began, go_on = Crew(1), threading.Event(), threading.Event()
    done: list[int] = []

    def first() -> None:
        began.set()
        go_on.wait(5)
        done.append(0)

    waiting = [crew.do(first), *(crew.do(functools.partial(done.append, n)) for n in range(1, 20))]
    await asyncio.to_thread(began.wait, 5)
    crew.recall(ValueError("recalled"))
    later = crew.do(functools.partial(done.append, 99))
    go_on.set()
    results = await asyncio.gather(*waiting, return_exceptions=True)
    await later
    await asyncio.to_thread(crew.close)

    assert [0, 99] == done
    assert results[0] is None
    assert all(isinstance(result, ValueError) for result in results[1:])


async def test_recalls_amid_the_work_lose_nothing_and_do_nothing_twice() -> None:
    crew = Crew(4)
    done: list[int] = []
    waiting = []
    for number in range(2000):
        waiting.append(crew.do(functools.partial(done.append, number)))
        if number % 50 == 49:
            crew.recall(ValueError("recalled"))
    results = await asyncio.gather(*waiting, return_exceptions=True)
    await asyncio.to_thread(crew.close)

    assert sorted(done) == [number for number, result in enumerate(results) if result is None]


@pytest.mark.parametrize(("first_refused", "threads"), [(2, 2), (0, None)])
def test_threads_that_the_machine_does_not_give_are_made_do_without(
    monkeypatch: pytest.MonkeyPatch, first_refused: int, threads: int | None
) -> None:
    """Where not even one is to be had, none is left behind."""
    before, started = threading.active_count(), threading.Thread.start

    def start(thread: threading.Thread) -> None:
        if int(thread.name.removeprefix("transfer-")) >= first_refused:
            raise RuntimeError("can't start new thread")
        started(thread)

    monkeypatch.setattr(threading.Thread, "start", start)
    if threads is None:
        with pytest.raises(RuntimeError):
            Crew(4)
    else:
        crew = Crew(4)
        assert before + threads == threading.active_count()
        crew.close()

    assert before == threading.active_count()


async def _most_at_a_time(crew: Crew, together: int) -> int:
    """Return how many things the crew does at a time, where each goes on when *together* of them are begun."""
    lock, busy, most, met = threading.Lock(), [0], [0], threading.Barrier(together)

    def work() -> None:
        with lock:
            busy[0] += 1
            most[0] = max(most[0], busy[0])
        met.wait(10)
        with lock:
            busy[0] -= 1

    await asyncio.gather(*(crew.do(work) for _ in range(4 * together)))
    return most[0]


async def test_a_crew_grows_and_shrinks_while_it_works() -> None:
    """Nothing is lost meanwhile, and whoever is to leave is not kept by a recall."""
    crew = Crew(2)
    found = [await _most_at_a_time(crew, 2)]
    crew.resize(5)
    found.append(await _most_at_a_time(crew, 5))
    crew.resize(1)
    crew.recall(RuntimeError("recalled"))
    await asyncio.gather(*(crew.do(lambda: None) for _ in range(8)))
    found.append(await _most_at_a_time(crew, 1))
    crew.resize(3)
    found.append(await _most_at_a_time(crew, 3))
    await asyncio.to_thread(crew.close)

    assert [2, 5, 1, 3] == found


async def test_threads_that_are_to_leave_count_until_they_have_left() -> None:
    """Else a number of jobs would be credited with what more of them bring."""
    crew, go_on = Crew(4), threading.Event()
    begun = [crew.do(lambda: go_on.wait(10)) for _ in range(4)]

    crew.resize(1)
    found = [crew.threads]
    go_on.set()
    await asyncio.gather(*begun)
    await asyncio.to_thread(crew.close)
    found.append(crew.threads)

    assert [4, 0] == found


async def test_a_crew_that_grows_before_those_who_are_to_leave_have_left_has_not_more_than_its_size() -> None:
    """They stay, instead of others who come beside them."""
    crew, go_on, lock, busy, most = Crew(4), threading.Event(), threading.Lock(), [0], [0]

    def work() -> None:
        with lock:
            busy[0] += 1
            most[0] = max(most[0], busy[0])
        go_on.wait(10)
        with lock:
            busy[0] -= 1

    waiting = [crew.do(work) for _ in range(12)]
    for size in (1, 3, 2, 4):
        crew.resize(size)
    await asyncio.sleep(0.05)
    go_on.set()
    await asyncio.gather(*waiting)
    await asyncio.to_thread(crew.close)

    assert 4 == most[0]
