"""Records that a service set aside: looked at, and sent again once the cause is mended.

Owns: reading the dead-letter topics, and what sending again means for each kind. A malformed record goes back to where
it came from, byte by byte; of a parked key the service is told to take up all that waits behind it. Deliberately lacks:
deleting (the topic's retention does that), and changing what is in a record.
"""

import asyncio
import datetime
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.errors import KafkaError
from aiokafka.structs import TopicPartition
from google.protobuf import descriptor_pool, json_format, message_factory
from google.protobuf.message import DecodeError

import services.fulfillment.wire
import services.inventory.wire
import services.order.wire
from infra.cli.errors import CliError
from services.kernel.batch import Headers
from services.kernel.catalogue import load
from services.kernel.codec import Malformed
from services.kernel.messages import DeadLetter, DeadLetterKind
from services.kernel.processor import CONTROL_HEADER

READ_SECONDS_MAX = 30.0
_WIRED = (services.order.wire, services.inventory.wire, services.fulfillment.wire)
WIRES = {module.DOMAIN.name: module.WIRES for module in _WIRED}


@dataclass(frozen=True, slots=True)
class Found:
    """A dead letter and its own position, by which it is named. ``letter`` None: the letter itself can not be read."""

    topic: str
    partition: int
    offset: int
    letter: DeadLetter | None

    @property
    def name(self) -> str:
        """TOPIC:PARTITION:OFFSET."""
        return f"{self.topic}:{self.partition}:{self.offset}"

    @property
    def service(self) -> str:
        """Which service set it aside."""
        return self.topic.partition("-")[0]


def dead_letter_topic(service: str) -> str:
    """Where the service puts them."""
    return f"{service}-dead-letters-v1"


def parse_name(name: str) -> tuple[str, int, int]:
    """Topic, partition and offset. Raises CliError."""
    fits = re.fullmatch(r"(.+):(\d+):(\d+)", name)
    if fits is None or fits[1] not in {dead_letter_topic(service) for service in WIRES}:
        raise CliError(
            f"{name!r}: name a dead letter as `chainflow dead-letters list` shows it, TOPIC:PARTITION:OFFSET"
        )
    return fits[1], int(fits[2]), int(fits[3])


async def read_all(bootstrap: str, services_: Iterable[str]) -> list[Found]:
    """All dead letters of the services, the oldest of each partition first."""
    return await _read(bootstrap, [dead_letter_topic(service) for service in services_], None)


async def read_one(bootstrap: str, name: str) -> Found:
    """The dead letter of that name. Raises CliError if there is none (any more)."""
    topic, partition, offset = parse_name(name)
    found = await _read(bootstrap, [topic], (partition, offset))
    if not found or found[0].offset != offset:
        raise CliError(f"there is no {name}; it may be past the topic's retention. See `chainflow dead-letters list`")
    return found[0]


async def _read(bootstrap: str, topics: list[str], only: tuple[int, int] | None) -> list[Found]:
    catalogue = load()
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap,
        isolation_level="read_committed",
        enable_auto_commit=False,
        auto_offset_reset="none",
    )
    try:
        await consumer.start()
        places = [TopicPartition(topic, number) for topic in topics for number in range(catalogue[topic].partitions)]
        if only is not None:
            places = [place for place in places if place.partition == only[0]]
        if not places:
            return []
        consumer.assign(places)
        begins, ends = await consumer.beginning_offsets(places), await consumer.end_offsets(places)
        found: list[Found] = []
        for place in places:
            start = max(begins[place], only[1]) if only else begins[place]
            consumer.seek(place, min(start, ends[place]))
        async with asyncio.timeout(READ_SECONDS_MAX):
            while any([await consumer.position(place) < ends[place] for place in places]):
                for records in (await consumer.getmany(timeout_ms=200)).values():
                    found += [_found(record) for record in records]
                if only and found:
                    return found[:1]
        return sorted(found, key=lambda one: (one.topic, one.partition, one.offset))
    except (KafkaError, TimeoutError) as error:
        raise CliError(f"the broker at {bootstrap} can not be read ({error or type(error).__name__})") from error
    finally:
        await consumer.stop()


def _found(record: Any) -> Found:
    service = record.topic.partition("-")[0]
    try:
        _, letter, _ = WIRES[service].dead_letters.decode(record.value)
    except Malformed:
        letter = None
    return Found(record.topic, record.partition, record.offset, letter)


# -- Showing -----------------------------------------------------------------------------------------------------------


def decoded(letter: DeadLetter) -> str:
    """The original record as JSON, as far as it can be read; else why not. Needs only the catalogue, no model: what the
    service could not take may still be a message."""
    topic = load().get(letter.topic)
    if topic is None or topic.message is None:
        return f"(no message is known for {letter.topic})"
    value = letter.value
    if len(value) < 6 or value[0] != 0:
        return "(not framed: the first byte of a record is 0x00, then come the schema's id and the message's place)"
    if (schema := int.from_bytes(value[1:5], "big")) != topic.schema_id:
        return f"(schema {schema}; {letter.topic} has {topic.schema_id}, {topic.message})"
    message = message_factory.GetMessageClass(descriptor_pool.Default().FindMessageTypeByName(topic.message))()
    try:
        message.ParseFromString(value[6:])
    except DecodeError as error:
        return f"(no {topic.message}: {error})"
    text: str = json_format.MessageToJson(message, preserving_proto_field_name=True, ensure_ascii=False)
    return text


def hexadecimal(data: bytes, most: int = 512) -> str:
    """Bytes in hex, 32 a line, with their offset and what of it is text."""
    lines = []
    for start in range(0, min(len(data), most), 32):
        part = data[start : start + 32]
        text = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in part)
        lines.append(f"{start:06x}  {part.hex(' ', 4):<71}  {text}")
    if len(data) > most:
        lines.append(f"… {len(data) - most} more bytes")
    return "\n".join(lines) or "(empty)"


def when(letter: DeadLetter) -> str:
    """When the broker took the original, UTC."""
    at = datetime.datetime.fromtimestamp(letter.timestamp_ms / 1000, datetime.UTC)
    return at.strftime("%Y-%m-%d %H:%M:%S")


# -- Sending again -----------------------------------------------------------------------------------------------------


async def send_again(bootstrap: str, found: Found) -> str:
    """Send it again, by its kind; what was done, in a sentence. Raises CliError where that is not possible."""
    letter = found.letter
    if letter is None:
        raise CliError(f"{found.name} can not be read itself; there is nothing to send")
    match letter.kind:
        case DeadLetterKind.MALFORMED:
            if letter.topic not in load():
                raise CliError(f"{found.name} came from {letter.topic}, which the catalogue does not have")
            if " (cut: " in letter.detail:
                where = f"{letter.topic}:{letter.partition}:{letter.offset}"
                raise CliError(f"{found.name} has its record cut; the whole one is at {where}, while it is kept")
            headers: Headers = [(one.name, None if one.null else one.value) for one in letter.headers]
            await _produce(bootstrap, letter.topic, letter.partition, letter.key, letter.value, headers)
            return f"its {len(letter.value)} bytes are again in {letter.topic}, partition {letter.partition}"
        case DeadLetterKind.PARKED:
            topic = f"{found.service}-commands-v1"
            await _produce(bootstrap, topic, found.partition, letter.key, b"", [(CONTROL_HEADER, b"replay")])
            return f"{found.service} was told to take up all that waits behind {letter.key.decode(errors='replace')}"
        case DeadLetterKind.REFUSED_REACTION:
            advice = "the next state that its sender says replaces it, and mends it if the cause is mended"
            raise CliError(f"{found.name} is a refused reaction to {letter.topic}; it is not sent again: {advice}")


async def _produce(bootstrap: str, topic: str, partition: int, key: bytes, value: bytes, headers: Headers) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", enable_idempotence=True)
    try:
        await producer.start()
        await producer.send_and_wait(topic, value or None, key=key or None, partition=partition, headers=headers)
    except KafkaError as error:
        raise CliError(f"{bootstrap} did not take it ({error}); try again") from error
    finally:
        await producer.stop()
