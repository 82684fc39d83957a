"""What is true after a run, and whether a way back is one: asked of servers, by the run and whenever somebody asks."""

# What the command line calls every revision: all that a database has, or all that there are.
ALL = "all"
