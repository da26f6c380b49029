"""What Alembic runs: the migrations, over the connection that `migrate` opened and locked."""

from alembic import context

from earmark.migrations.tables import all_tables

context.configure(
    connection=context.config.attributes["connection"], target_metadata=all_tables(), render_as_batch=True
)
context.run_migrations()
