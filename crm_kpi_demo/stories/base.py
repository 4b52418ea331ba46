# Copyright 2026 crm_kpi contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).


class Story:
    """One part of the demo data. Each story has a file of its own."""

    #: Identifies the story; a story is written once per database.
    name = ""
    #: Addons that must be installed.
    requires = ()
    #: Prefix of the external identifiers of records that the story needs once it is written.
    #: They go when their app is uninstalled, and the story stays without them.
    needs = None
    #: Models whose dates are set by SQL: their stamps are filled in again by the back-fill.
    stamped = ()
    #: Models whose facts are derived once all stories are written.
    derived = ()
    #: Tables without a fact that get many rows.
    tables = ()

    def __init__(self, demo):
        """
        :param demo: the :class:`~..demo.Demo` that is loaded
        """
        self.demo, self.env = demo, demo.env

    def create_records(self):
        """Create the records of other apps. They stay when the KPIs are uninstalled."""
        raise NotImplementedError

    def create_kpi_records(self):
        """Create what goes when the KPIs are uninstalled: their records, fields and groups.

        Called by each load, so it leaves alone what is there already.
        """

    def create_goals(self):
        """Create the missing goals of the story, after the first refresh; returns them."""
        return self.env["crm.kpi.goal"]
