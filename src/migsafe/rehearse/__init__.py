"""What is tried on a scratch server before it matters: rows that fit a schema, and what a database held."""
