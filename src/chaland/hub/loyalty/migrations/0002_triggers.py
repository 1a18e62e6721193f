"""The database itself keeps the ledger and the consents append-only, on both engines.

Entries (and their uses of lots) are written first; the transfer's row comes last and seals them: it
is refused unless they sum to zero in each asset, and nothing can be added to it afterwards.

SQLite's INSERT OR REPLACE deletes without asking the triggers on DELETE: a row whose id or other
unique key is there already is refused before it goes in. PostgreSQL's ON CONFLICT DO UPDATE is an
UPDATE to its triggers.
"""

from django.db import migrations

FOR_GOOD = (
    "loyalty_transfer",
    "loyalty_entry",
    "loyalty_lotuse",
    "loyalty_consentevent",
    "loyalty_wording",
)
_UNIQUE = {
    "loyalty_transfer": (("id",), ("idempotency_key",)),
    "loyalty_entry": (("id",), ("account_id", "position")),
    "loyalty_lotuse": (("id",),),
    "loyalty_consentevent": (("id",), ("chain", "position")),
    "loyalty_wording": (
        ("id",),
        ("association_id", "purpose", "channel", "language", "version"),
    ),
}
_UNBALANCED = """
    SELECT 1 FROM loyalty_entry e JOIN loyalty_account a ON a.id = e.account_id
    {which} GROUP BY {transfer}a.asset_id HAVING SUM(e.amount) <> 0
"""
_SEALED = {
    "loyalty_entry": "SELECT 1 FROM {added} JOIN loyalty_transfer t ON t.id = n.transfer_id",
    "loyalty_lotuse": "SELECT 1 FROM {added} JOIN loyalty_entry e ON e.id = n.entry_id"
    " JOIN loyalty_transfer t ON t.id = e.transfer_id",
}


def _sqlite():
    for table in FOR_GOOD:
        for verb in ("UPDATE", "DELETE"):
            yield (
                f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} BEGIN"
                f" SELECT RAISE(ABORT, '{table} is append-only: no {verb}'); END"
            )
    for table, keys in _UNIQUE.items():
        for key in keys:
            same = " AND ".join(f"o.{column} = NEW.{column}" for column in key)
            yield (
                f"CREATE TRIGGER {table}_no_other_{'_'.join(key)} BEFORE INSERT ON {table}"
                f" WHEN EXISTS (SELECT 1 FROM {table} o WHERE {same}) BEGIN"
                f" SELECT RAISE(ABORT, '{table} is append-only: this {', '.join(key)} is there');"
                " END"
            )
    unbalanced = _UNBALANCED.format(which="WHERE e.transfer_id = NEW.id", transfer="")
    yield (
        f"CREATE TRIGGER loyalty_transfer_balanced BEFORE INSERT ON loyalty_transfer"
        f" WHEN EXISTS ({unbalanced}) BEGIN"
        " SELECT RAISE(ABORT, 'the entries of a transfer must sum to zero'); END"
    )
    new = {
        "loyalty_entry": "SELECT 1 FROM loyalty_transfer t WHERE t.id = NEW.transfer_id",
        "loyalty_lotuse": "SELECT 1 FROM loyalty_entry e JOIN loyalty_transfer t"
        " ON t.id = e.transfer_id WHERE e.id = NEW.entry_id",
    }
    for table, sealed in new.items():
        yield (
            f"CREATE TRIGGER {table}_sealed BEFORE INSERT ON {table} WHEN EXISTS ({sealed})"
            " BEGIN SELECT RAISE(ABORT, 'the transfer is sealed'); END"
        )


def _postgresql():
    yield (
        "CREATE FUNCTION loyalty_for_good() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " RAISE EXCEPTION '% is append-only: no %', TG_TABLE_NAME, TG_OP"
        " USING ERRCODE = 'integrity_constraint_violation'; END $$"
    )
    for table in FOR_GOOD:
        yield (
            f"CREATE TRIGGER {table}_for_good BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION loyalty_for_good()"
        )
    unbalanced = _UNBALANCED.format(
        which="JOIN added n ON n.id = e.transfer_id", transfer="e.transfer_id, "
    )
    yield _refusing("loyalty_transfer", "balanced", unbalanced, "the entries of a transfer must sum to zero")
    for table, sealed in _SEALED.items():
        yield _refusing(table, "sealed", sealed.format(added="added n"), "the transfer is sealed")


def _refusing(table, name, query, words):
    """For each statement, not each row: an import of a thousand entries asks once."""
    return (
        f"CREATE FUNCTION {table}_{name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        f" IF EXISTS ({query}) THEN RAISE EXCEPTION '{words}'"
        " USING ERRCODE = 'integrity_constraint_violation'; END IF; RETURN NULL; END $$;"
        f" CREATE TRIGGER {table}_{name} AFTER INSERT ON {table} REFERENCING NEW TABLE AS added"
        f" FOR EACH STATEMENT EXECUTE FUNCTION {table}_{name}()"
    )


def _install(apps, schema_editor):
    make = _postgresql if schema_editor.connection.vendor == "postgresql" else _sqlite
    with schema_editor.connection.cursor() as cursor:
        for statement in make():
            cursor.execute(statement)


class Migration(migrations.Migration):
    dependencies = [("loyalty", "0001_initial")]
    operations = [migrations.RunPython(_install, migrations.RunPython.noop)]
