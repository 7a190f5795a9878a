"""Lists of any length: what they are sorted and searched by. Who came in, and which operator entered which business."""

from __future__ import annotations

import re
import unicodedata

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

ROLE = "agentlocator_app"
ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite")
ORDERED = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
IN_SCOPE = "nullif(current_setting('app.business_id', true), '')::bigint"
OPERATOR = "coalesce(current_setting('app.operator', true), '') = 'on'"
INDEXES = (
    ("lead", ("business_id", "stage_id", "last_activity_at")),
    ("call", ("business_id", "lead_id", "id")),
    ("call", ("business_id", "outcome", "id")),
    ("appointment", ("business_id", "lead_id")),
    ("appointment", ("business_id", "created_at")),
    ("tool_call", ("business_id", "call_sid")),
    ("conversation", ("business_id", "last_message_at")),
)
WAITING = sa.text("needs_person <> ''")
MOST_TERMS = 64
BATCH = 500


def upgrade() -> None:
    for table, columns in INDEXES:
        op.create_index(op.f(f"ix_{table}_{'_'.join(columns)}"), table, list(columns))
    op.create_index(
        "ix_conversation_waiting",
        "conversation",
        ["business_id", "last_message_at"],
        sqlite_where=WAITING,
        postgresql_where=WAITING,
    )
    _create_lead_term()
    _create_accounts()
    if op.get_bind().dialect.name == "postgresql":
        op.execute(f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {ROLE}")
        _secure("lead_term", f"business_id = {IN_SCOPE}")
        _secure("operator_entry", OPERATOR)
        _secure("account_event", OPERATOR)
    _fill_lead_term()


def downgrade() -> None:
    op.drop_table("account_event")
    op.drop_table("operator_entry")
    op.drop_table("lead_term")
    op.drop_index("ix_conversation_waiting", "conversation")
    for table, columns in reversed(INDEXES):
        op.drop_index(op.f(f"ix_{table}_{'_'.join(columns)}"), table)


def _create_lead_term() -> None:
    _create(
        "lead_term",
        sa.Column("business_id", ID, nullable=False),
        sa.Column("lead_id", ID, nullable=False),
        sa.Column("term", ORDERED, nullable=False),
        _refers("lead_term", "business_id", "business"),
        sa.ForeignKeyConstraint(
            ["business_id", "lead_id"],
            ["lead.business_id", "lead.id"],
            name=op.f("fk_lead_term_business_id_lead_id"),
        ),
        sa.UniqueConstraint("business_id", "lead_id", "term", name=op.f("uq_lead_term_business_id_lead_id_term")),
    )
    op.create_index(op.f("ix_lead_term_business_id_term_lead_id"), "lead_term", ["business_id", "term", "lead_id"])


def _create_accounts() -> None:
    _create(
        "operator_entry",
        sa.Column("account_id", ID, nullable=False),
        sa.Column("business_id", ID, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("began_at", INSTANT, nullable=False),
        sa.Column("ends_at", INSTANT, nullable=False),
        _refers("operator_entry", "account_id", "account"),
        _refers("operator_entry", "business_id", "business"),
    )
    op.create_index(op.f("ix_operator_entry_account_id_ends_at"), "operator_entry", ["account_id", "ends_at"])
    op.create_index(op.f("ix_operator_entry_business_id"), "operator_entry", ["business_id"])
    _create(
        "account_event",
        sa.Column("account_id", ID, nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("browser", sa.Text(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        _refers("account_event", "account_id", "account"),
    )
    op.create_index(op.f("ix_account_event_account_id_id"), "account_event", ["account_id", "id"])


def _fill_lead_term() -> None:
    """Makes the leads that are there findable. Row security holds for the owner too, so a business at a time."""
    connection = op.get_bind()
    is_postgresql = connection.dialect.name == "postgresql"
    _tell(connection, is_postgresql, "app.operator", "on")
    businesses = list(connection.execute(sa.text("SELECT id FROM business ORDER BY id")).scalars())
    for business_id in businesses:
        _tell(connection, is_postgresql, "app.business_id", str(business_id))
        _fill_business(connection, business_id)
    _tell(connection, is_postgresql, "app.business_id", "")
    _tell(connection, is_postgresql, "app.operator", "")


def _fill_business(connection: sa.Connection, business_id: int) -> None:
    after = 0
    while True:
        rows = connection.execute(
            sa.text(
                "SELECT id, name, need, city, email, phone_e164, phone_raw, phone_kind FROM lead "
                "WHERE business_id = :business_id AND id > :after ORDER BY id LIMIT :batch"
            ),
            {"business_id": business_id, "after": after, "batch": BATCH},
        ).all()
        if not rows:
            return
        after = rows[-1].id
        values = [
            {"business_id": business_id, "lead_id": row.id, "term": term}
            for row in rows
            for term in _terms(
                (row.name, row.city, row.email, row.need), row.phone_e164 or row.phone_raw, row.phone_kind
            )
        ]
        if values:
            connection.execute(
                sa.text("INSERT INTO lead_term (business_id, lead_id, term) VALUES (:business_id, :lead_id, :term)"),
                values,
            )


def _terms(texts: tuple[str | None, ...], phone: str, phone_kind: str) -> list[str]:
    # As `domain.lead_terms` said it when this was written; a migration does not change with it.
    digits = "" if phone_kind == "withheld" else re.sub(r"\D", "", phone)
    if phone.startswith("+972"):
        digits = "0" + digits[3:]
    found = [digits[start:] for start in range(max(0, len(digits) - 2))]
    for text in texts:
        found += _words(text or "")
    return list(dict.fromkeys(found))[:MOST_TERMS]


def _words(text: str) -> list[str]:
    folded = unicodedata.normalize("NFKD", text.casefold())
    bare = "".join(letter for letter in folded if unicodedata.category(letter) != "Mn" and letter not in "'\"׳״`´’”")
    return [word[:40] for word in re.split(r"[\W_]+", bare) if word]


def _tell(connection: sa.Connection, is_postgresql: bool, setting: str, value: str) -> None:
    if is_postgresql:
        connection.execute(sa.text("SELECT set_config(:setting, :value, true)"), {"setting": setting, "value": value})


def _create(table: str, *parts: sa.Column[object] | sa.Constraint) -> None:
    op.create_table(
        table,
        sa.Column("id", ID, nullable=False),
        *parts,
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
        sqlite_autoincrement=True,
    )


def _refers(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{target}.id"], name=op.f(f"fk_{table}_{column}"))


def _secure(table: str, rule: str) -> None:
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY own ON {table} USING ({rule}) WITH CHECK ({rule})")
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {ROLE}")
