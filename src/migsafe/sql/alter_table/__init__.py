"""The subcommands of ALTER TABLE, a file a family; predict/alter_table.py hands them over."""
