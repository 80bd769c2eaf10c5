"""STATUS of systemd: what is not well, in one line."""

import asyncio

from smsgw.health import Kind, Problem, Report
from smsgw.herald import Herald


def words(*problems):
    async def report():
        return Report(True, [Problem(Kind.STORE, text) for text in problems])

    return asyncio.run(Herald(report, lambda: "1 of 2 links bound").words())


def test_status_is_the_links_and_each_problem():
    assert "1 of 2 links bound" == words()
    assert "1 of 2 links bound; link mobi is waiting: refused; the disk is full" == words(
        "link mobi is waiting: refused", "the disk is full"
    )


def test_status_is_one_line_whatever_a_problem_says():
    assert "1 of 2 links bound; a READY=1 b" == words("a\nREADY=1\tb")
