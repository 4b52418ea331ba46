"""``./run scale``: what it refuses."""

from types import SimpleNamespace

import pytest

from tools import cli, scale
from tools.common import Problem

pytestmark = pytest.mark.no_odoo


class Databases:
    """Databases with the comments on them; dropped ones are noted."""

    def __init__(self, comments):
        self.comments = comments
        self.dropped = []

    def exists(self, name):
        return name in self.comments

    def sql(self, query):
        _statement, (name,) = query
        return [[self.comments[name]]]

    def drop(self, name):
        self.dropped.append(name)
        raise Problem("dropped")


def make(comments, name, **options):
    odoo = SimpleNamespace(databases=Databases(comments))
    with pytest.raises(Problem) as caught:
        scale.make_scale_database(odoo, name, dict(scale.SIZES), **options)
    return str(caught.value), odoo.databases.dropped


def test_only_a_generated_database_is_replaced():
    assert make({"big": scale.MARK}, "big", fresh=True) == ("dropped", ["big"])
    for comment in (None, "a hash of the code"):
        text, dropped = make({"shop": comment}, "shop", fresh=True)
        assert "database shop was not made by ./run scale" in text
        assert not dropped


def test_numbers_are_checked():
    for name, number in (("leads", -1), ("reps", 0), ("customers", 0)):
        with pytest.raises(Problem, match=f"--{name} is too small"):
            scale.make_scale_database(
                SimpleNamespace(databases=Databases({})), "big", {**scale.SIZES, name: number}
            )


def test_sizes_of_the_command_line():
    options = cli.parse(["scale", "big", "--leads", "7", "--customers", "3"])
    assert (options.name, options.leads, options.customers) == ("big", 7, 3)
    assert options.orders == scale.SIZES["orders"]
