"""Cluster ids: what tells one broker's data from another's."""

from __future__ import annotations

import base64
import uuid

__all__ = ["new_cluster_id"]


def new_cluster_id() -> str:
    """A random id in Kafka's form: 16 bytes in URL-safe base64 without padding."""
    text = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
    # Kafka's tools would read a leading dash as an option.
    return "A" + text[1:] if text.startswith("-") else text
