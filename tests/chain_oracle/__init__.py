"""An independent reading of the chain model: what a set of facts must lead to, computed once and plainly.

Owns: the oracle (facts in, expected results out), a generator of random chains, and laws that hold for any result.
Deliberately lacks: anything of the engine under test, and speed. It is the engine's judge, so the two share no code.
"""
