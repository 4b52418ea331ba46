# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Messages on contacts and invoices as interactions."""

from odoo import Command
from odoo.tests import tagged

from .common_interaction import InteractionCommon, dt


@tagged("post_install", "-at_install")
class TestCorrespondence(InteractionCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.invoice = cls._invoice()

    @classmethod
    def _invoice(cls, move_type="out_invoice", **values):
        journal_type = "purchase" if move_type.startswith("in_") else "sale"
        account = cls.env["account.account"].create(
            {
                "name": f"Test {move_type}",
                "code": f"KPI{journal_type[:2].upper()}{len(move_type)}",
                "account_type": "income",
            }
        )
        journal = cls.env["account.journal"].create(
            {
                "name": f"KPI {move_type}",
                "code": f"K{len(move_type)}{journal_type[:2]}",
                "type": journal_type,
                "default_account_id": account.id,
            }
        )
        return cls.env["account.move"].create(
            {
                "move_type": move_type,
                "partner_id": cls.contact.id,
                "journal_id": journal.id,
                "invoice_date": "2026-11-01",
                "invoice_line_ids": [
                    Command.create(
                        {
                            "name": "Goods",
                            "price_unit": 100,
                            "account_id": account.id,
                            "tax_ids": [Command.clear()],
                        }
                    )
                ],
                **values,
            }
        )

    def _derive(self):
        self.env["crm.kpi.interaction"]._kpi_derive()

    def _marked(self, model):
        self.env.flush_all()
        self.env["crm.kpi.dirty"]._write_marks()
        self.env.cr.execute("SELECT res_id FROM crm_kpi_dirty WHERE res_model = %s", (model,))
        return {res_id for (res_id,) in self.env.cr.fetchall()}

    def _classes(self, record):
        return [(row.direction, row.channel) for row in self._rows(record)]

    def test_contact(self):
        """Messages on a contact or its company count for the customer."""
        self._message(self.contact, "2026-11-02 09:00", self.ann)
        self._mail_in(self.contact, "2026-11-03 09:00")
        self._done(self.customer, "2026-11-04 09:00", self.bob, self.call)
        self._done(self.customer, "2026-11-05 09:00", self.bob, self.meeting)
        self._derive()
        self.assertEqual(self._classes(self.contact), [("out", "email"), ("in", "email")])
        self.assertEqual(self._classes(self.customer), [("out", "call"), ("both", "meeting")])
        rows = self._rows(self.contact) | self._rows(self.customer)
        self.assertEqual(rows.partner_id, self.customer)
        self.assertEqual(rows.user_id, self.ann | self.bob)
        self.assertFalse(rows.lead_id)
        self.assertFalse(rows.company_id, "a contact of all companies")

    def test_contact_of_one_company(self):
        self.contact.company_id = self.company
        self._message(self.contact, "2026-11-02 09:00", self.ann)
        self._derive()
        self.assertEqual(self._rows(self.contact).company_id, self.company)
        self.contact.company_id = False
        self._derive()
        self.assertFalse(self._rows(self.contact).company_id)

    def test_messages_that_are_not_interactions(self):
        """Notes, logs, robots, newsletters and to-dos."""
        for values in (
            {"subtype_id": self.note.id},
            {"message_type": "notification"},
            {"message_type": "user_notification"},
            {"message_type": "auto_comment"},
            {"message_type": "email_outgoing", "subtype_id": False},
            {"is_internal": True},
            {"author": self.env.ref("base.partner_root")},
        ):
            author = values.pop("author", self.ann)
            self._message(self.contact, "2026-11-02 09:00", author, **values)
        self._done(self.contact, "2026-11-02 09:00", self.ann, self.todo)
        self._derive()
        self.assertFalse(self._rows(self.contact))

    def test_colleagues_are_not_customers(self):
        """Employees, our company and the public user are not customers."""
        for partner in (
            self.bob.partner_id,
            self.leaver.partner_id,
            self.company.partner_id,
            self.env.ref("base.public_partner"),
        ):
            self._message(partner, "2026-11-02 09:00", self.ann)
            self._message(partner, "2026-11-03 09:00", self.contact, message_type="email")
        self._message(self.portal.partner_id, "2026-11-02 09:00", self.ann)
        self._derive()
        self.assertFalse(self._rows(self.bob.partner_id))
        self.assertFalse(self._rows(self.leaver.partner_id))
        self.assertFalse(self._rows(self.company.partner_id))
        self.assertFalse(self._rows(self.env.ref("base.public_partner")))
        self.assertTrue(self._rows(self.portal.partner_id), "a customer with access")

    def test_invoice(self):
        self._message(self.invoice, "2026-11-02 09:00", self.ann)
        self._mail_in(self.invoice, "2026-11-03 09:00")
        self._message(self.invoice, "2026-11-04 09:00", self.ann, subtype_id=self.note.id)
        self._done(self.invoice, "2026-11-05 09:00", self.bob, self.call)
        self._derive()
        self.assertEqual(
            self._classes(self.invoice), [("out", "email"), ("in", "email"), ("out", "call")]
        )
        rows = self._rows(self.invoice)
        self.assertEqual(rows.partner_id, self.customer)
        self.assertEqual(rows.company_id, self.company)

    def test_invoice_document_is_not_an_interaction(self):
        """Sending the document by mail or post is not a contact with the customer (KPI 55).

        By post it counts as a letter sent (KPI 3a).
        """
        self.env["account.move.send"].with_user(self.env.ref("base.user_admin"))._send_mail(
            self.invoice.with_user(self.env.ref("base.user_admin")),
            self.env.ref("account.email_template_edi_invoice"),
            author_id=self.ann.partner_id.id,
            body="Here is your invoice",
            subject="Invoice",
            partner_ids=self.contact.ids,
            attachments=[("invoice.pdf", b"%PDF")],
        )
        sent = self.invoice.message_ids[0]
        self.assertEqual((sent.author_id, sent.message_type), (self.ann.partner_id, "comment"))
        letter = self._message(self.invoice, "2026-11-02 09:00", self.ann)
        self.env.cr.execute(
            "UPDATE mail_message SET message_type = 'snailmail' WHERE id = %s", (letter.id,)
        )
        self.env["crm.kpi.interaction"]._kpi_derive()
        self.assertEqual(self._rows(self.invoice).mapped("channel"), ["letter"])
        self.env["crm.kpi.customer"]._kpi_derive()
        row = self.env["crm.kpi.customer"].search([("partner_id", "=", self.customer.id)])
        self.assertFalse(row.filtered("last_interaction_date"))

    def test_vendor_bills_are_not_interactions(self):
        bill = self._invoice("in_invoice")
        self._message(bill, "2026-11-02 09:00", self.ann)
        self._derive()
        self.assertFalse(self._rows(bill))

    def test_only_records_with_messages_are_marked(self):
        """Contacts and invoices without messages are not marked."""
        self._derive()
        self._invoice("out_refund")
        partner = self.env["res.partner"].create({"name": "Silent", "is_company": True})
        partner.write({"company_id": self.company.id, "name": "Silent still"})
        self.invoice.write({"partner_id": partner.id})
        self.assertFalse(self._marked("account.move"))
        self.assertFalse(self._marked("res.partner"))
        self._message(self.contact, "2026-11-02 09:00", self.ann)
        self.assertEqual(self._marked("res.partner"), {self.contact.id})

    def test_message_is_moved_and_deleted(self):
        message = self._message(self.contact, "2026-11-02 09:00", self.ann)
        other = self.env["res.partner"].create({"name": "Other", "is_company": True})
        self._derive()
        message.res_id = other.id
        self._derive()
        self.assertFalse(self._rows(self.contact))
        self.assertEqual(self._rows(other).partner_id, other)
        message.unlink()
        self._derive()
        self.assertFalse(self._rows(other))

    def test_change_of_parent(self):
        """Interactions of a contact count for its current company."""
        lead = self._lead(by=self.ann)
        self._message(lead, "2026-11-02 09:00", self.ann)
        self._message(self.contact, "2026-11-02 10:00", self.ann)
        self._message(self.invoice, "2026-11-02 11:00", self.ann)
        self._derive()
        other = self.env["res.partner"].create({"name": "Other", "is_company": True})
        self.contact.parent_id = other
        self._derive()
        for record in (lead, self.contact, self.invoice):
            self.assertEqual(self._rows(record).partner_id, other)

    def test_merge(self):
        keep = self.env["res.partner"].create({"name": "Keep", "parent_id": self.customer.id})
        lose = self.env["res.partner"].create({"name": "Lose"})
        lead = self._lead(by=self.ann, partner_id=lose.id)
        self._message(lead, "2026-11-02 09:00", self.ann)
        self._message(lose, "2026-11-03 09:00", self.ann)
        self._derive()
        self.env["base.partner.merge.automatic.wizard"]._merge((keep | lose).ids, keep)
        self._derive()
        self.assertEqual(self._rows(keep).mapped("date"), [dt("2026-11-03 09:00")])
        self.assertEqual(self._rows(keep).partner_id, self.customer)
        self.assertEqual(self._rows(lead).partner_id, self.customer)

    def test_backfill_equals_live_derivation(self):
        """The back-fill gives the same rows as the derivation message by message."""
        for day, record in enumerate((self.contact, self.customer, self.invoice), 2):
            self._message(record, f"2026-11-{day:02} 09:00", self.ann)
            self._mail_in(record, f"2026-11-{day:02} 10:00")
            self._derive()
        fields = ["res_model", "res_id", "date", "direction", "partner_id", "company_id", "is_turn"]
        rows = self.env["crm.kpi.interaction"].search([])
        before = rows.read(fields)
        self.env.cr.execute("DELETE FROM crm_kpi_interaction")
        self.env["crm.kpi.dirty"]._write_marks()
        self.env.cr.execute("DELETE FROM crm_kpi_dirty")
        self.env.invalidate_all()
        for name in ("crm.lead", "sale.order", "res.partner", "account.move"):
            self.env[name]._kpi_mark_all_dirty()
        self.assertTrue({self.contact.id, self.customer.id} <= self._marked("res.partner"))
        self._derive()
        after = self.env["crm.kpi.interaction"].search([]).read(fields)
        for values in before + after:
            del values["id"]
        self.assertEqual(after, before)
