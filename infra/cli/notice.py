"""When a leader would hear of trouble without a shared log: by phone from firm to firm, or by planning runs at night.

Owns: the arithmetic of mornings and nights. Deliberately lacks: opinions on how likely either is; the assumptions are
in the scenario and are shown beside the result.
"""

from datetime import datetime, time, timedelta

from infra.cli.scenario import Compare

SATURDAY = 5


def by_phone(happened: datetime, hops: int, compare: Compare) -> datetime:
    """Each firm that knows phones the next one at a time of its next working day (Monday to Friday); local times."""
    known = happened
    for _ in range(hops):
        known = _next(known, time.fromisoformat(compare.phone_at))
        while known.weekday() >= SATURDAY:
            known += timedelta(days=1)
    return known


def by_nightly_plans(happened: datetime, hops: int, compare: Compare) -> datetime:
    """Each firm plans once a night and tells the next one what changed, which plans with it the night after."""
    known = happened
    for _ in range(hops):
        known = _next(known, time.fromisoformat(compare.plan_at))
    return known


def _next(after: datetime, at: time) -> datetime:
    """The first time of day ``at`` on a later day."""
    return datetime.combine(after.date() + timedelta(days=1), at, after.tzinfo)
