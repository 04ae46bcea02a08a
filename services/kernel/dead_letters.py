"""Records that are set aside, with their bytes as they were. Pure.

Owns: that a dead letter can be written for any record that a broker takes; one that could not would stop its partition
for good. Deliberately lacks: the decision that a record is one.
"""

from services.kernel.batch import Record
from services.kernel.messages import DeadLetter, DeadLetterHeader, DeadLetterKind

LETTER_VALUE_BYTES_MAX = 950_000
LETTER_HEADERS_BYTES_MAX = 40_000
LETTER_KEY_BYTES_MAX = 2_000


def dead_letter(kind: DeadLetterKind, reason: str, detail: str, record: Record) -> DeadLetter:
    """A record with its original bytes, for any record that a broker takes.

    The broker takes records that leave no room for anything around them; of such a one the ends are cut, and the detail
    says so. Its position says where the whole is.
    """
    key, value = record.key or b"", record.value or b""
    headers, room = [], LETTER_HEADERS_BYTES_MAX
    for name, content in record.headers:
        room -= len(name.encode()) + len(content or b"") + 12  # 12: lengths and tags
        if room < 0:
            break
        headers.append(DeadLetterHeader(name[:1_000], content or b"", content is None))
    cut = [
        f"{what} of {size}"
        for what, size, most in (
            ("key", len(key), LETTER_KEY_BYTES_MAX),
            ("value", len(value), LETTER_VALUE_BYTES_MAX),
            ("headers", len(record.headers), len(headers)),
        )
        if size > most
    ]
    detail = detail.encode(errors="replace").decode()[:1_000] + (f" (cut: {', '.join(cut)})" if cut else "")
    return DeadLetter(
        kind=kind, reason=reason, detail=detail,
        topic=record.topic, partition=record.partition, offset=record.offset, timestamp_ms=max(record.timestamp, 0),
        key=key[:LETTER_KEY_BYTES_MAX], value=value[:LETTER_VALUE_BYTES_MAX], headers=tuple(headers),
    )  # fmt: skip
