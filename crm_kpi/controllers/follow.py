# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from werkzeug.exceptions import NotFound

from odoo import http
from odoo.http import request


class FollowController(http.Controller):
    # no csrf: mail programs send the request; the token in the address proves where it comes from
    @http.route(
        "/crm_kpi/unsubscribe",
        type="http",
        auth="public",
        website=True,
        sitemap=False,
        methods=["GET", "POST"],
        csrf=False,
    )
    def unsubscribe(self, user_id=None, company_id=None, frequency=None, token=None, **_post):
        """End the mails about what a user follows, without login.

        Only POST ends them, because programs that check mails for viruses open each address. The
        page sends the form at once in a browser.
        """
        follows = request.env["crm.kpi.follow"]._of_token(user_id, company_id, frequency, token)
        if follows is None:
            raise NotFound()
        # superuser: the language of the user, whom the token proves
        user = request.env["res.users"].sudo().browse(int(user_id)).exists()
        request.update_context(lang=user.lang or request.env.lang)
        values = {
            "names": follows.with_context(lang=user.lang).mapped("display_name"),
            "address": request.httprequest.full_path,
            "done": request.httprequest.method == "POST",
        }
        if values["done"]:
            follows.unlink()
        return request.render("crm_kpi.follow_unsubscribe", values)
