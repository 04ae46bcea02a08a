"""The order service as the kernel sees it."""

from services.kernel.model import Domain
from services.order.agreement import AGREEMENT
from services.order.enterprise import ENTERPRISE
from services.order.order import ORDER
from services.order.order_commands import NoteOverdue, RecordLineProgress
from services.order.policy import PROGRESS_TOPIC, react, tell
from services.order.views import VIEWS, project

DOMAIN = Domain(
    name="order",
    aggregates=(ORDER, AGREEMENT, ENTERPRISE),
    views=VIEWS,
    link_topics=(PROGRESS_TOPIC,),
    react=react,
    tell=tell,
    project=project,
    reactions=(RecordLineProgress, NoteOverdue),
)
