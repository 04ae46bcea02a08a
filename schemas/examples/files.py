"""The files of the examples: where they lie, what is in them, and which version is the newest."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from schemas.examples.samples import START_MS, sample
from schemas.examples.subjects import Subject
from services.kernel.codec import NO_META, Meta, to_json

FOLDER = Path(__file__).parent
DIGESTS = FOLDER / "digests.txt"
"""Append-only too (`sha256sum -c` reads it): whoever changes or drops an example has to do it twice."""

_NAME = re.compile(r"(?P<message>[A-Za-z]+)-v(?P<version>[1-9][0-9]*)\.json")


@dataclass(frozen=True, slots=True)
class Example:
    """One example. ``record`` is what the ``.json`` says: message, meta, extras, body; ``data`` are the bytes."""

    topic: str
    message: str
    version: int
    record: dict[str, Any]
    data: bytes

    @property
    def path(self) -> Path:
        """The ``.json`` file; the ``.bin`` lies beside it."""
        return FOLDER / self.topic / f"{self.message}-v{self.version}.json"

    @property
    def files(self) -> tuple[Path, Path]:
        """Both files."""
        return self.path, self.path.with_suffix(".bin")


def stored() -> Iterator[Example]:
    """All examples that there are, older versions of a message first."""
    found = []
    for path in FOLDER.glob("*/*.json"):
        match = _NAME.fullmatch(path.name)
        assert match, f"{path}: <Message>-v<n>.json"
        data = path.with_suffix(".bin").read_bytes()
        example = Example(path.parent.name, match["message"], int(match["version"]), json.loads(path.read_text()), data)
        found.append(example)
    yield from sorted(found, key=lambda example: (example.topic, example.message, example.version))


def newest() -> dict[tuple[str, str], Example]:
    """(topic, message) to its newest example."""
    return {(example.topic, example.message): example for example in stored()}


def made(subject: Subject, cls: type, version: int) -> Example:
    """A new example of a message, with every field set."""
    extras = dict(subject.extras)
    if cls in subject.views:
        extras["view"] = subject.views[cls]
    data = subject.wire.encode(_meta(version, subject.kinds.get(cls, "order")), sample(cls), **extras)
    return Example(subject.topic, cls.__name__, version, told(subject, cls, *subject.wire.decode(data)), data)


def told(subject: Subject, cls: type, meta: Meta, body: Any, extras: dict[str, Any]) -> dict[str, Any]:
    """What a ``.json`` says of a record."""
    envelope = {} if meta == NO_META else to_json(meta)
    return {"message": subject.wire.type_names[cls], "envelope": envelope, "extras": extras, "body": to_json(body)}


def write(example: Example) -> None:
    """Adds the example's two files and their digests; raises FileExistsError rather than change one."""
    example.path.parent.mkdir(exist_ok=True)
    with example.path.open("x", encoding="utf-8") as file:
        file.write(json.dumps(example.record, indent=2, ensure_ascii=False) + "\n")
    with example.path.with_suffix(".bin").open("xb") as file:
        file.write(example.data)
    with DIGESTS.open("a", encoding="utf-8") as file:
        file.writelines(f"{digest(path)}  {path.relative_to(FOLDER).as_posix()}\n" for path in example.files)


def digest(path: Path) -> str:
    """SHA-256 of a file."""
    return sha256(path.read_bytes()).hexdigest()


def digests() -> dict[Path, str]:
    """Each example's file to the digest that it had when it was added."""
    lines = [line.split("  ", 1) for line in DIGESTS.read_text(encoding="utf-8").splitlines()]
    return {FOLDER / name: value for value, name in lines}


def shows_all(example: Example, today: Example) -> bool:
    """Whether an example has every field that the message has today."""
    return bool(_names(example.record) == _names(today.record))


def _names(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _names(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_names(inner) for inner in value[:1]]
    return None


def _meta(version: int, kind: str) -> Meta:
    return Meta(
        id="01890a5d-ac96-774b-bcce-b302099a8057",
        causation_id="01890a5d-ac96-774b-bcce-b302099a8056",
        correlation_id="01890a5d-ac96-774b-bcce-b302099a8055",
        occurred_at_ms=START_MS + 1,
        recorded_at_ms=START_MS + 2,
        enterprise="acme",
        aggregate=f"{kind}/acme/4711",
        version=7,
        actor="u-17",
        schema_version=version,
    )
