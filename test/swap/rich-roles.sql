-- Roles of rich.sql. loader@project.iam runs the full load, named as Cloud SQL's IAM names users: no superuser, a member of owner and grantor.
DO $$
DECLARE name text;
BEGIN
  FOREACH name IN ARRAY '{rich_owner,rich_reader,rich_writer,rich_third,loader@project.iam,rich_stranger}'::text[] LOOP
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) THEN
      EXECUTE format('CREATE ROLE %I LOGIN', name);
    END IF;
  END LOOP;
END $$;
GRANT rich_owner, rich_reader TO "loader@project.iam";
