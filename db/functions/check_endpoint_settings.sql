-- Refuses what an endpoint cannot be given, and returns its filter as it is kept: each entry once, * alone where it is there.
-- p_event_types is a json array of types (payment.paid), families (payment.*) or *.
-- Errors: LS149 invalid_endpoint (the detail names the field).
create or replace function public.check_endpoint_settings(p_url text, p_event_types jsonb, p_description text) returns text[]
language plpgsql immutable set search_path = '' as $$
declare
  v_types text[];
begin
  -- As on the client's page: plain http only for the sandbox's endpoints on this machine.
  if coalesce(p_url, '') !~ '^(https://[^\s/]|http://127\.0\.0\.1:[0-9]+/merchant/webhook/)' or p_url ~ '\s' or length(p_url) > 2000 then
    raise exception using errcode = 'LS149', message = 'the address must start with https://', detail = 'url',
      hint = 'Events are not sent over plain http.';
  elsif length(p_description) > 200 then
    raise exception using errcode = 'LS149', message = 'the description is longer than 200 characters', detail = 'description', hint = 'Shorten it.';
  end if;
  if jsonb_typeof(p_event_types) = 'array' then
    select array_agg(distinct btrim(value)) into v_types from jsonb_array_elements_text(p_event_types);
  end if;
  if v_types is null or cardinality(v_types) > 30
      or exists (select from unnest(v_types) one where one is null or one !~ '^(\*|[a-z]+\.(\*|[a-z_]+))$') then
    raise exception using errcode = 'LS149', message = 'the filter names no events', detail = 'event_types',
      hint = 'Give types such as payment.paid, families such as refund.*, or * for all; 30 at most.';
  end if;
  return case when '*' = any (v_types) then '{*}' else v_types end;
end
$$;
revoke all on function public.check_endpoint_settings from public;
