"""What makes an id or a text fit for a key, a row or a screen. Deliberately lacks: meaning and existence."""

from services.kernel.values import Refused

ID_LENGTH_MAX = 64
TEXT_LENGTH_MAX = 200


def refuse_id(value: str, field: str) -> Refused | None:
    """Why the value is no id (1 to 64 printable characters without "/", which parts a key), or None if it is."""
    if 0 < len(value) <= ID_LENGTH_MAX and "/" not in value and value.isprintable():
        return None
    return Refused("id-invalid", f'send {field} with 1 to {ID_LENGTH_MAX} printable characters and without "/"', field)


def refuse_text(value: str, field: str, required: bool = False) -> Refused | None:
    """Why the value cannot be a short text (printable, at most 200 characters, not empty if required), or None."""
    if required and not value.strip():
        return Refused(f"{field}-missing", f"send {field}: the owner of the book must be able to see why", field)
    if len(value) <= TEXT_LENGTH_MAX and (value.isprintable() or not value):
        return None
    return Refused("text-invalid", f"send {field} with at most {TEXT_LENGTH_MAX} printable characters", field)


def first_refusal(*refusals: Refused | None) -> Refused | None:
    """The first of the refusals, or None if there is none."""
    return next((refused for refused in refusals if refused is not None), None)
