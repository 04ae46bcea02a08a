"""What happens on the way: lanes, flows, work orders, shipments, milestones, receipts, disruptions of sites.

Owns: lanes of an enterprise; the flow of each agreed order line and of each transfer (what is reserved, planned,
shipped, received, cancelled); work orders with what was reported and taken for them; shipments with what seller,
carrier and buyer said; disruptions of sites, and whom they hold up; and when all of these are expected, by the rules of
the chain model.
Reads: what was agreed about a line (``order-lines-v1``), how far a demand is covered (``inventory-availability-v1``).
Writes: needs and coming receipts of pools (``fulfillment-pool-inputs-v1``), progress of order lines
(``fulfillment-lines-v1``), and what its own flows, shipments and disruptions tell each other (``fulfillment-legs-v1``).

Invariants, whatever the order in which messages arrive:
- what was reported is never lost: shipped and received quantities only add up reports;
- a cancellation is answered once every shipment it concerns has answered, and cancelled + shipped never exceeds what
  was agreed unless more than that was shipped, in which case nothing counts as cancelled;
- what is told of a flow's output is what the chain model makes of its plan, its reports and its pools' last answers;
- a difference between what was shipped and what was received is kept as two claims, neither overwrites the other.

Deliberately absent: stock (a pool issues and receives what a flow states), promises (the order owns them), routes,
freight cost, and shipments of goods that no flow asked for moving any stock: without a flow no pool is told.
"""
