"""What a generated chain is to be like. Owns: the bounds, and saying all that is wrong at once."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Shape:
    """With the seed it decides everything. Raises ValueError with all that is wrong.

    ``width``: how many parts a product is made of. ``orders_per_day``: lines that leaders order for each of ``days``
    days of deliveries. ``slip_rate``: share of the work orders, and of the lines behind which nothing is known, that
    slip. ``untracked``: share of the products whose stock nobody reports, so about that share of the lines.
    ``name``: the beginning of every enterprise's id, so that two chains can stand side by side.
    """

    seed: int
    enterprises: int = 100
    tiers: int = 4
    width: int = 3
    orders_per_day: int = 3
    days: int = 90
    slip_rate: float = 0.02
    untracked: float = 0.2
    name: str = "t"

    def __post_init__(self) -> None:
        bounds = (
            (2 <= self.tiers <= 9, "tiers: 2 to 9"),
            (2 * self.tiers <= self.enterprises <= 50_000, "enterprises: at least two for each tier, at most 50,000"),
            (2 <= self.width <= 10, "width: 2 to 10"),
            (1 <= self.orders_per_day <= 100_000, "orders per day: 1 to 100,000"),
            (1 <= self.days <= 365, "days: 1 to 365"),
            (0 <= self.slip_rate <= 1, "slip rate: 0 to 1"),
            (0 <= self.untracked <= 0.9, "untracked: 0 to 0.9"),
        )
        if wrong := [text for right, text in bounds if not right]:
            raise ValueError("; ".join(wrong))
