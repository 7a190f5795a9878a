"""What every test may ask for."""

pytest_plugins = ["town", "databases"]
