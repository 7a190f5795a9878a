"""The database: its tables, its migrations, and the one door to a business's rows."""

from agentlocator.db.engine import Database
from agentlocator.db.scope import Operator, Scope, Unscoped

__all__ = ["Database", "Operator", "Scope", "Unscoped"]
