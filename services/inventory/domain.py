"""The inventory service as the kernel sees it. Deliberately lacks: anything that runs."""

from services.inventory.item import ITEM
from services.inventory.policy import POOL_INPUTS_TOPIC, react, tell
from services.inventory.pool import POOL
from services.inventory.pool_commands import ReckonPool, StateDemand, StateSupply, WakePool
from services.inventory.site import SITE
from services.inventory.views import VIEWS, project
from services.kernel.model import Domain

DOMAIN = Domain(
    name="inventory",
    aggregates=(SITE, ITEM, POOL),
    views=VIEWS,
    link_topics=(POOL_INPUTS_TOPIC,),
    react=react,
    tell=tell,
    project=project,
    reactions=(StateDemand, StateSupply, WakePool, ReckonPool),
)
