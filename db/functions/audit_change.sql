-- Records who changed a row of configuration, before and after, whichever way the change came (studio, SQL client, script).
-- The actor is the setting app.actor (the studio sets it to the user's id) or, without one, the database role.
-- Secrets are recorded as changed, never with their value, not even as ciphertext.
-- On transactions and attempts it fires only for changes that did not come through the application's own roles.
create or replace function public.audit_change() returns trigger
language plpgsql security definer set search_path = '' as $$
declare
  v_secret constant text[] := array['client_salt', 'previous_client_salt', 'webhook_secret', 'previous_webhook_secret',
    'api_secret',
    -- holds the payer's status token
    'presentation'];
  v_noise constant text[] := array['updated_at'];
  v_before jsonb := case when tg_op <> 'INSERT' then to_jsonb(old) end;
  v_after jsonb := case when tg_op <> 'DELETE' then to_jsonb(new) end;
  v_row jsonb := coalesce(v_after, v_before);
  v_changed text[];
begin
  if tg_op = 'UPDATE' then
    select array_agg(n.key) into v_changed
      from jsonb_each(v_after) n join jsonb_each(v_before) o using (key)
      where n.value is distinct from o.value and n.key <> all (v_noise);
    if v_changed is null then
      return null;
    end if;
    select jsonb_object_agg(key, case when key = any (v_secret) and value <> 'null' then '"(secret)"' else value end)
      into v_before from jsonb_each(v_before) where key = any (v_changed);
    select jsonb_object_agg(key, case when key = any (v_secret) and value <> 'null' then '"(new secret)"' else value end)
      into v_after from jsonb_each(v_after) where key = any (v_changed);
  else
    select jsonb_object_agg(key, case when key = any (v_secret) and value <> 'null' then '"(secret)"' else value end)
      into v_before from jsonb_each(v_before);
    select jsonb_object_agg(key, case when key = any (v_secret) and value <> 'null' then '"(secret)"' else value end)
      into v_after from jsonb_each(v_after);
  end if;
  insert into public.audit_log (actor, database_role, address, action, table_name, row_id, before, after)
  values (
    coalesce(nullif(current_setting('app.actor', true), ''), session_user),
    session_user,
    coalesce(nullif(current_setting('app.address', true), ''), host(inet_client_addr())),
    lower(tg_op),
    tg_table_name,
    coalesce(v_row ->> 'id', v_row ->> 'client_id'),
    v_before,
    v_after);
  return null;
end
$$;
revoke all on function public.audit_change from public;
-- for triggers on the studio's own tables
grant execute on function public.audit_change to studio;

create or replace trigger clients_audit after insert or update or delete on public.clients
  for each row execute function public.audit_change();
create or replace trigger payment_gateways_audit after insert or update or delete on public.payment_gateways
  for each row execute function public.audit_change();
create or replace trigger wallets_audit after update of warn_threshold on public.wallets
  for each row when (session_user in ('checkout', 'jobs', 'studio')) execute function public.audit_change();
create or replace trigger wallets_audit_by_hand after update or delete on public.wallets
  for each row when (session_user not in ('checkout', 'jobs', 'studio')) execute function public.audit_change();
create or replace trigger transactions_audit_by_hand after update or delete on public.transactions
  for each row when (session_user not in ('checkout', 'jobs')) execute function public.audit_change();
create or replace trigger payment_attempts_audit_by_hand after update or delete on public.payment_attempts
  for each row when (session_user not in ('checkout', 'jobs')) execute function public.audit_change();
create or replace trigger payment_links_audit after insert or update or delete on public.payment_links
  for each row when (session_user not in ('checkout', 'jobs')) execute function public.audit_change();
create or replace trigger refunds_audit_by_hand after insert or update or delete on public.refunds
  for each row when (session_user not in ('checkout', 'jobs', 'studio')) execute function public.audit_change();
create or replace trigger disputes_audit_by_hand after insert or update or delete on public.disputes
  for each row when (session_user not in ('checkout', 'jobs', 'studio')) execute function public.audit_change();
create or replace trigger whatsapp_templates_audit after insert or update or delete on public.whatsapp_templates
  for each row execute function public.audit_change();
create or replace trigger company_profile_audit after insert or update or delete on public.company_profile
  for each row execute function public.audit_change();
create or replace trigger adjustments_audit_by_hand after insert or update or delete on public.adjustments
  for each row when (session_user not in ('checkout', 'jobs', 'studio')) execute function public.audit_change();
create or replace trigger payouts_audit_by_hand after insert or update or delete on public.payouts
  for each row when (session_user not in ('checkout', 'jobs', 'studio')) execute function public.audit_change();
