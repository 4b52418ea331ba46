# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The customer program: what a company knows of its customers, in SQL.

==================  ==========================================================================
``definitions``     who is a customer, which order counts, its amount, the lifetime value
``moments``         the instants at which customers are judged: now, or the end of a period
``history``         orders, documents, contacts and referrals of customers, sorted by time
``churn``           when a silent customer is at risk, and when the customer counts as lost
``rfm``             recency, frequency and monetary value
``period``          customers at the end of periods (``crm.kpi.customer.period``)
``present``         customers now (``crm.kpi.customer``)
==================  ==========================================================================

Every function returns an :class:`odoo.tools.SQL` object; most return one common table
expression (CTE), whose columns its docstring lists. No module here imports ``models``.
"""
