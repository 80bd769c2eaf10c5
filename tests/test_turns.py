"""Who waits for a password: links in turn, senders in turn."""

from collections import Counter
from typing import NamedTuple

from smsgw.turns import Turns
from tests.budget import BUDGET_MS, cost_ms


class Text(NamedTuple):
    link: str
    sender: str
    number: int
    session: int = 1


def texts(*names):
    """`a1` is a text by link a of sender 1; a sender's texts are numbered in their order."""
    counts = Counter()
    for name in names:
        counts[name] += 1
        yield Text(name[0], name[1:], counts[name])


def waiting(*names):
    turns = Turns()
    for text in texts(*names):
        turns.add(text)
    return turns


def order(turns, n=1000):
    return [f"{text.link}{text.sender}.{text.number}" for text in turns.take(n)]


def test_links_are_served_in_turn():
    turns = waiting("a1", "a2", "a3", "b1", "b2")
    assert ["a1.1", "b1.1", "a2.1", "b2.1", "a3.1"] == order(turns)
    assert 0 == len(turns)


def test_turn_of_a_link_lasts_over_several_looks():
    turns = waiting("a1", "a2", "a3", "b1", "b2")
    assert ["a1.1"] == order(turns, 1)
    assert ["b1.1"] == order(turns, 1)
    assert ["a2.1", "b2.1"] == order(turns, 2)


def test_senders_of_a_link_are_served_in_turn_and_each_in_its_order():
    turns = waiting("a1", "a1", "a1", "a2", "a2", "a3")
    assert ["a1.1", "a2.1", "a3.1", "a1.2", "a2.2", "a1.3"] == order(turns)


def test_newcomers_do_not_keep_the_second_text_of_a_sender_waiting():
    turns = waiting("a1", "a1", "a2")
    assert ["a1.1"] == order(turns, 1)
    for name in ("a3", "a4", "a5"):
        turns.add(next(texts(name)))
    assert ["a2.1", "a1.2", "a3.1", "a4.1", "a5.1"] == order(turns)


def test_what_is_put_back_is_served_first():
    turns = waiting("a1", "a2", "b1", "b2")
    taken = turns.take(3)
    turns.put_back(taken)
    assert 4 == len(turns)
    assert ["a1.1", "b1.1", "a2.1", "b2.1"] == order(turns)


def test_link_with_most_texts_sheds_those_whose_turn_is_last():
    turns = waiting("a1", "a2", "a2", "a2", "a3", "b1", "b2")
    shed = [(text.link, text.sender, text.number) for text in turns.shed(4)]
    assert [("a", "2", 3), ("a", "2", 2), ("a", "3", 1)] == shed
    assert ["a1.1", "b1.1", "a2.1", "b2.1"] == order(turns)


def test_everything_can_be_shed():
    turns = waiting("a1", "a1", "b1")
    assert 3 == len(turns.shed(0))
    assert (0, []) == (len(turns), order(turns))
    turns.add(next(texts("a1")))
    assert ["a1.1"] == order(turns)


def test_sender_who_shed_a_text_stands_where_its_others_are():
    turns = waiting("a1", "a1", "a1", "a2")
    turns.shed(3)
    turns.add(Text("a", "1", 9))
    assert ["a1.1", "a2.1", "a1.2", "a1.9"] == order(turns)


def test_texts_of_a_session_that_ended_are_dropped_or_have_an_heir():
    turns = Turns()
    for text in (
        Text("a", "1", 1, session=1),
        Text("a", "2", 1, session=2),
        Text("a", "3", 1, session=1),
        Text("a", "4", 1, session=1),
        Text("b", "5", 1, session=3),
    ):
        turns.add(text)
    heirs = {"3": Text("a", "3", 7, session=2), "4": Text("b", "4", 8, session=3)}
    turns.end(1, lambda text: heirs.get(text.sender))
    assert 4 == len(turns)
    assert ["a2.1", "b5.1", "a3.7", "b4.8"] == order(turns)


def test_end_of_a_session_with_all_that_may_wait_is_cheap():
    def many():
        turns = Turns()
        for n in range(2000):
            turns.add(Text("a", str(n % 500), n))
        turns.shed(1000)
        turns.end(1, lambda text: None)

    assert cost_ms(many) < BUDGET_MS
