"""The broker's jars: nothing is used that is not byte for byte what the lock file pins."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from infra.kafka.errors import JarsUnavailable, KafkaSetupError
from infra.kafka.jars import Jar, cache_dir, fetch, is_intact, read_lock, registry_url

_CONTENT = {name: name.encode() * 1000 for name in ("one", "two", "three")}
_JARS = tuple(
    Jar("org.example", name, "1.0", len(content), hashlib.sha256(content).hexdigest())
    for name, content in _CONTENT.items()
)


class Registry:
    """A repository in Maven's layout on loopback. ``spoil`` holds what to serve, once each, instead of the truth."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.spoil: dict[str, list[bytes]] = {}
        registry = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                registry.asked.append(self.path)
                name = self.path.split("/")[-3]
                wrong = registry.spoil.get(name)
                body = wrong.pop(0) if wrong else _CONTENT[name]
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/maven2"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Registry]:
    monkeypatch.setenv("M2_REPO", str(tmp_path / "m2"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    served = Registry()
    yield served
    served.server.shutdown()
    served.server.server_close()


def test_what_is_missing_is_fetched_once_and_in_the_order_of_the_lock(registry: Registry, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    paths = fetch(_JARS, tmp_path / "cache", registry=registry.url, on_progress=lambda *step: seen.append(step))
    assert [path.read_bytes() for path in paths] == list(_CONTENT.values())
    total = sum(jar.size for jar in _JARS)
    assert seen[0] == (0, total)
    assert seen[-1] == (total, total)
    assert registry.asked == [] or "/maven2/org/example/one/1.0/one-1.0.jar" in registry.asked
    asked = len(registry.asked)
    assert asked == 3
    fetch(_JARS, tmp_path / "cache", registry=registry.url)
    assert len(registry.asked) == asked


@pytest.mark.parametrize(
    "damaged",
    [b"", _CONTENT["two"][:-1], _CONTENT["two"] + b"x", b"X" + _CONTENT["two"][1:]],
    ids=["empty", "truncated", "longer", "same size, other bytes"],
)
def test_a_damaged_jar_in_the_cache_is_fetched_again(registry: Registry, tmp_path: Path, damaged: bytes) -> None:
    paths = fetch(_JARS, tmp_path, registry=registry.url)
    paths[1].write_bytes(damaged)
    registry.asked.clear()
    assert not is_intact(paths[1], _JARS[1])
    fetch(_JARS, tmp_path, registry=registry.url)
    assert registry.asked == ["/maven2/org/example/two/1.0/two-1.0.jar"]
    assert is_intact(paths[1], _JARS[1])


def test_a_damaged_download_is_tried_again(registry: Registry, tmp_path: Path) -> None:
    registry.spoil["two"] = [b"not a jar", _CONTENT["two"][:-1]]
    paths = fetch(_JARS, tmp_path, registry=registry.url)
    assert is_intact(paths[1], _JARS[1])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one-1.0.jar", "three-1.0.jar", "two-1.0.jar"]


def test_a_jar_that_stays_wrong_is_never_placed(registry: Registry, tmp_path: Path) -> None:
    registry.spoil["two"] = [b"tampered"] * 10
    with pytest.raises(JarsUnavailable, match=r"org\.example:two:1\.0: .*SHA-256"):
        fetch(_JARS, tmp_path, registry=registry.url)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one-1.0.jar", "three-1.0.jar"]


def test_an_unreachable_registry_is_explained(
    registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry.server.shutdown()
    registry.server.server_close()
    with pytest.raises(JarsUnavailable, match=r"(?s)3 of the broker's jars.*CHAINFLOW_MAVEN_MIRROR.*KAFKA_BOOTSTRAP"):
        fetch(_JARS, tmp_path, registry=registry.url)


def test_a_local_maven_repository_is_used_if_its_bytes_are_right(registry: Registry, tmp_path: Path) -> None:
    for jar, content in ((_JARS[0], _CONTENT["one"]), (_JARS[1], b"another build")):
        local = tmp_path / "m2" / jar.path
        local.parent.mkdir(parents=True)
        local.write_bytes(content)
    fetch(_JARS, tmp_path / "cache", registry=registry.url)
    assert sorted(path.rsplit("/", 1)[1] for path in registry.asked) == ["three-1.0.jar", "two-1.0.jar"]


def test_the_committed_lock_pins_one_broker_and_all_of_it() -> None:
    jars = read_lock()
    versions = {jar.version for jar in jars if jar.group == "org.apache.kafka"}
    assert len(versions) == 1
    assert len({jar.filename for jar in jars}) == len(jars) == 46
    assert {"kafka_2.13", "kafka-clients", "scala-library", "log4j-slf4j-impl"} <= {jar.artifact for jar in jars}


@pytest.mark.parametrize("line", ["a:b 1 " + "0" * 64, "a:b:1 x " + "0" * 64, "a:b:1 5", "a:b:1 5 abc"])
def test_a_malformed_line_is_refused_with_its_number(tmp_path: Path, line: str) -> None:
    (tmp_path / "lock").write_text(f"# comment\n{line}\n")
    with pytest.raises(KafkaSetupError, match="lock:2:"):
        read_lock(tmp_path / "lock")


def test_where_jars_are_kept(tmp_path: Path) -> None:
    both = {"CHAINFLOW_CACHE": "/c", "XDG_CACHE_HOME": "/x"}
    assert cache_dir(both) == Path("/c")
    assert cache_dir({"XDG_CACHE_HOME": "/x"}) == Path("/x/chainflow")
    assert cache_dir({}) == Path.home() / ".cache" / "chainflow"


def test_a_configured_mirror_is_asked_instead(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".m2").mkdir()
    (tmp_path / ".m2" / "settings.xml").write_text(
        '<settings xmlns="urn:maven"><mirrors>'
        "<mirror><mirrorOf>other</mirrorOf><url>http://mirror.invalid/no</url></mirror>"
        "<mirror><mirrorOf>central,x</mirrorOf><url>http://mirror.invalid/yes/</url></mirror>"
        "</mirrors></settings>"
    )
    assert registry_url({}) == "http://mirror.invalid/yes"
    assert registry_url({"CHAINFLOW_MAVEN_MIRROR": "http://mirror.invalid/mine"}) == "http://mirror.invalid/mine"
