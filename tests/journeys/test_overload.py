"""Load past every limit: the SMSC is made to wait, nothing is dropped, and it goes on by itself."""

from collections import Counter

from smsgw.simulator import Status, texts
from tests.saboteur import command

#: Past what one session may have unanswered, by half as much again.
FLOOD = 3000


def flood(smsc, citizens):
    """All at once: each citizen texts something that is no registration."""
    return smsc.deliver_all(texts.mo(citizen.number, "xin chao") for citizen in citizens)


def assert_each_was_taken_and_answered_once(smsc, ledger, citizens):
    everybody = Counter({citizen.e164: 1 for citizen in citizens})
    assert Counter({(citizen.e164, "xin chao"): 1 for citizen in citizens}) == ledger.texts()
    assert everybody == ledger.replies()
    assert everybody == Counter(f"+{submit.destination.number}" for submit in smsc.submits)
    assert ledger.is_sound()


def test_flood_on_a_slow_disk_makes_the_smsc_wait_and_loses_nothing(
    smsc, config_file, daemon, citizens, ledger, tmp_path
):
    flag = tmp_path / "slow"
    config = config_file(smsc.link(window=100))
    child = daemon(config, smsc, command=command("slow-while", flag))
    flag.touch()
    smsc.manners.retry_delay = 0.2
    people = citizens(FLOOD)
    handles = flood(smsc, people)
    throttled = [Status.RTHROTTLED]
    smsc.until(
        lambda _: sum(handle.delivery.statuses[:1] == throttled for handle in handles) > 500,
        what="texts that are turned away",
    )
    assert smsc.enquire_link() < 0.3  # seconds; a COMMIT takes longer
    flag.unlink()
    assert {0} == {handle.settled() for handle in handles}
    smsc.wait_submits(FLOOD)
    child.until(lambda: ledger.queued() == 0, what="an empty outbox")
    assert_each_was_taken_and_answered_once(smsc, ledger, people)
    assert child.memory("VmHWM") < 120


def test_smsc_slower_than_its_citizens_gets_the_replies_at_its_own_pace(
    smsc, config_file, daemon, citizens, ledger
):
    smsc.manners.answer_delay = 0.1
    child = daemon(config_file(smsc.link(window=10)), smsc)
    people = citizens(200)
    handles = flood(smsc, people)
    assert {0} == {handle.settled() for handle in handles}
    assert ledger.queued() > 0  # the texts are safe, and did not wait for the replies
    smsc.wait_submits(len(people))
    child.until(lambda: ledger.queued() == 0, what="an empty outbox")
    assert_each_was_taken_and_answered_once(smsc, ledger, people)
