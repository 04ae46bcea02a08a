"""The demo as a newcomer without a terminal sees it: a process that ends by itself, with its checks."""

import re
import subprocess
import sys

import pytest

from infra.cli.home import ROOT

pytestmark = [pytest.mark.kafka, pytest.mark.slow]

SECONDS_MAX = 280


def test_the_demo_plays_to_its_end_and_every_check_holds() -> None:
    before = set((ROOT / ".chainflow").glob("demo-*"))
    done = subprocess.run(
        [sys.executable, "-m", "infra.cli", "demo"], cwd=ROOT, capture_output=True, text=True, timeout=SECONDS_MAX
    )
    text = done.stdout
    assert done.returncode == 0, f"{text}\n{done.stderr}"
    assert "\x1b[" not in text, "colours without a terminal"
    checks = re.findall(r"^  ([✓✗]) (killed|outcomes|lost|twice|repeated|stock) ", text, re.MULTILINE)
    assert checks == [("✓", name) for name in ("killed", "outcomes", "lost", "twice", "repeated", "stock")]
    assert re.search(r"stock +([\d,]+) before = ([\d,]+) after \+ ([\d,]+) shipped", text)
    red = re.search(r"turning red: (\d+) ms", text)
    green = re.search(r"turning green again: (\d+) ms", text)
    assert red is not None
    assert green is not None
    assert text.index("LATE by 2 days") < red.start() < green.start()
    assert "curl 'http://127.0.0.1:" in text
    assert set((ROOT / ".chainflow").glob("demo-*")) == before, "a throw-away folder is left"
