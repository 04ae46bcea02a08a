"""What is known of a flow: its plan and what was reported on it. Flat values, no rule."""

from dataclasses import dataclass

from services.chain.closures import Closure


@dataclass(frozen=True, slots=True)
class Flow:
    """The facts of one flow, dates and durations in minutes, the quantity in units of its output.

    ``baseline`` is the date that was promised and accepted, or the planned end: a fact, never computed. ``split``: it
    may go in parts (one input only). ``firm``: its estimated finish is its owner's word, whatever the inputs say.
    ``reports_start``: its owner always reports starts, so a start that was not reported did not happen. ``event`` is
    what was reported last on it, with its reason code ("" if nothing was). ``closures``: when its site stands still,
    ``site_minutes``: how many minutes of the lead time, from the start on, pass at the site; None: all of them. Raises
    ValueError for a lead time below 1: a flow that takes no time could hold itself up.
    """

    flow: str
    enterprise: str
    quantity: int
    planned_start: int
    lead_minutes: int
    baseline: int
    split: bool = False
    estimated_start: int | None = None
    estimated_finish: int | None = None
    firm: bool = False
    actual_start: int | None = None
    actual_finish: int | None = None
    lost: bool = False
    reports_start: bool = False
    event: str = ""
    reason: str = ""
    closures: tuple[Closure, ...] = ()
    site_minutes: int | None = None

    def __post_init__(self) -> None:
        if self.lead_minutes < 1:
            raise ValueError(f"the lead time of flow {self.flow} must be at least a minute, it is {self.lead_minutes}")

    @property
    def is_finished(self) -> bool:
        """The actual finish is reported; that ends all reckoning."""
        return self.actual_finish is not None

    @property
    def is_lost(self) -> bool:
        """It will not come: cancelled by its seller, or destroyed before it arrived."""
        return self.lost and not self.is_finished

    @property
    def is_firm(self) -> bool:
        """A firm estimate stands, and nothing better is known."""
        return self.firm and self.estimated_finish is not None and not self.is_finished and not self.lost
