"""What the README and a how-to tell newcomers to type, typed."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.support.live import Live, until

pytestmark = pytest.mark.kafka

ROOT = Path(__file__).parents[2]


def blocks(page: str) -> str:
    """The shell lines of a page that call the services; those of set-up belong to other tests."""
    found = re.findall(r"^```(?:sh|bash)?\n(.*?)^```", (ROOT / page).read_text(encoding="utf-8"), re.M | re.S)
    return "\n".join(block for block in found if "curl " in block)


def typed(live: Live, *scripts: str) -> None:
    """Type the lines, at the services of this run; each must succeed."""
    ports = {"O": "order", "I": "inventory", "F": "fulfillment"}
    urls = {name: live.replicas[service].url for name, service in ports.items()}
    script = "\n".join(["set -e", *scripts]).replace("curl ", "curl --fail-with-body -sS ")
    ran = subprocess.run(
        ["bash", "-c", script], env={**os.environ, **urls}, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_the_pages_can_be_followed(live: Live) -> None:
    readme, page = blocks("README.md"), blocks("docs/how-to/disruptions.md")
    typed(live, readme)
    until("the line is planned", lambda: live.row("order", "car", "order-lines", "car/4711/10")["expected_on"])
    header = next(line for line in readme.splitlines() if line.startswith("H="))
    report, rest = page.split("# Who reported it", 1)
    typed(live, header, report)

    def late() -> int:
        return int(live.row("order", "car", "order-lines", "car/4711/10")["days_late"])

    until("three days late", lambda: late() == 3)
    assert len(live.view("order", "car", "incidents")) == 1
    typed(live, header, "#" + rest)
    until("all is as before", lambda: late() == 0)
    assert live.view("order", "car", "incidents") == {}
