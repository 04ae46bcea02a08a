"""The inventory service: what is there, what is held for whom, and what is still to come.

Owns: sites and items (master data of one enterprise each), and pools: one item at one site of one enterprise, with its
stock ledger, its blocked stock, its reservations, the demands that take from it and the supplies that give to it.

Reads: ``fulfillment-pool-inputs-v1`` (demands and supplies as flows state them). Writes: ``inventory-availability-v1``
(to each flow: how far its demand is covered, when what is open of it will be there, and why so late), and rows of the
views stock, reservations, inbound, supplies, outlook, sites and items.

Invariants, after every transaction and under any interleaving of commands:

- on hand = the sum of all movements; nothing else changes it;
- 0 <= reserved <= max(0, on hand - blocked); reserved = the sum of what single demands and reservations hold;
- in a tracked pool a demand waits only while nothing is free;
- an untracked pool (never counted, nor declared tracked by its owner) holds nothing: it is unknown, not zero;
- each flow was told what is reserved, issued and waiting for its demand now (and, while some is open, if it is known);
- in a tracked pool each flow was told the dates that the chain model gives for the rows as they are, and nothing twice;
- what was known of units when they came late and when they left is a fact; it is not worked out again afterwards.

Deliberately lacks: joins with master data (the sender stamps the factor of a foreign unit on the command), the rules of
the dates (``services.chain``), lots, and history (that is the event log).
"""
