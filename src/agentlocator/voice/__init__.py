"""The shells of a call: they carry bytes between carrier, model and core, and never choose."""
