"""Run by alembic for every command. The connection comes from city311.store.migrate, in an open transaction."""

import importlib
import pkgutil

from alembic import context

import city311.store
from city311.store.base import Base

for module in pkgutil.iter_modules(city311.store.__path__):
    if not module.ispkg:
        importlib.import_module(f"city311.store.{module.name}")

connection = context.config.attributes.get("connection")
if connection is None:
    raise RuntimeError(
        "Migrations need a connection: call city311.store.migrate.upgrade(url), or `city311 db upgrade`."
    )
context.configure(
    connection=connection,
    target_metadata=Base.metadata,
    render_as_batch=connection.dialect.name == "sqlite",
    user_module_prefix="city311.store.base.",
)
with context.begin_transaction():
    context.run_migrations()
