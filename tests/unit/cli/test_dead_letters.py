"""Dead letters: their names, what is shown of them, and what sending again means for each kind."""

import asyncio
from typing import Any

import pytest
from rich.console import Console

from infra.cli import dead_letters
from infra.cli.dead_letter_commands import _show
from infra.cli.dead_letters import WIRES, Found, decoded, hexadecimal, parse_name, send_again
from infra.cli.errors import CliError
from services.inventory.item import DefineItem, ItemId
from services.kernel.codec import Meta
from services.kernel.messages import DeadLetter, DeadLetterHeader, DeadLetterKind
from services.kernel.processor import CONTROL_HEADER

Sent = list[tuple[Any, ...]]


def letter(kind: DeadLetterKind, value: bytes = b"x", detail: str = "") -> DeadLetter:
    """A letter of a command on an item."""
    headers = (DeadLetterHeader("ce_id", b"7"), DeadLetterHeader("odd", b"", null=True), DeadLetterHeader("none", b""))
    return DeadLetter(
        kind, "why", detail, "inventory-commands-v1", 3, 41, 1_700_000_000_000, b"item/a/b", value, headers
    )


def found(kind: DeadLetterKind, **given: Any) -> Found:
    """The same as it lies in its topic."""
    return Found("inventory-dead-letters-v1", 3, 5, letter(kind, **given))


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> Sent:
    """What would be produced."""
    calls: Sent = []

    async def produce(*arguments: Any) -> None:
        calls.append(arguments)

    monkeypatch.setattr(dead_letters, "_produce", produce)
    return calls


def test_a_malformed_record_goes_back_byte_by_byte(sent: Sent) -> None:
    asyncio.run(send_again("broker", found(DeadLetterKind.MALFORMED, value=b"\x00\xff")))
    headers = [("ce_id", b"7"), ("odd", None), ("none", b"")]
    assert sent == [("broker", "inventory-commands-v1", 3, b"item/a/b", b"\x00\xff", headers)]


def test_a_parked_key_is_taken_up_by_its_service(sent: Sent) -> None:
    asyncio.run(send_again("broker", found(DeadLetterKind.PARKED)))
    assert sent == [("broker", "inventory-commands-v1", 3, b"item/a/b", b"", [(CONTROL_HEADER, b"replay")])]


@pytest.mark.parametrize(
    ("kind", "detail", "told"),
    [
        (DeadLetterKind.REFUSED_REACTION, "", "not sent again"),
        (DeadLetterKind.MALFORMED, "too big (cut: value of 999999)", "record cut"),
    ],
)
def test_what_can_not_be_sent_again_says_why(sent: Sent, kind: DeadLetterKind, detail: str, told: str) -> None:
    with pytest.raises(CliError, match=told):
        asyncio.run(send_again("broker", found(kind, detail=detail)))
    assert not sent


def test_what_can_be_read_is_shown_as_json() -> None:
    meta = Meta("acme:1", occurred_at_ms=1_700_000_000_000, enterprise="acme")
    value = WIRES["inventory"].commands.encode(meta, DefineItem(ItemId("bolt"), "Bolt M8", "C62"))
    shown = decoded(letter(DeadLetterKind.MALFORMED, value))
    assert '"define_item"' in shown
    assert '"Bolt M8"' in shown


def test_a_header_without_a_value_is_shown_as_such(capsys: pytest.CaptureFixture[str]) -> None:
    _show(Console(width=200), found(DeadLetterKind.MALFORMED))
    shown = {line.split()[1]: line.split()[2:] for line in capsys.readouterr().out.splitlines() if "header" in line}
    assert shown == {"ce_id": ["7"], "odd": ["(null)"], "none": []}


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (b"garbage!", "not framed"),
        (b"", "not framed"),
        (b"\x00\x00\x00\x00\x07\x00abc", "schema 7"),
        (b"\x00\x00\x00\x00\xc9\x00\xff\xff", "no chainflow.inventory.v1.InventoryCommand"),
    ],
)
def test_what_can_not_be_read_says_why(value: bytes, told: str) -> None:
    assert told in decoded(letter(DeadLetterKind.MALFORMED, value))


def test_hex_shows_offsets_text_and_how_much_is_left() -> None:
    shown = hexadecimal(b"hello\x00" + b"a" * 600)
    assert shown.startswith("000000  68656c6c 6f00")
    assert "hello.a" in shown
    assert shown.endswith("94 more bytes")


@pytest.mark.parametrize("name", ["", "order-dead-letters-v1", "order-events-v1:0:1", "order-dead-letters-v1:x:1"])
def test_a_wrong_name_says_what_a_name_is(name: str) -> None:
    with pytest.raises(CliError, match="TOPIC:PARTITION:OFFSET"):
        parse_name(name)
