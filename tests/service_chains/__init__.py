"""Chains of facts, as the worked examples write them, played through the three services and read back.

Owns: how a fact becomes a public command (``telling``), in which order facts are told (``playing``), and how what the
services keep and show is written as the examples write what is expected (``keeping``, ``showing``). The log in memory
and a real broker are two ``Ground``s of one player. Deliberately lacks: any rule of dates or causes.
"""
