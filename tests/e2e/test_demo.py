"""The demo as a newcomer without a terminal sees it: a process that ends by itself, with its checks."""

import os
import re
import subprocess
import sys

import pytest

from infra.cli.home import ROOT

pytestmark = [pytest.mark.kafka, pytest.mark.slow]

SECONDS_MAX = 280
CHECKS = {
    "dates", "incident", "discreet", "recovered", "killed", "outcomes", "lost", "twice", "repeated", "stock"
}  # fmt: skip


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
    checks = re.findall(r"^  ([✓✗]) ([a-z]+)  +\S", text[text.index("day by day") :], re.MULTILINE)
    assert all(mark == "✓" for mark, _ in checks)
    assert {
        "dates",
        "incident",
        "discreet",
        "recovered",
        "killed",
        "outcomes",
        "lost",
        "twice",
        "repeated",
        "stock",
    } <= {name for _, name in checks}
    assert re.search(r"stock +([\d,]+) before = ([\d,]+) after \+ ([\d,]+) shipped", text)
    late = re.search(r"packs 4502 +Ampero Packs +(\w+ \d+ \w+) +(\w+ \d+ \w+) +■ (\d+) days late", text)
    assert late is not None
    assert f"promised {late[1]}, expected {late[2]}, because a" in " ".join(text.split())
    red = re.search(r"to the first red row (\d+) ms", text)
    green = re.search(r"the leader's green (\d+) ms", " ".join(text.split()))
    assert red is not None
    assert green is not None
    assert "curl 'http://127.0.0.1:" in text
    assert set((ROOT / ".chainflow").glob("demo-*")) == before, "a throw-away folder is left"
