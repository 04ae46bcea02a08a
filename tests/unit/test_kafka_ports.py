"""Ports of the embedded broker: below the ephemeral range, free, remembered."""

from __future__ import annotations

import random
import socket
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.kafka import ports
from infra.kafka.errors import KafkaSetupError
from infra.kafka.ports import FIRST_PORT, PORT_LIMIT, Ports, choose_port, is_free, load_ports, save_ports


@given(st.integers())
def test_every_choice_is_below_the_ephemeral_range(seed: int) -> None:
    port = choose_port(rng=random.Random(seed))
    assert FIRST_PORT <= port < PORT_LIMIT == 32768


def test_a_port_that_something_listens_on_is_not_free_and_not_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    port = choose_port()
    with socket.create_server(("127.0.0.1", port)):
        assert not is_free(port)
        monkeypatch.setattr(ports, "FIRST_PORT", port)
        monkeypatch.setattr(ports, "PORT_LIMIT", port + 1)
        with pytest.raises(KafkaSetupError, match="--port"):
            choose_port()


def test_a_port_to_avoid_is_not_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "is_free", lambda _: True)
    monkeypatch.setattr(ports, "PORT_LIMIT", FIRST_PORT + 2)
    assert {choose_port(avoid=frozenset({FIRST_PORT})) for _ in range(20)} == {FIRST_PORT + 1}


def test_ports_are_remembered(tmp_path: Path) -> None:
    save_ports(tmp_path / "ports.json", Ports(21_001, 21_002))
    assert load_ports(tmp_path / "ports.json") == Ports(21_001, 21_002)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"broker": 1}', '{"broker": "x", "controller": 2}'])
def test_an_unreadable_memory_is_no_memory(tmp_path: Path, content: str) -> None:
    (tmp_path / "ports.json").write_text(content)
    assert load_ports(tmp_path / "ports.json") is None
    assert load_ports(tmp_path / "absent.json") is None
