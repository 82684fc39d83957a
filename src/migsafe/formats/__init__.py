"""How a Report or a Plan is shown: one file a format. Imports only the model."""
