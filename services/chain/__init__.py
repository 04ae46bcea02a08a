"""The chain model: when goods will be where, and why not when promised.

A *pool* (one item at one site) takes supplies and serves demands; a *flow* (an order line, a work order, a transfer)
takes from pools and gives to one pool later. This package owns the rules by which a delay travels along them: which
demand is covered when, when a flow ends, which hop absorbed or added how much, who is the root, what is a loop, which
lines are late and which delays are one incident. It is a library of pure functions over frozen values; the inventory
service runs the pools with it, the fulfillment service the flows.

Deliberately lacks: facts (the services' aggregates have them), messages and their versions, time (``now`` is handed
in), units (numbers are whole minutes and whole millionths from the door on), money, and what each enterprise may see of
all this, but for one rule: the class by which others than the root may know a cause.

Read in this order: ``moments``, ``quantities``, ``causes``, ``pool_facts``, ``pool``, ``flow_facts``, ``flow``,
``accounts``; then what is made of it, ``alerts``, ``expectation``, ``pool_outlook``; last ``pool_index``, which answers
as ``pool`` does with work in proportion to what changed (by ``pool_curves``, ``overtaken`` and ``running_sums``). A
newcomer's explanation is in docs/chain-model.md.
"""
