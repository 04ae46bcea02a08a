"""What a demo claims, and whether it holds: collected on the way, shown together at the end.

Deliberately lacks: how a check is made; whoever makes one reads it from what the services answer.
"""

from infra.cli.screen import Screen


class Checks:
    """All checks of one run."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self._made: list[tuple[str, str, bool]] = []

    @property
    def good(self) -> bool:
        """True if all hold."""
        return all(holds for _, _, holds in self._made)

    def add(self, name: str, text: str, holds: bool) -> None:
        """One checked statement; what does not hold is shown at once as well. ``name``: the key of a word."""
        self._made.append((name, text, holds))
        if not holds:
            self._screen.check(self._screen.word(name), text, holds)

    def show(self) -> None:
        """All of them."""
        for name, text, holds in self._made:
            self._screen.check(self._screen.word(name), text, holds)
