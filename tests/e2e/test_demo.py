"""The demo as a newcomer without a terminal sees it: a process that ends by itself, with its checks."""

import os
import re
import subprocess
import sys

import pytest

from infra.cli.home import ROOT

pytestmark = [pytest.mark.kafka, pytest.mark.slow]

SECONDS_MAX = 280
CHECKS = [
    "planned", "disrupted", "incident", "discreet", "repaired", "recovered", "killed", "outcomes", "lost", "twice",
    "repeated", "stock",
]  # fmt: skip


def test_the_demo_plays_to_its_end_and_every_check_holds() -> None:
    before = set((ROOT / ".chainflow").glob("demo-*"))
    done = subprocess.run(
        [sys.executable, "-m", "infra.cli", "demo"],
        cwd=ROOT, capture_output=True, text=True, timeout=SECONDS_MAX, env={**os.environ, "COLUMNS": "80"},
    )  # fmt: skip
    text = done.stdout
    assert done.returncode == 0, f"{text}\n{done.stderr}"
    assert "\x1b[" not in text, "colours without a terminal"
    told = text[: text.index("What to try next")]
    assert max(map(len, told.splitlines())) <= 80
    told, checked = told[: told.index("What was checked")], told[told.index("What was checked") :]
    assert re.findall(r"^  ([✓✗]) ([a-z]+)  +\S", checked, re.MULTILINE) == [("✓", name) for name in CHECKS]
    assert re.search(r"stock +([\d,]+) before = ([\d,]+) after \+ ([\d,]+) shipped", checked)
    planned, struck, repaired = _trees(told)
    assert len(planned) == len(struck) == len(repaired)
    assert not [row for row in (*planned, *repaired) if "late" in row[-1]], "planned or repaired: all in time"
    assert planned == repaired, "slack as well"
    late = {tuple(row) for row in struck if "late" in row[-1]}
    slack = {row[0]: int(found[1]) for row in planned if (found := re.search(r"(\d+) days? slack", row[-1]))}
    (resin,) = {(int(row[-1].split()[1]), slack[row[0]]) for row in late if row[0] == "resin 512"}
    (boards,) = {int(row[-1].split()[1]) for row in late if row[0].startswith("boards")}
    assert boards == resin[0] - resin[1], "late by the slip less the slack that the pool had"
    words, hit = " ".join(told.replace("■ ", "").split()), 0
    for what, firm, promised, expected, _ in late:
        hit += firm != "own plant" and f"of {what.split()[-1]} from" in words
        assert f"of {what.split()[-1]} from" not in words or f"promised {promised}, expected {expected}, b" in words
    assert f"{hit} late lines" in words, "one incident with all late lines of the leader"
    for bought, waited, made, ready, sold in _absorbed(told):
        assert (made, sold) == (bought - waited, made - ready)
    assert len(re.findall(r"to the first row that changed (\d+) ms, to the last (\d+) ms", " ".join(told.split()))) == 2
    assert "curl 'http://127.0.0.1:" in text
    assert set((ROOT / ".chainflow").glob("demo-*")) == before, "a throw-away folder is left"


def _trees(told: str) -> list[list[list[str]]]:
    """The trees of the chain that are shown, each as its rows of cells; one that is late has one more."""
    found: list[list[list[str]]] = []
    for line in told.splitlines():
        if re.match(r" +from +promised", line):
            found.append([])
        elif found and re.match(r"  [◆│├└ ]", line) and re.search(r"  [·■] ", line):
            found[-1].append(re.split(r" {2,}", re.sub(r"^[ ◆│├└─]+", "", line).rstrip()))
    return found


def _absorbed(told: str) -> list[list[int]]:
    """Days late as goods come, absorbed, days late as they are made, absorbed, days late as they leave."""
    days = r"(?:−?(\d+) days?|–)"
    rows = re.findall(rf"^  \w+ \w+ +{days} +{days} +{days} +{days} +{days} *$", told, re.MULTILINE)
    assert rows, told
    return [[int(cell or 0) for cell in row] for row in rows]
