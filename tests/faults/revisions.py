"""The revisions of the fault matrix, and the database that they start from."""

BASE = """
CREATE TYPE mood AS ENUM ('calm');
CREATE TABLE accounts (
    id integer PRIMARY KEY, balance bigint NOT NULL, note text, mood mood NOT NULL DEFAULT 'calm'
);
CREATE TABLE orders (id integer PRIMARY KEY, account_id integer NOT NULL REFERENCES accounts, amount bigint NOT NULL);
CREATE INDEX ix_accounts_note ON accounts (note);
INSERT INTO accounts SELECT n, n * 10, 'note ' || n FROM generate_series(1, 200) AS n;
INSERT INTO orders SELECT n, 1 + n % 200, n FROM generate_series(1, 400) AS n;
CREATE TABLE alembic_version (version_num varchar(32) NOT NULL CONSTRAINT alembic_version_pkc PRIMARY KEY);
INSERT INTO alembic_version VALUES ('f00');
ANALYZE;
"""

# What is done twice is seen: every one of these has rows that are counted up, or that may be there once.
TRANSACTIONAL = """
op.add_column("accounts", sa.Column("rank", sa.Integer))
op.execute("UPDATE accounts SET balance = balance + 1 WHERE id <= 100")
op.execute("INSERT INTO orders VALUES (9001, 1, 1)")
op.execute("ALTER TABLE orders ADD CONSTRAINT amount_is_positive CHECK (amount > 0) NOT VALID")
"""

AUTOCOMMIT = """
with op.get_context().autocommit_block():
    op.create_index("ix_orders_amount", "orders", ["amount"], postgresql_concurrently=True)
    op.execute("ALTER TYPE mood ADD VALUE 'glad'")
    op.execute("UPDATE accounts SET balance = balance + 1 WHERE id <= 100")
    op.execute("INSERT INTO orders SELECT max(id) + 1, 1, 1 FROM orders")
    op.drop_index("ix_accounts_note", postgresql_concurrently=True)
"""

MIXED = """
op.add_column("orders", sa.Column("paid", sa.Boolean))
op.execute("UPDATE accounts SET balance = balance + 1 WHERE id <= 100")
with op.get_context().autocommit_block():
    op.execute("SET application_name = 'of a revision'")
    op.create_index("ix_orders_account", "orders", ["account_id"], postgresql_concurrently=True)
    op.execute("ALTER TYPE mood ADD VALUE 'glum'")
    op.execute("UPDATE orders SET amount = amount + 1 WHERE id <= 50")
op.execute("INSERT INTO orders SELECT max(id) + 1, 1, 1 FROM orders")
op.execute("ALTER TABLE accounts ALTER mood SET DEFAULT 'glum'")
"""

LAST = """
op.create_table("seen", sa.Column("account_id", sa.Integer, sa.ForeignKey("accounts.id")), sa.Column("n", sa.Integer))
op.execute("INSERT INTO seen SELECT id, balance FROM accounts")
"""

STORIES = {
    "transactional": (TRANSACTIONAL,),
    "autocommit": (AUTOCOMMIT,),
    "mixed": (MIXED,),
    "multi": (TRANSACTIONAL, MIXED, LAST),
}
