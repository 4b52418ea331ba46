# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The text of a formula: the form that is stored, and what is wrong where it cannot be read."""

import re
from typing import NamedTuple

#: Signs that are typed or pasted, and how they are stored.
_SIGNS = str.maketrans(
    {
        "×": "*",
        "÷": "/",
        "\N{MINUS SIGN}": "-",
        "\N{EN DASH}": "-",
        "≤": "<=",
        "≥": ">=",
        "≠": "<>",
        "\N{NO-BREAK SPACE}": " ",
        "\n": " ",
        "\r": " ",
        "\t": " ",
    }
)
_TOKEN = re.compile(
    r"""(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)
      | (?P<word>[^\W\d]\w*)
      | (?P<sign>[<>=!]=|<>|\S)""",
    re.VERBOSE,
)
#: What is written differently for ``ast``: ``if`` is a keyword there.
_PYTHON = {"if": "_if", "=": "==", "<>": "!="}


class Token(NamedTuple):
    """A number, word or sign of a formula.

    :param kind: ``number``, ``word`` or ``sign``
    """

    text: str
    kind: str
    start: int
    end: int


def stored_form(text):
    """A formula as it is stored.

    >>> stored_form(" won ÷ (won − 2) × 100 "), stored_form("if(won == 0, 1, 2)")
    ('won / (won - 2) * 100', 'if(won = 0, 1, 2)')
    """
    text = (text or "").translate(_SIGNS).strip()
    return text.replace("==", "=").replace("!=", "<>")


def tokens(text):
    """List of the :class:`Token` of a formula."""
    return [
        Token(match.group(), match.lastgroup, match.start(), match.end())
        for match in _TOKEN.finditer(text)
    ]


def python_form(text):
    """A stored formula as ``ast`` reads it.

    >>> python_form("if(won = 0, 1, 2)"), python_form("stiff / 2")
    ('_if(won == 0, 1, 2)', 'stiff / 2')
    """
    return _replaced(text, _PYTHON)


def formula_form(text):
    """The reverse of :func:`python_form`, for messages.

    >>> formula_form("_if(won == 0, 1, 2)")
    'if(won = 0, 1, 2)'
    """
    return _replaced(text, {python: ours for ours, python in _PYTHON.items()})


def _replaced(text, texts):
    """A text with other texts of its tokens."""
    parts, end = [], 0
    for token in tokens(text):
        parts += [text[end : token.start], texts.get(token.text, token.text)]
        end = token.end
    return "".join(parts) + text[end:]


def fault(text):
    """What is wrong with a formula that cannot be read, from its first token on.

    :return: arguments of a :class:`.functions.FormulaError`

    >>> fault("won / "), fault("* won"), fault("Deals won / 2")
    (('operand', 'won /'), ('operand', ''), ('operator', 'Deals', 'won', 'Deals won'))
    >>> fault("(won + 2"), fault("won + 2)"), fault("won; 2")
    (('unclosed', 'won'), ('unopened', '+ 2'), ('sign', ';'))
    """
    found = tokens(text)
    opened = []
    operand_is_next = True
    for index, token in enumerate(found):
        before = found[index - 1] if index else None
        if token.kind != "sign" or (token.text == "(" and not _is_called(before, operand_is_next)):
            if not operand_is_next:
                return "operator", before.text, token.text, _words_around(found, index)
            operand_is_next = token.text == "("
            if operand_is_next:
                opened.append(index)
        elif token.text == "(":
            opened.append(index)
            operand_is_next = True
        elif token.text in ("+", "-") and operand_is_next:
            continue  # a sign before a number or KPI
        elif token.text == ")" and not opened:
            return "unopened", _before(text, found, index)
        elif token.text not in (")", ",", "+", "-", "*", "/", "<", ">", "=", "<=", ">=", "<>"):
            return "sign", token.text
        elif operand_is_next:
            return "operand", _before(text, found, index)
        else:
            operand_is_next = token.text != ")"
            if not operand_is_next:
                opened.pop()
    if operand_is_next:
        return "operand", _before(text, found, len(found))
    if opened:
        return "unclosed", found[opened[-1] + 1].text
    return ("syntax",)


def _is_called(before, operand_is_next):
    """Whether a parenthesis belongs to the word before it."""
    return not operand_is_next and before is not None and before.kind == "word"


def _before(text, found, index):
    """The last two tokens before one, as they were typed."""
    if not index:
        return ""
    return text[found[max(index - 2, 0)].start : found[index - 1].end]


def _words_around(found, index):
    """The words without an operator between them: probably the name of a KPI."""
    first = last = index
    while first and found[first - 1].kind != "sign":
        first -= 1
    while last + 1 < len(found) and found[last + 1].kind != "sign":
        last += 1
    return " ".join(token.text for token in found[first : last + 1])
