"""CloudEvents 1.0 headers of a record (Kafka protocol binding, binary mode), so that other tools can route and trace
it.

Owns the header names. Deliberately lacks: reading them; the kernel reads envelopes only, so a lost header loses no
fact. Rows of views on their way have none: their own service reads them, and nobody routes them.
"""

from typing import Protocol

from services.kernel.batch import Headers
from services.kernel.canonical import instant_text

_constant: dict[tuple[str, str], tuple[tuple[str, bytes], ...]] = {}


class Circumstances(Protocol):
    """What the headers need of an envelope."""

    @property
    def id(self) -> str: ...
    @property
    def causation_id(self) -> str: ...
    @property
    def correlation_id(self) -> str: ...
    @property
    def occurred_at_ms(self) -> int: ...
    @property
    def aggregate(self) -> str: ...


def headers(meta: Circumstances, type_name: str, source: str, traceparent: str = "") -> Headers:
    """The headers of one record: ``type_name`` is the body's full message name, ``source`` a URI reference of the
    service.

    ``traceparent`` is W3C Trace Context's, if there is one.
    """
    constant = _constant.get((type_name, source))
    if constant is None:
        constant = (
            ("ce_specversion", b"1.0"),
            ("ce_type", type_name.encode()),
            ("ce_source", source.encode()),
        )
        _constant[type_name, source] = constant
    made: Headers = [
        *constant,
        ("ce_id", meta.id.encode()),
        ("ce_time", instant_text(meta.occurred_at_ms).encode()),
        ("ce_subject", meta.aggregate.encode()),
        ("correlationid", meta.correlation_id.encode()),
        ("causationid", meta.causation_id.encode()),
    ]
    if traceparent:
        made.append(("traceparent", traceparent.encode()))
    return made
