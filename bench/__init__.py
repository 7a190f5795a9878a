"""Measurements of the product; nothing here is imported by it."""
