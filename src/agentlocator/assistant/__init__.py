"""The assistant's side of the business: what it is told, what it may do, and how times and digits are spoken."""
