-- What must be equal for a redirect URL to count as registered: scheme, host, port and path, without the query. Null for what is
-- no plain address to send a browser to. Stricter than the URL standard: what has to be normalised beyond the host's case and a
-- port that goes without saying equals nothing else.
create or replace function public.redirect_target(p_url text) returns text
language sql immutable parallel safe set search_path = '' as $$
  select scheme || '://' || lower(host) || case when port is null or (scheme, port) in (('http', '80'), ('https', '443')) then '' else ':' || port end
      || coalesce(path, '/')
    from regexp_match(p_url, '^(https?)://([A-Za-z0-9.-]+)(?::(\d{1,5}))?(/[^?#]*)?(?:[?#].*)?$') m,
      lateral (select m[1] as scheme, m[2] as host, m[3] as port, m[4] as path) parts
$$;
revoke all on function public.redirect_target from public;
