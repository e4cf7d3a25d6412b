-- A page of the audit trail says where the next one begins (db/functions/search_audit.sql).
drop function if exists public.search_audit(text, text, text, text, timestamptz, timestamptz, uuid, integer);
