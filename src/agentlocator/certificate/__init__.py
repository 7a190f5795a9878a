"""Proves by a call that a deployment works: one call that tries everything, judged, written down, taken back."""
