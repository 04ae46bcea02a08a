"""What was agreed: enterprises, agreements between two of them, orders, promises and changes.

Owns: ``enterprise/<id>``, ``agreement/<buyer>/<seller>/<buyer item>``, ``order/<buyer>/<number>``.
Reads: commands of its tenants; ``LineProgressed`` of the flows of its lines.
Writes: events, outcomes, ``LineAgreed`` to the flow of each confirmed line, the views of buyer and seller.

Invariants
- An order is found by its buyer and the buyer's own number; placing it again with the same content adds nothing.
- A promise changes only when both sides said so; a delay is shown at once and changes no promise.
- The first promise of a line is kept; every later one is in the event log with its reason.
- A cancellation of a confirmed line is a request until the flow has answered.
- Each line names the step it awaits and since when; no row grows with the number of lines.
Deliberately lacks: stock and shipments (inventory, fulfillment), any look at other aggregates: what a line needs of
master data is stamped on it when it is placed.
"""
