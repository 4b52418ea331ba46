# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What a stored value was computed from."""

from typing import NamedTuple

_SEPARATOR = "|"


class CacheKey(NamedTuple):
    """What a value depends on. While the key stays the same, the value is not computed again.

    Each part is a text without ``|``:

    :param records: count and write dates of the records in the period; of a formula, how often
        its components were computed, and its settings
    :param settings: settings that always count, in locked periods too
    :param until_lock: settings, and the time of day, that count until the period is locked
    """

    records: str
    settings: str = ""
    until_lock: str = ""

    def encode(self):
        """The key as it is stored.

        >>> CacheKey("3:17", "crossed", "open").encode()
        '3:17|crossed|open'
        """
        return _SEPARATOR.join(self)

    @classmethod
    def decode(cls, text):
        """The key of a stored text; ``None`` when the value has to be computed again.

        >>> CacheKey.decode("3:17|crossed|open").settings
        'crossed'
        >>> CacheKey.decode(None) is None
        True
        """
        parts = (text or "").split(_SEPARATOR)
        return cls(*parts) if len(parts) == len(cls._fields) else None

    def same_when_locked(self, other):
        """Whether a value with this key equals one with the other key in a locked period."""
        return other is not None and self[:2] == other[:2]
