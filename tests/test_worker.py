"""The thread that owns the store: in order, one at a time, and nobody waits for ever."""

import asyncio
import threading

import pytest

from smsgw.worker import Worker

PATIENCE = 10  # seconds; a deadline, not a delay


def with_worker(test):
    """Run an async test(worker)."""

    def run():
        async def body():
            worker = Worker("store")
            try:
                async with asyncio.timeout(PATIENCE):
                    await test(worker)
            finally:
                worker.close()

        asyncio.run(body())

    run.__name__ = test.__name__
    return run


@with_worker
async def test_jobs_are_done_in_their_order_and_in_one_thread_that_is_not_the_loops(worker):
    done = []
    jobs = [worker.do(lambda n=n: done.append((n, threading.get_ident()))) for n in range(100)]
    await asyncio.gather(*jobs)
    assert list(range(100)) == [n for n, _ in done]
    (thread,) = {ident for _, ident in done}
    assert threading.get_ident() != thread


@with_worker
async def test_result_and_fault_reach_who_asked(worker):
    assert 6 == await worker.do(lambda a, b: a * b, 2, 3)
    with pytest.raises(ZeroDivisionError):
        await worker.do(lambda: 1 / 0)
    with pytest.raises(RuntimeError, match="StopIteration"):  # no future takes that one
        await worker.do(next, iter(()))
    assert "next" == await worker.do(lambda: "next")


@with_worker
async def test_callback_gets_result_or_fault_in_the_order_of_the_jobs(worker):
    came, thread = [], threading.get_ident()

    def then(result, fault):
        assert threading.get_ident() == thread
        came.append((result, type(fault)))

    worker.call(then, lambda a: a + 1, 1)
    worker.call(then, lambda: 1 / 0)
    assert 3 == await worker.do(lambda: 3)
    assert [(2, type(None)), (None, ZeroDivisionError)] == came


@with_worker
async def test_callback_that_fails_is_told_and_the_next_one_is_called(worker):
    told = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: told.append(context["exception"]))
    free = threading.Event()
    worker.call(lambda *_: 1 / 0, free.wait, PATIENCE)  # both are over before the loop looks
    second = worker.do(lambda: 2)
    free.set()
    assert 2 == await second
    (fault,) = told
    assert isinstance(fault, ZeroDivisionError)


@with_worker
async def test_job_that_nobody_waits_for_any_more_is_not_begun(worker):
    free, begun, called = threading.Event(), threading.Event(), []

    def block():
        begun.set()
        return free.wait(PATIENCE)

    first = worker.do(block)
    second = worker.do(called.append, 2)
    third = worker.do(called.append, 3)
    await asyncio.to_thread(begun.wait, PATIENCE)
    second.cancel()
    free.set()
    assert await first
    await third
    assert [3] == called


def test_what_was_asked_is_done_before_the_end():
    done = []

    async def body():
        worker = Worker("store")
        for n in range(3):
            worker.do(done.append, n)
        worker.close()
        assert [0, 1, 2] == done
        with pytest.raises(RuntimeError, match="closed"):
            worker.do(done.append, 3)

    asyncio.run(body())


def test_what_was_asked_before_the_end_is_answered_after_it():
    async def body():
        worker = Worker("store")
        answer = worker.do(lambda: 1)
        worker.close()
        assert 1 == await asyncio.wait_for(answer, PATIENCE)

    asyncio.run(body())


def test_end_of_the_loop_while_a_job_runs_is_survived():
    free = threading.Event()
    workers = []

    async def body():
        workers.append(Worker("store"))
        workers[0].do(free.wait, PATIENCE)

    asyncio.run(body())
    free.set()
    workers[0].close()
    assert not workers[0]._thread.is_alive()
