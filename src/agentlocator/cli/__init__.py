"""The `agentlocator` command: each verb is a file, and does its work through the packages below it."""

from agentlocator.cli.main import app

__all__ = ["app"]
