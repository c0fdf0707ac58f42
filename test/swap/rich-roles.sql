-- Roles of rich.sql. rich_loader runs the full load: no superuser, a member of owner and grantor.
CREATE ROLE rich_owner NOLOGIN;
CREATE ROLE rich_reader LOGIN;
CREATE ROLE rich_writer NOLOGIN;
CREATE ROLE rich_third NOLOGIN;
CREATE ROLE rich_loader LOGIN;
GRANT rich_owner, rich_reader TO rich_loader;
