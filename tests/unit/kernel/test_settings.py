"""Settings come from the environment, and all mistakes are told at once."""

import pytest

from services.kernel.settings import SettingsError, read


def test_defaults() -> None:
    settings = read("jar", 8001, {"KAFKA_BOOTSTRAP_SERVERS": "h:1"})
    assert (settings.bootstrap, settings.host, settings.port, settings.url) == (
        "h:1", "127.0.0.1", 8001, "http://127.0.0.1:8001",
    )  # fmt: skip
    assert (settings.session_seconds, settings.tick_seconds, settings.log_level) == (6.0, 5.0, "INFO")
    assert settings.instance.startswith("jar-")


def test_what_is_said_is_taken() -> None:
    settings = read(
        "jar",
        8001,
        {
            "KAFKA_BOOTSTRAP_SERVERS": "h:1", "CHAINFLOW_HOST": "0.0.0.0", "CHAINFLOW_PORT": "9", "CHAINFLOW_URL": "http://me",
            "CHAINFLOW_INSTANCE": "one", "CHAINFLOW_SESSION_SECONDS": "8.5", "CHAINFLOW_TICK_SECONDS": "0",
            "CHAINFLOW_LOG_LEVEL": "warning",
        },
    )  # fmt: skip
    assert (settings.host, settings.port, settings.url, settings.instance) == ("0.0.0.0", 9, "http://me", "one")
    assert (settings.session_seconds, settings.tick_seconds, settings.log_level) == (8.5, 0.0, "WARNING")


def test_two_replicas_on_one_host_are_two_instances() -> None:
    environment = {"KAFKA_BOOTSTRAP_SERVERS": "h:1"}
    first, second = read("jar", 8001, environment), read("jar", 8001, environment | {"CHAINFLOW_PORT": "8002"})
    assert first.instance != second.instance


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("CHAINFLOW_PORT", "0"),
        ("CHAINFLOW_PORT", "65536"),
        ("CHAINFLOW_PORT", "http"),
        ("CHAINFLOW_PORT", "²"),
        ("CHAINFLOW_SESSION_SECONDS", "0.5"),
        ("CHAINFLOW_SESSION_SECONDS", "nan"),
        ("CHAINFLOW_SESSION_SECONDS", "inf"),
        ("CHAINFLOW_TICK_SECONDS", "-1"),
        ("CHAINFLOW_TICK_SECONDS", "often"),
        ("CHAINFLOW_LOG_LEVEL", "LOUD"),
    ],
)
def test_a_mistake_names_the_setting_and_what_it_takes(name: str, text: str) -> None:
    with pytest.raises(SettingsError, match=f"{name}='{text}': takes"):
        read("jar", 8001, {"KAFKA_BOOTSTRAP_SERVERS": "h:1", name: text})


def test_all_mistakes_are_told_at_once() -> None:
    with pytest.raises(SettingsError) as told:
        read("jar", 8001, {"CHAINFLOW_PORT": "x", "CHAINFLOW_LOG_LEVEL": "y", "CHAINFLOW_TICK_SECONDS": ""})
    text = str(told.value)
    assert [name in text for name in ("KAFKA_BOOTSTRAP_SERVERS", "CHAINFLOW_PORT", "CHAINFLOW_LOG_LEVEL")] == [True] * 3
    assert "TICK" not in text  # empty is not set
