"""Times at which a site stands still, and when work that falls into them ends: minutes within them do not count.

Owns: what work from a start on loses, the inverse of that, and which closure is to blame. Deliberately lacks: opening
hours (a ``Calendar`` has those, nobody is to blame for them), and whose work a closure holds up.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from services.chain.moments import NEVER


@dataclass(frozen=True, slots=True)
class Closure:
    """Nothing is worked on from minute ``since`` on and before ``until``; NEVER: nobody knows until when.

    ``event`` and ``reason`` are what a delay by it is counted under. ``overrules``: it became known after the estimates
    that stand, so what they say falls into it as well; estimates of later are made in its knowledge.
    """

    since: int
    until: int
    event: str
    reason: str = ""
    overrules: bool = True


class Lost(NamedTuple):
    """The minutes by which work ends later than it would, NEVER if it never does, and the closure that ends last."""

    minutes: int
    by: Closure | None


NOTHING_LOST: Final = Lost(0, None)


def lost(start: int, minutes: int, closures: Sequence[Closure]) -> Lost:
    """What so many minutes of work from a start lose; a later start never ends earlier."""
    if start == NEVER:
        return NOTHING_LOST
    at, left, by = start, minutes, None
    for closure in sorted(closures, key=lambda closure: (closure.since, closure.until, closure.event)):
        if closure.since >= at + left:
            break
        if closure.until == NEVER:
            return Lost(NEVER, closure)
        if closure.until > at:
            left -= max(closure.since - at, 0)
            at, by = closure.until, closure
    return Lost(at + left - start - minutes, by)


def latest_start(end: int, minutes: int, closures: Sequence[Closure]) -> int:
    """The last start from which so many minutes of work end by then; without closures ``end - minutes``."""
    at, left = end, minutes
    for closure in sorted(closures, key=lambda closure: closure.until, reverse=True):
        if closure.since >= at:
            continue
        if closure.until <= at - left:
            break
        left -= max(at - closure.until, 0)
        at = closure.since
    return at - left
