"""What people reach with a browser or a calendar program: pages and feeds. Never the carrier, never the model."""
