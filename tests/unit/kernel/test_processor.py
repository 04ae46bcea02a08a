"""The fates of a record: decided, refused, malformed, parked. Bad input costs itself and nothing else."""

import random
from dataclasses import replace
from typing import Any

import pytest

from services.kernel.batch import Headers
from services.kernel.codec import Meta
from services.kernel.dead_letters import LETTER_KEY_BYTES_MAX, LETTER_VALUE_BYTES_MAX
from services.kernel.memory_log import START_MS
from services.kernel.messages import DeadLetterHeader, DeadLetterKind, OutcomeStatus
from services.kernel.partitioner import partition_of
from services.kernel.processor import COMMAND_ID_CHARS_MAX, RECORD_BYTES_MAX
from tests.support.jars import (
    CHANGELOG,
    COMMANDS,
    DEAD_LETTERS,
    EVENTS,
    FEED,
    LINKS,
    OUTCOMES,
    WIRES,
    Fill,
    Filled,
    Jar,
    JarRow,
    Pour,
    Ring,
    Set,
    Shelf,
    Stir,
    Taste,
    TotalRow,
    Wake,
    tick,
)

GOOD = WIRES.commands.encode(Meta("good", occurred_at_ms=START_MS, enterprise="ann"), Fill("a", 5))


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


# --- decided and refused ----------------------------------------------------------------------------------------------


def test_a_command_makes_events_an_outcome_a_row_and_a_view(shelf: Shelf) -> None:
    id_ = shelf.send("ann", Fill("a", 5, Taste.STRONG))
    shelf.settle()
    assert shelf.events() == [(1, Filled(5, Taste.STRONG))]
    outcome = shelf.outcome(id_)
    assert (outcome.status, outcome.version, outcome.events, outcome.offset) == (OutcomeStatus.ACCEPTED, 1, 1, 0)
    assert shelf.jar("jar/ann/a") == Jar(5, 1)
    assert shelf.view("ann", "jars") == {"a": JarRow("a", 5)}
    assert shelf.answers == [(id_, outcome)]


def test_the_same_command_twice_gets_the_first_outcome_and_makes_no_event(shelf: Shelf) -> None:
    shelf.send("ann", Fill("a", 5), id_="one")
    shelf.send("ann", Fill("a", 7))
    shelf.settle()
    shelf.send("ann", Fill("a", 5), id_="one")
    shelf.settle()
    assert [fact.grams for _, fact in shelf.events()] == [5, 7]
    first = shelf.outcome("one")  # one on the topic
    assert [answer for id_, answer in shelf.answers if id_ == "one"] == [first, first]
    assert first.version == 1


def test_the_same_command_twice_in_one_batch(shelf: Shelf) -> None:
    for _ in range(3):
        shelf.send("ann", Fill("a", 5), id_="one")
    shelf.settle()
    assert len(shelf.events()) == 1
    assert len({answer for _, answer in shelf.answers}) == 1
    assert len(shelf.answers) == 3


def test_a_refused_command_twice_gets_its_first_refusal_even_if_it_would_pass_now(shelf: Shelf) -> None:
    shelf.send("ann", Pour("a", "bob/b", 5), id_="one")
    shelf.send("ann", Fill("a", 9))
    shelf.send("ann", Pour("a", "bob/b", 5), id_="one")
    shelf.settle()
    assert shelf.outcome("one").code == "too-little"
    assert [answer.code for id_, answer in shelf.answers if id_ == "one"] == ["too-little", "too-little"]
    assert len(shelf.events("jar/ann/a")) == 1


def test_an_id_used_for_another_body_is_refused_to_the_asker_only(shelf: Shelf) -> None:
    shelf.send("ann", Fill("a", 5), id_="one")
    shelf.send("ann", Fill("a", 6), id_="one")
    shelf.settle()
    assert shelf.outcome("one").status is OutcomeStatus.ACCEPTED
    assert [(id_, answer.code) for id_, answer in shelf.answers] == [("one", ""), ("one", "command-id-reused")]
    assert len(shelf.events()) == 1
    assert not shelf.letters()


def test_a_stale_version_is_refused_and_the_right_one_is_not(shelf: Shelf) -> None:
    shelf.send("ann", Fill("a", 5))
    stale, right = shelf.send("ann", Fill("a", 6), expected=7), shelf.send("ann", Fill("a", 7), expected=1)
    early = shelf.send("ann", Fill("b", 1), expected=1)
    shelf.settle()
    assert shelf.outcome(stale).code == shelf.outcome(early).code == "stale-version"
    assert shelf.outcome(stale).version == 1
    assert shelf.outcome(right).version == 2
    assert [fact.grams for _, fact in shelf.events()] == [5, 7]


def test_a_foreign_tenant_is_told_what_he_is_told_of_a_jar_that_does_not_exist(shelf: Shelf) -> None:
    shelf.send("ann", Fill("a", 5))
    there, nowhere = shelf.send("eve", Stir("ann", "a")), shelf.send("eve", Stir("ann", "nowhere"))  # type: ignore[arg-type]
    shelf.settle()
    told = [(o.status, o.code, o.advice, o.field) for o in (shelf.outcome(there), shelf.outcome(nowhere))]
    assert told[0] == told[1] == (OutcomeStatus.REFUSED, "unknown-jar", "there is no such jar", "")


def test_a_refusal_changes_nothing(shelf: Shelf) -> None:
    shelf.send("ann", Fill("a", 5))
    shelf.settle()
    before = len(shelf.changelog())
    shelf.send("ann", Fill("a", 0))
    shelf.settle()
    (added,) = shelf.changelog()[before:]  # the outcome, nothing of the jar
    assert added.key == b"~o\0c2"


# --- malformed --------------------------------------------------------------------------------------------------------


def _meta(**values: object) -> Meta:
    return Meta(**{"id": "m", "occurred_at_ms": START_MS, "enterprise": "ann"} | values)  # type: ignore[arg-type]


def _command(body: object = Fill("a", 5), **values: object) -> bytes:
    return WIRES.commands.encode(_meta(**values), body)


BODY_OF_NEWER_KIND = GOOD[:6] + b"\x0a\x0a" + b"\x0a\x01m\x22\x00\x32\x03ann" + b"\x92\x03\x00"
"""Envelope, and field 50, which no oneof member known here has."""

BAD = [
    (COMMANDS, b"jar/ann/a", b"", "empty"),
    (COMMANDS, b"jar/ann/a", None, "empty"),
    (COMMANDS, b"jar/ann/a", b"{}", "bad-magic"),
    (COMMANDS, b"jar/ann/a", b"\x00\x00\x00\x00\x07\x00" + GOOD[6:], "unknown-schema"),
    (COMMANDS, b"jar/ann/a", GOOD[:5] + b"\x02\x02" + GOOD[6:], "unknown-message-index"),
    (COMMANDS, b"jar/ann/a", GOOD[:-3], "undecodable"),
    (COMMANDS, b"jar/ann/a", GOOD[:6], "envelope-missing"),
    (COMMANDS, b"jar/ann/a", BODY_OF_NEWER_KIND, "body-missing"),
    (COMMANDS, b"jar/ann/a", GOOD.replace(b"\x18\x01", b"\x18\x63"), "unknown-choice"),
    (COMMANDS, b"jar/ann/a", GOOD.replace(b"\x18\x01", b"\x18\x00"), "choice-missing"),
    (COMMANDS, b"jar/ann/a", _command(enterprise=""), "envelope-incomplete"),
    (COMMANDS, b"jar/ann/a", _command(enterprise="ann/a"), "envelope-incomplete"),
    (COMMANDS, b"jar/ann/a", _command(enterprise="a\0n"), "envelope-incomplete"),
    (COMMANDS, b"jar/ann/b", GOOD, "key-mismatch"),
    (COMMANDS, b"jar/bob/a", GOOD, "key-mismatch"),
    (COMMANDS, b"\xff\xfe", GOOD, "key-not-utf8"),
    (COMMANDS, None, GOOD, "key-unknown"),
    (COMMANDS, b"", GOOD, "key-unknown"),
    (COMMANDS, b"pot/ann/a", GOOD, "key-unknown"),
    (COMMANDS, b"jar/ann/a\0b", _command(Fill("a\0b", 5)), "key-unknown"),
    (COMMANDS, b"jar/" + b"n" * 600, GOOD, "key-unknown"),
    (LINKS, b"jar/ann/a", b"junk", "bad-magic"),
    (LINKS, b"jar/ann/a", None, "empty"),
    (LINKS, b"\xff", GOOD, "key-not-utf8"),
    (FEED, b"ann", b"junk", "bad-magic"),
    (FEED, b"\xff", WIRES.feed.encode(_meta(), JarRow("a", 1), view="jars", row_id="a"), "key-not-utf8"),
    (FEED, None, WIRES.feed.encode(_meta(), JarRow("a", 1), view="jars", row_id="a"), "key-unknown"),
    (FEED, b"ann", WIRES.feed.encode(_meta(), JarRow("a", 1), view="pots", row_id="a"), "view-unknown"),
    (FEED, b"ann", WIRES.feed.encode(_meta(), JarRow("a", 1), view="totals", row_id="a"), "view-unknown"),
    ("clock-v1", None, b"junk", "bad-magic"),
    ("clock-v1", b"jar/ann/a", None, "empty"),
]


@pytest.mark.parametrize(("topic", "key", "value", "reason"), BAD)
def test_bad_input_is_a_dead_letter_with_its_bytes_and_the_rest_goes_on(
    shelf: Shelf, topic: str, key: bytes | None, value: bytes | None, reason: str
) -> None:
    shelf.send("ann", Fill("a", 5))
    offset = shelf.put(topic, key, value, [("who", b"me"), ("null", None)])
    shelf.send("ann", Fill("a", 6))
    shelf.settle()
    (letter,) = shelf.letters()
    assert (letter.kind, letter.reason, letter.detail != "") == (DeadLetterKind.MALFORMED, reason, True)
    assert (letter.topic, letter.partition, letter.offset) == (topic, 0, offset)
    assert (letter.key, letter.value) == (key or b"", value or b"")
    assert [*letter.headers] == [DeadLetterHeader("who", b"me"), DeadLetterHeader("null", b"", null=True)]
    assert shelf.jar("jar/ann/a") == Jar(11, 2)
    assert not any(record.key and record.key.startswith(b"~p") for record in shelf.changelog())


def test_a_link_without_its_senders_key_or_version_is_malformed(shelf: Shelf) -> None:
    for meta in (_meta(version=1), _meta(aggregate="jar/bob/b")):
        shelf.put(LINKS, b"jar/ann/a", WIRES.links_out[LINKS].encode(meta, _poured(3), link="pours"))
    shelf.settle()
    assert [letter.reason for letter in shelf.letters()] == ["envelope-incomplete"] * 2
    assert not shelf.events()


def _poured(grams: int) -> object:
    return WIRES.links_out[LINKS].union[0](grams)


def test_a_record_on_the_wrong_partition_is_malformed_whatever_its_topic() -> None:
    shelf = Shelf(partitions=2)
    wrong = 1 - partition_of(b"jar/ann/a", 2)
    shelf.put(COMMANDS, b"jar/ann/a", GOOD, partition=wrong)
    shelf.put(
        LINKS, b"jar/ann/a", WIRES.links_out[LINKS].encode(_meta(version=1, aggregate="x"), _poured(3)), partition=wrong
    )
    feed = WIRES.feed.encode(_meta(), JarRow("a", 1), view="jars", row_id="a")
    shelf.put(FEED, b"ann", feed, partition=1 - partition_of(b"ann", 2))
    shelf.settle()
    assert [letter.reason for letter in shelf.letters()] == ["wrong-partition"] * 3
    assert not shelf.events()
    assert not shelf.view("ann", "jars")


@pytest.mark.parametrize(
    ("key", "value", "headers"),
    [
        (b"jar/ann/a", b"\x01" * 1_045_000, []),
        (b"jar/ann/a", b"\x00" * 1_045_000, []),
        (b"k" * 1_045_000, b"", []),
        (b"jar/ann/a", b"", [("large", b"h" * 1_045_000)]),
        (b"jar/ann/a", b"", [("", b"")] * 300_000),
        (b"jar/ann/a", b"\x01" * 500_000, [("n" * 500_000, b"")]),
    ],
    ids=["value", "zeros", "key", "header", "many headers", "header name"],
)
def test_a_record_as_large_as_the_broker_takes_does_not_stop_the_partition(
    shelf: Shelf, key: bytes, value: bytes, headers: Headers
) -> None:
    shelf.put(COMMANDS, key, value, headers)
    shelf.send("ann", Fill("a", 6))
    shelf.settle()
    (letter,) = shelf.letters()
    assert (letter.topic, letter.offset) == (COMMANDS, 0)  # where the whole is, of which the ends are cut
    assert key.startswith(letter.key)
    assert value.startswith(letter.value)
    assert "(cut: " in letter.detail
    (record,) = shelf.log.all(DEAD_LETTERS)
    assert len(record.value or b"") <= RECORD_BYTES_MAX
    assert len(record.key or b"") <= LETTER_KEY_BYTES_MAX
    assert shelf.jar("jar/ann/a") == Jar(6, 1)


def test_the_largest_record_that_is_not_cut_keeps_all_its_bytes(shelf: Shelf) -> None:
    value = b"\x01" * LETTER_VALUE_BYTES_MAX
    shelf.put(COMMANDS, b"k" * LETTER_KEY_BYTES_MAX, value, [("name", b"x" * 39_000)])
    shelf.settle()
    (letter,) = shelf.letters()
    assert letter.value == value
    assert letter.key == b"k" * LETTER_KEY_BYTES_MAX
    assert [header.name for header in letter.headers] == ["name"]
    assert "cut" not in letter.detail


def test_a_dead_letter_can_be_written_whatever_the_headers_are(shelf: Shelf) -> None:
    headers: Headers = [("n" * 5_000, b"x"), ("", b""), ("null", None), ("many", b"y" * 1_000)]
    shelf.put(COMMANDS, b"jar/ann/a", b"junk", headers)
    shelf.settle()
    (letter,) = shelf.letters()
    assert letter.value == b"junk"
    found = [(header.value, header.null) for header in letter.headers]
    assert found == [(b"x", False), (b"", False), (b"", True), (b"y" * 1_000, False)]


def test_null_headers_of_a_good_command_do_no_harm(shelf: Shelf) -> None:
    id_ = shelf.send("ann", Fill("a", 5), headers=[("fingerprint", None), ("odd", None)])
    shelf.settle()
    assert shelf.outcome(id_).status is OutcomeStatus.ACCEPTED
    assert shelf.jar("jar/ann/a") == Jar(5, 1)


def test_the_longest_id_that_a_command_may_have_is_answered(shelf: Shelf) -> None:
    id_ = shelf.send("ann", Fill("a", 5), id_="i" * COMMAND_ID_CHARS_MAX)
    shelf.send("ann", Fill("a", 5), id_="j" * 512)  # its outcome's id would not fit
    shelf.settle()
    assert shelf.outcome(id_).status is OutcomeStatus.ACCEPTED
    assert [letter.reason for letter in shelf.letters()] == ["too-long"]


def test_garbage_among_good_records_costs_itself_only() -> None:
    """A hundred random records, mixed by a seed into a thousand good ones, with crashes."""
    shelf = Shelf(partitions=3, seed=11, crash_share=0.2)
    rand = random.Random(7)
    grams = {f"j{n}": 0 for n in range(10)}
    kinds = ["good"] * 1_000 + ["bad"] * 100
    rand.shuffle(kinds)
    garbage = []
    for kind in kinds:
        name = rand.choice(list(grams))
        if kind == "good":
            amount = rand.randint(1, 9)
            grams[name] += amount
            shelf.send("ann", Fill(name, amount))
        else:
            start = rand.choice((b"", GOOD[:6], GOOD[: rand.randint(0, len(GOOD) - 1)]))
            value = start + rand.randbytes(rand.randint(1, 60))
            key = rand.choice((f"jar/ann/{name}".encode(), rand.randbytes(5), None))
            topic = rand.choice((COMMANDS, LINKS, FEED, "clock-v1"))
            partition = rand.randrange(3)
            garbage.append((topic, partition, shelf.put(topic, key, value, partition=partition), value))
    shelf.settle()
    assert {name: shelf.jar(f"jar/ann/{name}").grams for name in grams} == grams  # type: ignore[union-attr]
    assert sorted((x.topic, x.partition, x.offset, x.value) for x in shelf.letters()) == sorted(garbage)
    assert {letter.kind for letter in shelf.letters()} == {DeadLetterKind.MALFORMED}
    assert len(shelf.outcomes()) == 1_000
    assert all(len(found) == 1 for found in shelf.outcomes().values())


# --- links ------------------------------------------------------------------------------------------------------------


def test_only_a_newer_link_message_counts(shelf: Shelf) -> None:
    for grams, version in ((4, 2), (3, 1), (4, 2), (7, 3)):
        shelf.pour("ann/a", grams, version)
    shelf.pour("ann/a", 2, 1, sender="jar/bob/b")  # another sender, another count
    shelf.settle()
    assert shelf.jar("jar/ann/a") == Jar(1 + 4 + 1 + 7 + 1 + 2, 6)
    shelf.pour("ann/a", 9, 3)
    shelf.settle()
    assert shelf.jar("jar/ann/a") == Jar(16, 6)
    assert not shelf.letters()


def test_a_reaction_that_is_refused_is_a_dead_letter_and_its_other_commands_stand(shelf: Shelf) -> None:
    shelf.pour("ann/a", 0, 1)
    shelf.settle()
    (letter,) = shelf.letters()
    assert (letter.kind, letter.reason) == (DeadLetterKind.REFUSED_REACTION, "nothing-to-fill")
    assert shelf.jar("jar/ann/a") == Jar(1, 1)


def test_goods_go_from_jar_to_jar(shelf: Shelf) -> None:
    shelf.send("ann", Fill("a", 9))
    shelf.send("ann", Pour("a", "bob/b", 4))
    shelf.send("ann", Pour("a", "bob/b", 2))
    shelf.settle()
    assert shelf.jar("jar/ann/a") == Jar(3, 1)
    assert shelf.jar("jar/bob/b") == Jar(1 + 4 + 1 + 6, 4)
    assert shelf.view("bob", "totals") == {"all": TotalRow(1, 12)}


# --- crashes and determinism ------------------------------------------------------------------------------------------


def history(shelf: Shelf, seed: int) -> None:
    """A mixed history: commands, repeats, links, ticks, steps that raise and their replays, all by a seed."""
    rand = random.Random(seed)
    names = ["a", "b", "c"]
    for number in range(120):
        enterprise, name = rand.choice(("ann", "bob")), rand.choice(names)
        match rand.randrange(8):
            case 0 | 1 | 2:
                shelf.send(enterprise, Fill(name, rand.randint(0, 30)), id_=f"{enterprise}/{name}/{rand.randrange(30)}")
            case 3:
                shelf.send(enterprise, Pour(name, f"{enterprise}/{rand.choice(names)}", rand.randint(1, 20)))
            case 4:
                shelf.send(enterprise, Wake(name, START_MS + rand.randrange(120) * 1_000))
            case 5:
                shelf.tick(START_MS + number * 1_000)
            case 6:
                shelf.pour(f"{enterprise}/{name}", rand.randint(1, 9), rand.randint(1, 20))
            case 7:
                shelf.replay(f"jar/{enterprise}/{name}")
        if rand.random() < 0.1:
            step = rand.choice(("decide", "evolve", "ring", "project", "alarm", "react"))
            shelf.defects.symmetric_difference_update({step})
            shelf.settle()
    shelf.defects.clear()
    shelf.tick(START_MS + 500_000)
    for _ in range(2):
        for enterprise in ("ann", "bob"):
            for name in names:
                shelf.replay(f"jar/{enterprise}/{name}")
        shelf.settle()


@pytest.mark.parametrize("seed", range(6))
def test_any_history_leaves_one_outcome_each_rows_equal_to_the_log_and_nothing_parked(seed: int) -> None:
    shelf = Shelf(partitions=2, seed=seed, crash_share=0.25 if seed % 2 else 0.0)
    history(shelf, seed)
    assert all(len(found) == 1 for found in shelf.outcomes().values())
    versions: dict[str, int] = {}
    for record in shelf.log.all(EVENTS):
        meta = WIRES.events.decode(record.value)[0]
        assert meta.version == versions.get(meta.aggregate, 0) + 1
        versions[meta.aggregate] = meta.version
    for key in versions:
        filled = sum(fact.grams for _, fact in shelf.events(key) if isinstance(fact, Filled))
        poured = sum(getattr(fact, "grams", 0) for _, fact in shelf.events(key) if not isinstance(fact, Filled))
        assert shelf.jar(key).grams == filled - poured, key  # type: ignore[union-attr]
    for enterprise in ("ann", "bob"):
        rows = shelf.view(enterprise, "jars")
        recount = {key.split("/")[2]: shelf.jar(key).grams for key in versions if key.split("/")[1] == enterprise}  # type: ignore[union-attr]
        assert {name: row.grams for name, row in rows.items()} == {n: g for n, g in recount.items() if g}
        assert shelf.view(enterprise, "totals")["all"] == TotalRow(len(rows), sum(row.grams for row in rows.values()))
    for worker in shelf.workers:
        assert not [row_id for row_id in worker.store.rows if row_id.startswith(b"~p")]


def test_the_same_log_and_the_same_steps_give_the_same_bytes() -> None:
    def bytes_of() -> list[object]:
        shelf = Shelf(partitions=2, seed=3)
        history(shelf, 3)
        topics = (EVENTS, OUTCOMES, FEED, LINKS, CHANGELOG, DEAD_LETTERS)
        return [(r.key, r.value, r.headers) for topic in topics for r in shelf.log.all(topic)]

    assert bytes_of() == bytes_of()


def test_a_recovered_partition_decides_on_as_one_that_never_died() -> None:
    outcomes, rows = [], []
    for crash_share in (0.0, 0.6):
        shelf = Shelf(seed=5, crash_share=crash_share)
        for number in range(60):
            shelf.send("ann", Fill(f"j{number % 7}", number % 5 + 1), id_=f"c{number % 50}")
            if number % 9 == 0:
                shelf.tick(START_MS + number * 10_000)
                shelf.settle()
        shelf.settle()
        outcomes.append({id_: found[0].version for id_, found in shelf.outcomes().items()})
        rows.append({key: value for key, value in shelf.workers[0].store.rows.items() if key.startswith(b"jar/")})
    assert outcomes[0] == outcomes[1]
    assert rows[0] == rows[1]


def test_ticks_go_only_forward(shelf: Shelf) -> None:
    shelf.tick(START_MS + 5_000)
    shelf.tick(START_MS + 1_000)
    shelf.settle()
    assert shelf.workers[0].store.rows[b"~c\0"] == b"%d" % (START_MS + 5_000)
    assert tick(START_MS) != tick(START_MS + 1)


def test_of_a_row_of_a_view_a_batch_sends_the_last_state_only(shelf: Shelf) -> None:
    """The views end as if all had been sent, and what a record that fails would have shown is not among it."""
    shelf.defects.add("derive")
    for grams in (1, 2, 4):
        shelf.send("ann", Fill("a", grams))
    shelf.send("ann", Fill("b", 5))
    partition = shelf.workers[0]._processor
    for record in shelf.log.read(COMMANDS, 0, 0, 4):
        partition.take(record)
    sent = [WIRES.feed.decode(value)[1] for _, value, _ in partition.finish().outputs[FEED, 0]]
    assert sent == [JarRow("a", 7), JarRow("b", 5)]
    shelf.workers[0].recover()
    shelf.defects |= {"project"}
    shelf.send("ann", Fill("a", 8))  # 15 grams: its projection raises
    shelf.settle()
    assert shelf.view("ann", "jars") == {"a": JarRow("a", 7), "b": JarRow("b", 5)}
    assert len(shelf.letters()) == 1


# --- reckoning --------------------------------------------------------------------------------------------------------


def reckoning(shelf: Shelf) -> list[str]:
    """Let the jars reckon (a ring counts it in their rows); the keys in the order of reckoning."""
    keys: list[str] = []

    def reckon(key: str) -> Ring:
        keys.append(key)
        return Ring(0)

    amend(shelf, reckon=reckon)
    return keys


def amend(shelf: Shelf, **declared: Any) -> None:
    """Declare something else of the jars from now on."""
    service = shelf.service
    jar = replace(service.by_kind["jar"], **declared)
    service.by_kind["jar"] = jar
    service.by_command.update(dict.fromkeys(service.by_command, jar))


def test_what_was_told_many_things_in_a_batch_reckons_once_behind_them(shelf: Shelf) -> None:
    """A jar that is poured into three times within one batch reckons once."""
    shelf.send("ann", Fill("a", 9))
    shelf.settle()
    keys = reckoning(shelf)
    for grams in (1, 2, 3):
        shelf.pour("ann/b", grams, version=grams)
    shelf.settle()
    assert keys == ["jar/ann/b"]
    assert [type(fact) for _, fact in shelf.events("jar/ann/b")] == [Filled] * 6 + [Set]


def test_a_command_reckons_before_its_outcome(shelf: Shelf) -> None:
    """So that the version that it is answered with is the one that the next command must name."""
    keys = reckoning(shelf)
    id_ = shelf.send("ann", Fill("a", 5))
    refused = shelf.send("ann", Fill("a", 0))
    shelf.settle()
    assert keys == ["jar/ann/a"]
    assert (shelf.outcome(id_).version, shelf.outcome(id_).events) == (2, 2)
    assert shelf.outcome(refused).version == 2


@pytest.mark.parametrize(("derived", "times"), [((Set,), 1), ((), 2)])
def test_a_ring_after_which_nothing_new_is_known_is_not_followed_by_a_reckoning(
    shelf: Shelf, derived: tuple[type, ...], times: int
) -> None:
    shelf.send("ann", Wake("a", START_MS))
    shelf.settle()
    amend(shelf, reckon=lambda key: Ring(START_MS + 90_000), derived=derived)
    shelf.tick(START_MS + 1)
    shelf.settle()
    assert shelf.jar("jar/ann/a").rings == times  # type: ignore[union-attr]


def test_a_reckoning_that_raises_parks_its_key_and_goes_on_when_it_is_repaired() -> None:
    """The link that came before it is kept; taken again, it reckons although it says nothing new."""
    shelf = Shelf(defects={"ring"})
    keys = reckoning(shelf)
    shelf.pour("ann/b", 12, version=1)
    shelf.settle()
    assert [letter.kind for letter in shelf.letters()] == [DeadLetterKind.PARKED]
    assert [fact.grams for _, fact in shelf.events("jar/ann/b")] == [1, 12]
    shelf.defects.clear()
    shelf.replay("jar/ann/b")
    shelf.settle()
    assert keys == ["jar/ann/b", "jar/ann/b"]
    assert [type(fact) for _, fact in shelf.events("jar/ann/b")] == [Filled, Filled, Set]
