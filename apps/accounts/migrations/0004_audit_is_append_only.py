"""Let no statement change or delete an audit record; drop the tables of a list of tokens that sessions replace."""

from django.db import migrations

REFUSE = """
CREATE FUNCTION accounts_audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'Audit records are never changed or deleted.' USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON accounts_auditevent
    FOR EACH ROW EXECUTE FUNCTION accounts_audit_is_append_only();
"""
ALLOW = """
DROP TRIGGER append_only ON accounts_auditevent;
DROP FUNCTION accounts_audit_is_append_only();
"""
DROP_TOKENS = """
DROP TABLE IF EXISTS token_blacklist_blacklistedtoken;
DROP TABLE IF EXISTS token_blacklist_outstandingtoken;
DELETE FROM django_migrations WHERE app = 'token_blacklist';
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0003_proofs")]

    operations = [
        migrations.RunSQL(REFUSE, ALLOW),
        migrations.RunSQL(DROP_TOKENS, migrations.RunSQL.noop),
    ]
