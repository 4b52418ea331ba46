# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The next records to touch: those behind the lines on top of boards, the most urgent first."""

from dataclasses import dataclass, field

from odoo.fields import Domain

#: Most records in a mail.
MAX_RECORDS = 5


@dataclass
class NextRecord:
    """A record with a link."""

    model: str
    id: int
    name: str
    detail: str
    url: str


@dataclass
class NextRecords:
    """Records of a topic; ``text`` says how many there are."""

    text: str
    records: list[NextRecord] = field(default_factory=list)


def next_records(contexts, topics):
    """At most :data:`MAX_RECORDS` records, by topic. The topics take turns.

    :param contexts: list of :class:`~..board.context.BoardContext` of one reader and company:
        records of the people of any of them
    :param topics: list of :class:`~..board.attention.Topic`, most urgent first
    :return: list of :class:`NextRecords`
    """
    if not contexts:
        return []
    context = contexts[0]
    by_topic = {}
    for topic in topics:
        if topic.next_order and topic.is_for_reader(context.env):
            domain = Domain.OR(topic.all_conditions(one) for one in contexts)
            records = context.env[topic.model].search(
                domain, order=topic.next_order, limit=MAX_RECORDS
            )
            if records:
                by_topic[topic] = (domain, records)
    chosen = _take_turns([(topic, found) for topic, (_domain, found) in by_topic.items()])
    result = []
    for topic, (domain, records) in by_topic.items():
        shown = [record for of_topic, record in chosen if of_topic == topic]
        if not shown:
            continue
        count = len(records)
        if count == MAX_RECORDS:  # there may be more
            count = context.env[topic.model].search_count(domain)
        base_url = shown[0].get_base_url()
        result.append(
            NextRecords(
                topic.text(context.env, count),
                [_next_record(topic, context, record, base_url) for record in shown],
            )
        )
    return result


def _take_turns(found):
    """The first record of each topic, then the second one, and so on; each record once."""
    chosen, known = [], set()
    for turn in range(MAX_RECORDS):
        for topic, records in found:
            for record in records[turn : turn + 1]:
                key = (record._name, record.id)
                if key not in known and len(chosen) < MAX_RECORDS:
                    known.add(key)
                    chosen.append((topic, record))
    return chosen


def _next_record(topic, context, record, base_url):
    return NextRecord(
        record._name,
        record.id,
        record.display_name,
        topic.record_detail(context, record),
        f"{base_url}/odoo/{record._name}/{record.id}",
    )
