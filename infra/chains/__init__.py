"""Supply chains made by seed: enterprises, agreements, open orders and work orders, stock, and what slips.

Pure: the same shape gives the same chain, byte by byte, on every machine. For trying, measuring and comparing.
"""
