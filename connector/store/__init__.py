"""The store: the truth about every person, event and problem, in SQLite or PostgreSQL.

`opening` opens and migrates it; the other modules are queries over one open transaction, one concept each. Rows never
leave this package: what goes in and comes out are frozen values, most of them of `connector.model`.
"""
