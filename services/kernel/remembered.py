"""Parts of messages that were written or read lately, with their bytes: what passes through is not worked out again.

A link's state is read, goes into an event, a row and the next link, and most of it comes back from where it went: the
same frozen object is written three times and read twice. Owns: object to bytes by identity, bytes to object, for parts
large enough. Deliberately lacks: rows (row_codec.py), and whole messages, of which none is like another.
"""

from typing import Any, Final

from services.kernel.shapes import Kind, fields_of

LEAVES_MIN: Final = 8
"""Of a part with fewer plain fields than this the bytes are made as quickly as they are found."""
PARTS_MAX: Final = 4_096
"""Of one type; when there are more, all are forgotten."""

_by_type: dict[tuple[type, str], "Remembered"] = {}


def leaves(cls: type) -> int:
    """How many plain fields a dataclass has, those of its parts included."""
    return sum(leaves(item.of) if item.kind is Kind.STRUCT else 1 for item in fields_of(cls))


class Remembered:
    """The parts of one type as one message writes them. It holds the objects, so that an id stands for one of them."""

    __slots__ = ("objects", "written")

    def __init__(self) -> None:
        self.written: dict[int, tuple[Any, str]] = {}
        self.objects: dict[bytes, Any] = {}

    def keep(self, part: Any, written: str) -> None:
        """It was written as these bytes (Latin-1)."""
        if len(self.written) >= PARTS_MAX:
            self.written.clear()
            self.objects.clear()
        self.written[id(part)] = part, written
        self.objects[written.encode("latin-1")] = part

    def keep_read(self, part: Any, data: bytes) -> None:
        """It was read from these bytes. Fields that only a newer writer knows stay in them, and are passed on."""
        self.keep(part, data.decode("latin-1"))


def remembered(cls: type, message: str) -> Remembered | None:
    """The memory for a type and its message's full name, one for all wires; None for a type that is too small."""
    if leaves(cls) < LEAVES_MIN:
        return None
    return _by_type.setdefault((cls, message), Remembered())
