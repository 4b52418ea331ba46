# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Numbers in texts that are written from right to left."""


def isolated(env, text):
    """A number with its sign and unit, for a text in the language of the user.

    In texts that are written from right to left, "≥ $ 5" would be shown as "5 $ ≤". The characters
    around it keep its order; other languages need none.
    """
    lang = env["res.lang"]._get_data(code=env.lang or "en_US")
    return f"\u2068{text}\u2069" if lang.direction == "rtl" else text
