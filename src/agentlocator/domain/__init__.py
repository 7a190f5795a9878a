"""The business: its rules, its people and its calendar, as small verbs on a scope. Knows nothing of voice."""
