# Copyright 2026 crm_kpi contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Orders with two lines each, and their messages."""

from odoo.tools import SQL

from .leads import NOW
from .messages import Change, Message, insert_messages
from .rows import Plan, chance, insert_copies, moment, pick

CATEGORIES, PRODUCTS = 8, 80


class Orders:
    """Of a hundred orders 82 are confirmed, 10 are quotations and 8 are cancelled."""

    def __init__(self, env, company, people, customers, products):
        self.env, self.company = env, company
        self.people, self.customers, self.products = people, customers, products

    @staticmethod
    def create_products(env):
        """Products in categories."""
        categories = env["product.category"].create(
            [{"name": f"Category {number}"} for number in range(CATEGORIES)]
        )
        return env["product.product"].create(
            [
                {
                    "name": f"Product {number}",
                    "list_price": 100 + number,
                    "categ_id": categories[number % CATEGORIES].id,
                    "taxes_id": [(5,)],
                }
                for number in range(PRODUCTS)
            ]
        )

    def insert(self, count, won):
        """Insert the orders.

        :param SQL won: table of the won opportunities: an order with the number of one is its order
        """
        env = self.env
        partner = env["res.partner"].create({"name": "First customer"})
        line = {"product_id": self.products[0].id, "product_uom_qty": 1}
        prototype = env["sale.order"].create(
            {
                "partner_id": partner.id,
                "company_id": self.company.id,
                "order_line": [(0, 0, line)],
            }
        )
        plan = self._plan(count, won)
        amount = SQL("p.price1 * p.quantity1 + p.price2 * p.quantity2")
        plan.insert(
            prototype,
            name=SQL("'S' || p.n"),
            partner_id=SQL("p.partner_id"),
            partner_invoice_id=SQL("p.partner_id"),
            partner_shipping_id=SQL("p.partner_id"),
            opportunity_id=SQL("p.opportunity_id"),
            user_id=SQL("p.user_id"),
            team_id=SQL("p.team_id"),
            state=SQL("p.state"),
            date_order=SQL("p.ordered"),
            create_date=SQL("p.created"),
            write_date=SQL("p.ordered"),
            amount_untaxed=amount,
            amount_total=amount,
            amount_tax=SQL("0"),
            access_token=SQL("NULL"),
        )
        self._lines(plan, prototype.order_line)
        labels = dict(env["sale.order"].fields_get(["state"])["state"]["selection"])
        insert_messages(
            plan,
            Message("created", "log"),
            Message("written_at", "sent"),
            Message("received_at", "received"),
            Change("sent_at", "state", labels["draft"], labels["sent"]),
            Change("confirmed_at", "state", labels["sent"], labels["sale"]),
            Change("cancelled_at", "state", labels["sale"], labels["cancel"]),
        )

    def _plan(self, count, won):
        source = SQL(
            """SELECT g::int AS n, w.id AS opportunity_id, w.partner_id AS won_partner_id,
                      w.rep AS won_rep, w.won_at
                 FROM generate_series(1, %s) AS g LEFT JOIN %s AS w ON w.n = g""",
            count,
            won,
        )
        quote = SQL("date_trunc('second', %s * %s * interval '25 days')", chance(31), chance(32))
        return Plan(
            self.env["sale.order"],
            count,
            {
                "ordered": SQL("COALESCE(won_at, %s)", moment(self.env, 33)),
                "partner_id": SQL("COALESCE(won_partner_id, %s)", self.customers.pick(35)),
                "rep": SQL("COALESCE(won_rep, %s)", self.people.number(36)),
                "state": SQL(
                    """CASE WHEN opportunity_id IS NOT NULL OR %(u)s < 0.75 THEN 'sale'
                            WHEN %(u)s < 0.8 THEN 'draft' WHEN %(u)s < 0.89 THEN 'sent'
                            ELSE 'cancel' END""",
                    u=chance(37),
                ),
                **{
                    f"price{line}": SQL("round((15 * exp(4 * %s))::numeric, 2)", chance(37 + line))
                    for line in (1, 2)
                },
                **{
                    f"quantity{line}": SQL("1 + floor(6 * power(%s, 2))::int", chance(39 + line))
                    for line in (1, 2)
                },
            },
            {
                **self.people.columns,
                "created": SQL("ordered - %s", quote),
                "confirmed_at": SQL("CASE WHEN state IN ('sale', 'cancel') THEN ordered END"),
                "cancelled_at": SQL(
                    "CASE WHEN state = 'cancel' THEN ordered + interval '2 days' END"
                ),
                "email": SQL(
                    "'customer' || (partner_id - %s) || '@example.com'", self.customers.first - 1
                ),
            },
            {
                "sent_at": SQL(
                    "CASE WHEN state <> 'draft' THEN created + 0.2 * (ordered - created) END"
                ),
                "written_at": SQL(
                    "CASE WHEN %s < 0.6 THEN created + 0.3 * (ordered - created) END", chance(42)
                ),
                "received_at": SQL(
                    "CASE WHEN %s < 0.4 THEN created + 0.7 * (ordered - created) END", chance(43)
                ),
            },
            source=source,
        )

    def _lines(self, plan, prototype):
        rows = SQL(
            """(SELECT id AS order_id, n * 2 + number AS n, partner_id, user_id, state, ordered,
                       CASE number WHEN 1 THEN price1 ELSE price2 END AS price,
                       CASE number WHEN 1 THEN quantity1 ELSE quantity2 END AS quantity
                  FROM %s, generate_series(1, 2) AS number)""",
            SQL.identifier(plan.table),
        )
        amount = SQL("p.price * p.quantity")
        insert_copies(
            prototype,
            rows,
            {
                "order_id": SQL("p.order_id"),
                "order_partner_id": SQL("p.partner_id"),
                "salesman_id": SQL("p.user_id"),
                "product_id": pick(44, self.products.ids, 2),
                "state": SQL("p.state"),
                "product_uom_qty": SQL("p.quantity"),
                "price_unit": SQL("p.price"),
                "technical_price_unit": SQL("p.price"),
                "price_subtotal": amount,
                "price_total": amount,
                "price_reduce_taxexcl": SQL("p.price"),
                "price_reduce_taxinc": SQL("p.price"),
                "price_tax": SQL("0"),
                "create_date": NOW,
                "write_date": NOW,
                "id": SQL("nextval('sale_order_line_id_seq')"),
            },
        )
