"""One resource, one file: a handler loads, decides, renders. Who may come is said in `routes`."""
