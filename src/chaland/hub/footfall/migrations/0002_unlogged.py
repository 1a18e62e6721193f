"""On PostgreSQL, sketches and sealed copies stay out of the journal, its archives and replicas."""

from django.db import migrations

TABLES = ("sketch", "sealedcopy")


def _unlog(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        for name in TABLES:
            table = apps.get_model("footfall", name)._meta.db_table
            schema_editor.execute(f"ALTER TABLE {schema_editor.quote_name(table)} SET UNLOGGED")


class Migration(migrations.Migration):
    dependencies = [("footfall", "0001_initial")]
    operations = [migrations.RunPython(_unlog, migrations.RunPython.noop)]
