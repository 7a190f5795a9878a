"""The dashboard: what an owner and an operator look at, in Hebrew, right-to-left.

Pages are rendered on the server and work without a script; htmx makes them quicker, and nothing is fetched from
another origin. It never talks to a carrier or a model, and shows nobody a business that is not his.
"""

from agentlocator.web.house import House
from agentlocator.web.routes import routes

__all__ = ["House", "routes"]
