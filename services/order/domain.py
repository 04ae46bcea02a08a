"""The order service as the kernel sees it."""

from typing import Final

from services.kernel.model import Domain
from services.order.agreement import AGREEMENT
from services.order.enterprise import ENTERPRISE
from services.order.incident import INCIDENT
from services.order.order import ORDER
from services.order.order_commands import NoteOverdue, RecordLineProgress
from services.order.policy import PROGRESS_TOPIC, react, tell
from services.order.references import DEVELOPMENT, References
from services.order.views import VIEWS, projector


def domain_with(references: References) -> Domain:
    """The domain whose feeds speak of what made lines late by these references."""
    return Domain(
        name="order",
        aggregates=(ORDER, AGREEMENT, ENTERPRISE, INCIDENT),
        views=VIEWS,
        link_topics=(PROGRESS_TOPIC,),
        react=react,
        tell=tell,
        project=projector(references),
        reactions=(RecordLineProgress, NoteOverdue),
    )


DOMAIN: Final = domain_with(DEVELOPMENT)
"""For tests and trials; what runs for others takes a secret of its own."""
