-- Roles of rich.sql. rich_loader runs the full load: no superuser, a member of owner and grantor.
DO $$
DECLARE name text;
BEGIN
  FOREACH name IN ARRAY '{rich_owner,rich_reader,rich_writer,rich_third,rich_loader,rich_stranger}'::text[] LOOP
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) THEN
      EXECUTE format('CREATE ROLE %I LOGIN', name);
    END IF;
  END LOOP;
END $$;
GRANT rich_owner, rich_reader TO rich_loader;
