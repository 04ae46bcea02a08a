"""An independent reading of the chain model: what a set of facts must lead to, computed once and plainly.

Owns: the oracle (facts in, expected results out), a generator of random chains, and laws that hold for any result.
Deliberately lacks: anything of the engine under test, and speed. It is the engine's judge, so the two share no code.

Read in this order: ``facts`` (what is known), ``oracle`` (time played forward), ``coverage`` (what each pool knows of
its demands), ``account`` and ``hops`` (why a flow is late), ``expected`` (results as the vectors write them). Then
``equations`` and ``laws``, which judge a result, ``chains`` and ``changes``, which make up facts, and ``differences``.

To hold an engine to account: take ``changes.random_story(seed, steps)``, feed each facts to the engine, and compare its
answer with that of ``expected.expected_story(story)`` by ``differences.differences(expected, got)``.
"""
