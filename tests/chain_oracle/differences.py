"""How two results of the same facts differ, in readable paths: for comparing an engine with the oracle.

Both have the shape of a vector's ``expected``. Deliberately lacks: any opinion on which of the two is right.
"""

from collections.abc import Mapping
from typing import Any


def differences(expected: Mapping[str, Any], got: Mapping[str, Any]) -> list[str]:
    """Two ``expected`` structures -> one sentence per difference, empty if they are equal.

    The order of alerts within a step and of the lines of an incident has no meaning and is not compared.
    """
    return _differences("", _without_order(expected), _without_order(got))


def _without_order(result: Mapping[str, Any]) -> dict[str, Any]:
    alerts: dict[str, list[Any]] = {}
    for alert in result["alerts"]:
        alerts.setdefault(alert["line"], []).append(alert)
    incidents = {root: sorted(lines) for root, lines in result["incidents"].items()}
    return {**result, "alerts": alerts, "incidents": incidents}


def _differences(path: str, expected: Any, got: Any) -> list[str]:
    if isinstance(expected, Mapping) and isinstance(got, Mapping):
        found = [f"{path}/{name}: missing, expected {expected[name]}" for name in expected if name not in got]
        found += [f"{path}/{name}: not expected, got {got[name]}" for name in got if name not in expected]
        for name in expected:
            if name in got:
                found += _differences(f"{path}/{name}", expected[name], got[name])
        return found
    if isinstance(expected, list) and isinstance(got, list) and len(expected) == len(got):
        pairs = zip(expected, got, strict=True)
        return [line for n, (one, other) in enumerate(pairs) for line in _differences(f"{path}[{n}]", one, other)]
    return [] if expected == got else [f"{path}: expected {expected}, got {got}"]
