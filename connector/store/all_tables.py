"""All tables together. They are imported from here, since SQLModel knows a table only once its module is imported."""

from connector.store import activity_tables, alert_tables, export_tables, log_tables, tables

MODULES = (tables, activity_tables, log_tables, alert_tables, export_tables)
metadata = tables.metadata
