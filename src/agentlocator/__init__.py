"""AgentLocator answers a business's phone."""
