"""References: names of what made lines late, each meaningful to one enterprise only.

One viewer sees one reference on all its lines with one root, so it can count them as one incident. Two viewers who lay
their data side by side find nothing in common, and nobody finds the root: a reference is an HMAC-SHA256 (RFC 2104) of
it under a key of the viewer's own, which is one of the enterprise's id under the secret.
All replicas must have one secret. With another, what is told from then on has other references.
"""

import hmac
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from services.kernel.values import EnterpriseId

REFERENCE_CHARS: Final = 16  # hexadecimal: two of a viewer's million incidents are alike once in 37 million viewers
SECRET_CHARS_MIN: Final = 32


@dataclass(frozen=True, slots=True)
class References:
    """The references that follow from a secret."""

    secret: bytes = field(repr=False)

    def to(self, viewer: EnterpriseId, root: str) -> str:
        """The reference by which a viewer knows a root: 16 hexadecimal digits."""
        return hmac.digest(_key_of(self.secret, viewer), root.encode(), "sha256").hex()[:REFERENCE_CHARS]


@lru_cache(maxsize=4096)
def _key_of(secret: bytes, viewer: EnterpriseId) -> bytes:
    return hmac.digest(secret, viewer.encode(), "sha256")


DEVELOPMENT: Final = References(b"everybody can read this, so it keeps no secret")
"""For tests and trials."""
