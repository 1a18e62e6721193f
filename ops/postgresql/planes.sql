-- Three roles and three databases: each role owns its own, and is refused on the others.
-- As the superuser, with psql; may be run again (it sets the passwords anew):
--
--   psql -v name=chaland -v association=PASSWORD -v footfall=PASSWORD -v loyalty=PASSWORD \
--        -f ops/postgresql/planes.sql
--
-- `name` begins the names of roles and databases. `chaland hub wall` says whether it holds.
\set ON_ERROR_STOP on
\set QUIET on

SELECT format('CREATE ROLE %I LOGIN NOSUPERUSER NOCREATEROLE NOCREATEDB NOREPLICATION', role)
FROM (VALUES (:'name' || '_association'), (:'name' || '_footfall'), (:'name' || '_loyalty')) AS wanted(role)
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role) \gexec

SELECT format('ALTER ROLE %I PASSWORD %L', role, password)
FROM (VALUES (:'name' || '_association', :'association'), (:'name' || '_footfall', :'footfall'),
             (:'name' || '_loyalty', :'loyalty')) AS wanted(role, password) \gexec

SELECT format('CREATE DATABASE %I OWNER %I ENCODING UTF8 TEMPLATE template0', role, role)
FROM (VALUES (:'name' || '_association'), (:'name' || '_footfall'), (:'name' || '_loyalty')) AS wanted(role)
WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = role) \gexec

-- By default anybody may connect to any database: this is the wall.
SELECT format('REVOKE ALL ON DATABASE %I FROM PUBLIC', role)
FROM (VALUES (:'name' || '_association'), (:'name' || '_footfall'), (:'name' || '_loyalty')) AS wanted(role) \gexec
