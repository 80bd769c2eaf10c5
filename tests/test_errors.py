"""A refusal knows why, and leaves it to others what to do about it."""

import json
from dataclasses import fields, is_dataclass

import pytest

from smsgw import errors
from smsgw.cli.refusals import REMEDIES, line
from smsgw.errors import Ambiguous, Closed, NotFound, Refusal, SmsgwError


def kinds(base=Refusal):
    """Every refusal that may be raised."""
    for kind in base.__subclasses__():
        yield from kinds(kind) if kind.__subclasses__() else [kind]


def example(kind):
    values = {field.name: f"a {field.name}" for field in fields(kind)} if is_dataclass(kind) else {}
    return kind(**values)


REFUSALS = [example(kind) for kind in kinds()]


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda refusal: type(refusal).__name__)
def test_refusal_crosses_the_control_socket_as_it_is(refusal):
    facts = json.loads(json.dumps(refusal.facts))
    again = Refusal.told(type(refusal).__name__, facts)
    assert (type(refusal), str(refusal), refusal.facts) == (type(again), str(again), again.facts)


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda refusal: type(refusal).__name__)
def test_refusal_says_all_its_facts_or_leaves_them_to_the_remedy(refusal):
    said = line(refusal)
    assert said.startswith(refusal.problem)
    assert all(str(fact) in said for fact in refusal.facts.values())
    assert "`" not in refusal.problem
    assert refusal.remedy is None


def test_command_line_has_thought_of_every_refusal():
    assert set(kinds()) == set(REMEDIES)


def test_interface_tells_refusals_apart_by_their_types():
    assert isinstance(errors.NoReply(7), NotFound)
    assert "20123" == Closed("20123").username


UNKNOWN = {
    "of a newer version": ("Novel", {}),
    "with other facts": ("Closed", {"id": 1}),
    "with no facts": ("Closed", None),
    "no refusal": (None, None),
    "no name": (["Closed"], {"username": "x"}),
}


@pytest.mark.parametrize(("name", "facts"), UNKNOWN.values(), ids=UNKNOWN)
def test_refusal_that_nobody_knows_here_is_left_to_its_words(name, facts):
    assert Refusal.told(name, facts) is None


def test_other_faults_keep_their_own_remedies():
    assert "no disk: buy one" == line(SmsgwError("no disk", "buy one"))
    assert (
        "'0905' is the phone of one account and the CMND of another:"
        " write phone:+84905 or cmnd:0905" == line(Ambiguous("0905", "+84905", "0905"))
    )
