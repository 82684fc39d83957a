"""A small chat application with a live database, taken through the revisions that a team really shipped."""
