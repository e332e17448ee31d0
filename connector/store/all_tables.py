"""All tables together: whoever asks for every one of them asks here, since a table is known once its module is read."""

from connector.store import activity_tables, alert_tables, export_tables, log_tables, tables

MODULES = (tables, activity_tables, log_tables, alert_tables, export_tables)
metadata = tables.metadata
