# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The refresh: computes the values of KPIs and stores them.

In the order in which a value passes them:

============== ==================================================================
`refresh`      the steps of a refresh, in order; the scheduled refresh
`claim`        one refresh at a time: a second one waits shortly
`steps`        the steps: derive, segments, periods, sources, formulas, goals
`scope`        which KPIs and periods a refresh is about, and at which levels
`periods`      creates the periods that are needed, deletes old days and weeks
`fingerprints` count and write dates of a source's records, per period
`cache_key`    what a stored value was computed from
`due`          which values have to be computed: those whose cache key changed
`fact_query`   the records of a source as a query; `fact_periods`: their periods
`fact_plan`    the plan of the scan: filters and values of KPIs in SQL
`cohort_rows` the rows of cohorts, made once; `cohorts`: adds those that changed to the values
`by_segment`   the facts once per segment of the customer
`aggregates`   computes the aggregate KPIs of a source; `formulas`: formula KPIs
`target`       a KPI and period to store
`store`        the storing statement, one function per CTE; `values`: runs it
`planner`      settings and statistics for statements over many records
`failures`     notes a failure on the KPI or the step, so that it does not stop the others
`records`      which records are counted in a value, and why others are not
`backfill`     the queue that fills in the facts of existing records
`announce`     notifies open boards of new values
============== ==================================================================

Everything here runs as superuser and only computes and stores: values are computed for all
users and companies; which of them a user may read is decided by record rules.
"""
