"""Golden examples: for each message that crosses a process boundary what it looked like in each version of it.

``<topic>/<Message>-v<n>.json`` says what the record means, the ``.bin`` beside it has its bytes. They are append-only:
a message that got a field gets a further version, and today's code must go on reading the older ones (tests/contract).
`python -m schemas.examples` writes those that are missing. Deliberately lacks: a history of anything but the schema.
"""
