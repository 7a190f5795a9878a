"""The same assistant in writing: three ways to be reached, one thread per person. Never imported by the phone path."""
