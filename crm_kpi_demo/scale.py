# Copyright 2026 crm_kpi contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Generates a large database by SQL, to measure speed.

Three years of leads and orders (two lines each), of customers in industries and salespeople in
teams, all in the first company. All values follow from the number of a record, so two runs on the
same day give the same data. For scratch databases without demo data. Before ``crm_kpi`` is
installed, its installation reads the records as a history::

    ./run db scale --no-demo --modules sale_crm
    ./run shell scale <<EOF
    from odoo.addons.crm_kpi_demo.scale import generate
    generate(env, leads=1_000_000, orders=1_000_000)
    env.cr.commit()
    EOF
    ./run odoo -d scale -i crm_kpi --stop-after-init --no-http
"""

import logging
import time

from odoo.tools import SQL

_logger = logging.getLogger(__name__)

#: Days of history.
DAYS = 1065
REPS, TEAMS = 500, 20
CUSTOMERS = 50_000


def generate(env, leads=1_000_000, orders=1_000_000):
    """Insert the records; returns the ids of the salespeople."""
    company = env.ref("base.main_company")
    users = _salespeople(env, company)
    # The foreign keys are correct; checking them would take most of the time.
    env.cr.execute("SET LOCAL session_replication_role = replica")
    partners = _customers(env, company)
    _leads(env, company, users, partners, leads)
    _orders(env, company, users, partners, orders)
    env.cr.execute("SET LOCAL session_replication_role = origin")
    env.invalidate_all()
    return users.ids


def _salespeople(env, company):
    salesman = env.ref("sales_team.group_sale_salesman")
    users = env["res.users"].with_context(no_reset_password=True, tracking_disable=True).create([
        {
            "name": f"Salesperson {number}",
            "login": f"scale{number}",
            "company_id": company.id,
            "company_ids": [(6, 0, company.ids)],
            "group_ids": [(4, salesman.id)],
        }
        for number in range(REPS)
    ])  # fmt: skip
    each = REPS // TEAMS
    env["crm.team"].create([
        {
            "name": f"Team {number}",
            "company_id": company.id,
            "member_ids": [(6, 0, users[number * each : (number + 1) * each].ids)],
        }
        for number in range(TEAMS)
    ])  # fmt: skip
    return users


def _copies(env, prototype, count, **columns):
    """Insert copies of a record.

    :param columns: SQL of the columns that differ; ``g`` is the number of the copy, from 1
    :return: id of the first copy
    """
    start = time.monotonic()
    env.flush_all()
    table = prototype._table
    env.cr.execute(
        "SELECT column_name FROM information_schema.columns"
        " WHERE table_name = %s AND column_name <> 'id'",
        [table],
    )
    # Without stamps, the copies are read like old records.
    names = [name for (name,) in env.cr.fetchall() if not name.startswith("kpi_")]
    env.cr.execute(SQL("SELECT max(id) FROM %s", SQL.identifier(table)))
    [[last]] = env.cr.fetchall()
    env.cr.execute(SQL("SELECT setval(%s, %s)", f"{table}_id_seq", last))
    env.cr.execute(
        SQL(
            "INSERT INTO %s (%s) SELECT %s FROM %s AS t, generate_series(1, %s) AS g"
            " WHERE t.id = %s ORDER BY g",
            SQL.identifier(table),
            SQL(", ").join(SQL.identifier(name) for name in names),
            SQL(", ").join(
                SQL("%s", columns[name]) if name in columns else SQL.identifier("t", name)
                for name in names
            ),
            SQL.identifier(table),
            count,
            prototype.id,
        )
    )
    env.cr.execute(SQL("ANALYZE %s", SQL.identifier(table)))
    _logger.warning("%s: %s rows in %.0f s", table, count, time.monotonic() - start)
    return last + 1


def _ago(factor):
    """SQL of a moment within the history that depends on the number of the record.

    :param int factor: a prime number, other moments for another factor
    """
    return SQL(
        "(now() AT TIME ZONE 'UTC' - make_interval(secs => ((g::bigint * %s) %% %s)))",
        factor,
        DAYS * 86400,
    )


def _customers(env, company):
    prototype = env["res.partner"].create({"name": "Customer", "is_company": True})
    industries = env["res.partner.industry"].search([], limit=20).ids
    countries = env["res.country"].search([], limit=40).ids
    first = _copies(
        env,
        prototype,
        CUSTOMERS,
        commercial_partner_id=SQL("%s + g", prototype.id),
        industry_id=SQL("(%s::int[])[1 + g %% %s]", industries, len(industries)),
        country_id=SQL("(%s::int[])[1 + g * 7 %% %s]", countries, len(countries)),
    )
    return SQL("%s + (g::bigint * 7919 %% %s)::int", first, CUSTOMERS)


def _people(users):
    team = SQL(
        "(%s::int[])[1 + (g::bigint * 31 %% %s)]",
        [user.sale_team_id.id for user in users],
        len(users),
    )
    return SQL("(%s::int[])[1 + (g::bigint * 31 %% %s)]", users.ids, len(users)), team


def _leads(env, company, users, partners, count):
    prototype = env["crm.lead"].create(
        {"name": "Opportunity", "type": "opportunity", "company_id": company.id}
    )
    user, team = _people(users)
    created = _ago(104_729)
    # Of ten leads three are won, four lost, three open; those of the last weeks are open.
    closed = SQL("%s + make_interval(hours => 24 + g %% 1000)", created)
    over = SQL("(%s < now() AT TIME ZONE 'UTC')", closed)
    won = SQL("(g %% 10 < 3 AND %s)", over)
    lost = SQL("(g %% 10 BETWEEN 3 AND 6 AND %s)", over)
    stage = env["crm.stage"].search([("is_won", "=", True)], limit=1)
    case = "CASE WHEN %s THEN %s WHEN %s THEN %s ELSE %s END"
    _copies(
        env,
        prototype,
        count,
        partner_id=partners,
        user_id=user,
        team_id=team,
        stage_id=SQL("CASE WHEN %s THEN %s ELSE t.stage_id END", won, stage.id),
        active=SQL("NOT %s", lost),
        won_status=SQL(case, won, "won", lost, "lost", "pending"),
        probability=SQL(case, won, 100, lost, 0, 30),
        expected_revenue=SQL("1000 + g %% 9000"),
        prorated_revenue=SQL("1000 + g %% 9000"),
        create_date=created,
        date_open=created,
        date_closed=SQL("CASE WHEN %s OR %s THEN %s END", won, lost, closed),
        date_last_stage_update=SQL("LEAST(%s, now() AT TIME ZONE 'UTC')", closed),
        write_date=SQL("LEAST(%s, now() AT TIME ZONE 'UTC')", closed),
    )


def _orders(env, company, users, partners, count):
    product = env["product.product"].create({"name": "Product", "list_price": 100})
    partner = env["res.partner"].create({"name": "First customer"})
    prototype = env["sale.order"].create(
        {
            "partner_id": partner.id,
            "company_id": company.id,
            "order_line": [(0, 0, {"product_id": product.id, "product_uom_qty": 1})],
        }
    )
    user, team = _people(users)
    ordered = _ago(1_299_709)
    amount = SQL("200 + 2 * (g %% 4000)")
    first = _copies(
        env,
        prototype,
        count,
        name=SQL("'S' || g"),
        partner_id=partners,
        partner_invoice_id=partners,
        partner_shipping_id=partners,
        user_id=user,
        team_id=team,
        state=SQL("CASE WHEN g %% 20 = 0 THEN 'draft' ELSE 'sale' END"),
        date_order=ordered,
        create_date=ordered,
        write_date=ordered,
        amount_untaxed=amount,
        amount_total=amount,
        access_token=SQL("NULL"),
    )
    number = SQL("((g + 1) / 2)")  # number of the order
    price = SQL("100 + (%s %% 4000)", number)
    _copies(
        env,
        prototype.order_line,
        2 * count,
        order_id=SQL("%s + %s", first - 1, number),
        state=SQL("CASE WHEN %s %% 20 = 0 THEN 'draft' ELSE 'sale' END", number),
        price_unit=price,
        price_subtotal=price,
        price_total=price,
        create_date=SQL("now() AT TIME ZONE 'UTC'"),
        write_date=SQL("now() AT TIME ZONE 'UTC'"),
    )
