"""The words: frozen values without behaviour beyond derived properties. Imports nothing of migsafe."""
