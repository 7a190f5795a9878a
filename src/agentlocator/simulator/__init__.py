"""Stand-ins for a call's peers (carrier, model, caller) that know only what the real ones know."""
