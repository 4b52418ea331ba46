# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Which values by segment are withheld so that small ones stay unknown.

The values of a segment's teams add up to the value of the segment, and so do those of its
salespeople. The values of a team's segments add up to the value of the team, which is shown. So a
withheld value is the total minus the others where it is the only one in such a sum, and several
sums together can tell more.

In the graph whose nodes are the sums, each value is an edge: it is part of two sums. Values can
change along a circle of withheld ones without a change of any sum. A withheld value on no such
circle can be computed from what is shown. So further values are withheld that close a circle.
"""

from heapq import heappop, heappush
from typing import NamedTuple

from odoo.tools import SQL


class Cell(NamedTuple):
    """A value by segment; ``owner_id`` is its team or salesperson, 0 at the level ``segment``."""

    level: str
    segment_id: int
    owner_id: int = 0


def withheld(counts, secret):
    """The cells that are withheld: the secret ones, and others with as few records as possible.

    The teams and salespeople of a secret segment are secret, too. Other cells without records are
    withheld only where no circle can do without them. Where a secret cell is on no circle of any
    cells, the totals alone tell its value.

    :param counts: dict of :class:`Cell` to its number of records, of one KPI, period and set
    :param secret: the cells that must stay unknown

    >>> cells = [Cell("segment", number) for number in range(4)]
    >>> counts = dict(zip(cells, (3, 20, 8, 0)))
    >>> sorted(cell.segment_id for cell in withheld(counts, cells[:1]))
    [0, 2]
    """
    segments = {cell.segment_id for cell in secret if cell.level == "segment"}
    secret = {*secret, *(cell for cell in counts if cell.segment_id in segments)}
    with_owners = {(cell.level, cell.segment_id) for cell in counts}
    # most of them protect each other
    result = _on_circles(_edges(secret, with_owners))
    if len(result) == len(secret):
        return result
    edges = _edges(counts, with_owners)
    possible = _on_circles(edges)
    # no way is searched for cells on no circle at all, such as the only one of a salesperson
    result |= secret - possible
    more_than_all = 1 + sum(counts.values())
    costs = {cell: count or more_than_all for cell, count in counts.items()}
    costs.update(dict.fromkeys(secret, 0))
    for cell in sorted(secret):
        if cell not in result:
            ends = _sums(cell, with_owners)
            circle = {cell, *_cheapest_way(edges, *ends, costs, without=cell)}
            costs.update(dict.fromkeys(circle, 0))
            result |= circle
    return result


def is_hidden(table):
    """Condition: a value is withheld, or it is not decided yet whether it is.

    :param str table: alias of ``crm_kpi_value``
    """
    return SQL("(%s IS TRUE OR %s)", SQL.identifier(table, "withheld"), is_undecided(table))


def is_undecided(table):
    """Condition: it is not decided yet whether a value is withheld.

    :param str table: alias of ``crm_kpi_value``
    """
    return SQL(
        """(%s IS NOT NULL AND (%s, %s) IN (
            SELECT kpi_id, period_id FROM crm_kpi_computation WHERE undecided))""",
        SQL.identifier(table, "segment_id"),
        SQL.identifier(table, "kpi_id"),
        SQL.identifier(table, "period_id"),
    )


def _edges(cells, with_owners):
    """The graph of some cells: dict of a sum to its neighbours, pairs of a sum and the cell."""
    edges = {}
    for cell in cells:
        one, other = _sums(cell, with_owners)
        edges.setdefault(one, []).append((other, cell))
        edges.setdefault(other, []).append((one, cell))
    return edges


def _on_circles(edges):
    """The cells of a graph that are on a circle of its cells.

    Each cell that is not in a tree over all nodes closes a circle with cells of the tree. What is
    on a circle is merged into one node, so each cell is looked at once.

    >>> square = [("A", "B"), ("B", "C"), ("C", "D"), ("D", "A"), ("D", "E")]
    >>> edges = {node: [] for node in "ABCDE"}
    >>> for one, other in square:
    ...     edges[one].append((other, one + other))
    ...     edges[other].append((one, one + other))
    >>> sorted(_on_circles(edges))
    ['AB', 'BC', 'CD', 'DA']
    """
    depth, above = {}, {}
    for root in edges:
        if root in depth:
            continue
        depth[root] = 0
        nodes = [root]
        for node in nodes:
            for neighbour, cell in edges[node]:
                if neighbour not in depth:
                    depth[neighbour] = depth[node] + 1
                    above[neighbour] = node, cell
                    nodes.append(neighbour)
    in_tree = {cell for _node, cell in above.values()}
    merged, result = {}, set()

    def of(node):
        while node in merged:
            node = merged[node]
        return node

    for start, neighbours in edges.items():
        for neighbour, cell in neighbours:
            if cell in in_tree:
                continue
            result.add(cell)
            one, other = of(start), of(neighbour)
            while one != other:
                if depth[one] < depth[other]:
                    one, other = other, one
                node, cell_above = above[one]
                result.add(cell_above)
                merged[one] = node
                one = of(node)
    return result


def _sums(cell, with_owners):
    """The two sums that a cell is part of, as nodes ``(level, dimension, id)``.

    A segment is the sum of its teams and the sum of its salespeople. Segments without a value by
    team add up to the rest of the company, where those with one are known from the teams' totals.

    :param with_owners: pairs ``(level, segment_id)`` that have a value by team or salesperson
    """
    if cell.level != "segment":
        return (cell.level, "segment", cell.segment_id), (cell.level, "owner", cell.owner_id)
    return tuple(
        (level, "segment", cell.segment_id)
        if (level, cell.segment_id) in with_owners
        else (level, "rest", 0)
        for level in ("team_segment", "user_segment")
    )


def _cheapest_way(edges, start, end, costs, without):
    """The cells on the way from one node to another with the lowest costs; empty without a way."""
    reached = {}
    queue = [(0, 0, start, None, None)]
    while queue:
        spent, length, node, cell, before = heappop(queue)
        if node in reached:
            continue
        reached[node] = cell, before
        if node == end:
            break
        for neighbour, edge in edges[node]:
            if neighbour not in reached and edge != without:
                heappush(queue, (spent + costs[edge], length + 1, neighbour, edge, node))
    way, node = [], end
    while node in reached and node != start:
        cell, node = reached[node]
        way.append(cell)
    return way
