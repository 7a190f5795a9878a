"""The weeks before today at the demonstration's two businesses: calls, people, visits and letters that fit together.

What a caller achieved was done by the product's own tools at the moment of the call; only the words are written here.
The same seed and the same moment make the same weeks. Never part of a serving process.
"""

from agentlocator.rehearsal.weeks.fill import WEEKS, fill

__all__ = ["WEEKS", "fill"]
