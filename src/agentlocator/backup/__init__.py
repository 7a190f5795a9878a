"""A deployment in one file, and back: its database, its journals and media, its keys. Taken while it runs."""

from agentlocator.backup.archive import Damaged, Manifest
from agentlocator.backup.dump import ToolFailed
from agentlocator.backup.restoring import NotEmpty, restore
from agentlocator.backup.taking import take

__all__ = ["Damaged", "Manifest", "NotEmpty", "ToolFailed", "restore", "take"]
