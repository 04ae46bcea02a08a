"""One hop of a delay: minutes that a flow took over, absorbed, added and passed on; and the folding of long lists.

Deliberately lacks: how the minutes are found (see ``account``).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from tests.chain_oracle.dates import from_published, plus, published

HOPS_MAX: Final = 16  # a longer list has its oldest hops folded into one


@dataclass(frozen=True, slots=True)
class Hop:
    """Minutes of one flow; ``count`` says how many hops a folded one stands for.

    ``late`` came in with the late supply. Of that, ``stock`` and other supplies absorbed some; the rest is ``reach``.
    Of that, time buffers took ``slack``, faster work ``recovered``. ``plan`` and ``own`` were added; ``out`` goes on.
    """

    flow: str
    enterprise: str
    late: int = 0
    stock: int = 0
    reach: int = 0
    slack: int = 0
    recovered: int = 0
    plan: int = 0
    own: int = 0
    out: int = 0
    count: int = 1

    @classmethod
    def read(cls, written: Mapping[str, Any]) -> "Hop":
        """A hop from the way results write it."""
        minutes = {name: from_published(written[name]) for name in _MINUTES}
        late = from_published(written["in"])
        return cls(written["flow"], written["enterprise"], late, **minutes, count=written.get("count", 1))

    def write(self) -> dict[str, Any]:
        """The hop as results write it."""
        minutes = {name: published(getattr(self, name)) for name in _MINUTES}
        count = {} if self.count == 1 else {"count": self.count}
        return {"flow": self.flow, "enterprise": self.enterprise, "in": published(self.late), **minutes, **count}


_MINUTES = ("stock", "reach", "slack", "recovered", "plan", "own", "out")
_SUMMED = _MINUTES[:-1]


def folded(hops: tuple[Hop, ...], most: int) -> tuple[Hop, ...]:
    """The hops, oldest first, with the two oldest made one until there are no more than ``most``.

    The folded hop takes over what came into the first and gives what left the last, under the name of the first, where
    it began.
    """
    while len(hops) > most:
        first, second = hops[:2]
        hops = (_one_of(first, second), *hops[2:])
    return hops


def _one_of(first: Hop, second: Hop) -> Hop:
    sums = {name: plus(getattr(first, name), getattr(second, name)) for name in _SUMMED}
    count = first.count + second.count
    return Hop(first.flow, first.enterprise, first.late, **sums, out=second.out, count=count)
