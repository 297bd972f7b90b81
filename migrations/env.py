"""Run migrations on the connection that is handed in; alone (``alembic check``), on ``-x ledger=PATH``."""

from alembic import context
from sqlalchemy import Connection, create_engine

from fetcher.ledger.schema import metadata


def _run(connection: Connection) -> None:
    context.configure(connection=connection, target_metadata=metadata, render_as_batch=True, transactional_ddl=True)
    with context.begin_transaction():
        context.run_migrations()


handed_in: Connection | None = context.config.attributes.get("connection")
if handed_in is not None:
    _run(handed_in)
else:
    with create_engine(f"sqlite:///{context.get_x_argument(as_dictionary=True)['ledger']}").connect() as own:
        _run(own)
        own.commit()
