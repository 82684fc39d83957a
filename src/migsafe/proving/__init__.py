"""What is true after a run, and whether a way back is one: asked of servers, by the run and whenever somebody asks."""
