"""What a flow tells those who only watch it: when its last unit is expected, on what that rests, and why so late.

Deliberately lacks: parts and the account of hops that are not late; those who compute get more.
"""

from dataclasses import dataclass

from services.chain.causes import Cause
from services.chain.flow import Basis, Expected
from services.chain.moments import delay_of


@dataclass(frozen=True, slots=True)
class Expectation:
    """Dates in minutes; ``cause`` None: not late. ``contradicted``: the owner's firm word does not fit the inputs."""

    date: int
    baseline: int
    basis: Basis
    contradicted: bool
    cause: Cause | None

    @property
    def delay(self) -> int:
        """Minutes behind the baseline, NEVER if there is no date to expect."""
        return delay_of(self.date, self.baseline)


def expectation_of(expected: Expected) -> Expectation:
    """The last part of what a flow expects speaks for it."""
    last = expected.parts[-1]
    return Expectation(last.date, expected.baseline, last.basis, expected.contradicted, last.cause)
