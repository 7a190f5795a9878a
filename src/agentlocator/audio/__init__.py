"""Sound as a telephone line carries it: µ-law bytes, 20 ms frames, levels. Pure: no clock, no socket."""
