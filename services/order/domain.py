"""The order service as the kernel sees it."""

from typing import Final

from services.kernel.model import Domain
from services.order.agreement import AGREEMENT
from services.order.enterprise import ENTERPRISE, NoteNamingAsk
from services.order.incident import INCIDENT
from services.order.naming import NAMING_TOPIC
from services.order.order import ORDER
from services.order.order_commands import NameOrigin, NoteOverdue, RecordLineProgress, RelayNaming
from services.order.policy import PROGRESS_TOPIC, react, tell
from services.order.references import DEVELOPMENT, References
from services.order.views import VIEWS, projector


def domain_with(references: References) -> Domain:
    """The domain whose feeds speak of what made lines late by these references."""
    return Domain(
        name="order",
        aggregates=(ORDER, AGREEMENT, ENTERPRISE, INCIDENT),
        views=VIEWS,
        link_topics=(PROGRESS_TOPIC, NAMING_TOPIC),
        react=react,
        tell=tell,
        project=projector(references),
        reactions=(RecordLineProgress, NoteOverdue, RelayNaming, NameOrigin, NoteNamingAsk),
    )


DOMAIN: Final = domain_with(DEVELOPMENT)
"""For tests and trials; what runs for others takes a secret of its own."""
