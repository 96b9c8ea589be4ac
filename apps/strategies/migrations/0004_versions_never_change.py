"""Let no statement change a version of a strategy; it goes only with the strategy."""

from django.db import migrations

REFUSE = """
CREATE FUNCTION strategies_version_never_changes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'Versions of strategies are never changed.' USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER never_changes BEFORE UPDATE ON strategies_strategyversion
    FOR EACH ROW EXECUTE FUNCTION strategies_version_never_changes();
"""
ALLOW = """
DROP TRIGGER never_changes ON strategies_strategyversion;
DROP FUNCTION strategies_version_never_changes();
"""


class Migration(migrations.Migration):
    dependencies = [("strategies", "0003_first_versions")]

    operations = [migrations.RunSQL(REFUSE, ALLOW)]
