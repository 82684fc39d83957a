"""The ways back: derived and written, held to what was there, saved before it goes, put back, restored."""
