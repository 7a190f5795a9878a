"""Brings a deployment to life: looks at its accounts and its address, and wires its numbers at the carrier."""
